// One of several equals works, the others wait: the right to is a Lease, as components of Kubernetes hold theirs.

import { type Clock, rfc3339Micro, sleep } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { type Lease, leases, type LeaseSpec } from '../api/coordination/lease.ts'
import { isNotFound } from '../apimachinery/errors.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { Client } from './client.ts'
import type { EventRecorder } from './events.ts'

/** Upstream's defaults. */
export const LEASE_DURATION_MS = 15_000
export const RENEW_DEADLINE_MS = 10_000
export const RETRY_PERIOD_MS = 2_000
/** Those who wait ask at different times. */
const JITTER = 1.2

export interface LeaderElectionOptions {
  client: Client
  /** Of the Lease, in kube-system: `kube-scheduler`. */
  name: string
  /** Different for every contender, also for one that starts again. */
  identity: string
  clock: Clock
  random: Random
  log: Logger
  events?: EventRecorder
  /** Starts the work. What it returns is disposed of when the lease is lost, or with the election. */
  lead(): Promise<AsyncDisposable>
}

export interface LeaderElection extends AsyncDisposable {
  readonly leading: boolean
}

export function startLeaderElection(options: LeaderElectionOptions): LeaderElection {
  return new Contender(options)
}

class Contender implements LeaderElection {
  readonly #options: LeaderElectionOptions
  readonly #key: { namespace: string; name: string }
  readonly #stop = new AbortController()
  readonly #running: Promise<void>
  /** The Lease as it was last seen, and when, by our own clock: nobody else's is trusted. */
  #seen: { lease: DeepReadonly<Lease>; at: number } | undefined
  #leading = false

  constructor(options: LeaderElectionOptions) {
    this.#options = options
    this.#key = { namespace: 'kube-system', name: options.name }
    this.#running = this.#run()
  }

  get leading(): boolean {
    return this.#leading
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      if (await this.#tryOnce(RENEW_DEADLINE_MS)) await this.#work()
      else await this.#pause(RETRY_PERIOD_MS * (1 + this.#options.random.next() * JITTER))
    }
  }

  async #work(): Promise<void> {
    const { log, name, identity, events, lead } = this.#options
    log.info('Became the leader', { lease: name, identity })
    this.#leading = true
    const lease = this.#seen?.lease
    if (lease !== undefined) events?.event(lease, 'Normal', 'LeaderElection', `${identity} became leader`)
    try {
      await using _work = await lead()
      await this.#renewUntilLost()
    } catch (error) {
      log.error('Could not work as the leader', { lease: name, error })
    }
    this.#leading = false
    log.info('Ceased to be the leader', { lease: name, identity })
    if (lease !== undefined) events?.event(lease, 'Normal', 'LeaderElection', `${identity} stopped leading`)
    await this.#release()
  }

  /** Returns when the lease could not be renewed in time, or the election ends. */
  async #renewUntilLost(): Promise<void> {
    const { clock } = this.#options
    let renewed = clock.monotonic()
    while (!this.#stop.signal.aborted) {
      await this.#pause(RETRY_PERIOD_MS)
      if (this.#stop.signal.aborted) return
      const left = renewed + RENEW_DEADLINE_MS - clock.monotonic()
      if (left > 0 && (await this.#tryOnce(left))) renewed = clock.monotonic()
      else if (clock.monotonic() - renewed >= RENEW_DEADLINE_MS || this.#heldByAnother) return
    }
  }

  get #heldByAnother(): boolean {
    const holder = this.#seen?.lease.spec?.holderIdentity ?? ''
    return holder !== '' && holder !== this.#options.identity
  }

  /** True when the lease is ours. Gives up when the time has passed: an answer that comes later is of no use. */
  async #tryOnce(timeoutMs: number): Promise<boolean> {
    const { clock, log, name } = this.#options
    const late = new AbortController()
    const timer = clock.after(timeoutMs, () => late.abort(new Error('The lease was not renewed in time')))
    try {
      return await this.#acquireOrRenew(AbortSignal.any([late.signal, this.#stop.signal]))
    } catch (error) {
      if (!this.#stop.signal.aborted) log.debug('Could not get the lease', { lease: name, error })
      return false
    } finally {
      timer.cancel()
    }
  }

  async #acquireOrRenew(signal: AbortSignal): Promise<boolean> {
    const { client, clock, identity } = this.#options
    const lease = await this.#read(signal)
    const now = rfc3339Micro(clock.now())
    const ours: LeaseSpec = {
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_DURATION_MS / 1000,
      acquireTime: now,
      renewTime: now,
      leaseTransitions: 0,
    }
    if (lease === undefined) {
      const metadata = this.#key
      const made = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: ours } as const
      this.#note(await client.create(leases, made, { signal }))
      return true
    }
    this.#note(lease)
    const holder = lease.spec?.holderIdentity ?? ''
    const holds = holder === identity
    const durationMs = (lease.spec?.leaseDurationSeconds ?? 0) * 1000
    if (holder !== '' && !holds && (this.#seen?.at ?? 0) + durationMs > clock.monotonic()) return false
    const transitions = lease.spec?.leaseTransitions ?? 0
    const spec: LeaseSpec = {
      ...ours,
      leaseTransitions: holds ? transitions : transitions + 1,
      ...(holds && lease.spec?.acquireTime !== undefined ? { acquireTime: lease.spec.acquireTime } : {}),
    }
    this.#note(await client.update(leases, { ...lease, spec: { ...lease.spec, ...spec } }, { signal }))
    return true
  }

  async #read(signal: AbortSignal): Promise<DeepReadonly<Lease> | undefined> {
    try {
      return await this.#options.client.get(leases, this.#key, { signal })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  #note(lease: DeepReadonly<Lease>): void {
    if (this.#seen?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return
    this.#seen = { lease, at: this.#options.clock.monotonic() }
  }

  /** So that the next one need not wait for the lease's end. */
  async #release(): Promise<void> {
    const lease = this.#seen?.lease
    if (lease?.spec?.holderIdentity !== this.#options.identity) return
    const { client, clock, log, name } = this.#options
    const now = rfc3339Micro(clock.now())
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now }
    try {
      this.#note(await client.update(leases, { ...lease, spec }))
    } catch (error) {
      log.debug('Could not release the lease', { lease: name, error })
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(this.#options.clock, ms, this.#stop.signal).catch(() => {})
  }
}
