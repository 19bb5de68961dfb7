// The fields that a new object adds, written down at once as the JSON of a FieldsV1: every create asks, and nobody else looks inside before it is stored.

import { isObject, type JsonObject } from '../objects.ts'
import type { Field, Struct } from '../schema.ts'
import { elementKey, isRepeating, shapeOf, structOf } from './elements.ts'

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
  for (const key in object) {
    if (key === 'kind' || key === 'apiVersion') continue
    const member = memberOf(struct, key)
    writeMember(text, member, key === 'metadata' ? owned(object[key], unowned) : object[key], member.byValue)
  }
  if (text.length === 1) return undefined
  text.push('}')
  return new FieldsText(text.join(''))
}

function owned(metadata: unknown, unowned: ReadonlySet<string>): unknown {
  if (!isObject(metadata)) return metadata
  const kept: JsonObject = {}
  for (const key in metadata) if (!unowned.has(key)) kept[key] = metadata[key]
  return kept
}

/** A path element as it is written, and what its value is. */
interface Element {
  /** `,"f:name":{`: what is in it follows. */
  readonly opening: string
  readonly field: Field | undefined
}

/** One member of a struct. */
interface Member extends Element {
  /** `,"f:name":{}`: all there is to say of a leaf. */
  readonly leaf: string
  /** Go holds it by value, wherever its parent is held so too. */
  readonly byValue: boolean
}

const members = new WeakMap<Struct, Map<string, Member>>()

function memberOf(struct: Struct | undefined, key: string): Member {
  if (struct === undefined) return memberFor(key, undefined)
  let known = members.get(struct)
  if (known === undefined) {
    known = new Map(Object.entries(struct.fields).map(([name, field]) => [name, memberFor(name, field)]))
    members.set(struct, known)
  }
  return known.get(key) ?? memberFor(key, undefined)
}

function memberFor(key: string, field: Field | undefined): Member {
  const opening = openingOf(`f:${key}`)
  return { opening, leaf: `${opening}}`, field, byValue: BY_VALUE.has(key) }
}

const openingOf = (element: string): string => `,${JSON.stringify(element)}:{`

/** The first in its container goes without the comma. */
function follow(text: string[], piece: string): void {
  text.push(text.at(-1)?.endsWith('{') ? piece.slice(1) : piece)
}

/** Writes a member, unless it has no fields: it is absent, or an empty container that is held by value. */
function writeMember(text: string[], member: Member, value: unknown, byValue: boolean): void {
  if (value === undefined) return
  if (shapeOf(member.field, value) === 'leaf') follow(text, member.leaf)
  else writeContainer(text, member, value, byValue)
}

/** Writes an element of a map or list, which is a field in itself whatever is in it. */
function writeElement(text: string[], element: Element, value: unknown): void {
  if (value !== undefined && shapeOf(element.field, value) !== 'leaf') {
    writeContainer(text, element, value, false)
    return
  }
  follow(text, element.opening)
  text.push('}')
}

/** A container that is new is itself a field. */
const ITSELF = '".":{}'

function writeContainer(text: string[], { opening, field }: Element, value: unknown, byValue: boolean): void {
  const start = text.length
  follow(text, opening)
  const empty = text.length
  if (!byValue) text.push(ITSELF)
  const before = text.length
  if (field?.type !== 'list') writeMembers(text, field, value, byValue)
  else if (Array.isArray(value)) writeElements(text, field, value)
  if (text.length === before) text.length = byValue ? start : empty
  if (text.length > start) text.push('}')
}

function writeMembers(text: string[], field: Field | undefined, value: unknown, byValue: boolean): void {
  if (!isObject(value)) return
  const struct = structOf(field)
  if (struct !== undefined) {
    for (const key in value) {
      const member = memberOf(struct, key)
      writeMember(text, member, value[key], byValue && member.byValue)
    }
    return
  }
  const of = field?.type === 'map' ? field.of : undefined
  for (const key in value) {
    if (byValue && BY_VALUE.has(key)) writeMember(text, memberFor(key, of), value[key], true)
    else if (value[key] !== undefined) writeElement(text, { opening: openingOf(`f:${key}`), field: of }, value[key])
  }
}

function writeElements(text: string[], field: Field, elements: readonly unknown[]): void {
  const keys = elements.map((element) => elementKey(field, element))
  if (isRepeating(keys)) {
    // Some lists may hold a key twice (env, ports of old objects): then all elements of the key together are one field.
    const groups = Map.groupBy(elements, (_, i) => keys[i] ?? '')
    for (const [key, group] of groups) writeListElement(text, field, key, group.length > 1 ? undefined : group[0])
    return
  }
  for (let i = 0; i < keys.length; i++) writeListElement(text, field, keys[i] ?? '', elements[i])
}

function writeListElement(text: string[], field: Field, key: string, value: unknown): void {
  writeElement(text, { opening: openingOf(key), field: field.of }, field.list === 'set' ? undefined : value)
}
