// The bytes an object is stored and served as: a fixed opening, so that the resource version can be spliced in without parsing.

import { FieldsText } from './apply/added.ts'
import { isObject, type JsonObject, setOwn } from './objects.ts'
import type { Resource } from './resource.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const CLOSE_BRACE = 0x7d

/**
 * JSON of `object`, beginning `{"kind":…,"apiVersion":…,"metadata":{`. Its resourceVersion is left out: the store's revision is spliced in
 * when the object is served (`spliceResourceVersion`).
 */
export function serialize(resource: SerializedKind, object: object): Buffer {
  const text = serializeText(resource, object)
  // Not out of Node's pool: one object that is kept would keep a whole block of it, and the next ones would pay the kernel for fresh memory.
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

/** What serializing needs to know of a resource. */
export type SerializedKind = Pick<Resource, 'kind' | 'apiVersion'>

const openings = new WeakMap<SerializedKind, string>()

function opening(resource: SerializedKind): string {
  let text = openings.get(resource)
  if (text === undefined) {
    text = `{"kind":${JSON.stringify(resource.kind)},"apiVersion":${JSON.stringify(resource.apiVersion)},"metadata":{`
    openings.set(resource, text)
  }
  return text
}

export function serializeText(resource: SerializedKind, object: object): string {
  const { metadata = {} } = object as { metadata?: JsonObject }
  const managed = metadata['managedFields']
  const entries: readonly unknown[] = Array.isArray(managed) ? managed : []
  if (entries.some(isText)) return textByParts(resource, object, entries)
  const meta: JsonObject = {}
  for (const key in metadata) if (key !== 'resourceVersion' && key !== 'managedFields') setOwn(meta, key, metadata[key])
  if (Array.isArray(managed)) meta['managedFields'] = managed
  const ordered: JsonObject = { kind: resource.kind, apiVersion: resource.apiVersion, metadata: meta }
  for (const key in object) if (!Object.hasOwn(ordered, key)) setOwn(ordered, key, (object as JsonObject)[key])
  const text = JSON.stringify(ordered)
  // A member that is called as a number stands first, however late it came.
  return text.startsWith(opening(resource)) ? text : textByParts(resource, object, entries)
}

/** The same put together from texts, which costs each of them once more. */
function textByParts(resource: SerializedKind, object: object, entries: readonly unknown[]): string {
  const { kind: _kind, apiVersion: _apiVersion, metadata = {}, ...rest } = object as Record<string, unknown>
  const { resourceVersion: _resourceVersion, managedFields, ...meta } = metadata as Record<string, unknown>
  const metaText = JSON.stringify(meta)
  const managed = Array.isArray(managedFields) ? `"managedFields":[${entries.map(entryText).join(',')}]` : ''
  const comma = managed === '' || metaText === '{}' ? '' : ','
  const restText = JSON.stringify(rest)
  return `${opening(resource)}${metaText.slice(1, -1)}${comma}${managed}}${restText === '{}' ? '}' : `,${restText.slice(1)}`}`
}

const isText = (entry: unknown): boolean => isObject(entry) && entry['fieldsV1'] instanceof FieldsText

/** Fields that were written down as text already are put in as they are. */
function entryText(entry: unknown): string {
  if (!isObject(entry) || !(entry['fieldsV1'] instanceof FieldsText)) return JSON.stringify(entry)
  const { fieldsV1, ...rest } = entry
  return `${JSON.stringify(rest).slice(0, -1)},"fieldsV1":${fieldsV1.text}}`
}

/** Where a resource version belongs in bytes made by `serialize` for this kind: the offset just behind `"metadata":{`. */
export function resourceVersionOffset(resource: SerializedKind): number {
  return Buffer.byteLength(opening(resource))
}

const METADATA = Buffer.from(',"metadata":{')

/**
 * `bytes`, made by `serialize`, with `"resourceVersion":"N",` at the head of its metadata. `offset` spares the search where the kind is
 * known. Never changes `bytes`.
 */
export function spliceResourceVersion(
  bytes: Buffer,
  revision: number | bigint | string,
  offset = findOffset(bytes),
  allocate = Buffer.allocUnsafeSlow,
): Buffer {
  const text = `"resourceVersion":"${revision}"`
  const empty = bytes[offset] === CLOSE_BRACE
  const added = text.length + (empty ? 0 : 1)
  // Memory of its own unless told otherwise: it must not keep alive a block that it shares with what happened to be made beside it.
  const out = allocate(bytes.length + added)
  bytes.copy(out, 0, 0, offset)
  out.write(text, offset, 'latin1')
  if (!empty) out[offset + text.length] = COMMA
  bytes.copy(out, offset + added, offset)
  return out
}

/** The offset for bytes whose kind is not at hand. Kind and apiVersion hold no quotes, so the first match is the object's own metadata. */
export function findOffset(bytes: Buffer): number {
  const at = bytes.indexOf(METADATA)
  if (at < 0 || bytes[at - 1] !== QUOTE)
    throw new Error('Cannot splice a resource version: the bytes were not made by serialize')
  return at + METADATA.length
}

/** Makes an object and all below it immutable: what tests give to code that must not change what it was handed. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const member of Object.values(value)) deepFreeze(member)
  }
  return value
}
