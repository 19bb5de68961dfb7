// How an object sits in the store and in the cache: JSON bytes whose first field after kind and apiVersion is metadata, so that the
// revision, which is known only after the commit, can be put in without parsing.

import { FieldsText } from '../../apimachinery/apply/added.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import { deepEqual } from '../../apimachinery/patch/json-patch.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { memberText } from '../../apimachinery/json-member.ts'
import { spliceResourceVersion } from '../../apimachinery/serialize.ts'
import type { CachedObject, EventType, WatchFrame } from '../../client/door.ts'
import type { ParsedForm } from './parsed-forms.ts'
import type { Slab, Slabs, Tenant } from './slabs.ts'

const METADATA = Buffer.from('"metadata":{')
const NO_LABELS: Readonly<Record<string, string>> = {}

/** An object at one revision. Parsed when somebody looks inside; where the cache holds it, only as long as somebody looks now and then. */
export class StoredObject implements CachedObject, Tenant {
  readonly key: string
  readonly revision: number
  #bytes: Buffer
  /** Where the bytes are while a cache holds the object; absent: in memory of their own. */
  #slab: Slab | undefined
  #form: Form | undefined
  #labels: Readonly<Record<string, string>> | undefined
  #lines: Map<EventType, WatchFrame> | undefined

  /** `bytes` are JSON with this revision in them; `fromStore` puts it in. */
  private constructor(key: string, revision: number, bytes: Buffer) {
    this.key = key
    this.revision = revision
    this.#bytes = bytes
  }

  static fromStore(key: string, revision: number, stored: Buffer): StoredObject {
    return new StoredObject(key, revision, spliceResourceVersion(stored, revision))
  }

  /** One that a cache holds, until it is released. */
  static held(key: string, revision: number, stored: Buffer, slabs: Slabs): StoredObject {
    const object = new StoredObject(key, revision, spliceResourceVersion(stored, revision, undefined, slabs.take))
    object.#slab = slabs.settle(object)
    const made = objectsMade.get(stored)
    if (made) {
      object.#keep(atRevision(made, revision)).ownersMayBeText = true
      slabs.forms.offer(object)
    }
    return object
  }

