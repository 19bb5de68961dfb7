// Makes, lists and deletes a cluster's bootstrap tokens, and says how a machine joins with one.

import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { authorityHash } from '../base/node/certificates.ts'
import { UserError } from '../base/node/user-error.ts'
import { hasEnded, TOKEN_NAMESPACE, TOKEN_TYPE, tokenField, tokenSecretName } from '../api/core/bootstrap-token.ts'
import type { Secret } from '../api/core/secret.ts'
import { type Administrator, type Answer, ask } from './api.ts'
import { makeToken, tokenSecret } from './bootstrap-tokens.ts'
import type { Host } from './host.ts'
import { reachableNames } from './pki.ts'
import { type ClusterState, machineAddressOf } from './state.ts'

interface Running {
  readonly state: ClusterState
  readonly administrator: Administrator
}

type Machine = Pick<Host, 'clock' | 'random' | 'signal'>

export interface CreatedToken {
  readonly token: string
  readonly server: string
  readonly caHash: string
}

const SECRETS = `/api/v1/namespaces/${TOKEN_NAMESPACE}/secrets`

/** `ttlMs` 0: it never ends. */
export async function createToken(
  { clock, random, signal }: Machine,
  { state, administrator }: Running,
  { ttlMs, description }: { ttlMs: number; description?: string | undefined },
): Promise<CreatedToken> {
  const token = makeToken(random)
  const body = tokenSecret(token, { now: clock.now(), ttlMs: ttlMs === 0 ? undefined : ttlMs, description })
  expect(await ask(state, administrator, { method: 'POST', path: SECRETS, body, signal }), state, [201])
  return {
    token: `${token.id}.${token.secret}`,
    server: `https://${addressOf(state, networkInterfaces())}:${state.port}`,
    caHash: authorityHash(administrator.caCertificate),
  }
}

/** Under which other machines find this one; without a network, only namespaces do. */
function addressOf(state: ClusterState, interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): string {
  return reachableNames(interfaces, '').find((address) => !address.includes(':')) ?? machineAddressOf(state)
}

export interface ListedToken {
  readonly id: string
  readonly expires: string
  readonly ended: boolean
  readonly description: string
}

export async function listTokens(
  { clock, signal }: Machine,
  { state, administrator }: Running,
): Promise<ListedToken[]> {
  const path = `${SECRETS}?fieldSelector=${encodeURIComponent(`type=${TOKEN_TYPE}`)}`
  const answer = expect(await ask(state, administrator, { path, signal }), state, [200])
  const { items } = JSON.parse(answer.body) as { items: Secret[] }
  return items.map((secret) => ({
    id: tokenField(secret, 'token-id'),
    expires: tokenField(secret, 'expiration') || 'never',
    ended: hasEnded(secret, clock.now()),
    description: tokenField(secret, 'description'),
  }))
}

export async function deleteToken({ signal }: Machine, { state, administrator }: Running, id: string): Promise<void> {
  const path = `${SECRETS}/${encodeURIComponent(tokenSecretName(id))}`
  const answer = await ask(state, administrator, { method: 'DELETE', path, signal })
  if (answer.status === 404)
    throw new UserError(`There is no token "${id}"`, { remedy: `see: drover token list -n ${state.name}` })
  expect(answer, state, [200])
}

function expect(answer: Answer, { name }: ClusterState, codes: readonly number[]): Answer {
  if (codes.includes(answer.status)) return answer
  throw new UserError(`The API server answered with code ${answer.status}`, { remedy: `see: drover status -n ${name}` })
}
