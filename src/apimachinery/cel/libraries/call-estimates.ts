// What calls of Kubernetes' own functions can cost at most.

import { LIST_COST, PER_CHARACTER, PER_PATTERN_CHARACTER, STRUCT_COST } from '../call-cost.ts'
import type { CallEstimate, EstimateCall, Sized, SizeOf } from '../cost.ts'
import { add, ceilTimes, exactly, MOST, multiply, type Range } from '../cost-range.ts'
import { DYN } from '../types.ts'
import { AUTHORIZER_CHECK_COST } from './call-costs.ts'

interface Operands {
  target: Sized | undefined
  args: readonly Sized[]
  sizeOf: (of: Sized) => Range
  overload: string
  /** The size of the elements of a list. */
  elementOf: (list: Sized) => Sized | undefined
}
type Estimator = (of: Operands) => CallEstimate | undefined

const ONE = exactly(1)
const one: Estimator = () => ({ cost: ONE })
const walked = (size: Range, factor = PER_CHARACTER): Range => ceilTimes(size, factor)

const overFirst: Estimator = ({ args: [first], sizeOf }) => first && { cost: walked(sizeOf(first)) }
const sameSize =
  (of: 'target' | 'first'): Estimator =>
  ({ target, args, sizeOf }) => {
    const text = of === 'target' ? target : args[0]
    if (!text) return undefined
    const size = sizeOf(text)
    return { cost: walked(size), size }
  }

const overList: Estimator = ({ target, sizeOf, elementOf }) => {
  if (!target) return undefined
  const element = elementOf(target)
  if (!element) return { cost: walked(sizeOf(target)) }
  const isText = element.type.kind === 'string' || element.type.kind === 'bytes'
  const each = isText ? add(ONE, walked(sizeOf(element))) : ONE
  return { cost: multiply(sizeOf(target), each) }
}

const selector: Estimator = ({ args: [first], sizeOf }) => {
  if (!first) return undefined
  const length = sizeOf(first)
  const requirements = ceilTimes(ceilTimes(length, 0.5), LIST_COST + STRUCT_COST)
  return { cost: add(add(exactly(LIST_COST), walked(length)), requirements) }
}

const replace: Estimator = ({ target, args: [old, by], sizeOf }) => {
  if (!target || !old || !by) return undefined
  const [size, from, to] = [sizeOf(target), sizeOf(old), sizeOf(by)]
  const plusOne = (n: number): number => (n < MOST ? n + 1 : n)
  let [most, keptMost] = [Math.ceil(size.max / from.min), 0]
  if (from.min === 0) [most, keptMost] = [plusOne(size.max), size.max]
  else if (to.max <= from.min) [most, keptMost] = [0, size.max]
  let [least, keptLeast] = [Math.ceil(size.min / from.max), 0]
  if (from.max === 0) [least, keptLeast] = [plusOne(size.min), size.min]
  else if (from.max <= to.min) [least, keptLeast] = [0, size.min]
  const result = add(multiply({ min: least, max: most }, to), { min: keptLeast, max: keptMost })
  return { cost: walked(size, 2 * PER_CHARACTER), size: result }
}

const split: Estimator = ({ target, args, sizeOf }) => {
  if (!target) return undefined
  const size = sizeOf(target)
  const limit = args[1]?.literal
  const max = typeof limit === 'bigint' ? (limit < 0n ? MOST : Number(limit)) : size.max
  return { cost: walked(size, 2 * PER_CHARACTER), size: { min: 0, max } }
}

const join: Estimator = ({ target, args: [separator], sizeOf, elementOf }) => {
  if (!target) return undefined
  const count = sizeOf(target)
  const element = elementOf(target)
  let size: Range = element ? multiply(count, sizeOf(element)) : { min: 0, max: 0 }
  if (separator) {
    const between = { min: Math.max(0, count.min - 1), max: Math.max(0, count.max - 1) }
    size = add(size, multiply(sizeOf(separator), between))
  }
  return { cost: walked(size), size }
}

const find: Estimator = ({ target, args: [pattern], sizeOf }) => {
  if (!target || !pattern) return undefined
  const size = sizeOf(target)
  const cost = multiply(walked(add(size, ONE)), walked(sizeOf(pattern), PER_PATTERN_CHARACTER))
  return { cost, size: { min: 0, max: size.max } }
}

const ADDRESS: Range = { min: 4, max: 16 }
const contains =
  (text: string, more: Range): Estimator =>
  ({ args: [first], sizeOf, overload }) => {
    if (!first) return undefined
    const cost = add(walked(add(ADDRESS, ADDRESS)), more)
    return { cost: overload === text ? add(cost, walked(sizeOf(first))) : cost }
  }

/** The longest pattern of a named format; the longest format. */
const MAX_NAME_PATTERN = 128
const MAX_FORMAT = 64
const validate: Estimator = ({ args: [first], sizeOf }) =>
  first && { cost: ceilTimes(walked(sizeOf(first)), MAX_NAME_PATTERN * PER_PATTERN_CHARACTER) }

