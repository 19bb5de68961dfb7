import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { isObject } from '../objects.ts'
import { list, mapOf, ref, required, string, struct } from '../schema.ts'
import { applyJsonPatch, deepEqual, MAX_OPERATIONS } from './json-patch.ts'
import { applyMergePatch, mergePatchBetween } from './merge-patch.ts'
import { PatchError } from './patch-error.ts'
import { applyStrategicMergePatch } from './strategic.ts'

const port = struct('Port', { port: required(string(1)), name: string(2) })
const container = struct('Container', {
  name: required(string(1)),
  image: string(2),
  args: list(3, string()),
  ports: list(4, port, { mergeKey: 'port', strategy: 'merge' }),
})
const spec = struct('Spec', {
  containers: list(1, container, { mergeKey: 'name', strategy: 'merge' }),
  labels: mapOf(2, string()),
  finalizers: list(3, string(), { strategy: 'merge' }),
  strategy: ref(4, struct('Strategy', { type: string(1), rolling: string(2) }), { strategy: 'retainKeys' }),
})
const kind = struct('Kind', { spec: ref(1, spec) })

const ab = {
  spec: {
    containers: [
      { name: 'a', image: '1', args: ['x'] },
      { name: 'b', image: '1' },
    ],
    labels: { x: '1' },
    finalizers: ['f', 'g'],
  },
}
const strategic: Record<string, [patch: object, want: object]> = {
  'lists merge by key': [
    { spec: { containers: [{ name: 'b', image: '2' }] } },
    { ...ab, spec: { ...ab.spec, containers: [ab.spec.containers[0], { name: 'b', image: '2' }] } },
  ],
  'a new element is appended': [
    { spec: { containers: [{ name: 'c' }] } },
    { spec: { ...ab.spec, containers: [...ab.spec.containers, { name: 'c' }] } },
  ],
  'an element is deleted': [
    { spec: { containers: [{ name: 'a', $patch: 'delete' }] } },
    { spec: { ...ab.spec, containers: [ab.spec.containers[1]] } },
  ],
  'a list is replaced': [
    { spec: { containers: [{ $patch: 'replace' }, { name: 'z' }] } },
    { spec: { ...ab.spec, containers: [{ name: 'z' }] } },
  ],
  'an atomic list is replaced': [
    { spec: { containers: [{ name: 'a', args: ['y'] }] } },
    { spec: { ...ab.spec, containers: [{ name: 'a', image: '1', args: ['y'] }, ab.spec.containers[1]] } },
  ],
  'maps merge, null deletes': [{ spec: { labels: { x: null, y: '2' } } }, { spec: { ...ab.spec, labels: { y: '2' } } }],
  'primitives merge': [{ spec: { finalizers: ['g', 'h'] } }, { spec: { ...ab.spec, finalizers: ['f', 'g', 'h'] } }],
  'primitives are deleted': [
    { spec: { '$deleteFromPrimitiveList/finalizers': ['f'] } },
    { spec: { ...ab.spec, finalizers: ['g'] } },
  ],
  'elements are ordered': [
    { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } },
    { spec: { ...ab.spec, containers: [ab.spec.containers[1], ab.spec.containers[0]] } },
  ],
  'a map is replaced': [
    { spec: { labels: { $patch: 'replace', z: '3' } } },
    { spec: { ...ab.spec, labels: { z: '3' } } },
  ],
}
for (const [name, [patch, want]] of Object.entries(strategic)) {
  test(`applyStrategicMergePatch: ${name}`, () => {
    const before = structuredClone(ab)
    assert.deepEqual(applyStrategicMergePatch(kind, before, patch), want)
    assert.deepEqual(before, ab, 'the input is not changed')
  })
}

test('applyStrategicMergePatch keeps only the keys that $retainKeys names', () => {
  const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }
  assert.deepEqual(applyStrategicMergePatch(kind, { spec: { strategy: { type: 'Rolling', rolling: 'x' } } }, patch), {
    spec: { strategy: { type: 'Recreate' } },
  })
})

test('applyStrategicMergePatch refuses an element without its merge key', () => {
  assert.throws(
    () => applyStrategicMergePatch(kind, ab, { spec: { containers: [{ image: 'x' }] } }),
    /does not contain declared merge key: name/,
  )
  assert.throws(() => applyStrategicMergePatch(kind, ab, { spec: { $patch: 'what' } }), /Unrecognized type: what/)
})

