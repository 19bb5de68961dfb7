// Diffs touch what changed and nothing else, in an order the kernel accepts.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { diffTables } from './diff.ts'
import type { Chain, NamedSet, Rule, Table } from './model.ts'

const drop: Rule = { statements: [{ kind: 'verdict', verdict: 'drop' }] }
const accept: Rule = { statements: [{ kind: 'verdict', verdict: 'accept' }] }
const map = (elements: Record<string, string>): NamedSet => ({
  type: 'inet_service',
  valueType: 'verdict',
  elements: new Map(Object.entries(elements)),
})
const table = (sets: Record<string, NamedSet>, chains: Record<string, Chain>): Table => ({
  family: 'ip',
  name: 't',
  sets: new Map(Object.entries(sets)),
  chains: new Map(Object.entries(chains)),
})

const base = table({ m: map({ '80': 'goto a' }) }, { a: { rules: [drop] }, b: { rules: [accept] } })

const cases: Record<string, [before: Table | undefined, after: Table, want: string[]]> = {
  'nothing when nothing changed': [base, base, []],
  'the whole table when the kernel is unknown': [
    undefined,
    table({}, { a: { rules: [drop] } }),
    ['add table ip t', 'delete table ip t', 'add table ip t', 'add chain ip t a', 'add rule ip t a drop'],
  ],
  'only the element that was added': [
    base,
    table({ m: map({ '80': 'goto a', '81': 'drop' }) }, { a: { rules: [drop] }, b: { rules: [accept] } }),
    ['add element ip t m { 81 : drop }'],
  ],
  'an element whose value changed goes before it comes': [
    base,
    table({ m: map({ '80': 'goto b' }) }, { a: { rules: [drop] }, b: { rules: [accept] } }),
    ['delete element ip t m { 80 }', 'add element ip t m { 80 : goto b }'],
  ],
  'a chain goes after what led to it': [
    base,
    table({ m: map({}) }, { b: { rules: [accept] } }),
    ['delete element ip t m { 80 }', 'flush chain ip t a', 'delete chain ip t a'],
  ],
  'a chain comes before what leads to it': [
    table({ m: map({}) }, { b: { rules: [accept] } }),
    base,
    ['add chain ip t a', 'add rule ip t a drop', 'add element ip t m { 80 : goto a }'],
  ],
  'only the chain whose rules changed': [
    base,
    table({ m: map({ '80': 'goto a' }) }, { a: { rules: [drop] }, b: { rules: [drop] } }),
    ['flush chain ip t b', 'add rule ip t b drop'],
  ],
}

describe('diffTables() writes', () => {
  for (const [name, [before, after, want]] of Object.entries(cases))
    test(name, () => assert.deepEqual(diffTables(before, after), want))

  test('the whole table when a hook changed', () => {
    const hooked: Chain = { hook: { type: 'filter', hook: 'input', priority: 0 }, rules: [] }
    const moved: Chain = { hook: { type: 'filter', hook: 'input', priority: 5 }, rules: [] }
    assert.deepEqual(diffTables(table({}, { a: hooked }), table({}, { a: moved })).slice(0, 2), [
      'add table ip t',
      'delete table ip t',
    ])
  })

  test('a dynamic set without its elements, which are the kernel’s', () => {
    const dynamic: NamedSet = {
      type: 'ipv4_addr',
      flags: ['dynamic', 'timeout'],
      timeoutSeconds: 60,
      elements: new Map([['10.0.0.1', '']]),
    }
    const commands = diffTables(undefined, table({ d: dynamic }, {}))
    assert.equal(commands.at(-1), 'add set ip t d { type ipv4_addr; flags dynamic,timeout; timeout 60s; }')
  })
})
