import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { memberText } from './json-member.ts'

test('the member that is read is the one that parsing gives', () => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom('a"b', '\\', '}{][,:', '{"labels":{}}', 'é'))
  fc.assert(
    fc.property(
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('labels', 'label', 'labelss', 'a"', '\\')), value),
      fc.string(),
      (object, before) => {
        const head = JSON.stringify(before)
        const text = memberText(Buffer.from(head + JSON.stringify(object)), Buffer.byteLength(head), 'labels')
        const expected = Object.hasOwn(object, 'labels') ? JSON.stringify(object['labels']) : undefined
        assert.equal(text, expected)
      },
    ),
    { numRuns: 500 },
  )
})
