// JSON within limits, duplicate fields, and the layout that resource versions are spliced into.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { duplicateFields, findDuplicateFields, MAX_JSON_DEPTH, parseDocument } from './json.ts'
import { DecodeError } from './scalars.ts'
import { deepFreeze, resourceVersionOffset, serialize, spliceResourceVersion } from './serialize.ts'

test('duplicate fields are found at any depth, once each', () => {
  const text = String.raw`{"a":1,"metadata":{"name":"x","na\u006de":"y","name":"z"},"spec":{"list":[{"b":1},{"b":1,"c":"{\"d\":1,\"d\":2}","b":2}]},"a":2}`
  assert.deepEqual(findDuplicateFields(text), [
    'duplicate field "metadata.name"',
    'duplicate field "spec.list[1].b"',
    'duplicate field "a"',
  ])
})

test('JSON made by JSON.stringify has no duplicates and parses to itself', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      assert.deepEqual(findDuplicateFields(text), [])
      assert.deepEqual(parseDocument(Buffer.from(text)), { value: JSON.parse(text), duplicates: [] })
    }),
  )
})

test('size, depth and syntax are refused in words', () => {
  const deep = Buffer.from('['.repeat(MAX_JSON_DEPTH + 1) + ']'.repeat(MAX_JSON_DEPTH + 1))
  assert.throws(() => parseDocument(deep), /exceeded max depth/)
  assert.throws(() => parseDocument(Buffer.from('{}'), 1), new DecodeError('request is too large: limit is 1 bytes'))
  assert.throws(() => parseDocument(Buffer.from('{')), new DecodeError('unexpected end of JSON input'))
  assert.throws(
    () => parseDocument(Buffer.from('hello')),
    new DecodeError("invalid character 'h' looking for beginning of value"),
  )
})

test('any bytes are parsed or refused, never crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      findDuplicateFields(Buffer.from(bytes))
      try {
        parseDocument(Buffer.from(bytes))
      } catch (error) {
        assert.ok(error instanceof DecodeError)
      }
    }),
  )
})

const pods = { kind: 'Pod', apiVersion: 'v1' }

test('serialize begins with kind, apiVersion and metadata, and leaves the resource version to the splice', () => {
  const object = deepFreeze({
    spec: { a: 1 },
    metadata: { name: 'x', resourceVersion: '5' },
    apiVersion: 'v1',
    kind: 'Pod',
  })
  const bytes = serialize(pods, object)
  assert.equal(bytes.toString(), '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"},"spec":{"a":1}}')
  const want = '{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"12","name":"x"},"spec":{"a":1}}'
  assert.equal(spliceResourceVersion(bytes, 12).toString(), want)
  assert.equal(spliceResourceVersion(bytes, 12n, resourceVersionOffset(pods)).toString(), want)
  assert.equal(
    spliceResourceVersion(serialize(pods, {}), '3').toString(),
    '{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"3"}}',
  )
})

test('whether a document repeats a field is told by counting, and by writing it again', () => {
  const member = fc.tuple(fc.constantFrom('a', 'b:', '"c', '__proto__', 'é'), fc.jsonValue({ maxDepth: 2 }))
  fc.assert(
    fc.property(fc.array(member, { maxLength: 5 }), (members) => {
      const text = `{"x":[{${members.map(([key, value]) => `${JSON.stringify(key)} : ${JSON.stringify(value)}`).join(', ')}}]}`
      assert.deepEqual(duplicateFields(Buffer.from(text), JSON.parse(text)), findDuplicateFields(text))
      const dense = `{"x":[{${members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}]}`
      for (const written of [text, dense, `${dense}\n`, `${dense} \n`])
        assert.deepEqual(parseDocument(Buffer.from(written)).duplicates, findDuplicateFields(written))
    }),
  )
})
