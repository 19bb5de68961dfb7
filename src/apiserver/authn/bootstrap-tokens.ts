// Knows callers by their bootstrap tokens, as the secrets in kube-system say.

import { timingSafeEqual } from 'node:crypto'
import {
  type BootstrapToken,
  hasEnded,
  parseToken,
  TOKEN_NAMESPACE,
  TOKEN_TYPE,
  tokenField,
  tokenSecretName,
} from '../../api/core/bootstrap-token.ts'
import type { Secret } from '../../api/core/secret.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Clock } from '../../base/clock.ts'
import type { Identity } from '../../client/door.ts'
import type { Authenticator } from './authenticator.ts'
import { bearerToken } from './tokens.ts'

const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

/** `find` answers the secret of a path, `namespace/name`. */
export function bootstrapTokenAuthenticator(
  find: (path: string) => DeepReadonly<Secret> | undefined,
  clock: Clock,
): Authenticator {
  return {
    name: 'bootstrap-token',
    authenticate(request) {
      const token = parseToken(bearerToken(request) ?? '')
      const secret = token && find(`${TOKEN_NAMESPACE}/${tokenSecretName(token.id)}`)
      return token && secret ? identityOf(secret, token, clock.now()) : undefined
    },
  }
}

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

function sameText(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)]
  return first.length === second.length && timingSafeEqual(first, second)
}
