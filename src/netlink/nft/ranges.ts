// Whether a value lies in what nft writes as one: a prefix, a range, a name with a star, or the value itself.

/** An IPv4 address as a number; undefined for anything else. */
export function ipv4Number(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let number = 0
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    number = number * 256 + Number(part)
  }
  return number
}

/** `10.0.0.0/8` as first and last number; undefined when it is not a prefix. */
export function ipv4Range(prefix: string): { first: number; last: number } | undefined {
  const [address = '', bits = '', ...rest] = prefix.split('/')
  const number = ipv4Number(address)
  if (number === undefined || rest.length > 0 || !/^(\d|[12]\d|3[0-2])$/.test(bits)) return undefined
  const size = 2 ** (32 - Number(bits))
  const first = number - (number % size)
  return { first, last: first + size - 1 }
}

export const isIPv4 = (text: string): boolean => ipv4Number(text) !== undefined

export function ipv4Text(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}

/** Whether `value`, part for part of a concatenation, is what `element` stands for. */
export function inRange(element: string, value: string): boolean {
  if (element === value) return true
  const elements = element.split(' . ')
  const values = value.split(' . ')
  return elements.length === values.length && elements.every((part, i) => partInRange(part, values[i] ?? ''))
}

function partInRange(element: string, value: string): boolean {
  if (element === value) return true
  if (element.endsWith('*')) return value.startsWith(element.slice(0, -1))
  const prefix = ipv4Range(element)
  if (prefix !== undefined) {
    const number = ipv4Number(value)
    return number !== undefined && number >= prefix.first && number <= prefix.last
  }
  const [low, high] = element.split('-').map(asNumber)
  const number = asNumber(value)
  return low !== undefined && high !== undefined && number !== undefined && number >= low && number <= high
}

function asNumber(text: string): number | undefined {
  return ipv4Number(text) ?? (/^\d+$/.test(text) ? Number(text) : undefined)
}
