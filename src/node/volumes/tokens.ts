// The service account tokens of this node's pods: asked for once, kept, and renewed before they run out.

import type { Clock } from '../../base/clock.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { serviceAccounts } from '../../api/core/service-account.ts'
import type { ServiceAccountTokenProjection } from '../../api/core/pod/volumes.ts'
import type { Client } from '../../client/client.ts'
import { type NodePod, uidOf } from '../pods/model.ts'

interface Token {
  text: string
  issuedAt: number
  expiresAt: number
}

/** Renewed when so much of its life is over, or after a day. */
const RENEW_AT = 0.8
const MAX_AGE_MS = 24 * 60 * 60_000
const DEFAULT_SECONDS = 3600

export class Tokens {
  readonly #client: Client
  readonly #clock: Clock
  /** By pod uid, then by audience and life. */
  readonly #tokens = new Map<string, Map<string, Token>>()

  constructor(client: Client, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  async get(
    pod: NodePod,
    { audience = '', expirationSeconds = DEFAULT_SECONDS }: DeepReadonly<ServiceAccountTokenProjection>,
    signal: AbortSignal,
  ): Promise<string> {
    const uid = uidOf(pod)
    const own = this.#tokens.get(uid) ?? new Map<string, Token>()
    this.#tokens.set(uid, own)
    const key = `${expirationSeconds}/${audience}`
    const known = own.get(key)
    const now = this.#clock.now()
    if (known !== undefined && now < renewalOf(known)) return known.text
    try {
      const token = await this.#request(pod, audience, expirationSeconds, signal)
      own.set(key, token)
      return token.text
    } catch (error) {
      // While the old one is good the pod can go on with it.
      if (known !== undefined && now < known.expiresAt) return known.text
      throw error
    }
  }

  /** When the next of the pod's tokens is to be renewed. */
  nextRenewal(podUid: string): number | undefined {
    const times = [...(this.#tokens.get(podUid)?.values() ?? [])].map(renewalOf)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  forget(podUid: string): void {
    this.#tokens.delete(podUid)
  }

  async #request(pod: NodePod, audience: string, expirationSeconds: number, signal: AbortSignal): Promise<Token> {
    const { name, namespace = '' } = pod.metadata
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: {
        ...(audience === '' ? {} : { audiences: [audience] }),
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid: uidOf(pod) },
      },
    }
    const account = pod.spec.serviceAccountName || 'default'
    const issuedAt = this.#clock.now()
    const answer = await this.#client.post(serviceAccounts, { namespace, name: account }, 'token', body, { signal })
    const { token, expirationTimestamp } =
      (answer as { status?: { token?: unknown; expirationTimestamp?: unknown } }).status ?? {}
    if (typeof token !== 'string' || token === '')
      throw new Error(`no token was given for service account ${namespace}/${account}`)
    const expiresAt =
      typeof expirationTimestamp === 'string' ? Date.parse(expirationTimestamp) : issuedAt + expirationSeconds * 1000
    return { text: token, issuedAt, expiresAt }
  }
}

function renewalOf({ issuedAt, expiresAt }: Token): number {
  return issuedAt + Math.min((expiresAt - issuedAt) * RENEW_AT, MAX_AGE_MS)
}
