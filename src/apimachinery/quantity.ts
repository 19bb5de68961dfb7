// Quantities such as 100m, 1Gi and 2e3: their values, their order, and their canonical text.

/** What one suffix multiplies by, as a power of two or of ten. */
const BINARY: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n }
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }

type Form = 'binary' | 'decimal' | 'exponent'

/** An amount in billionths: the smallest part that Kubernetes keeps. */
export interface Quantity {
  readonly nanos: bigint
  readonly form: Form
}

const NANO = 1_000_000_000n
const MAX_EXPONENT = 64
const PARTS = /^([+-]?)(\d*)(?:\.(\d*))?(?:([eE])([+-]?\d{1,9})|([KMGTPE]i|[numkMGTPE])?)$/

/** The few texts that a cluster's objects repeat are read once. */
const known = new Map<string, Quantity>()
const MAX_KNOWN = 2_048
/** Longer texts are not worth remembering. */
const MAX_KNOWN_LENGTH = 24

/** Throws on text that is no quantity; schemas refuse such text before anybody asks here. */
export function parseQuantity(text: string): Quantity {
  let quantity = known.get(text)
  if (quantity !== undefined) return quantity
  quantity = read(text)
  if (text.length > MAX_KNOWN_LENGTH) return quantity
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(text, quantity)
  return quantity
}

function read(text: string): Quantity {
  const parts = PARTS.exec(text)
  const [, sign, whole = '', fraction = '', exponentMark, exponent = '0', suffix = ''] = parts ?? []
  if (parts === null || whole + fraction === '') throw new Error(`Cannot read the quantity ${JSON.stringify(text)}`)
  const digits = BigInt(whole + fraction || '0')
  const shift = BINARY[suffix]
  let numerator = digits * NANO
  let power = -fraction.length
  if (shift !== undefined) numerator <<= shift
  else power += exponentMark === undefined ? (DECIMAL[suffix] ?? 0) : bounded(Number(exponent))
  // Anything smaller than a billionth is rounded up, away from zero.
  const nanos = power >= 0 ? numerator * 10n ** BigInt(power) : divideUp(numerator, 10n ** BigInt(-power))
  const form: Form = shift !== undefined ? 'binary' : exponentMark !== undefined ? 'exponent' : 'decimal'
  return { nanos: sign === '-' ? -nanos : nanos, form }
}

/** Nobody has more than 10^64 of anything; without a bound, six bytes of text could ask for gigabytes of digits. */
function bounded(exponent: number): number {
  return Math.max(-MAX_EXPONENT, Math.min(MAX_EXPONENT, exponent))
}

function divideUp(numerator: bigint, divisor: bigint): bigint {
  return (numerator + divisor - 1n) / divisor
}

function ceilTo(nanos: bigint, unit: bigint): bigint {
  return nanos >= 0n ? divideUp(nanos, unit) : -(-nanos / unit)
}

/** The whole value, rounded up: bytes of memory, numbers of things. */
export function quantityValue(text: string): number {
  return Number(ceilTo(parseQuantity(text).nanos, NANO))
}

/** Thousandths, rounded up: CPU in millicores. */
export function quantityMillis(text: string): number {
  return Number(ceilTo(parseQuantity(text).nanos, 1_000_000n))
}

/** Negative, zero or positive, as `a` is less than, equal to or greater than `b`. */
export function compareQuantities(a: string, b: string): number {
  if (a === b) return 0
  const left = parseQuantity(a).nanos
  const right = parseQuantity(b).nanos
  return left < right ? -1 : left > right ? 1 : 0
}

export function isZeroQuantity(text: string): boolean {
  return parseQuantity(text).nanos === 0n
}

export function addQuantities(a: string, b: string): string {
  const left = parseQuantity(a)
  const right = parseQuantity(b)
  return formatQuantity({ nanos: left.nanos + right.nanos, form: left.nanos === 0n ? right.form : left.form })
}

export function subtractQuantities(a: string, b: string): string {
  const left = parseQuantity(a)
  return formatQuantity({ nanos: left.nanos - parseQuantity(b).nanos, form: left.form })
}

export function maxQuantity(a: string, b: string): string {
  return compareQuantities(a, b) >= 0 ? a : b
}

/** The shortest text without a fraction, in the form that the quantity was written in: 1024Mi is 1Gi, 1000m is 1. */
export function formatQuantity({ nanos, form }: Quantity): string {
  if (nanos === 0n) return '0'
  const sign = nanos < 0n ? '-' : ''
  const size = nanos < 0n ? -nanos : nanos
  if (form === 'binary' && size % NANO === 0n && size / NANO >= 1024n) return sign + binaryText(size / NANO)
  return sign + decimalText(size, form === 'exponent')
}

function binaryText(value: bigint): string {
  let best = ''
  for (const [suffix, shift] of Object.entries(BINARY)) {
    if (value % (1n << shift) !== 0n) break
    best = `${value >> shift}${suffix}`
  }
  return best === '' ? String(value) : best
}

function decimalText(nanos: bigint, exponent: boolean): string {
  let best = `${nanos}${exponent ? 'e-9' : 'n'}`
  for (const [suffix, power] of Object.entries(DECIMAL)) {
    const unit = 10n ** BigInt(power + 9)
    if (nanos % unit !== 0n) break
    best = `${nanos / unit}${exponent ? (power === 0 ? '' : `e${power}`) : suffix}`
  }
  return best
}

/** `text` in its canonical form. */
export function canonicalQuantity(text: string): string {
  return formatQuantity(parseQuantity(text))
}
