// What calls of Kubernetes' own functions cost when they run.

import {
  type CallCost,
  type CallMade,
  LIST_COST,
  PER_CHARACTER,
  PER_PATTERN_CHARACTER,
  STRUCT_COST,
} from '../call-cost.ts'
import { costSize, ListValue, MapValue, OpaqueValue, type Value } from '../values.ts'
import { FormatValue } from './named-formats.ts'

const size = ({ args }: CallMade, i: number): number => costSize(args[i] ?? null)
const characters = (count: number): number => Math.ceil(count * PER_CHARACTER)

/** Once over everything there is. */
function traversal(value: Value): number {
  if (typeof value === 'string') return Math.floor(new TextEncoder().encode(value).length * PER_CHARACTER)
  if (value instanceof Uint8Array) return Math.floor(value.length * PER_CHARACTER)
  if (value instanceof ListValue) return [...value].reduce((sum: number, item) => sum + traversal(item), 0)
  if (value instanceof MapValue) {
    return value.keys().reduce((sum: number, key) => sum + traversal(key) + traversal(value.get(key) ?? null), 0)
  }
  return 1
}

const matching = (text: number, pattern: number): number =>
  characters(1 + text) * Math.ceil(pattern * PER_PATTERN_CHARACTER)

/** A selector's text, and the requirements that may be in it. */
const selector = (length: number): number =>
  LIST_COST + characters(length) + Math.ceil(Math.ceil(length * 0.5) * (LIST_COST + STRUCT_COST))

const one = (): number => 1
const walked = (call: CallMade): number => characters(size(call, 0))
const walkedTwice = (call: CallMade): number => Math.ceil(size(call, 0) * 2 * PER_CHARACTER)

function containsCost(call: CallMade, text: string): number {
  const own = size(call, 0)
  const base = characters(own + own)
  return call.overload === text ? base + characters(size(call, 1)) : base
}

/** Asking the authorizer is the dearest thing that an expression can do. */
export const AUTHORIZER_CHECK_COST = 350_000

/** What makes a list costs by its size, besides the call and the list. */
const allocating = (factor: number, count: number): number => Math.floor(count * factor) + 1 + LIST_COST

/** Every element against every other. */
function selfCompared(list: Value | undefined): number {
  if (!(list instanceof ListValue) || list.length === 0) return allocating(2, 0)
  const first = list.at(0)
  const isText = typeof first === 'string' || first instanceof Uint8Array
  return allocating(isText ? 2 + PER_CHARACTER : 2, list.length ** 2)
}

function flattenCost({ args: [list, depth] }: CallMade): number {
  return allocating(typeof depth === 'bigint' ? Number(depth) : 1, costSize(list ?? null))
}

const byResult = ({ result }: CallMade): number => allocating(1, costSize(result))
const crossed =
  (factor: number) =>
  (call: CallMade): number =>
    1 + factor * size(call, 0) * size(call, 1)

const COSTS: Readonly<Record<string, (call: CallMade) => number | undefined>> = {
  check: () => AUTHORIZER_CHECK_COST,
  fieldSelector: (call) => selector(size(call, 1)),
  labelSelector: (call) => selector(size(call, 1)),
  replace: walkedTwice,
  split: walkedTwice,
  join: ({ result }) => Math.ceil(costSize(result) * 2 * PER_CHARACTER),
  find: (call) => matching(size(call, 0), size(call, 1)),
  findAll: (call) => matching(size(call, 0), size(call, 1)),
  ip: (call) => (call.overload === 'cidr_ip' ? 1 : walked(call)),
  'ip.isCanonical': walkedTwice,
  containsIP: (call) => containsCost(call, 'cidr_contains_ip_string'),
  containsCIDR: (call) => containsCost(call, 'cidr_contains_cidr_string') + characters(size(call, 0)) + 1,
  slice: byResult,
  reverse: byResult,
  'lists.range': byResult,
  flatten: flattenCost,
  distinct: ({ args }) => selfCompared(args[0]),
  sort: ({ args }) => selfCompared(args[0]),
  '@sortByAssociatedKeys': ({ args }) => selfCompared(args[1]),
  'sets.contains': crossed(1),
  'sets.intersects': crossed(1),
  'sets.equivalent': crossed(2),
  validate: (call) => {
    const [format] = call.args
    return format instanceof FormatValue ? matching(size(call, 1), format.maxRegexSize) : undefined
  },
  '_==_': ({ args }) => (args[0] instanceof OpaqueValue ? 1 : undefined),
}
const CONSTANT =
  'serviceAccount path group resource subresource namespace name allowed reason error errored masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast format.named sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan compareTo add sub major minor patch getScheme getHostname getHost getPort getEscapedPath getQuery'
const WALKED =
  'url lowerAscii upperAscii substring trim jsonpatch.escapeKey cidr isIP isCIDR quantity isQuantity semver isSemver'
const TRAVERSED = 'isSorted sum max min indexOf lastIndexOf'

const costs = new Map(Object.entries(COSTS))
for (const name of CONSTANT.split(' ')) costs.set(name, one)
for (const name of WALKED.split(' ')) costs.set(name, walked)
for (const name of TRAVERSED.split(' ')) costs.set(name, ({ args }) => traversal(args[0] ?? null))

export const kubernetesCallCost: CallCost = (call) => costs.get(call.name)?.(call)
