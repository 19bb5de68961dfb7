// YAML as the API reads and writes it, and what it refuses.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { DecodeError } from './scalars.ts'
import { decodeYaml, decodeYamlDocuments, encodeYaml, MAX_YAML_ALIASES } from './yaml.ts'

describe('decodeYaml', () => {
  const cases: Record<string, [text: string, want: unknown]> = {
    'words of version 1.1 are booleans': [
      '[yes, No, on, OFF, true, y, n]',
      [true, false, true, false, true, true, false],
    ],
    'quoted words are text': ['["yes", \'on\']', ['yes', 'on']],
    'octal, hex, underscores': ['[0644, 0x1f, 1_000]', [420, 31, 1000]],
    'dates and clock times are text': [
      '[2020-01-01, 2020-01-01T00:00:00Z, 1:30, 22:22]',
      ['2020-01-01', '2020-01-01T00:00:00Z', '1:30', '22:22'],
    ],
    'keys are text': ['{1: a, true: b}', { 1: 'a', true: 'b' }],
    nulls: ['[~, null, ]', [null, null]],
    'merge keys': ['a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n', { a: { b: 1 }, c: { b: 1, d: 2 } }],
    JSON: ['{"a": [1, "x", null]}', { a: [1, 'x', null] }],
    nothing: ['', null],
  }
  for (const [name, [text, want]] of Object.entries(cases))
    test(name, () => assert.deepEqual(decodeYaml(text).value, want))

  test('a key given twice is reported, and the last one counts', () => {
    assert.deepEqual(decodeYaml('a: 1\nb: 2\na: 3\n'), {
      value: { a: 3, b: 2 },
      duplicates: ['line 3: key "a" already set in map'],
    })
  })

  test('a prototype key is data', () => {
    assert.equal(JSON.stringify(decodeYaml('__proto__: {a: 1}').value), '{"__proto__":{"a":1}}')
  })

  test('documents are split, empty ones left out', () => {
    assert.deepEqual(
      decodeYamlDocuments('---\na: 1\n---\n# nothing\n---\nb: 2\n').map((document) => document.value),
      [{ a: 1 }, { b: 2 }],
    )
  })

  const bombs: Record<string, string> = {
    aliases: `a: &a [x]\nb: [${Array(MAX_YAML_ALIASES + 2)
      .fill('*a')
      .join(', ')}]`,
    laughs: [
      'a: &a [l,l,l,l,l,l,l,l,l]',
      ...'bcdefghi'.split('').map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefghi'[i]}`).join()}]`),
    ].join('\n'),
    depth: '['.repeat(20_000),
    size: 'a'.repeat(3 * 1024 * 1024 + 1),
    syntax: 'a: b: c',
    infinity: 'a: .inf',
    set: '!!set {a, b}',
  }
  for (const [name, text] of Object.entries(bombs))
    test(`refuses ${name}`, () => assert.throws(() => decodeYaml(text), DecodeError))
})

test('any JSON value comes back from YAML', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const json: unknown = JSON.parse(JSON.stringify(value))
      assert.deepEqual(decodeYaml(encodeYaml(json)).value, json)
    }),
  )
})

test('YAML is written as kubectl shows it', () => {
  const text = encodeYaml({
    spec: { ports: [{ port: 80, name: 'yes' }] },
    kind: 'X',
    metadata: { labels: {}, x: null },
  })
  assert.equal(text, 'kind: X\nmetadata:\n  labels: {}\n  x: null\nspec:\n  ports:\n  - name: "yes"\n    port: 80\n')
})
