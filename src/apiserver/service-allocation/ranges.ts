// The ranges that services get addresses and node ports from, as numbers: what is in them, and in which order it is given out.

import type { Random } from '../../base/random.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { addressText as textOf, parseAddress, parseCIDR } from '../../api/core/cidr.ts'
import type { ServiceCIDR } from '../../api/networking/service-cidr.ts'

/** Numbers in a row. */
interface Band {
  first: number
  count: number
}

/** What a range has to give. The lower band is left to those who ask for a place by name as long as the upper one has any. */
export interface Bands {
  lower: Band
  upper: Band
}

export interface AddressRange extends Bands {
  cidr: string
  /** The network's own address, which nobody gets. */
  base: number
  /** How many addresses it spans, with its own and the one for broadcasts. */
  size: number
}

/** Upstream's sizes of the lower band: a sixteenth of the addresses, a thirty-second of the ports, within limits. */
const ADDRESS_BAND = { least: 16, most: 256, part: 16 }
const PORT_BAND = { least: 16, most: 128, part: 32 }

function bandSize(size: number, { least, most, part }: typeof ADDRESS_BAND): number {
  return size <= least ? 0 : Math.min(Math.max(least, Math.floor(size / part)), most)
}

function bands(first: number, count: number, lower: number): Bands {
  return { lower: { first, count: lower }, upper: { first: first + lower, count: Math.max(0, count - lower) } }
}

/** undefined: not of IPv4, the family of this cluster's services. */
export function addressRange(cidr: string): AddressRange | undefined {
  const parsed = parseCIDR(cidr)
  if (parsed?.address.family !== 'IPv4') return undefined
  const size = 2 ** (32 - parsed.prefix)
  const address = Number(parsed.address.value)
  const base = address - (address % size)
  const usable = Math.max(0, size - 2)
  return { cidr, base, size, ...bands(base + 1, usable, Math.min(bandSize(size, ADDRESS_BAND), usable)) }
}

export function portBands([low, high]: readonly [number, number]): Bands {
  const count = high - low + 1
  return bands(low, count, bandSize(count, PORT_BAND))
}

/** All places of a range in the order in which they are tried: each band from a random start. */
export function* candidates({ lower, upper }: Bands, random: Random): Generator<number> {
  for (const { first, count } of [upper, lower]) {
    const start = Math.floor(random.next() * count)
    for (let i = 0; i < count; i++) yield first + ((start + i) % count)
  }
}

export const spans = ({ base, size }: AddressRange, address: number): boolean =>
  address >= base && address < base + size

/** Whether somebody can have the address: not the network's own and not the one for broadcasts. */
export const offers = ({ base, size }: AddressRange, address: number): boolean =>
  address > base && address < base + size - 1

export const addressText = (address: number): string => textOf({ family: 'IPv4', value: BigInt(address) })

export function addressNumber(text: string): number | undefined {
  const address = parseAddress(text)
  return address?.family === 'IPv4' ? Number(address.value) : undefined
}

/** The server's own range, as its flags say it. */
export function serverRange(cidr: string): AddressRange {
  const range = addressRange(cidr)
  if (range === undefined || range.size < 4 || range.size > 2 ** 20)
    throw new Error(`Cannot use ${JSON.stringify(cidr)} as the service range: an IPv4 CIDR of /12 to /30 is wanted`)
  return range
}

/** The address of the `kubernetes` service: the first of the range. */
export const firstServiceIP = (cidr: string): string => addressText(serverRange(cidr).base + 1)

/** Ready, and not about to go. One without the condition counts as ready: nobody may be there to say so. */
export function isReady({ metadata, status }: DeepReadonly<ServiceCIDR>): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return metadata.deletionTimestamp === undefined && (ready === undefined || ready.status === 'True')
}

/** The IPv4 ranges of ServiceCIDRs, those of one called `first` before the others. */
export function rangesOf(objects: Iterable<DeepReadonly<ServiceCIDR>>, first: string): AddressRange[] {
  const rank = (name: string): string => (name === first ? '' : name)
  const sorted = [...objects].sort((a, b) => (rank(a.metadata.name) < rank(b.metadata.name) ? -1 : 1))
  const cidrs = new Set(sorted.flatMap(({ spec }) => spec.cidrs ?? []))
  return [...cidrs].flatMap((cidr) => addressRange(cidr) ?? [])
}
