// Passes requests for aggregated group versions on to their services: authorised here, under the caller's name there.

import type { IncomingMessage } from 'node:http'
import type { Logger } from '../../base/log.ts'
import type { Clock } from '../../base/clock.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { ApiRequest, ApiResponse, Identity } from '../../client/door.ts'
import { forwardedHeaders, proxyUpgrade } from '../../streams/upgrade/proxy.ts'
import { isTrue } from '../request-info.ts'
import type { RequestContext } from '../registry/context.ts'
import { answerOnSocket, refuseOnSocket } from '../socket-answer.ts'
import type { Upgrade } from '../upgrades.ts'
import type { Aggregated, Aggregation } from './aggregation.ts'
import { isAvailable } from './availability.ts'
import { askBackend, askingText, type Backend, identityHeaders, urlOf } from './backend.ts'
import { wholeAnswer } from './whole-answers.ts'

const HOP_BY_HOP = new Set(
  'connection keep-alive proxy-authenticate proxy-connection te trailer transfer-encoding upgrade'.split(' '),
)

/** The aggregated group version that a path is about. Documents of OpenAPI are the backend's too. */
export function aggregatedPath(
  aggregation: Aggregation,
  path: string,
): { service: Aggregated; path: string } | undefined {
  // Nearly always there is none, and every request comes by here.
  if (aggregation.isEmpty) return undefined
  const segments = path.split('/').filter((segment) => segment !== '')
  const at = segments[0] === 'openapi' && segments[1] === 'v3' ? 2 : 0
  if (segments[at] !== 'apis' || segments.length < at + 3) return undefined
  const [group = '', version = ''] = segments.slice(at + 1).map(decoded)
  const service = aggregation.find(group, version)
  // As it was authorised: without the slashes that count for nothing here.
  return service && { service, path: `/${segments.join('/')}` }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** Two parsers may disagree about a slash inside of a name: what was authorised must be what is asked. */
function checkUnambiguous(path: string): void {
  if (/%2f/i.test(path)) throw errors.badRequest('invalid URL path: an encoded slash cannot be passed on')
}

export type Aggregator = (request: ApiRequest, context: RequestContext) => Promise<ApiResponse> | undefined

export function aggregator(aggregation: Aggregation, log: Logger): Aggregator {
  return (request, context) => {
    const found = aggregatedPath(aggregation, request.path)
    return found && proxied(aggregation, { ...found, request, context, log })
  }
}

interface Passed {
  service: Aggregated
  path: string
  request: ApiRequest
  context: RequestContext
  log: Logger
}

async function proxied(aggregation: Aggregation, passed: Passed): Promise<ApiResponse> {
  const { service, path, request, context, log } = passed
  checkUnambiguous(path)
  const backend = reachable(aggregation, service)
  if (!backend) return unavailable(request, 'service unavailable')
  const body = request.body ?? (request.object === undefined ? undefined : Buffer.from(JSON.stringify(request.object)))
  const headers = passedHeaders(request, context)
  if (body && body.length > 0) headers['content-length'] = String(body.length)
  try {
    const answer = await askBackend(backend, {
      method: request.method,
      path: withQuery(path, request),
      headers,
      ...(body && body.length > 0 ? { body } : {}),
      signal: request.signal,
    })
    return await answerOf(answer, request)
  } catch (error) {
    if (error instanceof errors.StatusError) throw error
    log.debug('Failed to reach an aggregated API', { apiService: service.metadata.name, error })
    return unavailable(request, `error trying to reach service: ${askingText(backend, error)}`)
  }
}

/** undefined: not now. */
function reachable(aggregation: Aggregation, service: Aggregated): Backend | undefined {
  if (!isAvailable(service)) return undefined
  try {
    return aggregation.backend(service)
  } catch (error) {
    if (error instanceof errors.StatusError) return undefined
    throw error
  }
}

const withQuery = (path: string, { query }: ApiRequest): string =>
  query.size > 0 ? `${path}?${query.toString()}` : path

function passedHeaders(
  request: ApiRequest,
  { identity, requestID }: RequestContext,
): Record<string, string | string[]> {
  const headers = forwardedHeaders({ headers: request.headers } as IncomingMessage)
  if (request.remoteAddress) {
    const before = request.headers['x-forwarded-for']
    headers['x-forwarded-for'] = before ? `${before}, ${request.remoteAddress}` : request.remoteAddress
  }
  headers['audit-id'] = requestID
  if (request.object !== undefined) headers['content-type'] ??= 'application/json'
  return { ...headers, ...identityHeaders(identity) }
}

async function answerOf(answer: IncomingMessage, request: ApiRequest): Promise<ApiResponse> {
  const status = answer.statusCode ?? 502
  if (status >= 300 && status <= 399 && answer.headers.location !== undefined) {
    answer.destroy()
    return plainText(502, 'the backend attempted to redirect this request, which is not permitted')
  }
  const headers = answerHeaders(answer)
  if (request.identity !== undefined) return wholeAnswer(answer, headers, isTrue(request.query.get('watch')))
  return { status, headers, body: { kind: 'stream', chunks: answer } }
}

function answerHeaders(answer: IncomingMessage): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  const named = new Set((answer.headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name) && !named.has(name)) headers[name] = value
  }
  return headers
}

/** Upstream answers so in plain text; components of this process read Statuses. */
function unavailable({ identity }: ApiRequest, text: string): ApiResponse {
  if (identity !== undefined) throw errors.serviceUnavailable(text)
  return plainText(503, text)
}

function plainText(status: number, text: string): ApiResponse {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }
  return { status, headers, body: { kind: 'bytes', bytes: Buffer.from(`${text}\n`) } }
}

export interface UpgradeOptions {
  clock: Clock
  log: Logger
  authorizeRequest(request: ApiRequest): Promise<RequestContext>
}

/** Upgrades go where the other requests go, after the same checks. */
export function aggregatedUpgrade(aggregation: Aggregation, options: UpgradeOptions): Upgrade {
  const find = (url: string): ReturnType<typeof aggregatedPath> =>
    aggregatedPath(aggregation, url.split('?', 1)[0] ?? '/')
  return {
    takes: ({ url = '/' }) => find(url) !== undefined,
    async handle(request, message, socket, head) {
      let identity: Identity
      try {
        checkUnambiguous(request.path)
        identity = (await options.authorizeRequest(request)).identity
      } catch (error) {
        if (!(error instanceof errors.StatusError))
          options.log.error('Failed to answer an upgrade', { path: request.path, error })
        return refuseOnSocket(socket, error)
      }
      const found = find(request.path)
      const backend = found && reachable(aggregation, found.service)
      if (!found || !backend) return answerOnSocket(socket, plainText(503, 'service unavailable'))
      const { clock } = options
      const target = {
        url: urlOf(backend, withQuery(found.path, request)),
        host: new URL(backend.origin).host,
        tls: backend.tls,
        headers: identityHeaders(identity),
      }
      await proxyUpgrade(message, socket, head, target, { clock, signal: request.signal })
    },
  }
}
