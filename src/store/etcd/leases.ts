// Times to live: etcd's leases, each shared by all entries that are due at about the same time.

import type { Clock } from '../../base/clock.ts'
import type { Connection } from './connection.ts'
import { LEASE_GRANT } from './methods.ts'

/** Entries on one lease at most: they are deleted in one revision. */
const MAX_ENTRIES = 1_000
/** Leases that are remembered; the oldest are forgotten, not revoked. */
const MAX_LEASES = 1_000
/** How late an entry may go: this part of its time, and no more than a minute. */
const LATENESS = 0.05
const MAX_LATENESS_MS = 60_000
const MIN_LATENESS_MS = 1_000

export interface Lease {
  readonly id: bigint
  readonly expiresMs: number
}

interface Shared {
  readonly lease: Promise<Lease>
  entries: number
}

export class Leases {
  readonly #connection: Connection
  readonly #clock: Clock
  /** By step and number of the step: `60000/29766240`. */
  readonly #shared = new Map<string, Shared>()

  constructor(connection: Connection, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
  }

  /** A lease that ends when the time has passed, or a little later. */
  for(ttlSeconds: number): Promise<Lease> {
    const ttlMs = ttlSeconds * 1000
    const stepMs = Math.max(Math.min(ttlMs * LATENESS, MAX_LATENESS_MS), MIN_LATENESS_MS)
    const now = this.#clock.now()
    const step = Math.ceil((now + ttlMs) / stepMs)
    const name = `${stepMs}/${step}`
    const known = this.#shared.get(name)
    if (known !== undefined && known.entries < MAX_ENTRIES) {
      known.entries++
      return known.lease
    }
    const lease = this.#grant(step * stepMs, now)
    this.#shared.delete(name)
    this.#shared.set(name, { lease, entries: 1 })
    lease.catch(() => this.#shared.delete(name))
    for (const oldest of this.#shared.keys()) {
      if (this.#shared.size <= MAX_LEASES) break
      this.#shared.delete(oldest)
    }
    return lease
  }

  /** etcd does not know it any more. */
  forget(lease: Lease): void {
    for (const [name, shared] of this.#shared)
      void shared.lease.then(
        ({ id }) => id === lease.id && this.#shared.delete(name),
        () => {},
      )
  }

  async #grant(expiresMs: number, now: number): Promise<Lease> {
    const ttl = Math.ceil((expiresMs - now) / 1000)
    // Should it be granted twice, the first one ends unused.
    const { id } = await this.#connection.call(LEASE_GRANT, { ttl }, true)
    return { id, expiresMs }
  }
}
