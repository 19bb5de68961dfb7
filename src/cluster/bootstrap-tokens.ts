// Bootstrap tokens, with which a machine that has no credentials yet joins: secrets in kube-system, as kubeadm makes them.

import { timingSafeEqual } from 'node:crypto'
import { rfc3339 } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import { isNotFound } from '../apimachinery/errors.ts'
import { type Secret, secrets } from '../api/core/secret.ts'
import type { Client } from '../client/client.ts'
import type { Handle, Identity } from '../client/door.ts'

export const TOKEN_NAMESPACE = 'kube-system'
export const TOKEN_TYPE = 'bootstrap.kubernetes.io/token'
const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const BEARER = /^bearer +([a-z0-9]{6}\.[a-z0-9]{16})$/i
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

export interface BootstrapToken {
  readonly id: string
  readonly secret: string
}

export function parseToken(text: string): BootstrapToken | undefined {
  const [, id, secret] = TOKEN.exec(text) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

export const tokenSecretName = (id: string): string => `bootstrap-token-${id}`

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Bytes that would make some letters likelier than others are passed over. */
export function makeToken(random: Random): BootstrapToken {
  let text = ''
  while (text.length < 22)
    for (const byte of random.bytes(32)) if (byte < 252) text += LETTERS[byte % LETTERS.length] ?? ''
  return { id: text.slice(0, 6), secret: text.slice(6, 22) }
}

/** `ttlMs` undefined: it never ends. */
export function tokenSecret(
  { id, secret }: BootstrapToken,
  { now, ttlMs, description }: { now: number; ttlMs?: number | undefined; description?: string | undefined },
): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: tokenSecretName(id), namespace: TOKEN_NAMESPACE },
    type: TOKEN_TYPE,
    data: encoded({
      'token-id': id,
      'token-secret': secret,
      ...(ttlMs === undefined ? {} : { expiration: rfc3339(now + ttlMs) }),
      ...(description === undefined ? {} : { description }),
      'usage-bootstrap-authentication': 'true',
    }),
  }
}

const encoded = (texts: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]))

export const tokenField = (secret: DeepReadonly<Secret>, name: string): string =>
  Buffer.from(secret.data?.[name] ?? '', 'base64').toString()

/** Who comes with this token; undefined when the secret does not say that it is good. Pure. */
export function identityOf(secret: DeepReadonly<Secret>, token: BootstrapToken, now: number): Identity | undefined {
  const field = (name: string): string => tokenField(secret, name)
  if (secret.type !== TOKEN_TYPE || secret.metadata.deletionTimestamp !== undefined) return undefined
  if (field('token-id') !== token.id || !sameText(field('token-secret'), token.secret)) return undefined
  if (field('usage-bootstrap-authentication') !== 'true') return undefined
  if (hasEnded(secret, now)) return undefined
  const extra = field('auth-extra-groups').split(',').filter(Boolean)
  if (!extra.every((group) => EXTRA_GROUP.test(group))) return undefined
  return { username: `system:bootstrap:${token.id}`, groups: ['system:bootstrappers', ...extra] }
}

/** A time that cannot be read counts as over, as upstream. */
export function hasEnded(secret: DeepReadonly<Secret>, now: number): boolean {
  const expiration = tokenField(secret, 'expiration')
  return expiration !== '' && !(Date.parse(expiration) > now)
}

function sameText(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)]
  return first.length === second.length && timingSafeEqual(first, second)
}

/** The API server behind an authenticator of bootstrap tokens: what it does not know goes on as it came. */
export function withBootstrapTokens(handle: Handle, { client, now }: { client: Client; now(): number }): Handle {
  return async (request) => {
    const text = BEARER.exec(request.headers['authorization'] ?? '')?.[1]
    const token = text === undefined ? undefined : parseToken(text)
    if (token === undefined || request.certificate !== undefined || request.identity !== undefined)
      return handle(request)
    const identity = await identify(client, token, now())
    if (identity === undefined) return handle(request)
    const groups = [...identity.groups, 'system:authenticated']
    return handle({ ...request, identity: { ...identity, groups } })
  }
}

async function identify(client: Client, token: BootstrapToken, now: number): Promise<Identity | undefined> {
  try {
    const secret = await client.get(secrets, { namespace: TOKEN_NAMESPACE, name: tokenSecretName(token.id) })
    return identityOf(secret, token, now)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
