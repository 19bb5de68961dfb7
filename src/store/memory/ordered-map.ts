// A map of strings to bytes in the order of its keys: sorted chunks, so that an insertion moves at most one chunk's worth of keys.

const MAX_CHUNK = 512

interface Chunk {
  readonly keys: string[]
  readonly values: Buffer[]
}

interface Bounds {
  /** Inclusive. */
  start: string
  /** Exclusive. */
  end?: string
}

export class OrderedMap {
  /** Never empty chunks, except for the one of an empty map. */
  #chunks: Chunk[] = [{ keys: [], values: [] }]

  get(key: string): Buffer | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)]
    if (chunk === undefined) return undefined
    const at = lowerBound(chunk.keys, key)
    return chunk.keys[at] === key ? chunk.values[at] : undefined
  }

  set(key: string, value: Buffer): void {
    const index = this.#chunkOf(key)
    const chunk = this.#chunks[index]
    if (chunk === undefined) return
    const at = lowerBound(chunk.keys, key)
    if (chunk.keys[at] === key) {
      chunk.values[at] = value
      return
    }
    chunk.keys.splice(at, 0, key)
    chunk.values.splice(at, 0, value)
    if (chunk.keys.length <= MAX_CHUNK) return
    // Keys mostly arrive in order at the end: leave the full part nearly full there.
    const half = index === this.#chunks.length - 1 ? MAX_CHUNK - 8 : MAX_CHUNK / 2
    this.#chunks.splice(index + 1, 0, { keys: chunk.keys.splice(half), values: chunk.values.splice(half) })
  }

  delete(key: string): void {
    const index = this.#chunkOf(key)
    const chunk = this.#chunks[index]
    if (chunk === undefined) return
    const at = lowerBound(chunk.keys, key)
    if (chunk.keys[at] !== key) return
    chunk.keys.splice(at, 1)
    chunk.values.splice(at, 1)
    if (chunk.keys.length === 0 && this.#chunks.length > 1) this.#chunks.splice(index, 1)
  }

  /** The map must not change while it is walked. */
  *ascending({ start, end }: Bounds): Iterable<[key: string, value: Buffer]> {
    let index = this.#chunkOf(start)
    let at = lowerBound(this.#chunks[index]?.keys ?? [], start)
    for (; index < this.#chunks.length; index++, at = 0) {
      const chunk = this.#chunks[index]
      for (; chunk !== undefined && at < chunk.keys.length; at++) {
        const key = chunk.keys[at]
        const value = chunk.values[at]
        if (key === undefined || value === undefined || (end !== undefined && key >= end)) return
        yield [key, value]
      }
    }
  }

  *descending({ start, end }: Bounds): Iterable<[key: string, value: Buffer]> {
    let index = end === undefined ? this.#chunks.length - 1 : this.#chunkOf(end)
    let at = (end === undefined ? this.#sizeOf(index) : lowerBound(this.#chunks[index]?.keys ?? [], end)) - 1
    for (; index >= 0; index--, at = this.#sizeOf(index) - 1) {
      const chunk = this.#chunks[index]
      for (; chunk !== undefined && at >= 0; at--) {
        const key = chunk.keys[at]
        const value = chunk.values[at]
        if (key === undefined || value === undefined || key < start) return
        yield [key, value]
      }
    }
  }

  #sizeOf(index: number): number {
    return this.#chunks[index]?.keys.length ?? 0
  }

  /** The last chunk whose first key is not greater than `key`, or the first chunk. */
  #chunkOf(key: string): number {
    let low = 0
    let high = this.#chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      const first = this.#chunks[middle]?.keys[0]
      if (first !== undefined && first <= key) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** The index of the first key that is not less than `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    const at = keys[middle]
    if (at !== undefined && at < key) low = middle + 1
    else high = middle
  }
  return low
}
