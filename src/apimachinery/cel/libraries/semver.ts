// Semantic versions: `semver("1.2.3").isLessThan(semver("2.0.0"))`.

import { bool, type Functions, global, method, own, string } from '../declarations.ts'
import { MAX_UINT } from '../lexer.ts'
import { BOOL, INT, structType } from '../types.ts'
import { Failed, OpaqueValue } from '../values.ts'

export const SEMVER = structType('kubernetes.Semver')

class SemverValue extends OpaqueValue {
  readonly typeName = 'kubernetes.Semver'
  readonly numbers: readonly bigint[]
  readonly pre: readonly string[]
  constructor(numbers: readonly bigint[], pre: readonly string[]) {
    super()
    this.numbers = numbers
    this.pre = pre
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof SemverValue && compare(this, other) === 0n
  }
}

const VERSION =
  /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/
/** The longest text that is looked at. */
const MAX_LENGTH = 1024

function toSemver(text: string, normalize = false): SemverValue | Failed {
  const found = text.length > MAX_LENGTH ? null : VERSION.exec(normalize ? normalized(text) : text)
  if (!found) return new Failed('No Major.Minor.Patch elements found')
  const numbers = found.slice(1, 4)
  const pre = found[4]?.split('.') ?? []
  for (const number of [...numbers, ...pre.filter((part) => /^\d+$/.test(part))]) {
    if (number.length > 1 && number.startsWith('0')) {
      return new Failed(`Version number must not contain leading zeroes ${JSON.stringify(number)}`)
    }
    if (BigInt(number) > MAX_UINT)
      return new Failed(`strconv.ParseUint: parsing ${JSON.stringify(number)}: value out of range`)
  }
  return new SemverValue(numbers.map(BigInt), pre)
}

/** Without `v`, without leading zeros, with the parts that are missing. */
function normalized(text: string): string {
  const [, head = '', tail = ''] = /^v?([\d.]*)(.*)$/s.exec(text) ?? []
  const parts = head.split('.').map((part) => part.replace(/^0+(?=\d)/, ''))
  while (parts.length < 3) parts.push('0')
  return parts.join('.') + tail
}

function compare(x: SemverValue, y: SemverValue): bigint {
  for (let i = 0; i < 3; i++) {
    const [one = 0n, two = 0n] = [x.numbers[i], y.numbers[i]]
    if (one !== two) return one < two ? -1n : 1n
  }
  if (x.pre.length === 0 || y.pre.length === 0) return BigInt(Number(x.pre.length === 0) - Number(y.pre.length === 0))
  for (let i = 0; i < Math.min(x.pre.length, y.pre.length); i++) {
    const found = comparePart(x.pre[i] ?? '', y.pre[i] ?? '')
    if (found !== 0n) return found
  }
  return BigInt(Math.sign(x.pre.length - y.pre.length))
}

/** Numbers come before words. */
function comparePart(x: string, y: string): bigint {
  const [number, other] = [/^\d+$/.test(x), /^\d+$/.test(y)]
  if (number && other) return BigInt(x) < BigInt(y) ? -1n : BigInt(x) > BigInt(y) ? 1n : 0n
  if (number !== other) return number ? -1n : 1n
  return x < y ? -1n : x > y ? 1n : 0n
}

const semver = own<SemverValue>(SEMVER)
const numberAt =
  (i: number) =>
  ({ numbers }: SemverValue): bigint =>
    numbers[i] ?? 0n

export const semvers: Functions = {
  semver: [
    global('string_to_semver', [string], SEMVER, (x) => toSemver(x)),
    global('string_bool_to_semver', [string, bool], SEMVER, toSemver),
  ],
  isSemver: [
    global('is_semver_string', [string], BOOL, (x) => toSemver(x) instanceof SemverValue),
    global('is_semver_string_bool', [string, bool], BOOL, (x, y) => toSemver(x, y) instanceof SemverValue),
  ],
  isGreaterThan: [method('semver_is_greater_than', [semver, semver], BOOL, (x, y) => compare(x, y) > 0n)],
  isLessThan: [method('semver_is_less_than', [semver, semver], BOOL, (x, y) => compare(x, y) < 0n)],
  compareTo: [method('semver_compare_to', [semver, semver], INT, compare)],
  major: [method('semver_major', [semver], INT, numberAt(0))],
  minor: [method('semver_minor', [semver], INT, numberAt(1))],
  patch: [method('semver_patch', [semver], INT, numberAt(2))],
}
