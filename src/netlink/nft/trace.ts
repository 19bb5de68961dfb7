// Walks a packet through a ruleset as the kernel would, so that tests and people see what happens to traffic.

import { unreachable } from '../../base/assert.ts'
import type { Field, Hook, Key, NamedSet, Rule, Statement, Table, Target, Verdict } from './model.ts'
import { isDynamic } from './model.ts'
import { inRange } from './ranges.ts'

export interface Packet {
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp'
  readonly source: string
  readonly destination: string
  readonly sourcePort?: number
  readonly destinationPort?: number
  readonly inInterface?: string
  readonly outInterface?: string
  /** `new` unless said: only the first packet of a connection sees nat chains. */
  readonly state?: 'new' | 'established'
}

/** What the kernel knows besides the ruleset. */
export interface Host {
  /** The host's own addresses. A packet from one of them starts at the output hook. */
  readonly addresses: readonly string[]
  /** The number that `numgen random mod n` gives; 0 unless said. */
  random?(n: number): number
  /** What dynamic sets remember, kept from trace to trace: set → keys. */
  readonly remembered?: Map<string, Set<string>>
}

export interface Outcome {
  readonly verdict: 'accept' | 'drop' | 'reject'
  readonly rejectWith?: 'tcp reset' | 'port-unreachable'
  /** The new destination, if it was changed. */
  readonly dnat?: Target
  readonly masquerade: boolean
  /** `table chain: rule number`, in order, of each rule that had a verdict. */
  readonly path: readonly string[]
}

/** Chains a packet may be in at once, as in the kernel. */
const MAX_JUMPS = 16

type End = { verdict: 'accept' | 'drop' } | { verdict: 'reject'; with: 'tcp reset' | 'port-unreachable' }

interface Walk {
  readonly packet: Packet
  readonly host: Host
  readonly path: string[]
  destination: string
  destinationPort: number | undefined
  mark: number
  dnat: Target | undefined
  masquerade: boolean
}

/** Where the packet goes and what is done to it on the way. */
export function trace(tables: readonly Table[], packet: Packet, host: Host): Outcome {
  const walk: Walk = {
    packet,
    host,
    path: [],
    destination: packet.destination,
    destinationPort: packet.destinationPort,
    mark: 0,
    dnat: undefined,
    masquerade: false,
  }
  const outcome = (end: End): Outcome => ({
    verdict: end.verdict,
    ...(end.verdict === 'reject' ? { rejectWith: end.with } : {}),
    ...(walk.dnat === undefined ? {} : { dnat: walk.dnat }),
    masquerade: walk.masquerade,
    path: walk.path,
  })
  const first = host.addresses.includes(packet.source) ? 'output' : 'prerouting'
  let end = runHook(tables, first, walk)
  if (end.verdict !== 'accept') return outcome(end)
  const toHost = host.addresses.includes(walk.destination)
  const rest: Hook['hook'][] =
    first === 'output'
      ? ['postrouting', ...(toHost ? (['input'] as const) : [])]
      : toHost
        ? ['input']
        : ['forward', 'postrouting']
  for (const hook of rest) {
    end = runHook(tables, hook, walk)
    if (end.verdict !== 'accept') break
  }
  return outcome(end)
}

function runHook(tables: readonly Table[], hook: Hook['hook'], walk: Walk): End {
  const bases = tables
    .flatMap((table) => [...table.chains].map(([name, chain]) => ({ table, name, chain, hook: chain.hook })))
    .filter((base) => base.hook?.hook === hook)
    .sort((a, b) => (a.hook?.priority ?? 0) - (b.hook?.priority ?? 0))
  let translated = false
  for (const { table, name, hook: base } of bases) {
    const nat = base?.type === 'nat'
    // The kernel asks nat chains until one of them has translated, and only about the first packet.
    if (nat && (translated || walk.packet.state === 'established')) continue
    const natBefore = [walk.dnat, walk.masquerade]
    const end = runChain(table, name, walk, 0) ?? { verdict: base?.policy ?? 'accept' }
    translated ||= nat && (walk.dnat !== natBefore[0] || walk.masquerade !== natBefore[1])
    if (end.verdict !== 'accept') return end
  }
  return { verdict: 'accept' }
}

/** Undefined: the chain came to its end, and its caller goes on. */
function runChain(table: Table, name: string, walk: Walk, depth: number): End | undefined {
  const chain = table.chains.get(name)
  if (chain === undefined) throw new Error(`Cannot trace packet: table "${table.name}" has no chain "${name}"`)
  if (depth > MAX_JUMPS) throw new Error(`Cannot trace packet: more than ${MAX_JUMPS} chains deep at "${name}"`)
  for (const [i, rule] of chain.rules.entries()) {
    const result = runRule(table, rule, walk)
    if (result === 'next') continue
    walk.path.push(`${table.name} ${name}: ${i + 1}`)
    if (typeof result !== 'string') return result
    if (result === 'return') return undefined
    if (result === 'accept' || result === 'drop') return { verdict: result }
    const [word, to = ''] = result.split(' ')
    const end = runChain(table, to, walk, depth + 1)
    if (end !== undefined || word === 'goto') return end
  }
  return undefined
}

