// IP addresses and ranges of them as numbers: what is written, whether it is written canonically, and whether one range holds another.

import { isIPv4, isIPv6 } from './ip.ts'

export interface Address {
  family: 'IPv4' | 'IPv6'
  value: bigint
}

const BITS = { IPv4: 32, IPv6: 128 } as const

export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 'IPv4', value: fromIPv4(text) }
  if (!isIPv6(text)) return undefined
  const [head = '', tail] = text.split('::')
  const before = groupsOf(head)
  const after = groupsOf(tail ?? '')
  const groups = [...before, ...new Array<bigint>(8 - before.length - after.length).fill(0n), ...after]
  return { family: 'IPv6', value: groups.reduce((value, group) => (value << 16n) | group, 0n) }
}

function fromIPv4(text: string): bigint {
  return text.split('.').reduce((value, octet) => (value << 8n) | BigInt(octet), 0n)
}

function groupsOf(text: string): bigint[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)]
    const last = fromIPv4(group)
    return [last >> 16n, last & 0xffffn]
  })
}

/** An IPv4 address in IPv6's clothes, `::ffff:1.2.3.4`. */
export function isMapped({ family, value }: Address): boolean {
  return family === 'IPv6' && value >> 32n === 0xffffn
}

/** The one form that RFC 5952 allows, as Go writes it. */
export function addressText({ family, value }: Address): string {
  if (family === 'IPv4') return octetsText(value)
  if (isMapped({ family, value })) return octetsText(value & 0xffff_ffffn)
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  const { start, length } = longestZeros(groups)
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}

function octetsText(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.')
}

function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  groups.forEach((group, i) => {
    if (group !== '0') start = i + 1
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start }
  })
  return best
}

export interface CIDR {
  address: Address
  prefix: number
}

export function parseCIDR(text: string): CIDR | undefined {
  const [ip = '', length = '', ...more] = text.split('/')
  const address = parseAddress(ip)
  if (address === undefined || more.length > 0 || !/^\d{1,3}$/.test(length)) return undefined
  const prefix = Number(length)
  return prefix <= BITS[address.family] ? { address, prefix } : undefined
}

/** The address with all bits beyond the prefix cleared. */
function firstOf({ address: { family, value }, prefix }: CIDR): Address {
  const host = BigInt(BITS[family] - prefix)
  return { family, value: (value >> host) << host }
}

function cidrText(cidr: CIDR): string {
  return `${addressText(firstOf(cidr))}/${cidr.prefix}`
}

/** Whether `inner` is inside `outer` and smaller. */
export function isStrictSubset(inner: CIDR, outer: CIDR): boolean {
  if (inner.address.family !== outer.address.family || inner.prefix <= outer.prefix) return false
  const address = { ...firstOf(inner) }
  return firstOf({ address, prefix: outer.prefix }).value === firstOf(outer).value
}

const NO_ADDRESS = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const NO_CIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

/** An address in its one form: fields that are younger than the rule accept no other. */
export function checkCanonicalAddress(text: string): string[] {
  const address = parseAddress(text)
  if (address === undefined) return [NO_ADDRESS]
  if (isMapped(address)) return ['must not be an IPv4-mapped IPv6 address']
  const canonical = addressText(address)
  return canonical === text ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`]
}

/** A range, in whatever form: what older fields accept. */
export function checkCIDR(text: string): string[] {
  const cidr = parseCIDR(text)
  if (cidr === undefined) return [NO_CIDR]
  if (/\/0\d/.test(text)) return ['must not have leading 0s in IP or prefix length']
  if (isMapped(cidr.address)) return ['must not have an IPv4-mapped IPv6 address']
  if (firstOf(cidr).value !== cidr.address.value) return ['must not have bits set beyond the prefix length']
  return []
}

/** A range in its one form. */
export function checkCanonicalCIDR(text: string): string[] {
  const problems = checkCIDR(text)
  const cidr = parseCIDR(text)
  if (problems.length > 0 || cidr === undefined) return problems
  const canonical = cidrText(cidr)
  return canonical === text ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`]
}
