// Where things are in etcd: an object per key below `PREFIX/objects/`, and two keys that are overwritten again and again.

import { keyBytes, prefixBytes, prefixEnd } from '../keys.ts'

const NOTHING = Buffer.alloc(0)

/** From `start` up to and without `end`, as etcd's requests name ranges. */
export interface KeyRange {
  readonly key: Buffer
  readonly rangeEnd: Buffer
}

export class Layout {
  readonly #objects: Buffer
  /** Everything below the prefix: what a watch follows. */
  readonly everything: KeyRange
  /** Put in the revision of every deletion, with who made it: etcd's own event of a deletion names nobody. */
  readonly deletion: Buffer
  /** Put by who waits for a revision that others of this etcd took, and which no watch of ours can therefore tell of. */
  readonly progress: Buffer

  /** `prefix` as `--etcd-prefix` has it: `/drover`. */
  constructor(prefix: string) {
    const root = prefixBytes(`${prefix.replace(/\/+$/, '')}/`)
    this.everything = { key: root, rangeEnd: prefixEnd(root) ?? NOTHING }
    this.#objects = Buffer.concat([root, Buffer.from('objects/')])
    this.deletion = Buffer.concat([root, Buffer.from('deletion')])
    this.progress = Buffer.concat([root, Buffer.from('progress')])
  }

  /** The key in etcd. Throws `InvalidWriteError` when no store takes it. */
  object(key: string): Buffer {
    return Buffer.concat([this.#objects, keyBytes(key)])
  }

  /** All objects under a prefix, or after one key of it. */
  objects(prefix: string, after?: string): KeyRange {
    const start = Buffer.concat([this.#objects, prefixBytes(prefix)])
    const rangeEnd = prefixEnd(start) ?? NOTHING
    if (after === undefined) return { key: start, rangeEnd }
    const next = Buffer.concat([this.object(after), Buffer.of(0)])
    return { key: Buffer.compare(next, start) > 0 ? next : start, rangeEnd }
  }

  /** The store's key of a key in etcd; undefined for those that are not objects. */
  keyOf(bytes: Buffer): string | undefined {
    const length = this.#objects.length
    if (bytes.length <= length || !bytes.subarray(0, length).equals(this.#objects)) return undefined
    return bytes.toString('utf8', length)
  }
}
