import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseFieldSelector, escapeFieldValue } from './fields.ts'
import { parseLabelSelector, Selector, selectorOf, selectorOfMap, type Operator } from './labels.ts'

const matching: Record<string, [selector: string, labels: Record<string, string>, want: boolean][]> = {
  equality: [
    ['a=b', { a: 'b' }, true],
    ['a==b', { a: 'c' }, false],
    ['a!=b', {}, true],
    ['a!=b', { a: 'b' }, false],
    ['a=', { a: '' }, true],
  ],
  sets: [
    ['a in (b,c)', { a: 'c' }, true],
    ['a in (b, c)', { a: 'd' }, false],
    ['a notin (b)', { a: 'c' }, true],
    ['a notin (b)', {}, true],
    ['a in ()', { a: '' }, true],
  ],
  existence: [
    ['a', { a: 'x' }, true],
    ['!a', { a: 'x' }, false],
    ['!a', {}, true],
    ['toString', {}, false],
  ],
  numbers: [
    ['a>3', { a: '4' }, true],
    ['a<3', { a: '4' }, false],
    ['a>3', { a: 'x' }, false],
  ],
  several: [
    ['a=b,c in (d),!e', { a: 'b', c: 'd' }, true],
    ['a=b,c=d', { a: 'b' }, false],
    ['', {}, true],
  ],
}
for (const [name, cases] of Object.entries(matching)) {
  test(`parseLabelSelector matches ${name}`, () => {
    for (const [text, labels, want] of cases)
      assert.equal(parseLabelSelector(text).matches(labels), want, `${text} on ${JSON.stringify(labels)}`)
  })
}

test('parseLabelSelector refuses what is no selector', () => {
  for (const text of [
    'a b',
    ',',
    'a,',
    '=b',
    'a in b',
    'a in (b',
    '!',
    'a=b=c',
    'a in (b',
    '-a=b',
    'a=-b',
    'a>x',
    '((',
  ]) {
    assert.throws(() => parseLabelSelector(text), /unable to parse requirement/, text)
  }
})

test('a selector means the same after printing and parsing', () => {
  const key = fc.stringMatching(/^[a-z]{1,5}$/)
  const value = fc.stringMatching(/^[a-z0-9]{1,5}$/)
  const requirement = fc.oneof(
    fc.record({
      key,
      operator: fc.constantFrom<Operator>('In', 'NotIn'),
      values: fc.uniqueArray(value, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ key, operator: fc.constantFrom<Operator>('Exists', 'DoesNotExist'), values: fc.constant([]) }),
  )
  fc.assert(
    fc.property(fc.array(requirement, { maxLength: 4 }), fc.dictionary(key, value), (requirements, labels) => {
      const selector = new Selector(requirements)
      assert.equal(parseLabelSelector(selector.toString()).matches(labels), selector.matches(labels))
    }),
  )
})

test('selectorOf: absent selects nothing, empty selects everything', () => {
  assert.equal(selectorOf(undefined).matches({ a: 'b' }), false)
  assert.equal(selectorOf({}).matches({}), true)
  assert.equal(selectorOfMap({}).matches({}), false)
  assert.equal(
    selectorOf({
      matchLabels: { a: 'b' },
      matchExpressions: [{ key: 'c', operator: 'NotIn', values: ['d'] }],
    }).toString(),
    'a=b,c!=d',
  )
})

test('parseFieldSelector reads terms and escapes', () => {
  assert.deepEqual(parseFieldSelector('spec.nodeName=n1,status.phase!=Failed,a==b').terms, [
    { field: 'spec.nodeName', value: 'n1', not: false },
    { field: 'status.phase', value: 'Failed', not: true },
    { field: 'a', value: 'b', not: false },
  ])
  fc.assert(
    fc.property(fc.string(), (value) =>
      assert.equal(parseFieldSelector(`a=${escapeFieldValue(value)}`).terms[0]?.value, value),
    ),
  )
  assert.throws(() => parseFieldSelector('a'), /can't understand 'a'/)
  assert.throws(() => parseFieldSelector('a=b\\x'), /invalid escape sequence/)
})
