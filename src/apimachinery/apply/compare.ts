// Which fields an object has, and which differ between two objects, as structured-merge-diff sees them.

import { isObject, type JsonObject } from '../objects.ts'
import { deepEqual } from '../patch/json-patch.ts'
import type { Field, Struct } from '../schema.ts'
import { elementKey, memberField, shapeOf, structOf } from './elements.ts'
import { type FieldSet, isEmptySet } from './field-set.ts'

/** The set of all fields of an object: its leaves, and members of maps and lists themselves. Top-level kind and apiVersion are not fields. */
export function fieldsOf(struct: Struct | undefined, object: JsonObject): FieldSet {
  const set: FieldSet = {}
  for (const [key, value] of Object.entries(object)) {
    if (key === 'kind' || key === 'apiVersion' || value === undefined) continue
    const node = nodeOf(memberField(struct, undefined, key), value, struct === undefined)
    if (node) set[`f:${key}`] = node
  }
  return set
}

/** The node of a value. `named`: it is a member of a map or list, which is a field in itself. */
function nodeOf(field: Field | undefined, value: unknown, named: boolean): FieldSet {
  const node: FieldSet = {}
  const shape = value === null ? 'leaf' : shapeOf(field, value)
  if ((shape === 'struct' || shape === 'map') && isObject(value)) {
    const struct = structOf(field)
    for (const [key, member] of Object.entries(value)) {
      if (member !== undefined) node[`f:${key}`] = nodeOf(memberField(struct, field, key), member, struct === undefined)
    }
  } else if ((shape === 'keyed' || shape === 'set') && Array.isArray(value) && field) {
    for (const element of value)
      node[elementKey(field, element)] = shape === 'set' ? {} : nodeOf(field.of, element, true)
  }
  return named && !isEmptySet(node) ? { '.': {}, ...node } : node
}

export interface Difference {
  /** Fields that are new or have another value. */
  changed: FieldSet
  removed: FieldSet
}

/** What is different in `next`. */
export function compare(struct: Struct | undefined, live: JsonObject, next: JsonObject): Difference {
  const difference: Difference = { changed: {}, removed: {} }
  for (const key of keysOf(live, next)) {
    if (key === 'kind' || key === 'apiVersion') continue
    place(difference, `f:${key}`, diffNode(memberField(struct, undefined, key), live[key], next[key]))
  }
  return difference
}

function keysOf(a: JsonObject | undefined, b: JsonObject | undefined): Iterable<string> {
  if (!a) return Object.keys(b ?? {})
  if (!b) return Object.keys(a)
  const keys = new Set(Object.keys(a))
  for (const key of Object.keys(b)) keys.add(key)
  return keys
}

interface NodeDifference {
  changed: FieldSet | undefined
  removed: FieldSet | undefined
}

function place(into: Difference, element: string, { changed, removed }: NodeDifference): void {
  if (changed) into.changed[element] = changed
  if (removed) into.removed[element] = removed
}

const SAME: NodeDifference = { changed: undefined, removed: undefined }

function diffNode(field: Field | undefined, live: unknown, next: unknown): NodeDifference {
  if (live === next || (live === undefined && next === undefined)) return SAME
  const shape = shapeOf(field, next ?? live)
  const inner: Difference = { changed: {}, removed: {} }
  if (shape === 'struct' || shape === 'map') {
    const a = isObject(live) ? live : undefined
    const b = isObject(next) ? next : undefined
    if (a || b) {
      const struct = structOf(field)
      for (const key of keysOf(a, b)) {
        place(inner, `f:${key}`, diffNode(memberField(struct, field, key), a?.[key], b?.[key]))
      }
    }
  } else if ((shape === 'keyed' || shape === 'set') && field) {
    diffElements(field, Array.isArray(live) ? live : undefined, Array.isArray(next) ? next : undefined, inner)
  } else {
    if (deepEqual(live, next)) return SAME
    return next === undefined ? { changed: undefined, removed: {} } : { changed: {}, removed: undefined }
  }
  return wrap(live, next, inner)
}

/** A container that is new or gone is itself a changed or removed field, besides what is in it. */
function wrap(live: unknown, next: unknown, inner: Difference): NodeDifference {
  const added = live === undefined && next !== undefined
  const gone = next === undefined && live !== undefined
  const node = (set: FieldSet, itself: boolean): FieldSet | undefined => {
    if (isEmptySet(set)) return itself ? {} : undefined
    return itself ? { '.': {}, ...set } : set
  }
  return { changed: node(inner.changed, added), removed: node(inner.removed, gone) }
}

function diffElements(
  field: Field,
  live: readonly unknown[] | undefined,
  next: readonly unknown[] | undefined,
  into: Difference,
): void {
  // Some lists may hold a key twice (env, ports of old objects): then all elements of the key together are one field.
  const before = Map.groupBy(live ?? [], (e) => elementKey(field, e))
  const after = Map.groupBy(next ?? [], (e) => elementKey(field, e))
  for (const [key, elements] of after) {
    const old = before.get(key)
    if (field.list === 'set') {
      if (!old) into.changed[key] = {}
    } else if (elements.length > 1 || (old?.length ?? 0) > 1) {
      if (!deepEqual(old, elements)) into.changed[key] = {}
    } else {
      place(into, key, diffNode(field.of, old?.[0], elements[0]))
    }
  }
  for (const [key, elements] of before) {
    if (after.has(key)) continue
    if (field.list === 'set' || elements.length > 1) into.removed[key] = {}
    else place(into, key, diffNode(field.of, elements[0], undefined))
  }
}