const rfc6902: [name: string, target: unknown, patch: unknown[], want: unknown][] = [
  ['add a member', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { foo: 'bar', baz: 'qux' }],
  [
    'add an element',
    { foo: ['bar', 'baz'] },
    [{ op: 'add', path: '/foo/1', value: 'qux' }],
    { foo: ['bar', 'qux', 'baz'] },
  ],
  ['append', { foo: [1] }, [{ op: 'add', path: '/foo/-', value: 2 }], { foo: [1, 2] }],
  ['remove', { a: 1, b: 2 }, [{ op: 'remove', path: '/b' }], { a: 1 }],
  ['replace', { a: 1 }, [{ op: 'replace', path: '/a', value: 2 }], { a: 2 }],
  ['move', { a: { b: 1 }, c: {} }, [{ op: 'move', from: '/a/b', path: '/c/d' }], { a: {}, c: { d: 1 } }],
  ['copy', { a: [1] }, [{ op: 'copy', from: '/a', path: '/b' }], { a: [1], b: [1] }],
  ['test', { a: { x: [1] } }, [{ op: 'test', path: '/a', value: { x: [1] } }], { a: { x: [1] } }],
  [
    'escapes',
    { 'a/b': 1, 'm~n': 2 },
    [
      { op: 'remove', path: '/a~1b' },
      { op: 'remove', path: '/m~0n' },
    ],
    {},
  ],
]
for (const [name, target, patch, want] of rfc6902) {
  test(`applyJsonPatch: ${name}`, () => assert.deepEqual(applyJsonPatch(target, patch), want))
}

test('applyJsonPatch tells a patch that does not fit from one that is none', () => {
  const unfit = (e: unknown): boolean => e instanceof PatchError && e.unfit
  const malformed = (e: unknown): boolean => e instanceof PatchError && !e.unfit
  assert.throws(() => applyJsonPatch({}, [{ op: 'remove', path: '/a' }]), unfit)
  assert.throws(() => applyJsonPatch({ a: [1] }, [{ op: 'add', path: '/a/5', value: 1 }]), unfit)
  assert.throws(() => applyJsonPatch({ a: 1 }, [{ op: 'test', path: '/a', value: 2 }]), unfit)
  assert.throws(() => applyJsonPatch({}, {}), malformed)
  assert.throws(() => applyJsonPatch({}, [{ op: 'dance', path: '/a' }]), malformed)
  assert.throws(
    () =>
      applyJsonPatch(
        {},
        Array.from({ length: MAX_OPERATIONS + 1 }, () => ({ op: 'add', path: '/a', value: 1 })),
      ),
    /allowed maximum operations/,
  )
})

test('applyJsonPatch bounds what copies add up to', () => {
  const patch = [
    { op: 'add', path: '/a', value: 'x'.repeat(1000) },
    ...Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '', path: `/k${i}` })),
  ]
  assert.throws(() => applyJsonPatch({}, patch), /accumulated size/)
})

test('patches cannot reach a prototype', () => {
  const polluted = JSON.parse('{"__proto__":{"bad":1}}') as object
  applyMergePatch({}, polluted)
  applyStrategicMergePatch(kind, {}, polluted)
  applyJsonPatch({}, [{ op: 'add', path: '/__proto__', value: { bad: 1 } }])
  assert.throws(() => applyJsonPatch({}, [{ op: 'add', path: '/__proto__/bad', value: 1 }]), PatchError)
  assert.equal(Reflect.get({}, 'bad'), undefined)
})

const json = fc.object({
  maxDepth: 3,
  values: [fc.string(), fc.integer(), fc.boolean()],
  key: fc.stringMatching(/^[a-c]$/),
})

test('applyMergePatch of the difference leads from one value to the other', () => {
  fc.assert(
    fc.property(json, json, (from, to) => {
      assert.deepEqual(applyMergePatch(from, mergePatchBetween(from, to)), to)
    }),
  )
})

test('applyMergePatch is idempotent', () => {
  fc.assert(
    fc.property(json, json, (target, patch) =>
      assert.deepEqual(applyMergePatch(applyMergePatch(target, patch), patch), applyMergePatch(target, patch)),
    ),
  )
})

test('deepEqual compares JSON values, whatever the order of members', () => {
  const values = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown)
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed)
    if (!isObject(value)) return value
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, reversed(member)]),
    )
  }
  fc.assert(
    fc.property(values, values, (a, b) => {
      assert.equal(deepEqual(a, b), isDeepStrictEqual(a, b))
      assert.equal(deepEqual(a, reversed(a)), true)
      assert.equal(deepEqual({ a, x: 1 }, { a, y: 1 }), false)
      assert.equal(deepEqual({ a: { constructor: 1 } }, { a: {} }), false)
      assert.equal(deepEqual({ a: {} }, { a: { x: b } }), false)
    }),
  )
})
