// Who calls the agent's API, and whether they may: client certificates and bearer tokens, judged by the API server.

import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { tokenReviews } from '../../api/authentication/token-review.ts'
import { subjectAccessReviews } from '../../api/authorization/subject-access-review.ts'
import type { Clock } from '../../base/clock.ts'
import type { Client } from '../../client/client.ts'
import { HttpError } from './pod-access.ts'

export interface Caller {
  readonly username: string
  readonly groups: readonly string[]
  readonly uid?: string
}

export interface CallersOptions {
  readonly client: Client
  readonly clock: Clock
  readonly nodeName: string
  /** Who is let in without a question to the API server: the API server itself. */
  authorize(subject: { readonly commonName: string; readonly organizations: readonly string[] }): boolean
}

/** The kubelet's: how long an answer of the API server is believed. */
const TOKEN_MS = 2 * 60_000
const ALLOWED_MS = 5 * 60_000
const DENIED_MS = 30_000
const MAX_REMEMBERED = 1000

interface Remembered<T> {
  readonly value: T
  readonly until: number
}

export class Callers {
  readonly #options: CallersOptions
  /** By the digest of the token: the token itself is not kept. */
  readonly #tokens = new Map<string, Remembered<Caller>>()
  readonly #verdicts = new Map<string, Remembered<boolean>>()

  constructor(options: CallersOptions) {
    this.#options = options
  }

  /** Throws 401 when it is not known who asks, and 403 when they may not. */
  async check(request: IncomingMessage): Promise<void> {
    const certified = certificateOf(request.socket as TLSSocket)
    if (certified !== undefined && this.#options.authorize(certified)) return
    const caller =
      certified === undefined
        ? await this.#byToken(request)
        : { username: certified.commonName, groups: [...certified.organizations, 'system:authenticated'] }
    if (caller === undefined) throw new HttpError(401, 'Unauthorized')
    const { pathname } = new URL(request.url ?? '/', 'https://agent')
    const subresources = subresourcesOf(pathname)
    const verb = VERBS[request.method ?? ''] ?? ''
    for (const subresource of subresources) if (await this.#mayUse(caller, verb, subresource)) return
    const text = `Forbidden (user=${caller.username}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])`
    throw new HttpError(403, text)
  }

  async #byToken({ headers }: IncomingMessage): Promise<Caller | undefined> {
    const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
    if (token === undefined) return undefined
    const { client, clock } = this.#options
    const key = createHash('sha256').update(token).digest('base64')
    const known = this.#tokens.get(key)
    if (known !== undefined && known.until > clock.now()) return known.value
    const { status } = await client.create(tokenReviews, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: { name: '' },
      spec: { token },
    })
    if (status?.authenticated !== true) return undefined
    const { username = '', groups = [], uid } = status.user ?? {}
    const caller = { username, groups: [...groups], ...(uid === undefined ? {} : { uid }) }
    remember(this.#tokens, key, { value: caller, until: clock.now() + TOKEN_MS })
    return caller
  }

  async #mayUse({ username, groups, uid }: Caller, verb: string, subresource: string): Promise<boolean> {
    const { client, clock, nodeName } = this.#options
    const key = JSON.stringify([username, groups, uid, verb, subresource])
    const known = this.#verdicts.get(key)
    if (known !== undefined && known.until > clock.now()) return known.value
    const { status } = await client.create(subjectAccessReviews, {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: { name: '' },
      spec: {
        user: username,
        groups: [...groups],
        ...(uid === undefined ? {} : { uid }),
        resourceAttributes: { verb, group: '', version: 'v1', resource: 'nodes', subresource, name: nodeName },
      },
    })
    const value = status?.allowed === true
    remember(this.#verdicts, key, { value, until: clock.now() + (value ? ALLOWED_MS : DENIED_MS) })
    return value
  }
}

const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** Any one of them will do: the narrow one, where there is one, or the one that opens everything. */
export function subresourcesOf(pathname: string): string[] {
  const below = (prefix: string): boolean => pathname === prefix || pathname.startsWith(`${prefix}/`)
  if (below('/stats')) return ['stats']
  if (below('/metrics')) return ['metrics']
  if (below('/logs')) return ['log']
  if (below('/healthz')) return ['healthz', 'proxy']
  if (below('/pods') || below('/runningpods')) return ['pods', 'proxy']
  return ['proxy']
}

/** Undefined: no certificate, or one that our authority did not sign. */
function certificateOf(socket: TLSSocket): { commonName: string; organizations: string[] } | undefined {
  if (!socket.authorized) return undefined
  const { subject } = socket.getPeerCertificate()
  if (subject === undefined) return undefined
  const list = (value: string | string[] | undefined): string[] => (value === undefined ? [] : [value].flat())
  return { commonName: list(subject.CN)[0] ?? '', organizations: list(subject.O) }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  const oldest = map.keys().next().value
  if (map.size > MAX_REMEMBERED && oldest !== undefined) map.delete(oldest)
}
