// Which fields an object has, and which differ between two objects, as structured-merge-diff sees them.

import { isObject, type JsonObject } from '../objects.ts'
import { deepEqual } from '../patch/json-patch.ts'
import type { Field, Struct } from '../schema.ts'
import { elementKey, isRepeating, memberField, SHORT_LIST, shapeOf, structOf } from './elements.ts'
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

/** A difference in one value; where there is none, there is no Difference: most of an object is as it was, and costs nothing. */
export interface Difference {
  /** Fields that are new or have another value. */
  changed: FieldSet | undefined
  removed: FieldSet | undefined
}

/** What is different in `next`. Top-level kind and apiVersion are not fields; of the metadata, the members `unowned` are nobody's. */
export function compare(
  struct: Struct | undefined,
  live: JsonObject,
  next: JsonObject,
  unowned: ReadonlySet<string>,
): Difference | undefined {
  const found = compareMembers(struct, undefined, live, next, NOT_COMPARED)
  const metadata = compareMetadata(
    memberField(struct, undefined, 'metadata'),
    live['metadata'],
    next['metadata'],
    unowned,
  )
  return placed(found, 'f:metadata', metadata)
}

/** The metadata comes last: so it does in the entries of managedFields. */
const NOT_COMPARED: ReadonlySet<string> = new Set(['kind', 'apiVersion', 'metadata'])
const NOTHING: ReadonlySet<string> = new Set()

function compareMetadata(
  field: Field | undefined,
  live: unknown,
  next: unknown,
  unowned: ReadonlySet<string>,
): Difference | undefined {
  const shape = shapeOf(field, next ?? live)
  if (live === next || (shape !== 'struct' && shape !== 'map')) return undefined
  return compareMembers(
    structOf(field),
    field,
    isObject(live) ? live : undefined,
    isObject(next) ? next : undefined,
    unowned,
  )
}

function placed(into: Difference | undefined, element: string, found: Difference | undefined): Difference | undefined {
  if (found === undefined) return into
  const difference = into ?? { changed: undefined, removed: undefined }
  if (found.changed !== undefined) {
    difference.changed ??= {}
    difference.changed[element] = found.changed
  }
  if (found.removed !== undefined) {
    difference.removed ??= {}
    difference.removed[element] = found.removed
  }
  return difference
}

/** First the members that were there, in their order, then those that are new. Without a struct all are of one kind, which `field` says. */
function compareMembers(
  struct: Struct | undefined,
  field: Field | undefined,
  live: JsonObject | undefined,
  next: JsonObject | undefined,
  except: ReadonlySet<string>,
): Difference | undefined {
  let found: Difference | undefined
  for (const key in live) {
    const was = live[key]
    const given = next?.[key]
    if (was === given || except.has(key)) continue
    const is = next !== undefined && Object.hasOwn(next, key) ? given : undefined
    const difference = compareValues(memberField(struct, field, key), was, is)
    if (difference !== undefined) found = placed(found, `f:${key}`, difference)
  }
  for (const key in next) {
    if ((live !== undefined && Object.hasOwn(live, key)) || except.has(key)) continue
    const difference = compareValues(memberField(struct, field, key), undefined, next[key])
    if (difference !== undefined) found = placed(found, `f:${key}`, difference)
  }
  return found
}

/** A field and nothing below it. One for all: it ends up in many sets. */
const LEAF: FieldSet = Object.freeze({})
const CHANGED: Readonly<Difference> = { changed: LEAF, removed: undefined }
const REMOVED: Readonly<Difference> = { changed: undefined, removed: LEAF }

function compareValues(field: Field | undefined, live: unknown, next: unknown): Difference | undefined {
  if (live === next) return undefined
  const shape = shapeOf(field, next ?? live)
  let inner: Difference | undefined
  if (shape === 'struct' || shape === 'map') {
    const was = isObject(live) ? live : undefined
    const is = isObject(next) ? next : undefined
    inner = compareMembers(structOf(field), field, was, is, NOTHING)
  } else if ((shape === 'keyed' || shape === 'set') && field) {
    // Told apart only where something changed: that takes the texts of all keys.
    if (deepEqual(live, next)) return undefined
    inner = compareElements(field, Array.isArray(live) ? live : [], Array.isArray(next) ? next : [])
  } else {
    if (deepEqual(live, next)) return undefined
    return next === undefined ? REMOVED : CHANGED
  }
  return withContainer(live, next, inner)
}

/** A container that is new or gone is itself a changed or removed field, besides what is in it. */
function withContainer(live: unknown, next: unknown, inner: Difference | undefined): Difference | undefined {
  if (live !== undefined && next !== undefined) return inner
  const changed = next === undefined ? inner?.changed : withItself(inner?.changed)
  const removed = live === undefined ? inner?.removed : withItself(inner?.removed)
  return { changed, removed }
}

function withItself(set: FieldSet | undefined): FieldSet {
  return set === undefined ? {} : { '.': {}, ...set }
}

function compareElements(field: Field, live: readonly unknown[], next: readonly unknown[]): Difference | undefined {
  if (live.length > SHORT_LIST || next.length > SHORT_LIST) return compareGroups(field, live, next)
  const before = live.map((e) => elementKey(field, e))
  const after = next.map((e) => elementKey(field, e))
  if (isRepeating(before) || isRepeating(after)) return compareGroups(field, live, next)
  let found: Difference | undefined
  for (let i = 0; i < after.length; i++) {
    const key = after[i] ?? ''
    const old = before.indexOf(key)
    if (field.list !== 'set') found = placed(found, key, compareValues(field.of, live[old], next[i]))
    else if (old < 0) found = placed(found, key, CHANGED)
  }
  for (let i = 0; i < before.length; i++) {
    const key = before[i] ?? ''
    if (after.includes(key)) continue
    found = placed(found, key, field.list === 'set' ? REMOVED : compareValues(field.of, live[i], undefined))
  }
  return found
}

/** Some lists may hold a key twice (env, ports of old objects): then all elements of the key together are one field. */
function compareGroups(field: Field, live: readonly unknown[], next: readonly unknown[]): Difference | undefined {
  const before = Map.groupBy(live, (e) => elementKey(field, e))
  const after = Map.groupBy(next, (e) => elementKey(field, e))
  let found: Difference | undefined
  for (const [key, elements] of after) {
    const old = before.get(key)
    if (field.list === 'set') {
      if (!old) found = placed(found, key, CHANGED)
    } else if (elements.length > 1 || (old?.length ?? 0) > 1) {
      if (!deepEqual(old, elements)) found = placed(found, key, CHANGED)
    } else {
      found = placed(found, key, compareValues(field.of, old?.[0], elements[0]))
    }
  }
  for (const [key, elements] of before) {
    if (after.has(key)) continue
    const one = field.list !== 'set' && elements.length === 1
    found = placed(found, key, one ? compareValues(field.of, elements[0], undefined) : REMOVED)
  }
  return found
}
