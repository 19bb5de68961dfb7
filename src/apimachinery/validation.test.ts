// What is wrong with metadata.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Issues } from './issues.ts'
import type { ObjectMeta } from './metadata.ts'
import { checkLabel, checkQualifiedName, checkSubdomain } from './names.ts'
import { sameJson, validateObjectMeta, validateObjectMetaUpdate } from './validation.ts'

const VALID: ObjectMeta = { name: 'x', namespace: 'default' }

function problems(tweak: Partial<ObjectMeta>, scope: 'Namespaced' | 'Cluster' = 'Namespaced'): string[] {
  const issues = new Issues()
  validateObjectMeta({ ...VALID, ...tweak }, { scope }, 'metadata', issues)
  return issues.list.map(({ field, message }) => `${field}: ${message}`)
}

const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

describe('validateObjectMeta', () => {
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }
  const cases: Record<string, [Partial<ObjectMeta>, string[]]> = {
    'accepts a valid one': [{ labels: { 'example.com/a': '' }, finalizers: ['example.com/f'] }, []],
    'refuses a bad name': [{ name: 'X' }, [`metadata.name: Invalid value: "X": ${SUBDOMAIN}`]],
    'wants a name': [{ name: '' }, ['metadata.name: Required value: name or generateName is required']],
    'refuses a bad label': [
      { labels: { a: '-' } },
      [
        `metadata.labels: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
      ],
    ],
    'bounds annotations': [
      { annotations: { a: 'x'.repeat(300_000) } },
      ['metadata.annotations: Too long: may not be more than 262144 bytes'],
    ],
    'measures annotations in bytes': [
      { annotations: { a: 'é'.repeat(140_000) } },
      ['metadata.annotations: Too long: may not be more than 262144 bytes'],
    ],
    'accepts annotations up to the last byte': [{ annotations: { a: '€'.repeat(87_381) } }, []],
    'wants an owner to say its version': [
      { ownerReferences: [{ ...owner, apiVersion: '' }] },
      ['metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty'],
    ],
  }
  for (const [name, [tweak, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(tweak), want))
  }

  test('refuses a namespace where there is none', () => {
    assert.deepEqual(problems({}, 'Cluster'), ['metadata.namespace: Forbidden: not allowed on this type'])
  })
})

test('validateObjectMetaUpdate keeps identities, and finalizers of what is being deleted', () => {
  const issues = new Issues()
  const previous = { ...VALID, uid: 'a', deletionTimestamp: '2030-01-01T00:00:00Z' }
  validateObjectMetaUpdate({ ...previous, uid: 'b', finalizers: ['a/b'] }, previous, 'metadata', issues)
  assert.deepEqual(
    issues.list.map(({ field, message }) => `${field}: ${message}`),
    [
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a/b"}',
      'metadata.resourceVersion: Invalid value: "": must be specified for an update',
      'metadata.uid: Invalid value: "b": field is immutable',
    ],
  )
})

test('names are told apart', () => {
  assert.deepEqual(checkSubdomain('a.b-c.d'), [])
  assert.deepEqual(checkLabel('a.b'), ['must not contain dots'])
  assert.deepEqual(checkSubdomain('a'.repeat(254)), ['must be no more than 253 characters'])
  assert.deepEqual(checkQualifiedName('/a'), ['prefix part must be non-empty'])
  assert.equal(checkQualifiedName('a/b/c').length, 1)
})

test('a key is well formed when its prefix and its name are', () => {
  const part = fc.oneof(
    fc.constantFrom('', 'a', 'example.com', 'Ab_c.d', 'a..b', '-a', 'a-', 'a'.repeat(63), 'a'.repeat(64)),
    fc.constantFrom('a'.repeat(253), 'a'.repeat(254), 'ünï', 'a\n'),
    fc.string({ maxLength: 4 }),
  )
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), (parts) => {
      const pieces = parts.join('/').split('/')
      const [name = '', prefix] = pieces.toReversed()
      const named = name.length <= 63 && /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(name)
      const prefixed = prefix === undefined || (prefix !== '' && checkSubdomain(prefix).length === 0)
      assert.equal(checkQualifiedName(parts.join('/')).length === 0, pieces.length <= 2 && named && prefixed)
    }),
    { numRuns: 1000 },
  )
})

test('sameJson takes absent and empty lists for the same', () => {
  assert.ok(sameJson({ a: 1, b: [] }, { a: 1 }))
  assert.ok(!sameJson({ a: 1 }, { a: 2 }))
  assert.ok(!sameJson([1], [1, 2]))
})