const UNIT_EQUALITY = new Set(['net.IP', 'net.CIDR', 'kubernetes.Quantity', 'kubernetes.Semver'])
const equality: Estimator = ({ args: [left, right] }) => {
  if (!left || !right || left.type.name !== right.type.name) return undefined
  const { name } = left.type
  if (UNIT_EQUALITY.has(name) || name.startsWith('kubernetes.authorization.')) return { cost: ONE }
  if (name === 'kubernetes.NamedFormat') return { cost: ceilTimes({ min: 1, max: MAX_FORMAT }, PER_CHARACTER) }
  if (name === 'kubernetes.URL') return { cost: walked({ min: 1, max: right.size?.max ?? 1 }) }
  return undefined
}

/** What makes a list costs by its size, besides the call and the list. */
const allocating = (factor: number, size: Range): CallEstimate => ({
  cost: add(ceilTimes(size, factor), exactly(1 + LIST_COST)),
  size,
})
const literalInt = (of: Sized | undefined): number | undefined =>
  typeof of?.literal === 'bigint' ? Math.max(0, Number(of.literal)) : undefined

const slice: Estimator = ({ args: [start, end] }) => {
  const [from = 0, to = MOST] = [literalInt(start), literalInt(end)]
  return allocating(1, exactly(Math.max(0, to - from)))
}
const flatten: Estimator = ({ target, args: [depth], sizeOf }) =>
  target && allocating(depth ? (literalInt(depth) ?? MOST) : 1, sizeOf(target))
const selfCompared =
  (of: 'target' | 'first', isSort: boolean): Estimator =>
  ({ target, args, sizeOf, overload }) => {
    const list = of === 'target' ? target : args[0]
    if (!list) return undefined
    const isText = isSort && /^list_(?:string|bytes)_/.test(overload)
    return allocating(isText ? 2 + PER_CHARACTER : 2, multiply(sizeOf(list), sizeOf(list)))
  }
const crossed =
  (factor: number): Estimator =>
  ({ args: [left, right], sizeOf }) =>
    left && right && { cost: add(ONE, ceilTimes(multiply(sizeOf(left), sizeOf(right)), factor)) }

const ESTIMATES = new Map<string, Estimator>([
  ['check', () => ({ cost: exactly(AUTHORIZER_CHECK_COST) })],
  ['fieldSelector', selector],
  ['labelSelector', selector],
  ['url', sameSize('first')],
  ['jsonpatch.escapeKey', sameSize('first')],
  ['replace', replace],
  ['split', split],
  ['join', join],
  ['find', find],
  ['findAll', find],
  ['ip', (of) => (of.overload === 'cidr_ip' ? { cost: ONE } : overFirst(of))],
  ['ip.isCanonical', ({ args: [first], sizeOf }) => first && { cost: walked(sizeOf(first), 2 * PER_CHARACTER) }],
  ['containsIP', contains('cidr_contains_ip_string', { min: 0, max: 0 })],
  ['containsCIDR', contains('cidr_contains_cidr_string', add(walked(ADDRESS), ONE))],
  ['validate', validate],
  ['slice', slice],
  ['reverse', ({ target, sizeOf }) => target && allocating(1, sizeOf(target))],
  ['lists.range', ({ args: [count] }) => allocating(1, exactly(literalInt(count) ?? MOST))],
  ['flatten', flatten],
  ['distinct', selfCompared('target', false)],
  ['sort', selfCompared('target', true)],
  ['@sortByAssociatedKeys', selfCompared('first', true)],
  ['sets.contains', crossed(1)],
  ['sets.intersects', crossed(1)],
  ['sets.equivalent', crossed(2)],
  ['_==_', equality],
])
for (const name of ['lowerAscii', 'upperAscii', 'substring', 'trim']) ESTIMATES.set(name, sameSize('target'))
for (const name of ['isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf']) ESTIMATES.set(name, overList)
for (const name of ['cidr', 'isIP', 'isCIDR', 'quantity', 'isQuantity', 'semver', 'isSemver'])
  ESTIMATES.set(name, overFirst)
const CONSTANT =
  'serviceAccount path group resource subresource namespace name allowed reason error errored masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast format.named sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan compareTo add sub major minor patch getScheme getHostname getHost getPort getEscapedPath getQuery'
for (const name of CONSTANT.split(' ')) ESTIMATES.set(name, one)

/** `sizeOfPath`: how large the elements of a list of the variables can be. */
export function kubernetesEstimates(sizeOfPath: SizeOf): EstimateCall {
  const elementOf = (list: Sized): Sized | undefined => {
    const [type] = list.type.params
    if (!type) return undefined
    const path = list.path && [...list.path, '@items']
    return { path, type: type ?? DYN, size: path && path.length > 1 ? sizeOfPath(path) : undefined }
  }
  return (name, overload, operands, sizeOf) => ESTIMATES.get(name)?.({ ...operands, overload, sizeOf, elementOf })
}
