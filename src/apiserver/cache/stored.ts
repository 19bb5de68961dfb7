// How an object sits in the store and in the cache: JSON bytes whose first field after kind and apiVersion is metadata, so that the
// revision, which is known only after the commit, can be put in without parsing.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import { deepEqual } from '../../apimachinery/patch/json-patch.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { memberText } from '../../apimachinery/json-member.ts'
import { spliceResourceVersion } from '../../apimachinery/serialize.ts'
import type { CachedObject, EventType, WatchFrame } from '../../client/door.ts'

const METADATA = Buffer.from('"metadata":{')
const NO_LABELS: Readonly<Record<string, string>> = {}

/** An object at one revision. Parsed when somebody first looks inside, and once. */
export class StoredObject implements CachedObject {
  readonly key: string
  readonly revision: number
  readonly bytes: Buffer
  #object: DeepReadonly<AnyObject> | undefined
  #labels: Readonly<Record<string, string>> | undefined
  #lines: Map<EventType, WatchFrame> | undefined

  /** `bytes` are JSON with this revision in them; `fromStore` puts it in. */
  private constructor(key: string, revision: number, bytes: Buffer) {
    this.key = key
    this.revision = revision
    this.bytes = bytes
  }

  static fromStore(key: string, revision: number, stored: Buffer): StoredObject {
    return new StoredObject(key, revision, spliceResourceVersion(stored, revision))
  }

  /** The same state as of a later revision: how a watcher sees an object that left its selection. */
  at(revision: number): StoredObject {
    const start = this.bytes.indexOf(METADATA) + METADATA.length
    const end = this.bytes.indexOf(',', start) + 1
    const stored = Buffer.concat([this.bytes.subarray(0, start), this.bytes.subarray(end)])
    return StoredObject.fromStore(this.key, revision, stored)
  }

  /** Whether `stored`, not yet at a revision, is this state: the same bytes, or the same fields in another order, which is as long. */
  holds(stored: Buffer): boolean {
    if (stored.length + `"resourceVersion":"${this.revision}",`.length !== this.bytes.length) return false
    const same = StoredObject.fromStore(this.key, this.revision, stored)
    return same.bytes.equals(this.bytes) || deepEqual(same.object, this.object)
  }

  get object(): DeepReadonly<AnyObject> {
    this.#object ??= JSON.parse(this.bytes.toString()) as AnyObject
    return this.#object
  }

  /** For one look at one of many: what all of them are parsed may be more than there is memory. */
  glance(): DeepReadonly<AnyObject> {
    return this.#object ?? (JSON.parse(this.bytes.toString()) as AnyObject)
  }

  /** The labels, read out of the bytes where nobody has parsed the object yet. */
  get labels(): Readonly<Record<string, string>> {
    this.#labels ??= this.#object ? (this.#object.metadata.labels ?? NO_LABELS) : this.#readLabels()
    return this.#labels
  }

  #readLabels(): Readonly<Record<string, string>> {
    const start = this.bytes.indexOf(METADATA) + METADATA.length - 1
    const text = memberText(this.bytes, start, 'labels')
    return text === undefined ? NO_LABELS : (JSON.parse(text) as Record<string, string>)
  }

  /** Every watcher has its frames by now: a framed copy of every object would be as much memory again. */
  dropFrames(): void {
    this.#lines = undefined
  }

  /** Superseded, and kept for watches that resume: they parse it again if they must. */
  dropParsed(): void {
    this.#lines = undefined
    this.#object = undefined
  }

  /** The watch event of `type` about this object, framed once for all watchers. */
  frame(type: EventType): WatchFrame {
    this.#lines ??= new Map()
    let frame = this.#lines.get(type)
    if (!frame) {
      frame = new ObjectFrame(type, this)
      this.#lines.set(type, frame)
    }
    return frame
  }
}

/** A frame of its own, for one watcher: nothing is kept with the object. */
export function loneFrame(type: EventType, stored: StoredObject): WatchFrame {
  return new ObjectFrame(type, stored)
}

class ObjectFrame implements WatchFrame {
  readonly type: EventType
  readonly #stored: StoredObject
  #line: Buffer | undefined

  constructor(type: EventType, stored: StoredObject) {
    this.type = type
    this.#stored = stored
  }

  /** Made when the first watcher behind the HTTPS door asks; the in-process door takes the object. */
  get line(): Buffer {
    this.#line ??= frameLine(this.type, this.#stored.bytes)
    return this.#line
  }

  get object(): DeepReadonly<AnyObject> {
    return this.#stored.object
  }
}

const LINE_END = Buffer.from('}\n')

export function frameLine(type: EventType, object: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object, LINE_END])
}
