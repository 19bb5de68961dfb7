// An object parsed with its long texts left in the JSON is, in every encoding, what it is when it is parsed whole.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseSparingly } from './json-sparing.ts'
import { LongText } from './long-text.ts'
import { defineResource } from './resource.ts'
import { any, bytes, intOrString, list, mapOf, string } from './schema.ts'
import { encodeProtobuf } from './protobuf/protobuf.ts'
import { encodeYaml } from './yaml.ts'
import { encodeYamlItem, encodeYamlObject } from './yaml-pieces.ts'

const things = defineResource({
  group: 'drover.test',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  scope: 'Namespaced',
  model: 'test.drover.v1.Thing',
  fields: {
    data: mapOf(2, string()),
    binaryData: mapOf(3, bytes()),
    list: list(4, string()),
    raw: any(5),
    port: intOrString(6),
  },
})
const meta = { apiVersion: 'drover.test/v1', kind: 'Thing' }

/** So that a text of a test has many pieces. What has fewer than 40 characters in JSON, here 120 bytes, the YAML library writes in another way. */
const SIZES = { long: 120, chunk: 12 }

const sparing = (value: unknown, sizes = SIZES): unknown => parseSparingly(Buffer.from(JSON.stringify(value)), sizes)

function assertSame(text: string, sizes = SIZES): void {
  const object = { metadata: { name: 'a', annotations: { [text.slice(0, 30)]: text } }, data: { b: text, a: 'short' } }
  const whole = { ...object, list: ['x', text], raw: { deep: [text, { deeper: text }] }, port: text }
  const parsed = sparing(whole, sizes)
  assert.equal([...encodeYamlItem(parsed as object)].join(''), encodeYaml([whole]))
  const encoded = encodeProtobuf(things.struct, meta, parsed as object)
  assert.ok(encoded.equals(encodeProtobuf(things.struct, meta, whole)))
}

/** What the styles of YAML, the escapes of JSON and UTF-8 take notice of. */
const PARTS = [
  ...['\n', '\n', '\n\n', ' ', ' ', '\t', '\r\n', '\r', '#', ':', ': ', ' #', '- ', '"', "'", '\\', '\\n', '\\\\'],
  ...['a', 'word', 'ü', '€', '🎉', '\u2028', '\u0085', '\0', '\u0007', '\u001b', '\u001f', '\b', '\f', '\u007f'],
  ...['0', '1', '12345', '0x', '.', 'e', '_', '-', '+', 'T', '---\n', '%', '...', '{', '[', '?', '~'],
]
const STARTS = ['', '', '', ' ', '\n', ' \n', '\n ', '- ', '? ', '#', '"', "'", '|', '0x', '-', '+0b', '1', 'word']
const text = fc
  .tuple(
    fc.constantFrom(...STARTS),
    // Few kinds of parts in a text: with many, nearly every text would be one that must be quoted.
    fc
      .uniqueArray(fc.constantFrom(...PARTS), { minLength: 1, maxLength: 4 })
      .chain((parts) => fc.array(fc.constantFrom(...parts), { minLength: 40, maxLength: 120 })),
    fc.constantFrom('', '', 'x', '\n', '\n\n', ' ', ' \n', '\n ', ':', '\t\n'),
  )
  .map(([start, middle, end]) => start + middle.join('') + end)

describe('long texts', () => {
  test('are written as short ones are, whatever is in them', () => {
    fc.assert(
      fc.property(text, (value) => assertSame(value)),
      { numRuns: 1500 },
    )
  })

  test('are so with halves of surrogate pairs', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 20, maxLength: 60 }), fc.nat(60), (value, at) => {
        assertSame(`${value.slice(0, at)}\ud83d${value.slice(at)}\udf89`)
      }),
    )
  })

  const line = 'a line of "text", with what\'s in texts: ü, €, 🎉\n'
  const cases: Readonly<Record<string, string>> = {
    'one line': 'x'.repeat(300_000),
    'many lines': line.repeat(6000),
    'lines of a script': '#!/bin/sh\n\n  echo "$1"\t\n'.repeat(12_000),
    'lines of DOS': 'one line\r\nanother \r\n\r\n   a third\r\n'.repeat(9000),
    'line ends only': '\n'.repeat(300_000),
    'line ends, then a word': `${'\n'.repeat(300_000)}x`,
    'line ends and a quoted one': `\0${'\n'.repeat(300_000)}`,
    spaces: ' '.repeat(300_000),
    backslashes: '\\'.repeat(300_001),
    'control characters': '\u0001\u001b[1m'.repeat(50_000),
    digits: '1234567890'.repeat(30_000),
    'digits and letters': '1234567890abcdef'.repeat(20_000),
    'a number in hexadecimal': `0x${'0123456789abcdef'.repeat(20_000)}`,
    'what is quoted once': `"${'x'.repeat(300_000)}`,
    'what is quoted and has both quotes': `"'${'x'.repeat(300_000)}`,
    JSON: JSON.stringify(Array.from({ length: 9000 }, (_, i) => ({ name: `n-${i}`, text: 'a\n"b"' }))),
    'letters of three bytes': '漢字'.repeat(60_000),
    pairs: '🎉'.repeat(80_000),
  }
  for (const [name, value] of Object.entries(cases))
    test(`of hundreds of kilobytes: ${name}`, () => assertSame(value, {} as typeof SIZES))
})

