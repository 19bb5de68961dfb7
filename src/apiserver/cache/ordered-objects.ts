// Objects in the order of their keys: sorted chunks, so that a new one moves at most one chunk's worth, and a list after a write need not sort.

const MAX_CHUNK = 512

interface Keyed {
  readonly key: string
}

/** Keys from `start` (inclusive) to `end` (exclusive); absent: from the first, to the last. */
export interface Span {
  start?: string
  end?: string
}

export class OrderedObjects<T extends Keyed> {
  /** Never empty chunks, except for the one of an empty list. */
  #chunks: T[][] = [[]]

  /** Puts an object in the place of its key, instead of the one that is there. */
  set(object: T): void {
    const index = this.#chunkOf(object.key)
    const chunk = this.#chunks[index]
    if (!chunk) return
    const at = lowerBound(chunk, object.key)
    if (chunk[at]?.key === object.key) {
      chunk[at] = object
      return
    }
    if (at === chunk.length) chunk.push(object)
    else chunk.splice(at, 0, object)
    if (chunk.length <= MAX_CHUNK) return
    // Keys mostly arrive in order at the end: leave the full part nearly full there.
    const half = index === this.#chunks.length - 1 ? MAX_CHUNK - 8 : MAX_CHUNK / 2
    this.#chunks.splice(index + 1, 0, chunk.splice(half))
  }

  delete(key: string): void {
    const index = this.#chunkOf(key)
    const chunk = this.#chunks[index]
    if (!chunk) return
    const at = lowerBound(chunk, key)
    if (chunk[at]?.key !== key) return
    chunk.splice(at, 1)
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(index, 1)
  }

  clear(): void {
    this.#chunks = [[]]
  }

  /** Visits objects in order until `visit` says false. */
  walk(span: Span, visit: (object: T) => boolean): void {
    let { chunk: index, at } = this.#find(span.start)
    const last = this.#find(span.end, true)
    for (; index <= last.chunk; index++, at = 0) {
      const chunk = this.#chunks[index] ?? []
      const end = index === last.chunk ? last.at : chunk.length
      for (; at < end; at++) {
        const object = chunk[at]
        if (object && !visit(object)) return
      }
    }
  }

  /** All of them, as they are now. */
  slice(span: Span): T[] {
    const first = this.#find(span.start)
    const last = this.#find(span.end, true)
    if (first.chunk > last.chunk) return []
    if (first.chunk === last.chunk)
      return (this.#chunks[first.chunk] ?? []).slice(first.at, Math.max(first.at, last.at))
    return [
      (this.#chunks[first.chunk] ?? []).slice(first.at),
      ...this.#chunks.slice(first.chunk + 1, last.chunk),
      (this.#chunks[last.chunk] ?? []).slice(0, last.at),
    ].flat()
  }

  count(span: Span): number {
    const first = this.#find(span.start)
    const last = this.#find(span.end, true)
    if (first.chunk > last.chunk) return 0
    let count = last.at - first.at
    for (let i = first.chunk; i < last.chunk; i++) count += this.#chunks[i]?.length ?? 0
    return Math.max(0, count)
  }

  /** Where the first object is that is not before `key`; without one the beginning, or the end. */
  #find(key: string | undefined, fromEnd = false): { chunk: number; at: number } {
    if (key === undefined) {
      const chunk = fromEnd ? this.#chunks.length - 1 : 0
      return { chunk, at: fromEnd ? (this.#chunks[chunk]?.length ?? 0) : 0 }
    }
    const chunk = this.#chunkOf(key)
    return { chunk, at: lowerBound(this.#chunks[chunk] ?? [], key) }
  }

  /** The last chunk whose first key is not greater than `key`, or the first chunk. */
  #chunkOf(key: string): number {
    let low = 0
    let high = this.#chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      const first = this.#chunks[middle]?.[0]
      if (first !== undefined && first.key <= key) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** The index of the first object whose key is not less than `key`. Keys are ASCII, so the order of UTF-16 units is the store's order of bytes. */
function lowerBound(objects: readonly Keyed[], key: string): number {
  let low = 0
  let high = objects.length
  while (low < high) {
    const middle = (low + high) >> 1
    const at = objects[middle]
    if (at !== undefined && at.key < key) low = middle + 1
    else high = middle
  }
  return low
}
