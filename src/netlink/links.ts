// Bridges, veth pairs, addresses and routes, through `ip`; each call makes sure of a state and may be repeated.

import { createHash } from 'node:crypto'
import type { RunCommand } from './command.ts'
import { CommandError, succeed } from './command.ts'
import { ipv4Range, isIPv4 } from './nft/ranges.ts'

const LINK = /^[A-Za-z0-9_.-]{1,15}$/

export function checkLinkName(name: string): string {
  if (!LINK.test(name) || name === '.' || name === '..')
    throw new Error(`Cannot use interface: ${JSON.stringify(name)} is not a name`)
  return name
}

export interface Link {
  readonly name: string
  readonly index: number
  readonly up: boolean
  readonly mac: string
  readonly master?: string
  /** IPv4 addresses with their prefix length: `10.244.0.1/24`. */
  readonly addresses: readonly string[]
}

export async function listLinks(run: RunCommand): Promise<Link[]> {
  const listing: unknown = JSON.parse(await succeed(run, ['ip', '-json', 'address', 'show']))
  if (!Array.isArray(listing)) throw new Error('Cannot read listing of ip: it is not a list')
  return listing.filter(isRecord).map(linkOf)
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function linkOf(entry: Record<string, unknown>): Link {
  const flags: unknown[] = Array.isArray(entry['flags']) ? entry['flags'] : []
  const infos: unknown[] = Array.isArray(entry['addr_info']) ? entry['addr_info'] : []
  const addresses = infos
    .filter(isRecord)
    .flatMap((info) => (info['family'] === 'inet' ? [`${String(info['local'])}/${String(info['prefixlen'])}`] : []))
  return {
    name: String(entry['ifname']),
    index: Number(entry['ifindex']),
    up: flags.includes('UP'),
    mac: String(entry['address'] ?? ''),
    ...(typeof entry['master'] === 'string' ? { master: entry['master'] } : {}),
    addresses,
  }
}

/** Runs `ip`, taking "it is already so" as done. */
async function ensure(run: RunCommand, argv: readonly string[], already: RegExp): Promise<boolean> {
  const result = await run(argv)
  if (result.code === 0) return true
  if (already.test(result.stderr)) return false
  throw new CommandError(argv, result)
}

const ABSENT = /Cannot find device|does not exist|No such process|No such file|Cannot assign requested address/

export interface BridgeOptions {
  readonly name: string
  /** `10.244.0.1/24`. */
  readonly address?: string
  /**
   * Lets packets that stay on the bridge pass netfilter's IP hooks. Without it, the answer of a pod to its neighbour on the same bridge
   * goes past connection tracking, and the address of the service it was asked under is never put back.
   */
  readonly netfilter?: boolean
  readonly mtu?: number
}

/**
 * A bridge that is up, with `address` as its only IPv4 address. Its MAC is made from its name: one of its own keeps it from taking over
 * that of the first port, and from changing it when that port goes.
 */
export async function ensureBridge(run: RunCommand, options: BridgeOptions): Promise<void> {
  const name = checkLinkName(options.name)
  const found = (await listLinks(run)).find((link) => link.name === name)
  const netfilter = options.netfilter === undefined ? '' : ` nf_call_iptables ${options.netfilter ? 1 : 0}`
  const mtu = options.mtu === undefined ? '' : ` mtu ${options.mtu}`
  const verb = found === undefined ? `add name ${name}` : `set dev ${name}`
  const lines = [
    `link ${verb} address ${macOf(name)}${mtu} type bridge${netfilter}`,
    `link set dev ${name} up`,
    ...addressLines(name, found?.addresses ?? [], options.address),
  ]
  await batch(run, lines)
}

/** Runs several commands of `ip` in one process; the first failure ends it. */
async function batch(run: RunCommand, lines: readonly string[]): Promise<void> {
  await succeed(run, ['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` })
}

/** A locally administered address, the same for the same name. */
function macOf(name: string): string {
  const bytes = createHash('sha256').update(name).digest().subarray(0, 5)
  return ['02', ...[...bytes].map((byte) => byte.toString(16).padStart(2, '0'))].join(':')
}

function addressLines(link: string, present: readonly string[], address: string | undefined): string[] {
  if (address === undefined) return []
  if (!isIPv4(address.split('/')[0] ?? '') || ipv4Range(address) === undefined)
    throw new Error(
      `Cannot set address of "${link}": ${JSON.stringify(address)} is not an IPv4 address with a prefix length`,
    )
  const others = present.filter((other) => other !== address).map((other) => `address del ${other} dev ${link}`)
  return present.includes(address) ? others : [...others, `address add ${address} dev ${link}`]
}

/** Makes `address` the only IPv4 address of the link, and brings it up. */
export async function setAddress(run: RunCommand, { link, address }: { link: string; address: string }): Promise<void> {
  const found = (await listLinks(run)).find((candidate) => candidate.name === checkLinkName(link))
  await batch(run, [`link set dev ${link} up`, ...addressLines(link, found?.addresses ?? [], address)])
}

/** A cable: `name` here, `peer` in the namespace `peerNamespace` (or here). */
export async function createVeth(
  run: RunCommand,
  { name, peer, peerNamespace, master }: { name: string; peer: string; peerNamespace?: string; master?: string },
): Promise<void> {
  const there = peerNamespace === undefined ? [] : ['netns', peerNamespace]
  await succeed(run, [
    'ip',
    'link',
    'add',
    'name',
    checkLinkName(name),
    'type',
    'veth',
    'peer',
    'name',
    checkLinkName(peer),
    ...there,
  ])
  const port = master === undefined ? [] : ['master', checkLinkName(master)]
  await succeed(run, ['ip', 'link', 'set', 'dev', name, ...port, 'up'])
}

export async function deleteLink(run: RunCommand, name: string): Promise<void> {
  await ensure(run, ['ip', 'link', 'delete', 'dev', checkLinkName(name)], ABSENT)
}

export interface Route {
  /** `default` or `10.244.1.0/24`. */
  readonly to: string
  readonly via?: string
  readonly link?: string
}

/** Marks our routes in the kernel's table; a number that no routing daemon has in iproute2's list. */
export const ROUTE_PROTOCOL = 114

const routeWords = ({ to, via, link }: Route): string[] => [
  to,
  ...(via === undefined ? [] : ['via', via]),
  ...(link === undefined ? [] : ['dev', checkLinkName(link)]),
]

export async function setRoute(run: RunCommand, route: Route): Promise<void> {
  await succeed(run, ['ip', 'route', 'replace', ...routeWords(route), 'proto', String(ROUTE_PROTOCOL)])
}

export async function deleteRoute(run: RunCommand, route: Route): Promise<void> {
  await ensure(run, ['ip', 'route', 'del', ...routeWords(route), 'proto', String(ROUTE_PROTOCOL)], ABSENT)
}

/** The routes that carry our protocol number. */
export async function listOurRoutes(run: RunCommand): Promise<Route[]> {
  const text = await succeed(run, ['ip', '-json', 'route', 'show', 'proto', String(ROUTE_PROTOCOL)])
  const listing: unknown = text.trim() === '' ? [] : JSON.parse(text)
  if (!Array.isArray(listing)) throw new Error('Cannot read routes of ip: it is not a list')
  return listing.filter(isRecord).map((entry) => ({
    to: String(entry['dst']),
    ...(typeof entry['gateway'] === 'string' ? { via: entry['gateway'] } : {}),
    ...(typeof entry['dev'] === 'string' ? { link: entry['dev'] } : {}),
  }))
}