test('bytes are the same whether they are decoded whole or in parts', () => {
  const assertBytes = (value: string): void => {
    const whole = { binaryData: { a: value, b: 'YQ==' } }
    const parsed = sparing(whole, { long: 40, chunk: 12 }) as object
    const encoded = encodeProtobuf(things.struct, meta, parsed)
    assert.ok(encoded.equals(encodeProtobuf(things.struct, meta, whole)))
  }
  const base64 = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251)).toString('base64')
  for (const value of [
    base64,
    `${base64}\n`,
    `${base64.slice(0, 4095)}=${base64}`,
    base64.slice(0, -1),
    `${base64.slice(0, 5000)}!${base64}`,
    `${base64}=`,
    `${base64.slice(0, 4092)}YQ==${base64}`,
    `ü${base64}`,
  ])
    assertBytes(value)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 30, maxLength: 100 }), (value) =>
      assertBytes(Buffer.from(value).toString('base64')),
    ),
  )
})

test('any value comes back from JSON, long texts as such', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), fc.constantFrom(1, 5, 40), (value, long) => {
      const json = JSON.stringify(value)
      const parsed = parseSparingly(Buffer.from(json), { long, chunk: 12 })
      assert.equal(JSON.stringify(parsed), json)
    }),
  )
  const parsed = sparing({ a: 'x'.repeat(120), b: 'x'.repeat(119), ['__proto__']: { y: 1 } }) as object
  assert.ok(Object.values(parsed)[0] instanceof LongText)
  assert.equal(typeof Object.values(parsed)[1], 'string')
  assert.deepEqual(Object.keys(parsed), ['a', 'b', '__proto__'])
})

test('what is no JSON is refused', () => {
  for (const json of [
    '',
    '{',
    '[',
    '{"a"',
    '{"a":1',
    '[1,',
    '"abc',
    '"abc\\',
    `"${'x'.repeat(100)}`,
    '{"a":tru}',
    '[1 2]',
  ]) {
    assert.throws(() => parseSparingly(Buffer.from(json)), SyntaxError, json)
  }
})

test('YAML of an object is the same when it is written in pieces', () => {
  const odd = [
    'on',
    'Yes',
    'NULL',
    'y',
    'e5',
    'E+1',
    '~',
    '<<',
    '=',
    '1',
    '1.5',
    '.',
    '.5',
    '0x1f',
    '1_0',
    '1:30',
    '',
    ' ',
    '-',
    '%x',
  ]
  const usual = [
    'a b',
    'a ',
    'nginx:1.25',
    'a: b',
    'a:',
    'a #b',
    'f:spec',
    'k:{"port":80}',
    '[::1]:80',
    '10.0.0.1',
    'YQ==',
    '100m',
    'a,b',
    'a\nb\n',
  ]
  const times = [
    '2026-11-28',
    '2026-11-28T08:16:50Z',
    '2026-11-28T08:16:50.123456Z',
    '---',
    '---\na',
    '{}',
    'ü',
    '"',
    "a'b",
  ]
  const short = fc.oneof(fc.constantFrom(...odd, ...usual, ...times), fc.string({ unit: 'binary', maxLength: 5 }))
  const longKey = fc
    .integer({ min: 120, max: 1100 })
    .chain((length) => fc.constantFrom('k', '"', '\n', '1').map((key) => key.repeat(length)))
  const key = fc.oneof(
    { weight: 20, arbitrary: short },
    { weight: 1, arbitrary: longKey },
    { weight: 1, arbitrary: text },
  )
  const leaf = fc.oneof(
    text,
    short,
    fc.constantFrom(0, -0, null, true, false),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie('tree'), { maxLength: 5 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
    ),
  }))
  fc.assert(
    fc.property(fc.dictionary(key, tree, { maxKeys: 4 }), (value) => {
      const object = JSON.parse(JSON.stringify(value)) as object
      assert.equal([...encodeYamlItem(object)].join(''), encodeYaml([object]))
      assert.equal(encodeYamlObject(object), encodeYaml(object))
      assert.equal([...encodeYamlItem(sparing(object) as object)].join(''), encodeYaml([object]))
    }),
    { numRuns: 1500 },
  )
})

test('what is undefined is no member', () => {
  const object = { a: undefined, b: { c: undefined }, d: [{ e: undefined, f: 1 }] }
  assert.equal([...encodeYamlItem(object)].join(''), encodeYaml([object]))
})

test('what is nested as deep as the API allows is written', () => {
  let deep: unknown = ['on', 'two\nlines', 0]
  for (let depth = 0; depth < 950; depth++) deep = { a: deep }
  const text = [...encodeYamlItem({ deep })].join('')
  assert.ok(
    text.endsWith(
      `\n${'  '.repeat(951)}- "on"\n${'  '.repeat(951)}- |-\n${'  '.repeat(952)}two\n${'  '.repeat(952)}lines\n${'  '.repeat(951)}- 0\n`,
    ),
  )
})
