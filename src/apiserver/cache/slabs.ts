// Memory for the bytes of many objects: blocks that hold many of them each, since a block of its own for every object costs a third more than the object.

import type { ParsedForms } from './parsed-forms.ts'

/** What a block holds at most; the first ones of a cache are smaller, for the many caches that hold little. */
const MAX_SLAB_BYTES = 128 * 1024
const MIN_SLAB_BYTES = 16 * 1024
/** What takes more than this of a block gets memory of its own. */
const SHARE = 4

/** What lives in a slab. `move` copies its bytes into the memory it is given and forgets the old ones. */
export interface Tenant {
  readonly sizeBytes: number
  isIn(slab: Slab): boolean
  move(slabs: Slabs): void
}

/**
 * One block. Nothing is ever written twice into the same place, and a block is freed by the garbage collector when the last view of it is gone: who
 * still reads bytes that have been moved or released reads what they were.
 */
export interface Slab {
  readonly slabs: Slabs
  readonly buffer: Buffer<ArrayBuffer>
  /** Up to here it is taken. */
  used: number
  /** Of what is taken, what is still needed. */
  live: number
  tenants: Tenant[]
}

export class Slabs {
  /** Who of the tenants is parsed. */
  readonly forms: ParsedForms
  #current: Slab | undefined
  #lastSize = MIN_SLAB_BYTES / 2
  /** Where the bytes that were taken last are. */
  #taken: Slab | undefined
  /** The block that did not have room for it. */
  #full: Slab | undefined
  #heldBytes = 0
  #liveBytes = 0

  constructor(forms: ParsedForms) {
    this.forms = forms
  }

  /** What all blocks take, as far as they are still needed for anything. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  get liveBytes(): number {
    return this.#liveBytes
  }

  /** Memory of this size, for the tenant that `settle` names next. */
  readonly take = (size: number): Buffer<ArrayBuffer> => {
    if (size * SHARE > MAX_SLAB_BYTES) {
      this.#taken = this.#open(size)
    } else {
      if (!this.#current || this.#current.used + size > this.#current.buffer.length) this.#next(size)
      this.#taken = this.#current
    }
    const slab = this.#taken
    if (!slab) throw new Error('Bug: a slab was opened')
    const bytes = slab.buffer.subarray(slab.used, slab.used + size)
    if (bytes.length !== size) throw new Error('Bug: a slab is smaller than what was taken of it')
    slab.used += size
    return bytes
  }

  /** Says whose the bytes are that were taken last. */
  settle(tenant: Tenant): Slab {
    const slab = this.#taken
    if (!slab) throw new Error('Bug: nothing was taken')
    slab.tenants.push(tenant)
    slab.live += tenant.sizeBytes
    this.#liveBytes += tenant.sizeBytes
    const full = this.#full
    this.#full = undefined
    // It may have emptied while it was being filled. Not before now: what moves takes memory, too.
    if (full) this.release(full, 0)
    return slab
  }

  /** The bytes of one tenant are needed no more. A block that is mostly unneeded is left: what still lives there moves. */
  release(slab: Slab, sizeBytes: number): void {
    slab.live -= sizeBytes
    this.#liveBytes -= sizeBytes
    if (slab === this.#current || slab.live * 2 > slab.buffer.length) return
    const { tenants } = slab
    // From here on, releases by those that move do not lead here again.
    if (tenants.length === 0) return
    slab.tenants = []
    this.#heldBytes -= slab.buffer.length
    for (const tenant of tenants) {
      if (!tenant.isIn(slab)) continue
      this.#liveBytes -= tenant.sizeBytes
      tenant.move(this)
    }
  }

  #next(size: number): void {
    this.#full = this.#current
    this.#lastSize = Math.min(MAX_SLAB_BYTES, this.#lastSize * 2)
    this.#current = this.#open(Math.max(this.#lastSize, size))
  }

  #open(size: number): Slab {
    this.#heldBytes += size
    return { slabs: this, buffer: Buffer.allocUnsafeSlow(size), used: 0, live: 0, tenants: [] }
  }
}
