// The fields that a new object adds, written down at once as the JSON of a FieldsV1: every create asks, and nobody else looks inside before it is stored.

import { isObject, type JsonObject } from '../objects.ts'
import type { Field, Struct } from '../schema.ts'
import { elementKey, isRepeating, type Shape, shapeOf, structOf } from './elements.ts'

/** Structs that Go holds by value: they exist, if empty, in every object, so creating an object does not add them. */
const BY_VALUE = new Set([
  'metadata',
  'spec',
  'status',
  'template',
  'strategy',
  'updateStrategy',
  'containers',
  'roleRef',
])

/** A `fieldsV1` that exists as text only. Serializing an object puts the text in as it is. */
export class FieldsText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toJSON(): unknown {
    return JSON.parse(this.text)
  }
}

/**
 * What is in `object` and was not there before; undefined when that is nothing. Top-level kind and apiVersion are not fields; of the
 * metadata, the members `unowned` are nobody's.
 */
export function addedFields(
  struct: Struct | undefined,
  object: JsonObject,
  unowned: ReadonlySet<string>,
): FieldsText | undefined {
  const text: string[] = ['{']
  const known = struct && membersOf(struct)
  for (const key in object) {
    if (key === 'kind' || key === 'apiVersion') continue
    const member = known?.get(key) ?? memberFor(key, undefined)
    writeMember(text, member, key === 'metadata' ? owned(object[key], unowned) : object[key], member.byValue)
  }
  if (text.length === 1) return undefined
  dropComma(text, 1)
  text.push('}')
  return new FieldsText(text.join(''))
}

function owned(metadata: unknown, unowned: ReadonlySet<string>): unknown {
  if (!isObject(metadata)) return metadata
  const kept: JsonObject = {}
  for (const key in metadata) if (!unowned.has(key)) kept[key] = metadata[key]
  return kept
}

/** What a value is as far as its field says, worked out once. */
interface Kind {
  readonly field: Field | undefined
  /** Absent: the value says it. */
  readonly shape: Shape | undefined
  readonly struct: Struct | undefined
  /** What the elements of a map or list are. */
  readonly of: Kind | undefined
}

const kinds = new WeakMap<Field, Kind>()
const UNKNOWN: Kind = { field: undefined, shape: undefined, struct: undefined, of: undefined }

function kindOf(field: Field | undefined): Kind {
  if (field === undefined) return UNKNOWN
  let kind = kinds.get(field)
  if (kind === undefined) {
    kind = { field, shape: shapeOf(field, undefined), struct: structOf(field), of: field.of && kindOf(field.of) }
    kinds.set(field, kind)
  }
  return kind
}

function isLeaf({ shape }: Kind, value: unknown): boolean {
  return shape === undefined ? !isObject(value) : shape === 'leaf'
}

/** One member of a struct. */
interface Member {
  /** `,"f:name":{`: what is in it follows. The first in its container loses the comma. */
  readonly opening: string
  /** `,"f:name":{}`: all there is to say of a leaf. */
  readonly leaf: string
  readonly kind: Kind
  /** Go holds it by value, wherever its parent is held so too. */
  readonly byValue: boolean
}

const members = new WeakMap<Struct, Map<string, Member>>()

function membersOf(struct: Struct): Map<string, Member> {
  let known = members.get(struct)
  if (known === undefined) {
    known = new Map()
    for (const key in struct.fields) known.set(key, memberFor(key, struct.fields[key]))
    members.set(struct, known)
  }
  return known
}

function memberFor(key: string, field: Field | undefined): Member {
  const opening = openingOf(`f:${key}`)
  return { opening, leaf: `${opening}}`, kind: kindOf(field), byValue: BY_VALUE.has(key) }
}

const openingOf = (element: string): string => `,${JSON.stringify(element)}:{`

/** Writes a member, unless it has no fields: it is absent, or an empty container that is held by value. */
function writeMember(text: string[], member: Member, value: unknown, byValue: boolean): void {
  if (value === undefined) return
  if (isLeaf(member.kind, value)) {
    text.push(member.leaf)
    return
  }
  const start = text.length
  text.push(member.opening)
  writeContainer(text, member.kind, value, byValue)
  if (byValue && text.length === start + 1) text.pop()
  else text.push('}')
}

/** Writes an element of a map or list, which is a field in itself whatever is in it. */
function writeElement(text: string[], element: string, kind: Kind, value: unknown): void {
  text.push(openingOf(element))
  if (value !== undefined && !isLeaf(kind, value)) writeContainer(text, kind, value, false)
  text.push('}')
}

/** A container that is new is itself a field, unless Go holds it by value. */
const ITSELF = '".":{}'

/** Writes what is in a container: nothing when it is empty. */
function writeContainer(text: string[], kind: Kind, value: unknown, byValue: boolean): void {
  const start = text.length
  if (!byValue) text.push(ITSELF)
  const before = text.length
  if (kind.shape === 'keyed' || kind.shape === 'set') writeElements(text, kind, value)
  else if (isObject(value)) writeMembers(text, kind, value, byValue)
  if (text.length === before) text.length = start
  else if (byValue) dropComma(text, start)
}

function dropComma(text: string[], index: number): void {
  text[index] = text[index]?.slice(1) ?? ''
}

function writeMembers(text: string[], { struct, of = UNKNOWN }: Kind, value: JsonObject, byValue: boolean): void {
  const known = struct && membersOf(struct)
  for (const key in value) {
    const member = known?.get(key)
    if (member !== undefined) writeMember(text, member, value[key], byValue && member.byValue)
    else if (byValue && BY_VALUE.has(key)) writeMember(text, memberFor(key, of.field), value[key], true)
    else if (value[key] !== undefined) writeElement(text, `f:${key}`, of, value[key])
  }
}

function writeElements(text: string[], { field, of = UNKNOWN }: Kind, elements: unknown): void {
  if (field === undefined || !Array.isArray(elements)) return
  const keys = elements.map((element) => elementKey(field, element))
  const isSet = field.list === 'set'
  if (isRepeating(keys)) {
    // Some lists may hold a key twice (env, ports of old objects): then all elements of the key together are one field.
    for (const [key, group] of Map.groupBy(elements as readonly unknown[], (_, i) => keys[i] ?? ''))
      writeElement(text, key, of, isSet || group.length > 1 ? undefined : group[0])
    return
  }
  for (let i = 0; i < keys.length; i++) writeElement(text, keys[i] ?? '', of, isSet ? undefined : elements[i])
}
