// Writes a ruleset, or parts of one, as the text that `nft -f -` reads; every word is checked, so no name or value can smuggle a statement.

import { unreachable } from '../../base/assert.ts'
import type { Chain, Key, NamedSet, Rule, Statement, Table, Target, Verdict } from './model.ts'

const NAME = /^[A-Za-z][A-Za-z0-9/._-]{0,127}$/
const VALUE = /^[A-Za-z0-9_~*][A-Za-z0-9_~*:./-]{0,127}$/
const TARGET = /^(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})$/
const ALL_BITS = 0xffffffff

/** The name of a table, chain or set. A slash, as in `drover-a/pods`, can never be part of a cluster's name. */
export function nameText(name: string): string {
  if (!NAME.test(name)) throw new Error(`Cannot write nft ruleset: ${JSON.stringify(name)} is not a name`)
  return name
}

export const tableText = (table: Pick<Table, 'family' | 'name'>): string => `${table.family} ${nameText(table.name)}`

function valueText(value: string): string {
  if (!VALUE.test(value)) throw new Error(`Cannot write nft ruleset: ${JSON.stringify(value)} is not a value`)
  return value
}

/** Element keys and data: parts joined by ` . `. */
function concatText(value: string): string {
  return value.split(' . ').map(valueText).join(' . ')
}

export function verdictText(verdict: Verdict | string): string {
  if (verdict === 'accept' || verdict === 'drop' || verdict === 'return') return verdict
  const [word, chain, ...rest] = verdict.split(' ')
  if ((word !== 'goto' && word !== 'jump') || chain === undefined || rest.length > 0)
    throw new Error(`Cannot write nft ruleset: ${JSON.stringify(verdict)} is not a verdict`)
  return `${word} ${nameText(chain)}`
}

function targetParts(target: Target): { address: string; port: string } {
  const [, address, port] = TARGET.exec(target) ?? []
  if (address === undefined || port === undefined)
    throw new Error(`Cannot write nft ruleset: ${JSON.stringify(target)} is not an address and port`)
  return { address, port }
}

const keyText = (key: Key): string => key.join(' . ')
const hex = (bits: number): string => `0x${(bits >>> 0).toString(16)}`

function matchText(statement: Extract<Statement, { kind: 'match' }>): string {
  const { key, values, not } = statement
  // Interface names are quoted, so that one like "drop" stays a name.
  const quoted = key.length === 1 && (key[0] === 'iifname' || key[0] === 'oifname')
  const words = values.map((value) => (quoted ? `"${valueText(value)}"` : concatText(value)))
  const right = words.length === 1 ? words[0] : `{ ${words.join(', ')} }`
  return `${keyText(key)} ${not ? '!= ' : ''}${right}`
}

export function statementText(statement: Statement): string {
  switch (statement.kind) {
    case 'match':
      return matchText(statement)
    case 'in-set':
      return `${keyText(statement.key)} ${statement.not ? '!= ' : ''}@${nameText(statement.set)}`
    case 'verdict':
      return verdictText(statement.verdict)
    case 'verdict-map':
      return `${keyText(statement.key)} vmap @${nameText(statement.map)}`
    case 'verdict-random': {
      const { verdicts } = statement
      if (verdicts.length === 1 && verdicts[0] !== undefined) return verdictText(verdicts[0])
      const entries = verdicts.map((verdict, i) => `${i} : ${verdictText(verdict)}`)
      return `numgen random mod ${verdicts.length} vmap { ${entries.join(', ')} }`
    }
    case 'reject':
      return statement.with === 'tcp reset' ? 'reject with tcp reset' : 'reject with icmp port-unreachable'
    case 'dnat': {
      const { address, port } = targetParts(statement.to)
      return `dnat to ${address}:${port}`
    }
    case 'dnat-map':
      return `dnat ip addr . port to ${keyText(statement.key)} map @${nameText(statement.map)}`
    case 'dnat-random':
      return randomTargetText(statement.targets)
    case 'masquerade':
      return 'masquerade fully-random'
    case 'mark-has':
      return `meta mark & ${hex(statement.bits)} == ${hex(statement.bits)}`
    case 'mark-set':
      return `meta mark set meta mark | ${hex(statement.bits)}`
    case 'mark-clear':
      return `meta mark set meta mark & ${hex(ALL_BITS ^ statement.bits)}`
    case 'remember':
      return `update @${nameText(statement.set)} { ${keyText(statement.key)} timeout ${seconds(statement.timeoutSeconds)} }`
    case 'counter':
      return 'counter'
    default:
      return unreachable(statement)
  }
}

function randomTargetText(targets: readonly Target[]): string {
  const parts = targets.map(targetParts)
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return `dnat to ${only.address}:${only.port}`
  const entries = parts.map(({ address, port }, i) => `${i} : ${address} . ${port}`)
  return `dnat ip addr . port to numgen random mod ${parts.length} map { ${entries.join(', ')} }`
}

function seconds(value: number): string {
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`Cannot write nft ruleset: ${value} is not a time in seconds`)
  return `${value}s`
}

/** nft's comments are at most 128 bytes and have no way to quote a quote. */
const commentText = (comment: string): string => `"${comment.replaceAll(/[^ -~]|["\\]/g, '?').slice(0, 120)}"`

export function ruleText(rule: Rule): string {
  const text = rule.statements.map(statementText).join(' ')
  return rule.comment === undefined ? text : `${text} comment ${commentText(rule.comment)}`
}

export function hookText(chain: Chain): string {
  if (chain.hook === undefined) return ''
  const { type, hook, priority, policy } = chain.hook
  return `type ${type} hook ${hook} priority ${priority}; policy ${policy ?? 'accept'};`
}

/** The definition without its elements; equal text means the kernel's set can stay. */
export function setHeadText(set: NamedSet): string {
  const type = set.valueType === undefined ? set.type : `${set.type} : ${set.valueType}`
  return [
    `type ${type};`,
    set.flags === undefined ? '' : `flags ${set.flags.join(',')};`,
    set.timeoutSeconds === undefined ? '' : `timeout ${seconds(set.timeoutSeconds)};`,
    set.size === undefined ? '' : `size ${set.size};`,
  ]
    .filter((part) => part !== '')
    .join(' ')
}

export const setWord = (set: NamedSet): 'set' | 'map' => (set.valueType === undefined ? 'set' : 'map')

export function elementText(set: NamedSet, key: string, value: string): string {
  if (set.valueType === undefined) return concatText(key)
  return `${concatText(key)} : ${set.valueType === 'verdict' ? verdictText(value) : concatText(value)}`
}

export const elementKeyText = (key: string): string => concatText(key)

/** The whole table as `table … { … }`, sorted, for golden files and people. */
export function printTable(table: Table): string {
  const lines = [`table ${tableText(table)} {`]
  for (const [name, set] of sorted(table.sets)) {
    lines.push(`  ${setWord(set)} ${nameText(name)} { ${setHeadText(set)}`)
    for (const [key, value] of sorted(set.elements)) lines.push(`    ${elementText(set, key, value)}`)
    lines.push('  }')
  }
  for (const [name, chain] of sorted(table.chains)) {
    lines.push(`  chain ${nameText(name)} {${chain.hook ? ` ${hookText(chain)}` : ''}`)
    for (const rule of chain.rules) lines.push(`    ${ruleText(rule)}`)
    lines.push('  }')
  }
  return `${[...lines, '}'].join('\n')}\n`
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}
