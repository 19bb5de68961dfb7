// Short questions to a cluster's API server, as the administrator: is it ready, are its nodes.

import { request } from 'node:https'
import type { ClusterState } from './state.ts'

export interface Administrator {
  /** PEM. */
  readonly caCertificate: string
  readonly certificate: string
  readonly key: string
}

const REQUEST_TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

export interface Answer {
  readonly status: number
  readonly body: string
}

export interface Question {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: object
  readonly signal?: AbortSignal | undefined
}

export function ask(
  state: Pick<ClusterState, 'port'>,
  administrator: Administrator,
  { method = 'GET', path, body, signal }: Question,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: state.port,
        path,
        method,
        ca: administrator.caCertificate,
        cert: administrator.certificate,
        key: administrator.key,
        agent: false,
        timeout: REQUEST_TIMEOUT_MS,
        headers: { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(signal ? { signal } : {}),
      },
      (response) => {
        const parts: Buffer[] = []
        let size = 0
        response.on('data', (part: Buffer) => {
          size += part.length
          if (size > MAX_ANSWER_BYTES) response.destroy(new Error('The answer is too large'))
          else parts.push(part)
        })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }))
        response.on('error', reject)
      },
    )
    sent.on('timeout', () => sent.destroy(new Error('The server does not answer')))
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

export async function isReady(
  state: ClusterState,
  administrator: Administrator,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    return (await ask(state, administrator, { path: '/readyz', signal })).status === 200
  } catch {
    return false
  }
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly lastHeartbeatTime?: string | null
}

interface NodeObject {
  readonly metadata: { readonly name: string }
  readonly status?: { readonly conditions?: readonly Condition[] }
}

/** Whether each node of the server is ready, by name. What an agent said before `sinceMs` of its node does not count: it may have ended then. */
export async function nodesReady(
  state: ClusterState,
  administrator: Administrator,
  { signal, sinceMs = new Map() }: { signal?: AbortSignal; sinceMs?: ReadonlyMap<string, number> } = {},
): Promise<Map<string, boolean>> {
  const says = (name: string, { type, status, lastHeartbeatTime }: Condition): boolean =>
    type === 'Ready' && status === 'True' && Date.parse(lastHeartbeatTime ?? '') >= (sinceMs.get(name) ?? 0)
  try {
    const answer = await ask(state, administrator, { path: '/api/v1/nodes', signal })
    if (answer.status !== 200) return new Map()
    const { items } = JSON.parse(answer.body) as { items: NodeObject[] }
    return new Map(
      items.map(({ metadata, status }) => [
        metadata.name,
        status?.conditions?.some((condition) => says(metadata.name, condition)) ?? false,
      ]),
    )
  } catch {
    return new Map()
  }
}
