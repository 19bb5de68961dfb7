// Bootstrap tokens, with which a machine that has no credentials yet joins: secrets in kube-system, as kubeadm makes them.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Secret } from './secret.ts'

export const TOKEN_NAMESPACE = 'kube-system'
export const TOKEN_TYPE = 'bootstrap.kubernetes.io/token'
const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/

export interface BootstrapToken {
  readonly id: string
  readonly secret: string
}

export function parseToken(text: string): BootstrapToken | undefined {
  const [, id, secret] = TOKEN.exec(text) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

export const tokenSecretName = (id: string): string => `bootstrap-token-${id}`

export const tokenField = (secret: DeepReadonly<Secret>, name: string): string =>
  Buffer.from(secret.data?.[name] ?? '', 'base64').toString()

/** A time that cannot be read counts as over, as upstream. */
export function hasEnded(secret: DeepReadonly<Secret>, now: number): boolean {
  const expiration = tokenField(secret, 'expiration')
  return expiration !== '' && !(Date.parse(expiration) > now)
}
