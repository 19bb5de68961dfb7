// The text for nft is as it should be, and nothing that is not a name or a value gets into it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Statement, Table } from './model.ts'
import { printTable, ruleText, statementText } from './serialize.ts'

const texts: Record<string, Statement> = {
  'ip saddr 10.0.0.0/8': { kind: 'match', key: ['ip saddr'], values: ['10.0.0.0/8'] },
  'meta l4proto { tcp, udp }': { kind: 'match', key: ['meta l4proto'], values: ['tcp', 'udp'] },
  'iifname != "drb-a-*"': { kind: 'match', key: ['iifname'], values: ['drb-a-*'], not: true },
  'ip saddr . ip daddr @pairs': { kind: 'in-set', key: ['ip saddr', 'ip daddr'], set: 'pairs' },
  'ip daddr . th dport vmap @m': { kind: 'verdict-map', key: ['ip daddr', 'th dport'], map: 'm' },
  'goto service-a/b': { kind: 'verdict-random', verdicts: ['goto service-a/b'] },
  'numgen random mod 2 vmap { 0 : goto a, 1 : drop }': { kind: 'verdict-random', verdicts: ['goto a', 'drop'] },
  'dnat to 10.0.0.1:80': { kind: 'dnat-random', targets: ['10.0.0.1:80'] },
  'dnat ip addr . port to numgen random mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 81 }': {
    kind: 'dnat-random',
    targets: ['10.0.0.1:80', '10.0.0.2:81'],
  },
  'meta mark & 0x4000 == 0x4000': { kind: 'mark-has', bits: 0x4000 },
  'meta mark set meta mark & 0xffffbfff': { kind: 'mark-clear', bits: 0x4000 },
  'update @s { ip saddr timeout 60s }': { kind: 'remember', key: ['ip saddr'], set: 's', timeoutSeconds: 60 },
  'reject with icmp port-unreachable': { kind: 'reject', with: 'port-unreachable' },
}

const hostile: Record<string, Statement> = {
  'a value with a semicolon': { kind: 'match', key: ['ip saddr'], values: ['1.2.3.4; flush ruleset'] },
  'a value with a brace': { kind: 'match', key: ['ip saddr'], values: ['1.2.3.4 } drop'] },
  'a chain with a space': { kind: 'verdict', verdict: 'goto a drop' },
  'a set with a line break': { kind: 'in-set', key: ['ip saddr'], set: 'a\nflush ruleset' },
  'a target that is no address': { kind: 'dnat', to: 'example.org:80' },
  'a time that is no number': { kind: 'remember', key: ['ip saddr'], set: 's', timeoutSeconds: Number.NaN },
}

describe('statementText()', () => {
  for (const [text, statement] of Object.entries(texts)) test(text, () => assert.equal(statementText(statement), text))
  for (const [name, statement] of Object.entries(hostile))
    test(`refuses ${name}`, () => assert.throws(() => statementText(statement), /Cannot write nft ruleset/))
})

test('ruleText() keeps a comment inside its quotes', () => {
  const rule = { statements: [{ kind: 'verdict', verdict: 'drop' } as const], comment: 'a" ; flush ruleset\n' }
  assert.equal(ruleText(rule), 'drop comment "a? ; flush ruleset?"')
})

test('printTable() is sorted, whatever the order of making', () => {
  const set = {
    type: 'ipv4_addr',
    elements: new Map([
      ['10.0.0.2', ''],
      ['10.0.0.1', ''],
    ]),
  }
  const table: Table = {
    family: 'ip',
    name: 't',
    sets: new Map([
      ['b', set],
      ['a', set],
    ]),
    chains: new Map(),
  }
  assert.equal(
    printTable(table),
    `table ip t {
  set a { type ipv4_addr;
    10.0.0.1
    10.0.0.2
  }
  set b { type ipv4_addr;
    10.0.0.1
    10.0.0.2
  }
}
`,
  )
})
