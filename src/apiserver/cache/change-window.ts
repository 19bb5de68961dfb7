// The recent changes of one resource, for watches to resume from.

import type { StoredObject } from './stored.ts'

/** Recent changes kept per resource … */
export const MAX_WINDOW_CHANGES = 16_384
/** … as long as their objects take no more than this: a client that keeps changing a large object must not fill the memory. */
export const MAX_WINDOW_BYTES = 64 * 1024 * 1024

export interface CacheChange {
  readonly key: string
  readonly revision: number
  /** The object after the change; absent for a deletion. */
  readonly object: StoredObject | undefined
  /** What the change replaced or deleted. */
  readonly previous: StoredObject | undefined
  /** `previous` as of this revision, while the change is told: for those for whom it is a deletion. */
  last: StoredObject | undefined
}

export class ChangeWindow {
  #changes: CacheChange[] = []
  #sizeBytes = 0
  /** Every change after this revision is here. */
  floor = 0

  /** What the objects take; the newest states are counted although the cache holds them too. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  get changes(): readonly CacheChange[] {
    return this.#changes
  }

  /** Over a bound, the older half goes at once, so that the cost of moving the rest is spread over many changes. Returns what went. */
  add(change: CacheChange): readonly CacheChange[] {
    this.#changes.push(change)
    this.#sizeBytes += sizeOf(change)
    if (this.#changes.length <= MAX_WINDOW_CHANGES && this.#sizeBytes <= MAX_WINDOW_BYTES) return NONE
    let dropped = 0
    while (this.#changes.length - dropped > MAX_WINDOW_CHANGES / 2 || this.#sizeBytes > MAX_WINDOW_BYTES / 2) {
      const oldest = this.#changes[dropped]
      if (!oldest) break
      this.#sizeBytes -= sizeOf(oldest)
      this.floor = Math.max(this.floor, oldest.revision)
      dropped++
    }
    const gone = this.#changes.slice(0, dropped)
    this.#changes = this.#changes.slice(dropped)
    return gone
  }

  after(revision: number): readonly CacheChange[] {
    let low = 0
    let high = this.#changes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#changes[middle]?.revision ?? 0) <= revision) low = middle + 1
      else high = middle
    }
    return this.#changes.slice(low)
  }

  clear(): void {
    this.#changes = []
    this.#sizeBytes = 0
  }
}

const NONE: readonly CacheChange[] = []

function sizeOf({ object, previous }: CacheChange): number {
  return (object ?? previous)?.bytes.length ?? 0
}
