// IP addresses and networks as numbers, read as strictly as Go's net/netip reads them.

export interface Address {
  readonly bits: 32 | 128
  readonly value: bigint
}

export interface Network {
  readonly address: Address
  readonly length: number
}

export function parseAddress(text: string): Address | undefined {
  if (text.length > 45) return undefined
  if (!text.includes(':')) {
    const value = parseV4(text)
    return value === undefined ? undefined : { bits: 32, value }
  }
  const value = parseV6(text)
  return value === undefined ? undefined : { bits: 128, value }
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined
  return parts.reduce((value, part) => value * 256n + BigInt(part), 0n)
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const groups = halves.map((half) => (half === '' ? [] : groupsOf(half)))
  const [head, tail] = groups
  if (!head || groups.includes(undefined)) return undefined
  let all = head
  if (halves.length === 2) {
    const missing = 8 - head.length - (tail?.length ?? 0)
    if (missing < 1) return undefined
    all = [...head, ...new Array<bigint>(missing).fill(0n), ...(tail ?? [])]
  }
  return all.length === 8 ? all.reduce((value, group) => (value << 16n) | group, 0n) : undefined
}

/** 16 bits each; the last may be written as an IPv4 address, which is two. */
function groupsOf(text: string): bigint[] | undefined {
  const groups: bigint[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (part.includes('.') && i === parts.length - 1) {
      const v4 = parseV4(part)
      if (v4 === undefined) return undefined
      groups.push(v4 >> 16n, v4 & 0xffffn)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(BigInt(`0x${part}`))
    else return undefined
  }
  return groups
}

export function parseNetwork(text: string): Network | undefined {
  const slash = text.lastIndexOf('/')
  const address = slash === -1 ? undefined : parseAddress(text.slice(0, slash))
  const length = text.slice(slash + 1)
  if (!address || !/^(?:0|[1-9]\d{0,2})$/.test(length) || Number(length) > address.bits) return undefined
  return { address, length: Number(length) }
}

/** ::ffff:a.b.c.d */
export const isMapped = ({ bits, value }: Address): boolean => bits === 128 && value >> 32n === 0xffffn

export function addressText({ bits, value }: Address): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  let best = { from: -1, length: 1 }
  for (let from = 0; from < 8; from++) {
    let length = 0
    while (groups[from + length] === '0') length++
    if (length > best.length) best = { from, length }
    from += length
  }
  if (best.from === -1) return groups.join(':')
  return `${groups.slice(0, best.from).join(':')}::${groups.slice(best.from + best.length).join(':')}`
}

const maskOf = (bits: number, length: number): bigint => ((1n << BigInt(length)) - 1n) << BigInt(bits - length)

export function masked({ address: { bits, value }, length }: Network): Network {
  return { address: { bits, value: value & maskOf(bits, length) }, length }
}

export function containsAddress({ address, length }: Network, other: Address): boolean {
  const mask = maskOf(address.bits, length)
  return address.bits === other.bits && (address.value & mask) === (other.value & mask)
}

/** Whether the first bits of an address are these: `fe80::/10`. */
export function within(address: Address, network: string): boolean {
  const parsed = parseNetwork(network)
  return parsed !== undefined && containsAddress(parsed, address)
}
