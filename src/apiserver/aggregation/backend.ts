// One request to an API server of the cluster that serves a group version of its own, under the identity of the front proxy.

import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import type { Random } from '../../base/random.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { APIService } from '../../api/apiregistration/api-service.ts'
import type { Identity } from '../../client/door.ts'
import { dialText } from '../node-proxy/backend.ts'
import { serviceTarget } from '../node-proxy/targets.ts'
import type { Registry } from '../registry/registry.ts'

/** As whom the server passes requests on (PEM); its certificate is of an authority of its own. */
export interface FrontProxy {
  ca: string
  certificate: string
  key: string
}

export interface Address {
  host: string
  port: number
}

/** Where a service's port is reached. Throws when it leads nowhere. */
export type ResolveService = (namespace: string, name: string, port: number) => Address

export interface Backend extends Address {
  /** As errors show it, and as the backend is named in its certificate. */
  readonly origin: string
  readonly tls: {
    readonly servername: string
    readonly ca?: Buffer
    readonly cert?: string
    readonly key?: string
    readonly minVersion: 'TLSv1.2'
    readonly rejectUnauthorized: boolean
  }
}

export const SERVICE_PORT = 443
/** A backend that cannot be connected to in this time is given up. */
const CONNECT_TIMEOUT_MS = 30_000

/** By the endpoints that the server knows: never an address of this machine, never a name from elsewhere. */
export function resolveByEndpoints(registry: Registry, random: Random): ResolveService {
  return (namespace, name, port) => {
    const { host, port: target } = serviceTarget(registry, namespace, `https:${name}:${port}`, random)
    return { host, port: target }
  }
}

export function backendOf(
  { spec }: DeepReadonly<APIService>,
  resolve: ResolveService,
  frontProxy: FrontProxy | undefined,
): Backend {
  const { namespace = '', name = '', port = SERVICE_PORT } = spec?.service ?? {}
  const servername = `${name}.${namespace}.svc`
  return {
    ...resolve(namespace, name, port),
    origin: `https://${servername}:${port}`,
    tls: {
      servername,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: spec?.insecureSkipTLSVerify !== true,
      ...(spec?.caBundle ? { ca: Buffer.from(spec.caBundle, 'base64') } : {}),
      ...(frontProxy ? { cert: frontProxy.certificate, key: frontProxy.key } : {}),
    },
  }
}

export const urlOf = ({ host, port }: Address, path: string): URL =>
  new URL(`https://${isIP(host) === 6 ? `[${host}]` : host}:${port}${path}`)

export interface BackendRequest {
  method: string
  /** Path and query. */
  path: string
  headers: Record<string, string | string[]>
  body?: Buffer
  signal: AbortSignal
}

/** The head of the answer. Redirects are answers like others. */
export function askBackend(backend: Backend, asked: BackendRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const { host, port, tls, origin } = backend
  const outgoing = httpsRequest({
    host,
    port,
    ...tls,
    method: asked.method,
    path: asked.path,
    headers: { ...asked.headers, host: new URL(origin).host },
    agent: false,
    signal: asked.signal,
  })
  const late = Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' })
  outgoing.setTimeout(CONNECT_TIMEOUT_MS, () => outgoing.destroy(late))
  outgoing.once('socket', (socket) => socket.once('secureConnect', () => outgoing.setTimeout(0)))
  outgoing.once('response', resolve)
  outgoing.once('error', reject)
  outgoing.end(asked.body)
  return promise
}

const UNKNOWN_AUTHORITY = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** Why a backend cannot be asked, as Go's libraries say it. */
export function askingText(backend: Backend, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (UNKNOWN_AUTHORITY.has(code))
    return 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
  return dialText({ kind: 'plain', protocol: 'https:', ...backend }, error)
}

/** The body of an answer; undefined when it is longer than `limit`. */
export async function bodyOf(answer: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    size += part.length
    if (size > limit) {
      answer.destroy()
      return undefined
    }
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** Who asks, as backends read it from a proxy whose certificate they trust. */
export function identityHeaders({ username, uid, groups, extra = {} }: Identity): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'x-remote-user': headerText(username) }
  if (uid) headers['x-remote-uid'] = headerText(uid)
  if (groups.length > 0) headers['x-remote-group'] = groups.map(headerText)
  for (const [key, values] of Object.entries(extra)) {
    headers[`x-remote-extra-${escapedKey(key)}`] = values.map(headerText)
  }
  return headers
}

/** Go sends the bytes of the text; Node takes one character for each of them. */
const headerText = (text: string): string => Buffer.from(text.replace(/[\0\r\n]/g, ' ')).toString('latin1')

/** What is no legal part of a header's name is percent-encoded, and so is the percent sign. */
function escapedKey(key: string): string {
  let escaped = ''
  for (const byte of Buffer.from(key.toLowerCase())) {
    const character = String.fromCharCode(byte)
    escaped += /[a-z0-9!#$&'*+.^_`|~-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return escaped
}
