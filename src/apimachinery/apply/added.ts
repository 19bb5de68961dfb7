// The fields that a new object adds. Every create asks: what a schema tells is worked out once per schema, not per object.

import { isObject, type JsonObject } from '../objects.ts'
import type { Field, Struct } from '../schema.ts'
import { elementKey, shapeOf, structOf } from './elements.ts'
import { type FieldSet, isEmptySet } from './field-set.ts'

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

/** What is in `object` and was not there before. Top-level kind and apiVersion are not fields. */
export function added(struct: Struct | undefined, object: JsonObject): FieldSet {
  const set: FieldSet = {}
  for (const key in object) {
    if (key === 'kind' || key === 'apiVersion') continue
    addMember(set, memberOf(struct, key), object[key], BY_VALUE.has(key))
  }
  return set
}

/** One member of a struct: its path element, and how its value's fields are gathered. */
interface Member {
  readonly element: string
  readonly field: Field | undefined
  /** Go holds it by value, wherever its parent is held so too. */
  readonly byValue: boolean
}

const members = new WeakMap<Struct, Map<string, Member>>()

function memberOf(struct: Struct | undefined, key: string): Member {
  if (struct === undefined) return { element: `f:${key}`, field: undefined, byValue: BY_VALUE.has(key) }
  let known = members.get(struct)
  if (known === undefined) {
    known = new Map(Object.entries(struct.fields).map(([name, field]) => [name, memberFor(name, field)]))
    members.set(struct, known)
  }
  return known.get(key) ?? memberFor(key, undefined)
}

function memberFor(key: string, field: Field | undefined): Member {
  return { element: `f:${key}`, field, byValue: BY_VALUE.has(key) }
}

function addMember(into: FieldSet, member: Member, value: unknown, byValue: boolean): void {
  if (value === undefined) return
  const node = nodeOf(member.field, value, byValue)
  if (node !== undefined) into[member.element] = node
}

/** A container that is new is itself a field besides what is in it, unless it is held by value; an empty one is nothing then. */
function nodeOf(field: Field | undefined, value: unknown, byValue: boolean): FieldSet | undefined {
  const shape = shapeOf(field, value)
  if (shape === 'leaf') return {}
  const node: FieldSet = byValue ? {} : { '.': {} }
  const empty = fillNode(node, shape, field, value, byValue)
  if (empty) return byValue ? undefined : {}
  return node
}

/** True when there was nothing to put into the node. */
function fillNode(
  node: FieldSet,
  shape: 'struct' | 'map' | 'keyed' | 'set',
  field: Field | undefined,
  value: unknown,
  byValue: boolean,
): boolean {
  if (shape === 'keyed' || shape === 'set') {
    if (!field || !Array.isArray(value) || value.length === 0) return true
    addElements(node, field, value)
    return false
  }
  if (!isObject(value)) return true
  const struct = shape === 'struct' ? structOf(field) : undefined
  if (struct !== undefined) {
    for (const key in value) {
      const member = memberOf(struct, key)
      addMember(node, member, value[key], byValue && member.byValue)
    }
  } else {
    const of = shape === 'map' ? field?.of : undefined
    for (const key in value) addMember(node, memberFor(key, of), value[key], byValue && BY_VALUE.has(key))
  }
  return byValue ? isEmptySet(node) : hasOnlyItself(node)
}

function hasOnlyItself(node: FieldSet): boolean {
  for (const key in node) if (key !== '.') return false
  return true
}

function addElements(node: FieldSet, field: Field, elements: readonly unknown[]): void {
  // Some lists may hold a key twice (env, ports of old objects): then all elements of the key together are one field.
  let repeated: Set<string> | undefined
  for (const element of elements) {
    const key = elementKey(field, element)
    if (field.list === 'set') node[key] = {}
    else if (!Object.hasOwn(node, key)) node[key] = nodeOf(field.of, element, false) ?? {}
    else if (!repeated?.has(key)) {
      repeated ??= new Set()
      repeated.add(key)
      node[key] = {}
    }
  }
}
