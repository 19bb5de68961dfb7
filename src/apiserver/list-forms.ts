// Lists in every form but that of the cached bytes: tables, metadata, YAML, protobuf, views. Made item by item while they are written, with the
// same bytes as if they were made whole.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { listStruct } from '../apimachinery/messages.ts'
import { parseSparingly } from '../apimachinery/json-sparing.ts'
import type { AnyObject } from '../apimachinery/metadata.ts'
import { encodeListEnds, itemEncoder, type TypeMeta } from '../apimachinery/protobuf/protobuf.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { Struct } from '../apimachinery/schema.ts'
import { encodeYaml } from '../apimachinery/yaml.ts'
import { encodeYamlItem } from '../apimachinery/yaml-pieces.ts'
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

/** Strings as long as an object of so many bytes are more than V8 forgets at once: it is encoded without making any. */
const LARGE_BYTES = 64 * 1024

/** The same for encoders of protobuf and YAML, which know long texts: of large objects those stay in the bytes. Not for objects of a view. */
export function lookToEncode(stored: readonly CachedObject[]): Look {
  const look = lookAt(stored)
  return (item) => (item.bytes.length > LARGE_BYTES ? (parseSparingly(item.bytes) as AnyObject) : look(item))
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

export function yamlPieces(parts: ListParts, items: readonly CachedObject[], look: Look): Generator<Buffer> {
  return bytesOf(yamlTexts(parts, items, look))
}

/** Keys are sorted, and lists stand flush with their key: an item looks the same in every list. */
function* yamlTexts(parts: ListParts, items: readonly CachedObject[], look: Look): Generator<string> {
  const { around, member } = parts
  const some = (wanted: (key: string) => boolean): string => {
    const entries = Object.entries(around).filter(([key]) => wanted(key))
    return entries.length === 0 ? '' : encodeYaml(Object.fromEntries(entries))
  }
  yield some((key) => key < member)
  yield items.length === 0 ? `${member}: []\n` : `${member}:\n`
  for (const item of items) yield* encodeYamlItem(parts.each(look(item)))
  yield some((key) => key > member)
}

/** A piece of text in UTF-8 takes at most three bytes for a character. */
const PIECE_CHARACTERS = 16 * 1024

/** A piece is good until the next is asked for: all of them share one memory. */
function* bytesOf(texts: Iterable<string>): Generator<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(PIECE_CHARACTERS * 3)
  for (const text of texts) {
    for (let from = 0; from < text.length; ) {
      const to = from + PIECE_CHARACTERS
      // What follows the first half of a pair is its second half.
      const end = isHighSurrogate(text.charCodeAt(to - 1)) ? to - 1 : to
      yield bytes.subarray(0, bytes.write(text.slice(from, end)))
      from = end
    }
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
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
