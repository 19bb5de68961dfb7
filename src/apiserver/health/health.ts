// `/healthz`, `/livez`, `/readyz` and `/metrics`: is the server well, and what has it been doing.

import type { Metrics } from '../../base/metrics.ts'
import type { ApiRequest, ApiResponse } from '../../client/door.ts'
import type { RequestContext } from '../registry/context.ts'
import type { PathHandler } from '../server.ts'

/** undefined: well; otherwise what is wrong, which only the log and the check's own path say. */
export type Check = () => string | undefined

export interface HealthOptions {
  /** By name; all of them make up each of the three paths. */
  checks: Readonly<Record<string, Check>>
  /** Further ones for `/readyz` alone: what keeps a live server from answering. */
  readiness?: Readonly<Record<string, Check>>
  metrics?: Metrics
}

const ROOTS = ['healthz', 'livez', 'readyz']

export function health({ checks, readiness = {}, metrics }: HealthOptions): PathHandler {
  return (request, context) => {
    const [root = '', name, ...rest] = request.path.replace(/^\/|\/$/g, '').split('/')
    if (root === 'metrics' && name === undefined && metrics) {
      return text(200, metrics.text(), context, 'text/plain; version=0.0.4; charset=utf-8')
    }
    if (!ROOTS.includes(root) || rest.length > 0) return undefined
    const all = root === 'readyz' ? { ...checks, ...readiness } : checks
    if (name === undefined) return answerAll(root, all, request, context)
    return Object.hasOwn(all, name) ? answerOne(all[name], context) : undefined
  }
}

function answerOne(check: Check | undefined, context: RequestContext): ApiResponse {
  const wrong = outcome(check)
  return wrong === undefined ? text(200, 'ok', context) : text(500, `internal server error: ${wrong}\n`, context)
}

function outcome(check: Check | undefined): string | undefined {
  try {
    return check?.()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function answerAll(
  root: string,
  checks: Readonly<Record<string, Check>>,
  request: ApiRequest,
  context: RequestContext,
): ApiResponse {
  const excluded = new Set(request.query.getAll('exclude').flatMap((v) => v.split(',')))
  const lines: string[] = []
  let failed = false
  for (const [name, check] of Object.entries(checks)) {
    if (excluded.delete(name)) {
      lines.push(`[+]${name} excluded: ok`)
      continue
    }
    const wrong = outcome(check)
    if (wrong !== undefined) failed = true
    lines.push(wrong === undefined ? `[+]${name} ok` : `[-]${name} failed: reason withheld`)
  }
  excluded.delete('')
  if (excluded.size > 0) {
    const names = [...excluded].map((name) => JSON.stringify(name)).join(',')
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`)
  }
  if (failed) return text(500, `${lines.join('\n')}\n${root} check failed\n`, context)
  if (!request.query.has('verbose')) return text(200, 'ok', context)
  return text(200, `${lines.join('\n')}\n${root} check passed\n`, context)
}

function text(
  status: number,
  body: string,
  context: RequestContext,
  contentType = 'text/plain; charset=utf-8',
): ApiResponse {
  const headers = {
    'content-type': contentType,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache, private',
    'audit-id': context.requestID,
  }
  return { status, headers, body: { kind: 'bytes', bytes: Buffer.from(body) } }
}
