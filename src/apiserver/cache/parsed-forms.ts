// Which objects of the cache are kept parsed: those that somebody has looked into lately, up to a limit. The others are bytes only, and are parsed again when needed.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'

/** Objects are kept parsed up to this much JSON, which parsed is two to three times as much memory. */
export const MAX_PARSED_BYTES = 64 * 1024 * 1024

export interface ParsedForm {
  readonly object: DeepReadonly<AnyObject>
  readonly sizeBytes: number
  /** Looked into since the hand last passed. */
  isUsed: boolean
  /** Its place in the ring; absent where nobody counts it. */
  slot: number
  forget(): void
}

interface Droppable {
  dropParsed(): void
  /** The same, unless somebody has looked into it. */
  dropUnseen(): void
}

/** A clock: the hand goes around, takes what has not been looked into since it last passed, and gives a second chance to the rest. */
export class ParsedForms {
  readonly #limit: number
  readonly #ring: ParsedForm[] = []
  #retired: Droppable[] = []
  #offered: Droppable[] = []
  #bytes = 0
  #hand = 0
  /** While it is, nothing is counted: whoever parses drops it again. */
  isPaused = false

  constructor(limit = MAX_PARSED_BYTES) {
    this.#limit = limit
  }

  get count(): number {
    return this.#ring.length
  }

  get sizeBytes(): number {
    return this.#bytes
  }

  add(form: ParsedForm): void {
    if (this.isPaused) return
    form.slot = this.#ring.length
    this.#ring.push(form)
    this.#bytes += form.sizeBytes
    while (this.#bytes > this.#limit && this.#ring.length > 1) this.#evict(form)
  }

  remove(form: ParsedForm): void {
    const last = this.#ring.pop()
    if (last && last !== form) {
      last.slot = form.slot
      this.#ring[form.slot] = last
    }
    form.slot = -1
    this.#bytes -= form.sizeBytes
  }

  /** Superseded. Readers in this process who are told of it now still look at what was before. */
  retire(object: Droppable): void {
    this.#retired.push(object)
  }

  /** It is parsed before anybody looked. Readers in this process who are told of it now may. */
  offer(object: Droppable): void {
    this.#offered.push(object)
  }

  /** Everybody has been told of what was retired and offered. */
  dropRetired(): void {
    for (const object of this.#retired) object.dropParsed()
    for (const object of this.#offered) object.dropUnseen()
    if (this.#retired.length > 0) this.#retired = []
    if (this.#offered.length > 0) this.#offered = []
  }

  /** Drops what nobody has looked into since the last time. */
  age(): void {
    for (let i = this.#ring.length - 1; i >= 0; i--) {
      const form = this.#ring[i]
      if (!form) continue
      if (form.isUsed) form.isUsed = false
      else this.#drop(form)
    }
  }

  #evict(newest: ParsedForm): void {
    if (this.#hand >= this.#ring.length) this.#hand = 0
    const form = this.#ring[this.#hand]
    if (!form) return
    if (form === newest || form.isUsed) {
      form.isUsed = false
      this.#hand++
    } else {
      this.#drop(form)
    }
  }

  #drop(form: ParsedForm): void {
    this.remove(form)
    form.forget()
  }
}
