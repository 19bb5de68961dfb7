import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { objectMeta } from '../metadata.ts'
import { isObject, type JsonObject } from '../objects.ts'
import { deepEqual } from '../patch/json-patch.ts'
import { bool, type Field, int32, list, mapOf, ref, required, type Struct, string, struct } from '../schema.ts'
import { addedFields } from './added.ts'
import { compare } from './compare.ts'
import { elementKey, memberField, shapeOf, structOf } from './elements.ts'
import { difference, type FieldSet, intersection, intersects, isEmptySet } from './field-set.ts'

const UNOWNED: ReadonlySet<string> = new Set(['name', 'uid', 'managedFields'])

const port = struct('Port', { port: required(int32(1)), protocol: string(2, { default: 'TCP' }), name: string(3) })
const container = struct('Container', {
  name: required(string(1)),
  args: list(2, string(), { list: 'atomic' }),
  ports: list(3, port, { list: 'map', keys: ['port', 'protocol'] }),
})
const template = struct('Template', { metadata: ref(1, objectMeta), hostNetwork: bool(2) })
const kind = struct('Kind', {
  metadata: ref(1, objectMeta),
  spec: ref(
    2,
    struct('Spec', {
      replicas: int32(1),
      containers: list(2, container, { list: 'map', keys: ['name'] }),
      tags: list(3, string(), { list: 'set' }),
      template: ref(4, template),
      limits: mapOf(5, mapOf(1, string())),
    }),
  ),
  status: ref(3, struct('Status', { ready: int32(1) })),
  data: mapOf(4, string()),
})

const word = fc.constantFrom('a', 'b', 'c', 'é"\\', '')
/** Any of `fields`, in any order: the order of what is found is that of the objects. */
const some = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<JsonObject> =>
  fc
    .shuffledSubarray(Object.keys(fields))
    .chain((keys) => fc.record(Object.fromEntries(keys.map((key) => [key, fields[key] ?? fc.constant(0)]))))
const words = (): fc.Arbitrary<unknown> => fc.dictionary(fc.constantFrom('a', 'spec', 'é"\\', 'x'), word)
const meta = some({ name: word, labels: words(), annotations: words(), uid: word, managedFields: fc.constant([{}]) })
const ports = fc.array(some({ port: fc.constantFrom(1, 2), protocol: fc.constantFrom('TCP', 'UDP'), name: word }))
const containers = fc.array(some({ name: word, args: fc.array(word, { maxLength: 2 }), ports }), { maxLength: 4 })
const many = fc.array(fc.nat(30), { maxLength: 25 }).map((names) => names.map((n) => ({ name: `n${n}` })))
const objects = some({
  kind: word,
  apiVersion: word,
  metadata: meta,
  spec: some({
    replicas: fc.constantFrom(1, 2, null),
    containers: fc.oneof(containers, many),
    tags: fc.array(word, { maxLength: 3 }),
    template: some({ metadata: meta, hostNetwork: fc.boolean() }),
    limits: fc.dictionary(word, fc.dictionary(word, word)),
  }),
  status: some({ ready: fc.constantFrom(1, 2) }),
  data: words(),
  more: some({ spec: some({ template: fc.constant({}), x: fc.json({ maxDepth: 1 }) }) }),
})
const structs = fc.constantFrom(kind, undefined)

test('compare finds what a walk over all members finds, in the same order', () => {
  fc.assert(
    fc.property(structs, objects, objects, fc.boolean(), (of, live, given, shares) => {
      const next = shares ? { ...given, spec: live['spec'] } : given
      const { changed, removed } = compare(of, live, next, UNOWNED) ?? {}
      const all = walk(of, undefined, fieldsIn(live), fieldsIn(next))
      assert.equal(JSON.stringify(changed ?? {}), JSON.stringify(stripped(all.changed)))
      assert.equal(JSON.stringify(removed ?? {}), JSON.stringify(stripped(all.removed)))
    }),
    { numRuns: 500 },
  )
})

test('compare finds nothing between an object and its copy', () => {
  fc.assert(
    fc.property(structs, objects, (of, object) => {
      assert.equal(compare(of, object, JSON.parse(JSON.stringify(object)) as JsonObject, UNOWNED), undefined)
    }),
  )
})

test('addedFields writes what a set of the same fields is in JSON', () => {
  fc.assert(
    fc.property(structs, objects, (of, object) => {
      const set = addedSet(of, object)
      assert.equal(addedFields(of, object, UNOWNED)?.text, isEmptySet(set) ? undefined : JSON.stringify(set))
    }),
    { numRuns: 500 },
  )
})

test('elementKey is the JSON of the keys', () => {
  const field: Field = { ...list(1, port, { list: 'map', keys: ['protocol', 'port'] }) }
  fc.assert(
    fc.property(fc.record({ port: fc.integer(), protocol: fc.string({ unit: 'binary' }) }), ({ port, protocol }) => {
      assert.equal(elementKey(field, { protocol, port }), `k:${JSON.stringify({ port, protocol })}`)
    }),
  )
  assert.equal(elementKey(field, {}), 'k:{"protocol":"TCP"}')
  assert.equal(elementKey({ ...field, keys: ['name'] }, 'no object'), 'k:{}')
})

