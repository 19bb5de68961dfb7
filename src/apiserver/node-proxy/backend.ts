// One HTTP request to a backend, its answer as a stream. The connection ends when the client does.

import { type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { errorText } from '../../base/log.ts'
import * as errors from '../../apimachinery/errors.ts'
import { originOf, type Target } from './targets.ts'

/** How the server reaches kubelets: whom it trusts, and who it is (PEM). */
export interface KubeletCredentials {
  ca: string
  certificate: string
  key: string
}

export interface BackendRequest {
  method: string
  /** Path and query. */
  path: string
  headers?: Record<string, string | string[]>
  body?: Buffer
  signal: AbortSignal
  insecure?: boolean
}

/** A backend that cannot be connected to in this time is given up. */
const CONNECT_TIMEOUT_MS = 30_000

/** The TLS side of a target; pods and services have certificates that nobody here knows (upstream: the same). */
export function tlsOf(target: Target, kubelet: KubeletCredentials | undefined, insecure = false): object {
  if (target.kind === 'plain') return { rejectUnauthorized: false }
  if (!kubelet) throw errors.serviceUnavailable('this server has no credentials for kubelets')
  return {
    ca: kubelet.ca,
    cert: kubelet.certificate,
    key: kubelet.key,
    minVersion: 'TLSv1.2',
    ...(insecure ? { rejectUnauthorized: false } : {}),
  }
}

/** The answer's head; what follows is read from the message itself. */
export function ask(
  target: Target,
  asked: BackendRequest,
  kubelet: KubeletCredentials | undefined,
): Promise<IncomingMessage> {
  const url = `${originOf(target)}${asked.path}`
  const options = { method: asked.method, headers: asked.headers ?? {}, agent: false as const, signal: asked.signal }
  const tls = target.protocol === 'https:' ? tlsOf(target, kubelet, asked.insecure) : {}
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(unreachable(asked.method, url, target, error))
    const outgoing =
      target.protocol === 'https:' ? httpsRequest(url, { ...options, ...tls }) : httpRequest(url, options)
    outgoing.setTimeout(CONNECT_TIMEOUT_MS, () => outgoing.destroy(new DialTimeout()))
    // Once connected, the backend may think as long as its client waits.
    const connected = target.protocol === 'https:' ? 'secureConnect' : 'connect'
    outgoing.once('socket', (socket) => socket.once(connected, () => outgoing.setTimeout(0)))
    outgoing.once('response', resolve)
    outgoing.once('error', fail)
    outgoing.end(asked.body)
  })
}

/** Named as the system names a peer that does not answer. */
class DialTimeout extends Error {
  readonly code = 'ETIMEDOUT'
}

const SYSTEM_WORDS = new Map([
  ['ECONNREFUSED', 'connect: connection refused'],
  ['EHOSTUNREACH', 'connect: no route to host'],
  ['ENETUNREACH', 'connect: network is unreachable'],
  ['ETIMEDOUT', 'i/o timeout'],
])

/** Why a backend cannot be reached, as Go's network library says it. */
export function dialText({ host, port }: Target, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const words = SYSTEM_WORDS.get(code)
  return words === undefined ? errorText(error) : `dial tcp ${isIP(host) === 6 ? `[${host}]` : host}:${port}: ${words}`
}

/** A failure that has no reason of its own: upstream answers such with 500 and its text. */
export function plainFailure(message: string, code = 500): errors.StatusError {
  return new errors.StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code })
}

/** Upstream's text for a backend that cannot be reached: the method as Go writes it, the URL, why. */
function unreachable(method: string, url: string, target: Target, error: unknown): errors.StatusError {
  const verb = method.charAt(0) + method.slice(1).toLowerCase()
  return plainFailure(`${verb} ${JSON.stringify(url)}: ${dialText(target, error)}`)
}

/** A refusal is read up to here. */
const MAX_REFUSAL_BYTES = 50_000

/** Throws what a kubelet's refusal means (upstream GenericHttpResponseChecker). */
export async function checkAnswer(answer: IncomingMessage, resource: errors.ResourceRef, name: string): Promise<void> {
  const status = answer.statusCode ?? 500
  if (status >= 200 && status <= 206) return
  const parts: Buffer[] = []
  let size = 0
  for await (const part of answer) {
    const bytes: Buffer = part
    parts.push(bytes)
    size += bytes.length
    if (size >= MAX_REFUSAL_BYTES) break
  }
  answer.destroy()
  const text = Buffer.concat(parts).subarray(0, MAX_REFUSAL_BYTES).toString().trimEnd()
  if (status === 400) throw errors.badRequest(text)
  if (status === 500) throw errors.internalError(text)
  const general =
    status === 404
      ? { reason: 'NotFound', message: 'the server could not find the requested resource' }
      : { reason: 'InternalError', message: text || `the server responded with the status code ${status}` }
  throw new errors.StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `${general.message} (${resource.groupResource} ${name})`,
    reason: general.reason,
    details: {
      name,
      kind: resource.plural,
      causes: [{ reason: 'UnexpectedServerResponse', message: text }],
    },
    code: status,
  })
}
