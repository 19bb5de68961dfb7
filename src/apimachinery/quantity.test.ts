// Values, order and canonical text of quantities.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addQuantities, canonicalQuantity, compareQuantities, quantityMillis, quantityValue } from './quantity.ts'

test('canonicalQuantity keeps the form and drops what is not needed', () => {
  const cases: [string, string][] = [
    ['1000m', '1'],
    ['100m', '100m'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['0.5', '500m'],
    ['1e3', '1e3'],
    ['12e6', '12e6'],
    ['1000', '1k'],
    ['512Ki', '512Ki'],
    ['0Gi', '0'],
    ['-1', '-1'],
  ]
  assert.deepEqual(
    cases.map(([text]) => [text, canonicalQuantity(text)]),
    cases,
  )
})

test('quantities round up', () => {
  assert.deepEqual([quantityValue('1500m'), quantityMillis('0.0001'), quantityValue('1Ki')], [2, 1, 1024])
  assert.ok(compareQuantities('1Gi', '1G') > 0)
  assert.equal(addQuantities('500m', '1'), '1500m')
  assert.equal(addQuantities('512Mi', '512Mi'), '1Gi')
})

test('a canonical text means the same amount and is canonical', () => {
  const suffix = fc.constantFrom('', 'm', 'k', 'M', 'Ki', 'Mi', 'Gi', 'u', 'e3')
  fc.assert(
    fc.property(fc.integer({ min: -1_000_000, max: 1_000_000 }), suffix, (number, unit) => {
      const text = `${number}${unit}`
      const canonical = canonicalQuantity(text)
      assert.equal(compareQuantities(text, canonical), 0)
      assert.equal(canonicalQuantity(canonical), canonical)
    }),
  )
})
