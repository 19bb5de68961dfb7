// Plain requests through `nodes/proxy`, `pods/proxy` and `services/proxy`: passed on without the caller's credentials, answered as they come.

import type { IncomingMessage } from 'node:http'
import { forwardedHeaders } from '../../streams/upgrade/proxy.ts'
import type { ApiRequest, ApiResponse } from '../../client/door.ts'
import type { RequestInfo } from '../request-info.ts'
import { ask, type KubeletCredentials } from './backend.ts'
import { originOf, type Target } from './targets.ts'

/** Headers about the connection to the backend, which are none of the client's. */
const HOP_BY_HOP = new Set(
  'connection keep-alive proxy-authenticate proxy-connection te trailer transfer-encoding upgrade'.split(' '),
)

/** What stands behind `/proxy` in the path, as it came; '' when nothing does. */
export function pathBehindProxy(path: string, info: RequestInfo): string {
  const mark = /^\/+api\/+v1\/+(?:namespaces\/+[^/]+\/+)?(?:nodes|pods|services)\/+[^/]+\/+proxy(\/.*)?$/.exec(path)
  if (mark) return mark[1] ?? ''
  return info.rest.map((part) => `/${encodeURIComponent(part)}`).join('')
}

export async function proxyRequest(
  request: ApiRequest,
  info: RequestInfo,
  target: Target,
  kubelet: KubeletCredentials | undefined,
): Promise<ApiResponse> {
  const behind = pathBehindProxy(request.path, info)
  const search = request.query.size > 0 ? `?${request.query.toString()}` : ''
  if (behind === '' && (request.method === 'GET' || request.method === 'HEAD')) {
    // Relative links of the page behind would lead astray without the slash.
    return { status: 301, headers: { location: `${request.path}/${search}` }, body: { kind: 'empty' } }
  }
  const body = request.body ?? (request.object === undefined ? undefined : Buffer.from(JSON.stringify(request.object)))
  const headers = forwardedHeaders({ headers: request.headers } as IncomingMessage)
  headers['x-forwarded-uri'] = request.path
  if (request.headers['host']) headers['x-forwarded-host'] = request.headers['host']
  headers['x-forwarded-proto'] = 'https'
  if (body) headers['content-length'] = String(body.length)
  const asked = {
    method: request.method,
    path: `${behind === '' ? '/' : behind}${search}`,
    headers,
    ...(body ? { body } : {}),
    signal: request.signal,
  }
  const answer = await ask(target, asked, kubelet)
  const root = behind === '' ? request.path : request.path.slice(0, -behind.length)
  return {
    status: answer.statusCode ?? 502,
    headers: answerHeaders(answer, target, root),
    body: { kind: 'stream', chunks: answer },
  }
}

function answerHeaders(answer: IncomingMessage, target: Target, root: string): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  const named = new Set((answer.headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value === undefined || HOP_BY_HOP.has(name) || named.has(name)) continue
    headers[name] = value
  }
  const { location } = answer.headers
  if (location !== undefined) headers['location'] = redirected(location, target, root)
  return headers
}

/** A redirect within the backend leads through the proxy again; one to elsewhere is left to the client. */
function redirected(location: string, target: Target, root: string): string {
  const origin = originOf(target)
  if (location.startsWith('/') && !location.startsWith('//')) return root + location
  if (location === origin || location.startsWith(`${origin}/`)) return `${root}${location.slice(origin.length) || '/'}`
  return location
}