function runRule(table: Table, rule: Rule, walk: Walk): Verdict | End | 'next' {
  for (const statement of rule.statements) {
    const result = runStatement(table, statement, walk)
    if (result === 'break') return 'next'
    if (result !== 'continue') return result
  }
  return 'next'
}

function runStatement(table: Table, statement: Statement, walk: Walk): Verdict | End | 'continue' | 'break' {
  const go = (holds: boolean): 'continue' | 'break' => (holds ? 'continue' : 'break')
  switch (statement.kind) {
    case 'match': {
      const key = keyOf(statement.key, walk)
      return go(key !== undefined && statement.values.some((value) => inRange(value, key)) !== (statement.not ?? false))
    }
    case 'in-set': {
      const key = keyOf(statement.key, walk)
      return go(key !== undefined && isIn(table, statement.set, key, walk) !== (statement.not ?? false))
    }
    case 'verdict':
      return statement.verdict
    case 'verdict-map': {
      const verdict = lookUp(table, statement.map, keyOf(statement.key, walk))
      return verdict === undefined ? 'break' : asVerdict(verdict)
    }
    case 'verdict-random':
      return pick(statement.verdicts, walk)
    case 'reject':
      return { verdict: 'reject', with: statement.with }
    case 'dnat':
      return translate(statement.to, walk)
    case 'dnat-map': {
      const target = lookUp(table, statement.map, keyOf(statement.key, walk))
      if (target === undefined) return 'break'
      const [address, port] = target.split(' . ')
      return translate(`${address ?? ''}:${Number(port)}`, walk)
    }
    case 'dnat-random':
      return translate(pick(statement.targets, walk), walk)
    case 'masquerade':
      walk.masquerade = true
      return { verdict: 'accept' }
    case 'mark-has':
      return go((walk.mark & statement.bits) === statement.bits)
    case 'mark-set':
      walk.mark |= statement.bits
      return 'continue'
    case 'mark-clear':
      walk.mark &= ~statement.bits
      return 'continue'
    case 'remember':
      remember(statement.set, keyOf(statement.key, walk), walk)
      return 'continue'
    case 'counter':
      return 'continue'
    default:
      return unreachable(statement)
  }
}

function translate(to: Target, walk: Walk): End {
  const colon = to.lastIndexOf(':')
  walk.destination = to.slice(0, colon)
  walk.destinationPort = Number(to.slice(colon + 1))
  walk.dnat = to
  return { verdict: 'accept' }
}

function pick<T>(choices: readonly T[], walk: Walk): T {
  const choice = choices[walk.host.random?.(choices.length) ?? 0]
  if (choice === undefined) throw new Error('Cannot trace packet: a random choice among none')
  return choice
}

function setOf(table: Table, name: string): NamedSet {
  const set = table.sets.get(name)
  if (set === undefined) throw new Error(`Cannot trace packet: table "${table.name}" has no set "${name}"`)
  return set
}

function isIn(table: Table, name: string, key: string, walk: Walk): boolean {
  const set = setOf(table, name)
  if (isDynamic(set)) return walk.host.remembered?.get(name)?.has(key) ?? false
  if (!set.flags?.includes('interval')) return set.elements.has(key)
  return [...set.elements.keys()].some((element) => inRange(element, key))
}

function lookUp(table: Table, name: string, key: string | undefined): string | undefined {
  return key === undefined ? undefined : setOf(table, name).elements.get(key)
}

function asVerdict(text: string): Verdict {
  if (text === 'accept' || text === 'drop' || text === 'return') return text
  return text.startsWith('jump ') ? `jump ${text.slice(5)}` : `goto ${text.slice(5)}`
}

function remember(name: string, key: string | undefined, { host }: Walk): void {
  if (key === undefined || host.remembered === undefined) return
  const keys = host.remembered.get(name) ?? new Set()
  host.remembered.set(name, keys.add(key))
}

/** Undefined when the packet lacks a field (ports of ICMP): such a rule does not hold. */
function keyOf(key: Key, walk: Walk): string | undefined {
  const parts = key.map((field) => fieldOf(field, walk))
  return parts.includes(undefined) ? undefined : parts.join(' . ')
}

function fieldOf(field: Field, { packet, host, destination, destinationPort, dnat }: Walk): string | undefined {
  const typeOf = (address: string): string => (host.addresses.includes(address) ? 'local' : 'unicast')
  switch (field) {
    case 'ip saddr':
      return packet.source
    case 'ip daddr':
      return destination
    case 'meta l4proto':
      return packet.protocol
    case 'th sport':
      return packet.sourcePort?.toString()
    case 'th dport':
      return destinationPort?.toString()
    case 'iifname':
      return packet.inInterface ?? ''
    case 'oifname':
      return packet.outInterface ?? ''
    case 'ct state':
      return packet.state ?? 'new'
    case 'ct status':
      return dnat === undefined ? '' : 'dnat'
    case 'fib saddr type':
      return typeOf(packet.source)
    case 'fib daddr type':
      return typeOf(destination)
    default:
      return unreachable(field)
  }
}
