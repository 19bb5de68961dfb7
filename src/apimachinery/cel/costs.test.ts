// What rules cost: counted while they run, and told from the schema alone. The figures are upstream's.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileRules } from './schema/compile-rules.ts'
import { viewOf } from './schema/data.ts'
import { declaredType } from './schema/declared-type.ts'

const integer = { type: 'integer' }
const text = { type: 'string' }
const list = (items: object, maxItems?: number): object => ({
  type: 'array',
  items,
  ...(maxItems === undefined ? {} : { maxItems }),
})
const schema = {
  type: 'object',
  properties: {
    s: text,
    short: { ...text, maxLength: 10 },
    n: integer,
    list: list(integer, 5),
    open: list(text),
    map: { type: 'object', additionalProperties: integer, maxProperties: 4 },
    items: list({ type: 'object', properties: { k: { ...text, maxLength: 5 }, v: text } }, 3),
    o: { type: 'object', properties: { a: { type: 'object', properties: { b: integer } } } },
  },
}
const object = {
  s: 'hello world',
  short: 'abc',
  n: 3,
  list: [1, 2, 3],
  open: ['x', 'y'],
  map: { a: 1, b: 2 },
  items: [{ k: 'a' }, { k: 'b', v: 'z' }],
  o: { a: { b: 1 } },
}

describe('a rule costs', () => {
  const cases: Record<string, [runs: number, atMost: number]> = {
    'self.n > 1': [3, 3],
    'has(self.n)': [1, 1],
    'has(self.o.a.b)': [3, 3],
    "self.s != 'hello'": [3, 3],
    "self.short.startsWith('abc')": [3, 3],
    "self.s.contains('o w')": [4, 314_575],
    "self.s.matches('^h.*d$')": [6, 629_148],
    '1 in self.list': [5, 7],
    'self.n in [1, 2, 3]': [2, 15],
    'self.list.all(x, x > 0)': [18, 28],
    'self.list.map(x, x + 1).size() == 3': [47, 85],
    "self.items.exists(i, has(i.v) && i.v == 'z')": [16, 27],
    'self.map.all(k, self.map[k] > 0)': [17, 35],
    "self.open.all(x, x == 'a' || true)": [13, 5_242_878],
    'size(self.list) < 9 ? true : self.n > 1': [4, 7],
    "self.s.lowerAscii().trim() == 'hello world'": [8, 629_150],
  }
  for (const [rule, [runs, atMost]] of Object.entries(cases)) {
    test(rule, () => {
      const declared = declaredType(schema, false)
      assert.ok(declared)
      const [compiled] = compileRules([{ rule }], schema, declared)
      assert.equal(compiled?.error, undefined)
      const outcome = compiled?.compiled?.program.run([viewOf(schema)(object), null], 1_000_000)
      assert.deepEqual([outcome?.cost, outcome?.value, compiled?.maxCost], [runs, true, atMost])
    })
  }
})
