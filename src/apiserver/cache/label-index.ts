// Objects by the values of their labels, for the labels that lists have asked for: such a list takes time by what it finds, not by what there is.

import type { StoredObject } from './stored.ts'

/** Labels of one resource that are indexed at once; the one that was asked for longest ago makes room. */
export const MAX_INDEXED_LABELS = 8
/** Fewer objects are looked through as fast. */
export const MIN_INDEXED_OBJECTS = 256

/** One of these values; what a selector asks of a label at least. */
export interface LabelTerm {
  readonly key: string
  readonly values: readonly string[]
}

/** A value that one object has is the object itself: labels that are different for all would else cost a set for each. */
type Members = StoredObject | Set<StoredObject>

interface Index {
  readonly byValue: Map<string, Members>
  /** Every object is in it. While it is being built it is kept up, but not asked. */
  isWhole: boolean
}

export class LabelIndex {
  /** In the order of their last use. */
  readonly #indexes = new Map<string, Index>()

  get isEmpty(): boolean {
    return this.#indexes.size === 0
  }

  /** A label that is indexed before it is asked for the first time, if one of the terms is on one that is not. */
  missing(terms: readonly LabelTerm[]): string | undefined {
    const known = terms.some(({ key }) => this.#indexes.has(key))
    return known ? undefined : terms[0]?.key
  }

  /** Starts an index. Objects go in by `fill`; changes meanwhile by `add` and `remove`. */
  open(key: string): (object: StoredObject) => void {
    const index: Index = { byValue: new Map(), isWhole: false }
    this.#indexes.set(key, index)
    for (const oldest of this.#indexes.keys()) {
      if (this.#indexes.size <= MAX_INDEXED_LABELS) break
      this.#indexes.delete(oldest)
    }
    return (object) => put(index, key, object)
  }

  /** All objects have been put in. */
  complete(key: string): void {
    const index = this.#indexes.get(key)
    if (index) index.isWhole = true
  }

  add(object: StoredObject): void {
    for (const [key, index] of this.#indexes) put(index, key, object)
  }

  remove(object: StoredObject): void {
    for (const [key, { byValue }] of this.#indexes) {
      const value = labelOf(object, key)
      if (value === undefined) continue
      const members = byValue.get(value)
      if (members === object) byValue.delete(value)
      else if (members instanceof Set && members.delete(object) && members.size === 0) byValue.delete(value)
    }
  }

  clear(): void {
    this.#indexes.clear()
  }

  /** The objects, in no order, that meet the term which the fewest do; undefined when that is not fewer than `most`, or no term is on an indexed label. */
  candidates(terms: readonly LabelTerm[], most: number): StoredObject[] | undefined {
    let fewest: { key: string; index: Index; members: Members[]; count: number } | undefined
    for (const { key, values } of terms) {
      const index = this.#indexes.get(key)
      if (!index?.isWhole) continue
      const members = values.flatMap((value) => index.byValue.get(value) ?? [])
      const count = members.reduce((sum, some) => sum + (some instanceof Set ? some.size : 1), 0)
      if (!fewest || count < fewest.count) fewest = { key, index, members, count }
    }
    if (!fewest || fewest.count >= most) return undefined
    this.#indexes.delete(fewest.key)
    this.#indexes.set(fewest.key, fewest.index)
    return fewest.members.flatMap((some) => (some instanceof Set ? [...some] : some))
  }
}

function put({ byValue }: Index, key: string, object: StoredObject): void {
  const value = labelOf(object, key)
  if (value === undefined) return
  const members = byValue.get(value)
  if (members === undefined) byValue.set(value, object)
  else if (members instanceof Set) members.add(object)
  else if (members !== object) byValue.set(value, new Set([members, object]))
}

function labelOf({ labels }: StoredObject, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined
}
