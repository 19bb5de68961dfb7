// Lists in every form but that of the cached bytes: tables, metadata, YAML, protobuf, views. Made item by item while they are written, with the
// same bytes as if they were made whole.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { listStruct } from '../apimachinery/messages.ts'
import type { AnyObject } from '../apimachinery/metadata.ts'
import { encodeListEnds, itemEncoder, type TypeMeta } from '../apimachinery/protobuf/protobuf.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { Struct } from '../apimachinery/schema.ts'
import { encodeYaml } from '../apimachinery/yaml.ts'
import type { CachedObject, ResponseBody } from '../client/door.ts'

/** A list as a value, taken apart: what stands around its items, and how each comes to be. */
export interface ListParts {
  /** The list without its items. */
  readonly around: Readonly<Record<string, unknown>>
  readonly member: 'items' | 'rows'
  each(object: DeepReadonly<AnyObject>): object
}

type Look = (item: CachedObject) => DeepReadonly<AnyObject>

/** Up to so many bytes of objects are kept parsed for who looks at them next; those of longer lists are parsed for the one look. */
const KEPT_PARSED_BYTES = 4 * 1024 * 1024

/** How the objects of a list are looked at. */
export function lookAt(stored: readonly CachedObject[]): Look {
  let bytes = 0
  for (const item of stored) {
    bytes += item.bytes.length
    if (bytes > KEPT_PARSED_BYTES) return (object) => object.glance()
  }
  return ({ object }) => object
}

const COMMA = Buffer.from(',')

export function* jsonPieces(parts: ListParts, items: readonly CachedObject[], look: Look): Generator<Buffer> {
  const ends = JSON.stringify({ ...parts.around, [parts.member]: [] })
  yield Buffer.from(ends.slice(0, -2))
  for (const [i, item] of items.entries()) {
    if (i > 0) yield COMMA
    yield Buffer.from(JSON.stringify(parts.each(look(item))))
  }
  yield Buffer.from(ends.slice(-2))
}

/** Keys are sorted, and lists stand flush with their key: an item looks the same in every list. */
export function* yamlPieces(parts: ListParts, items: readonly CachedObject[], look: Look): Generator<Buffer> {
  const { around, member } = parts
  const some = (wanted: (key: string) => boolean): Buffer => {
    const entries = Object.entries(around).filter(([key]) => wanted(key))
    return Buffer.from(entries.length === 0 ? '' : encodeYaml(Object.fromEntries(entries)))
  }
  yield some((key) => key < member)
  yield Buffer.from(items.length === 0 ? `${member}: []\n` : `${member}:\n`)
  for (const item of items) yield Buffer.from(encodeYaml([parts.each(look(item))]))
  yield some((key) => key > member)
}

/** The list in JSON, of objects whose bytes are made when they are written. */
export function* bytesPieces(
  { head, tail }: { head: Buffer; tail: Buffer },
  items: readonly CachedObject[],
  bytesOf: (item: CachedObject) => Buffer,
): Generator<Buffer> {
  yield head
  for (const [i, item] of items.entries()) {
    if (i > 0) yield COMMA
    yield bytesOf(item)
  }
  yield tail
}

export interface ListMessage extends TypeMeta {
  struct: Struct
  listKind: string
}

/** So much of a list is kept encoded while the rest is measured. */
const KEPT_ENCODED_BYTES = 4 * 1024 * 1024
/** Others have their turn each time so much was encoded. */
const TURN_BYTES = 256 * 1024

/**
 * The length of a protobuf message comes before it: all the items are encoded once to learn it. What is long is thrown away and encoded again when
 * it is written, which costs time where keeping it would cost memory.
 */
export async function protobufBody(
  { struct, apiVersion, listKind }: ListMessage,
  metadata: object,
  { items, look, signal }: { items: readonly CachedObject[]; look: Look; signal: AbortSignal },
): Promise<ResponseBody> {
  const encoder = itemEncoder(struct)
  const encode = (item: CachedObject): Buffer => encoder(look(item))
  const kept: Buffer[] = []
  let length = 0
  let turn = TURN_BYTES
  for (const item of items) {
    const bytes = encode(item)
    length += bytes.length
    if (length <= KEPT_ENCODED_BYTES) kept.push(Buffer.from(bytes))
    if (length < turn) continue
    turn = length + TURN_BYTES
    await nextTurn()
    signal.throwIfAborted()
  }
  const type = { apiVersion, kind: listKind }
  const { head, tail } = encodeListEnds(listStruct(struct, listKind), type, { metadata, itemsLength: length })
  if (kept.length === items.length) return { kind: 'bytes', bytes: Buffer.concat([head, ...kept, tail]) }
  return { kind: 'pieces', pieces: protobufPieces(head, { kept, items, encode }, tail) }
}

/** A piece is good until the next is asked for. */
function* protobufPieces(
  head: Buffer,
  { kept, items, encode }: { kept: Buffer[]; items: readonly CachedObject[]; encode: (item: CachedObject) => Buffer },
  tail: Buffer,
): Generator<Buffer> {
  yield head
  for (const [i, item] of items.entries()) {
    const bytes = kept[i]
    delete kept[i]
    yield bytes ?? encode(item)
  }
  yield tail
}
