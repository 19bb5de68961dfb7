// Service account tokens: JSON Web Tokens of the server's own key, bound to an account, and to a pod or secret where they were asked for it.

import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { Identity } from '../../client/door.ts'
import { type Authenticator, CREDENTIAL_ID, withAuthenticatedGroup } from './authenticator.ts'
import { bearerToken } from './tokens.ts'

/** An object that a token lives no longer than. */
export interface BoundObject {
  kind: 'Pod' | 'Secret' | 'Node'
  name: string
  uid: string
}

export interface TokenRequest {
  namespace: string
  name: string
  uid: string
  audiences: readonly string[]
  expirationSeconds: number
  bound?: BoundObject
  /** The node of the pod that the token is bound to. */
  node?: { name: string; uid: string }
}

/** Is the account, and what the token is bound to, still there and the same? Answered from the server's cache. */
export interface TokenSubjects {
  uidOf(kind: 'ServiceAccount' | 'Pod' | 'Secret' | 'Node', namespace: string, name: string): string | undefined
}

interface Claims {
  aud: string[]
  exp: number
  iat: number
  iss: string
  jti: string
  nbf: number
  sub: string
  'kubernetes.io': {
    namespace: string
    serviceaccount: { name: string; uid: string }
    pod?: { name: string; uid: string }
    secret?: { name: string; uid: string }
    node?: { name: string; uid: string }
  }
}

export interface TokenIssuerOptions {
  /** PEM of an ECDSA P-256 private key. */
  key: string
  issuer: string
  /** What a token without audiences is for, and what this server takes tokens for. */
  audiences: readonly string[]
  clock: Clock
  uuid(): string
  subjects: TokenSubjects
}

/** A token whose signature is good: what it says, and who comes with it as long as that holds. */
interface Verified {
  readonly claims: Claims
  readonly identity: Identity
}

/** Verified tokens are remembered by digest; subjects are looked up every time. */
const MAX_VERIFIED = 4096

export class TokenIssuer {
  readonly #options: TokenIssuerOptions
  readonly #key: KeyObject
  readonly #publicKey: KeyObject
  readonly #keyID: string
  readonly #verified = new Map<string, Verified>()

  constructor(options: TokenIssuerOptions) {
    this.#options = options
    this.#key = createPrivateKey(options.key)
    this.#publicKey = createPublicKey(this.#key)
    this.#keyID = createHash('sha256')
      .update(this.#publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64url')
  }

  get defaultAudiences(): readonly string[] {
    return this.#options.audiences
  }

  get issuer(): string {
    return this.#options.issuer
  }

  /** The public key as a JSON Web Key, for `/openid/v1/jwks`. */
  get jwk(): object {
    return { ...this.#publicKey.export({ format: 'jwk' }), use: 'sig', kid: this.#keyID, alg: 'ES256' }
  }

  issue(request: TokenRequest): { token: string; expiresAtMs: number } {
    const now = Math.floor(this.#options.clock.now() / 1000)
    const exp = now + request.expirationSeconds
    const { bound } = request
    const claims: Claims = {
      aud: [...(request.audiences.length > 0 ? request.audiences : this.#options.audiences)],
      exp,
      iat: now,
      iss: this.#options.issuer,
      jti: this.#options.uuid(),
      'kubernetes.io': {
        namespace: request.namespace,
        ...(request.node ? { node: request.node } : {}),
        ...(bound ? { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } } : {}),
        serviceaccount: { name: request.name, uid: request.uid },
      },
      nbf: now,
      sub: `system:serviceaccount:${request.namespace}:${request.name}`,
    }
    const header = encode({ alg: 'ES256', kid: this.#keyID })
    const signed = `${header}.${encode(claims)}`
    const signature = sign('sha256', Buffer.from(signed), { key: this.#key, dsaEncoding: 'ieee-p1363' })
    return { token: `${signed}.${signature.toString('base64url')}`, expiresAtMs: exp * 1000 }
  }

  /** The identity behind a token of this issuer; undefined for tokens of others. Throws Unauthorized when it is not valid (any more). */
  identify(token: string, audiences: readonly string[] = this.#options.audiences): Identity | undefined {
    const verified = this.#verified.get(token) ?? this.#verify(token)
    if (!verified) return undefined
    const { claims } = verified
    const now = this.#options.clock.now() / 1000
    if (claims.exp <= now || claims.nbf > now + 60) throw errors.unauthorized()
    if (!claims.aud.some((a) => audiences.includes(a))) throw errors.unauthorized()
    const { namespace, serviceaccount, pod, secret } = claims['kubernetes.io']
    const { subjects } = this.#options
    if (subjects.uidOf('ServiceAccount', namespace, serviceaccount.name) !== serviceaccount.uid)
      throw errors.unauthorized()
    if (pod && subjects.uidOf('Pod', namespace, pod.name) !== pod.uid) throw errors.unauthorized()
    if (secret && subjects.uidOf('Secret', namespace, secret.name) !== secret.uid) throw errors.unauthorized()
    return verified.identity
  }

  #verify(token: string): Verified | undefined {
    const [header = '', payload = '', signature = '', ...rest] = token.split('.')
    if (rest.length > 0 || signature === '') return undefined
    const { alg, kid } = decode(header) as { alg?: unknown; kid?: unknown }
    if (alg !== 'ES256' || kid !== this.#keyID) return undefined
    const key = { key: this.#publicKey, dsaEncoding: 'ieee-p1363' } as const
    if (!verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')))
      throw errors.unauthorized()
    const claims = decode(payload) as Claims
    if (claims.iss !== this.#options.issuer) return undefined
    if (this.#verified.size >= MAX_VERIFIED) this.#verified.clear()
    const verified = { claims, identity: withAuthenticatedGroup(identityOf(claims)) }
    this.#verified.set(token, verified)
    return verified
  }
}

function identityOf({ sub, jti, 'kubernetes.io': { namespace, serviceaccount, pod, node } }: Claims): Identity {
  return {
    username: sub,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra: {
      [CREDENTIAL_ID]: [`JTI=${jti}`],
      ...(pod
        ? { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] }
        : {}),
      ...(node
        ? {
            'authentication.kubernetes.io/node-name': [node.name],
            'authentication.kubernetes.io/node-uid': [node.uid],
          }
        : {}),
    },
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(text: string): object {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

export function serviceAccountAuthenticator(issuer: TokenIssuer): Authenticator {
  return {
    name: 'serviceaccount',
    authenticate(request) {
      const token = bearerToken(request)
      return token === undefined ? undefined : issuer.identify(token)
    },
  }
}