test('intersects says whether the intersection has a member', () => {
  const set = fc.letrec((tie) => ({
    node: fc.dictionary(fc.constantFrom('f:a', 'f:b', '.'), fc.oneof({ maxDepth: 3 }, fc.constant({}), tie('node')), {
      maxKeys: 3,
    }),
  })).node as fc.Arbitrary<FieldSet>
  fc.assert(
    fc.property(set, set, (a, b) => {
      assert.equal(intersects(a, b), !isEmptySet(intersection(a, b)))
      assert.equal(intersects(difference(a, b), b), false)
    }),
  )
})

const fieldsIn = ({ kind: _, apiVersion: __, ...rest }: JsonObject): JsonObject => rest

interface Sets {
  changed: FieldSet
  removed: FieldSet
}

/** The plain meaning of compare: every member of both is looked at, and everything found is put into sets of its own. */
function walk(of: Struct | undefined, field: Field | undefined, live: JsonObject, next: JsonObject): Sets {
  const sets: Sets = { changed: {}, removed: {} }
  for (const key of new Set([...Object.keys(live), ...Object.keys(next)])) {
    put(sets, `f:${key}`, walkValue(memberField(of, field, key), live[key], next[key]))
  }
  return sets
}

function put(into: Sets, element: string, { changed, removed }: Partial<Sets>): void {
  if (changed) into.changed[element] = changed
  if (removed) into.removed[element] = removed
}

function walkValue(field: Field | undefined, live: unknown, next: unknown): Partial<Sets> {
  if (live === undefined && next === undefined) return {}
  const shape = shapeOf(field, next ?? live)
  let inner: Sets = { changed: {}, removed: {} }
  if (shape === 'struct' || shape === 'map') {
    inner = walk(structOf(field), field, isObject(live) ? live : {}, isObject(next) ? next : {})
  } else if ((shape === 'keyed' || shape === 'set') && field) {
    inner = walkElements(field, Array.isArray(live) ? live : [], Array.isArray(next) ? next : [])
  } else {
    if (deepEqual(live, next)) return {}
    return next === undefined ? { removed: {} } : { changed: {} }
  }
  const node = (set: FieldSet, itself: boolean): FieldSet | undefined => {
    if (isEmptySet(set)) return itself ? {} : undefined
    return itself ? { '.': {}, ...set } : set
  }
  const [changed, removed] = [node(inner.changed, live === undefined), node(inner.removed, next === undefined)]
  return { ...(changed && { changed }), ...(removed && { removed }) }
}

function walkElements(field: Field, live: readonly unknown[], next: readonly unknown[]): Sets {
  const sets: Sets = { changed: {}, removed: {} }
  const before = Map.groupBy(live, (e) => elementKey(field, e))
  const after = Map.groupBy(next, (e) => elementKey(field, e))
  for (const key of new Set([...after.keys(), ...before.keys()])) {
    const [old, now] = [before.get(key), after.get(key)]
    const single = field.list !== 'set' && (old?.length ?? 0) <= 1 && (now?.length ?? 0) <= 1
    if (single) put(sets, key, walkValue(field.of, old?.[0], now?.[0]))
    else if (!now) put(sets, key, { removed: {} })
    else if (!old || (field.list !== 'set' && !deepEqual(old, now))) put(sets, key, { changed: {} })
  }
  return sets
}

/** Without what is nobody's; metadata comes last. */
function stripped(set: FieldSet): FieldSet {
  const { 'f:metadata': metadata = {}, ...rest } = set
  const kept = Object.entries(metadata).filter(([key]) => key !== '.' && !UNOWNED.has(key.slice(2)))
  return kept.length === 0 ? rest : { ...rest, 'f:metadata': Object.fromEntries(kept) }
}

const BY_VALUE = ['metadata', 'spec', 'status', 'template', 'strategy', 'updateStrategy', 'containers', 'roleRef']

/** The plain meaning of addedFields. */
function addedSet(of: Struct | undefined, object: JsonObject): FieldSet {
  const set: FieldSet = {}
  for (const [key, value] of Object.entries(fieldsIn(object))) {
    const kept = Object.entries(key === 'metadata' ? (value as object) : {}).filter(([name]) => !UNOWNED.has(name))
    const given = key === 'metadata' ? Object.fromEntries(kept) : value
    const node = addedNode(memberField(of, undefined, key), given, BY_VALUE.includes(key))
    if (node) set[`f:${key}`] = node
  }
  return set
}

function addedNode(field: Field | undefined, value: unknown, byValue: boolean): FieldSet | undefined {
  const shape = shapeOf(field, value)
  if (shape === 'leaf') return {}
  const inner: FieldSet = {}
  if ((shape === 'keyed' || shape === 'set') && field && Array.isArray(value)) {
    for (const [key, group] of Map.groupBy(value as unknown[], (e) => elementKey(field, e)))
      inner[key] = (shape === 'keyed' && group.length === 1 && addedNode(field.of, group[0], false)) || {}
  } else if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      const node = addedNode(memberField(structOf(field), field, key), member, byValue && BY_VALUE.includes(key))
      if (node) inner[`f:${key}`] = node
    }
  }
  if (isEmptySet(inner)) return byValue ? undefined : {}
  return byValue ? inner : { '.': {}, ...inner }
}
