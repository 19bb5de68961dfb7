import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OrderedObjects, type Span } from './ordered-objects.ts'

interface Item {
  key: string
  version: number
}

const keyOf = (number: number): string => `k${String(number).padStart(4, '0')}`
const key = fc.nat(2999).map(keyOf)

test('OrderedObjects is a sorted map: what was set last, in order, by any span', () => {
  const step = fc.record({ key, isDelete: fc.boolean() })
  const bound = fc.option(key, { nil: undefined })
  fc.assert(
    fc.property(
      fc.nat(3000),
      fc.array(step, { maxLength: 400, size: 'max' }),
      bound,
      bound,
      (count, steps, start, end) => {
        const ordered = new OrderedObjects<Item>()
        const model = new Map<string, Item>()
        const set = (item: Item): void => {
          ordered.set(item)
          model.set(item.key, item)
        }
        for (let i = 0; i < count; i++) set({ key: keyOf(i), version: 0 })
        for (const [i, { key: at, isDelete }] of steps.entries()) {
          if (!isDelete) set({ key: at, version: i + 1 })
          else {
            ordered.delete(at)
            model.delete(at)
          }
        }
        const span: Span = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) }
        const want = [...model.values()]
          .filter((item) => (start === undefined || item.key >= start) && (end === undefined || item.key < end))
          .sort((a, b) => (a.key < b.key ? -1 : 1))
        const walked: Item[] = []
        ordered.walk(span, (item) => walked.push(item) > 0)
        assert.deepEqual([walked, ordered.slice(span), ordered.count(span)], [want, want, want.length])
      },
    ),
    { numRuns: 60 },
  )
})

test('OrderedObjects.walk ends when it is told to', () => {
  const ordered = new OrderedObjects<{ key: string }>()
  for (let i = 0; i < 2000; i++) ordered.set({ key: keyOf(i) })
  const seen: string[] = []
  ordered.walk({ start: keyOf(700) }, (item) => seen.push(item.key) < 3)
  assert.deepEqual(seen, [700, 701, 702].map(keyOf))
})
