// The fields that a new object adds, written down at once as the JSON of a FieldsV1: every create asks, and nobody else looks inside before it is stored.

import { isObject, type JsonObject } from '../objects.ts'
import type { Field, Struct } from '../schema.ts'
import { elementKey, shapeOf, structOf } from './elements.ts'

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
  let inner = ''
  for (const key in object) {
    if (key === 'kind' || key === 'apiVersion') continue
    const member = memberOf(struct, key)
    const value = key === 'metadata' ? owned(object[key], unowned) : object[key]
    inner = withMember(inner, member.prefix, nodeText(member.field, value, member.byValue))
  }
  return inner === '' ? undefined : new FieldsText(`{${inner}}`)
}

function owned(metadata: unknown, unowned: ReadonlySet<string>): unknown {
  if (!isObject(metadata)) return metadata
  const kept: JsonObject = {}
  for (const key in metadata) if (!unowned.has(key)) kept[key] = metadata[key]
  return kept
}

/** One member of a struct: the head of its path element, and what its value is. */
interface Member {
  /** `"f:name":` */
  readonly prefix: string
  readonly field: Field | undefined
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
  return { prefix: `${JSON.stringify(`f:${key}`)}:`, field, byValue: BY_VALUE.has(key) }
}

function withMember(inner: string, prefix: string, text: string): string {
  if (text === '') return inner
  return inner === '' ? prefix + text : `${inner},${prefix}${text}`
}

/** A container that is new is itself a field. */
const ITSELF = '".":{}'

/** The JSON of a value's fields; empty when it has none: it is absent, or an empty container that is held by value. */
function nodeText(field: Field | undefined, value: unknown, byValue: boolean): string {
  if (value === undefined) return ''
  const shape = shapeOf(field, value)
  if (shape === 'leaf') return '{}'
  const start = byValue ? '' : ITSELF
  const inner =
    shape === 'keyed' || shape === 'set' ? elementsText(start, field, value) : membersText(start, field, value, byValue)
  if (inner === start) return byValue ? '' : '{}'
  return `{${inner}}`
}

function membersText(start: string, field: Field | undefined, value: unknown, byValue: boolean): string {
  if (!isObject(value)) return start
  let inner = start
  const struct = structOf(field)
  const of = field?.type === 'map' ? field.of : undefined
  for (const key in value) {
    const member = struct === undefined ? memberFor(key, of) : memberOf(struct, key)
    inner = withMember(inner, member.prefix, nodeText(member.field, value[key], byValue && member.byValue))
  }
  return inner
}

function elementsText(start: string, field: Field | undefined, value: unknown): string {
  if (!field || !Array.isArray(value)) return start
  const texts = new Map<string, string>()
  for (const element of value) {
    const key = elementKey(field, element)
    // Some lists may hold a key twice (env, ports of old objects): then all elements of the key together are one field.
    const one = field.list !== 'set' && !texts.has(key)
    texts.set(key, one ? nodeText(field.of, element, false) || '{}' : '{}')
  }
  let inner = start
  for (const [key, text] of texts) inner = withMember(inner, `${JSON.stringify(key)}:`, text)
  return inner
}
