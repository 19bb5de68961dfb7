import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findJsonPath, MAX_PATH_LENGTH, MAX_VISITS, parseJsonPath } from './jsonpath.ts'

const object = {
  spec: { replicas: 3, 'a.b': 'dotted' },
  status: {
    conditions: [
      { type: 'Ready', status: 'True', n: 1 },
      { type: 'Other', status: 'False', n: 5 },
    ],
  },
}
const cases: [path: string, want: unknown[]][] = [
  ['.spec.replicas', [3]],
  ['{.spec.replicas}', [3]],
  ['$.spec.replicas', [3]],
  ['.spec.absent', []],
  ['.spec.toString', []],
  ['.spec.__proto__', []],
  ["['spec']['a.b']", ['dotted']],
  ['.spec.a\\.b', ['dotted']],
  ['.status.conditions[0].type', ['Ready']],
  ['.status.conditions[-1].type', ['Other']],
  ['.status.conditions[9].type', []],
  ['.status.conditions[*].type', ['Ready', 'Other']],
  ['.status.conditions[1:].type', ['Other']],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  [".status.conditions[?(@.type == 'Other')].status", ['False']],
  ['.status.conditions[?(@.type!="Ready")].status', ['False']],
  ['.status.conditions[?(@.n>1)].type', ['Other']],
  ['.status.conditions[?(@.n<=1)].type', ['Ready']],
  ['.status.conditions[?(@.absent)].type', []],
]
for (const [path, want] of cases) {
  test(`findJsonPath finds ${path}`, () => assert.deepEqual(findJsonPath(parseJsonPath(path), object), want))
}

test('parseJsonPath refuses what is no path', () => {
  for (const text of ['spec', '.', '.a[', '.a[x]', '.a..', '.a[?(@.b==c)]'].filter((t) => t !== '.'))
    assert.throws(() => parseJsonPath(text), /cannot read the path/, text)
  assert.throws(() => parseJsonPath('.a'.repeat(MAX_PATH_LENGTH)), /longer than/)
})

test('findJsonPath bounds what it looks at', () => {
  const wide = { a: Array.from({ length: 200 }, () => Array.from({ length: 200 }, (_, i) => i)) }
  assert.ok(findJsonPath(parseJsonPath('.a[*][*]'), wide).length <= MAX_VISITS)
})

test('any key can be written in quotes', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), fc.integer(), (key, value) => {
      const path = `['${key.replace(/[\\']/g, '\\$&')}']`
      assert.deepEqual(findJsonPath(parseJsonPath(path), Object.fromEntries([[key, value]])), [value])
    }),
  )
})