  /** Shared by all readers. What has been read stays as it was, also when the object has moved or was released since. */
  get bytes(): Buffer {
    return this.#bytes
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  isIn(slab: Slab): boolean {
    return this.#slab === slab
  }

  move(slabs: Slabs): void {
    const bytes = slabs.take(this.#bytes.length)
    this.#bytes.copy(bytes)
    this.#bytes = bytes
    this.#slab = slabs.settle(this)
  }

  /** The cache holds it no more. Readers that have it go on. */
  release(): void {
    const slab = this.#slab
    this.dropParsed()
    this.#slab = undefined
    slab?.slabs.release(slab, this.#bytes.length)
  }

  /** The same state as of a later revision: how a watcher sees an object that left its selection, or is no more. */
  at(revision: number): StoredObject {
    const { bytes } = this
    const start = bytes.indexOf(METADATA) + METADATA.length
    const end = bytes.indexOf(',', start) + 1
    const later = StoredObject.fromStore(
      this.key,
      revision,
      Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]),
    )
    // Whoever watches looks at what went: it need not be parsed again for a number.
    if (this.#form) later.#form = new Form(atRevision(this.#form.whole, revision), later)
    return later
  }

  /** Whether `stored`, not yet at a revision, is this state: the same bytes, or the same fields in another order, which is as long. */
  holds(stored: Buffer): boolean {
    if (stored.length + `"resourceVersion":"${this.revision}",`.length !== this.#bytes.length) return false
    const same = StoredObject.fromStore(this.key, this.revision, stored)
    return same.bytes.equals(this.#bytes) || deepEqual(same.object, this.object)
  }

  get object(): DeepReadonly<AnyObject> {
    const form = this.#form
    if (!form) return this.#parse()
    form.isUsed = true
    return form.whole
  }

  /** `object` for who never asks which fields somebody owns: those may still be text in it. */
  get content(): DeepReadonly<AnyObject> {
    const form = this.#form
    if (!form) return this.#parse()
    form.isUsed = true
    return form.object
  }

  get isParsed(): boolean {
    return this.#form !== undefined
  }

  #parse(): DeepReadonly<AnyObject> {
    const object = JSON.parse(this.#bytes.toString()) as AnyObject
    this.#keep(object)
    return object
  }

  #keep(object: DeepReadonly<AnyObject>): Form {
    const form = new Form(object, this)
    this.#form = form
    this.#slab?.slabs.forms.add(form)
    return form
  }

  /** For one look at one of many: what all of them are parsed may be more than there is memory. */
  glance(): DeepReadonly<AnyObject> {
    return this.#form?.whole ?? (JSON.parse(this.#bytes.toString()) as AnyObject)
  }

  /** The labels, read out of the bytes where the object is not parsed. */
  get labels(): Readonly<Record<string, string>> {
    this.#labels ??= this.#form ? (this.#form.object.metadata.labels ?? NO_LABELS) : this.#readLabels()
    return this.#labels
  }

  #readLabels(): Readonly<Record<string, string>> {
    const start = this.#bytes.indexOf(METADATA) + METADATA.length - 1
    const text = memberText(this.#bytes, start, 'labels')
    return text === undefined ? NO_LABELS : (JSON.parse(text) as Record<string, string>)
  }

  /** What was only wanted for one event or one list: of many objects it would be as much memory again. */
  dropPassing(): void {
    this.#lines = undefined
    this.#labels = undefined
  }

  /** Superseded, and kept for watches that resume: they parse it again if they must. */
  dropParsed(): void {
    this.dropPassing()
    const form = this.#form
    this.#form = undefined
    if (form && form.slot >= 0) this.#slab?.slabs.forms.remove(form)
  }

  dropUnseen(): void {
    if (this.#form?.isUsed === false) this.dropParsed()
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

const objectsMade = new WeakMap<Buffer, DeepReadonly<AnyObject>>()

/**
 * `object` was serialized to `stored`, which are about to be committed: the cache that takes them up need not parse what is there. From here on
 * nobody changes the object.
 */
export function handOver(stored: Buffer, object: DeepReadonly<AnyObject>): void {
  objectsMade.set(stored, object)
}

function atRevision(object: DeepReadonly<AnyObject>, revision: number): DeepReadonly<AnyObject> {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
}

class Form implements ParsedForm {
  readonly object: DeepReadonly<AnyObject>
  readonly sizeBytes: number
  isUsed = false
  slot = -1
  /** Which fields somebody owns may still be what was written into the bytes (`FieldsText`). */
  ownersMayBeText = false
  readonly #of: StoredObject

  constructor(object: DeepReadonly<AnyObject>, of: StoredObject) {
    this.object = object
    this.sizeBytes = of.sizeBytes
    this.#of = of
  }

  get whole(): DeepReadonly<AnyObject> {
    if (this.ownersMayBeText) {
      this.ownersMayBeText = false
      for (const entry of this.object.metadata.managedFields ?? []) {
        const { fieldsV1 } = entry
        if (fieldsV1 instanceof FieldsText) (entry as { fieldsV1: unknown }).fieldsV1 = fieldsV1.toJSON()
      }
    }
    return this.object
  }

  forget(): void {
    this.#of.dropParsed()
  }
}

/** A frame of its own, for one watcher: nothing is kept with the object. */
export function loneFrame(type: EventType, stored: StoredObject): WatchFrame {
  return new LoneFrame(type, stored)
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

  get source(): StoredObject {
    return this.#stored
  }
}

class LoneFrame extends ObjectFrame {
  glance(): DeepReadonly<AnyObject> {
    return this.source.glance()
  }
}

const LINE_END = Buffer.from('}\n')

export function frameLine(type: EventType, object: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object, LINE_END])
}
