// The standard operators: arithmetic that refuses to overflow, comparisons, equality, membership, size.

import {
  A,
  a,
  B,
  bool,
  bytes,
  double,
  duration,
  type Functions,
  global,
  int,
  listOfA,
  mapOfAB,
  method,
  type Overload,
  optionalA,
  own,
  type Param,
  string,
  timestamp,
  uint,
} from '../declarations.ts'
import { MAX_INT, MAX_UINT, MIN_INT } from '../lexer.ts'
import { BOOL, BYTES, DOUBLE, DURATION, INT, listOf, mapOf, optionalOf, STRING, TIMESTAMP, UINT } from '../types.ts'
import {
  codePoints,
  compareBytes,
  compareNumbers,
  compareStrings,
  Duration,
  equal,
  Failed,
  ListValue,
  type MapValue,
  NONE,
  OptionalValue,
  Timestamp,
  Uint,
  type Value,
} from '../values.ts'

export function checkedInt(value: bigint): Value {
  return value > MAX_INT || value < MIN_INT ? new Failed('integer overflow') : value
}
export function checkedUint(value: bigint): Value {
  return value > MAX_UINT || value < 0n ? new Failed('unsigned integer overflow') : new Uint(value)
}
function checkedDuration(ns: bigint): Value {
  return ns > MAX_INT || ns < MIN_INT ? new Failed('duration overflow') : new Duration(ns)
}

/** The years 1 to 9999. */
const MIN_TIMESTAMP = -62_135_596_800n * 1_000_000_000n
const MAX_TIMESTAMP = 253_402_300_800n * 1_000_000_000n - 1n
export function checkedTimestamp(ns: bigint): Value {
  return ns < MIN_TIMESTAMP || ns > MAX_TIMESTAMP ? new Failed('timestamp overflow') : new Timestamp(ns)
}

const divided =
  (by: string, compute: (x: bigint, y: bigint) => Value) =>
  (x: bigint, y: bigint): Value =>
    y === 0n ? new Failed(by) : compute(x, y)
const ZERO = 'division by zero'
const MODULUS_ZERO = 'modulus by zero'

const arithmetic: Functions = {
  '_+_': [
    global('add_bytes', [bytes, bytes], BYTES, (x, y) => Uint8Array.from([...x, ...y])),
    global('add_double', [double, double], DOUBLE, (x, y) => x + y),
    global('add_duration_duration', [duration, duration], DURATION, (x, y) => checkedDuration(x.ns + y.ns)),
    global('add_duration_timestamp', [duration, timestamp], TIMESTAMP, (x, y) => checkedTimestamp(x.ns + y.ns)),
    global('add_timestamp_duration', [timestamp, duration], TIMESTAMP, (x, y) => checkedTimestamp(x.ns + y.ns)),
    global('add_int64', [int, int], INT, (x, y) => checkedInt(x + y)),
    global('add_list', [listOfA, listOfA], listOf(A), (x, y) => x.concat(y)),
    global('add_string', [string, string], STRING, (x, y) => x + y),
    global('add_uint64', [uint, uint], UINT, (x, y) => checkedUint(x.value + y.value)),
  ],
  '_-_': [
    global('subtract_double', [double, double], DOUBLE, (x, y) => x - y),
    global('subtract_duration_duration', [duration, duration], DURATION, (x, y) => checkedDuration(x.ns - y.ns)),
    global('subtract_int64', [int, int], INT, (x, y) => checkedInt(x - y)),
    global('subtract_timestamp_duration', [timestamp, duration], TIMESTAMP, (x, y) => checkedTimestamp(x.ns - y.ns)),
    global('subtract_timestamp_timestamp', [timestamp, timestamp], DURATION, (x, y) => checkedDuration(x.ns - y.ns)),
    global('subtract_uint64', [uint, uint], UINT, (x, y) => checkedUint(x.value - y.value)),
  ],
  '_*_': [
    global('multiply_double', [double, double], DOUBLE, (x, y) => x * y),
    global('multiply_int64', [int, int], INT, (x, y) => checkedInt(x * y)),
    global('multiply_uint64', [uint, uint], UINT, (x, y) => checkedUint(x.value * y.value)),
  ],
  '_/_': [
    global('divide_double', [double, double], DOUBLE, (x, y) => x / y),
    global(
      'divide_int64',
      [int, int],
      INT,
      divided(ZERO, (x, y) => checkedInt(x / y)),
    ),
    global('divide_uint64', [uint, uint], UINT, (x, y) =>
      y.value === 0n ? new Failed(ZERO) : new Uint(x.value / y.value),
    ),
  ],
  '_%_': [
    global(
      'modulo_int64',
      [int, int],
      INT,
      divided(MODULUS_ZERO, (x, y) => (y === -1n && x === MIN_INT ? new Failed('integer overflow') : x % y)),
    ),
    global('modulo_uint64', [uint, uint], UINT, (x, y) =>
      y.value === 0n ? new Failed(MODULUS_ZERO) : new Uint(x.value % y.value),
    ),
  ],
  '-_': [
    global('negate_double', [double], DOUBLE, (x) => -x),
    global('negate_int64', [int], INT, (x) => checkedInt(-x)),
  ],
  '!_': [global('logical_not', [bool], BOOL, (x) => !x)],
}

type Order = -1 | 0 | 1 | undefined
type Ordered = boolean | bigint | number | string | Uint8Array | Uint | Timestamp | Duration

const compareBigInts = (x: bigint, y: bigint): Order => (x < y ? -1 : x > y ? 1 : 0)

function compareOrdered(x: Ordered, y: Ordered): Order {
  if (typeof x === 'string' && typeof y === 'string') return compareStrings(x, y)
  if (typeof x === 'boolean') return x === y ? 0 : x ? 1 : -1
  if (x instanceof Uint8Array && y instanceof Uint8Array) return compareBytes(x, y)
  if (x instanceof Timestamp && y instanceof Timestamp) return compareBigInts(x.ns, y.ns)
  if (x instanceof Duration && y instanceof Duration) return compareBigInts(x.ns, y.ns)
  if (isNumeric(x) && isNumeric(y)) return compareNumbers(x, y)
  return undefined
}
const isNumeric = (x: Ordered): x is bigint | number | Uint =>
  typeof x === 'bigint' || typeof x === 'number' || x instanceof Uint

const ORDERED: readonly (readonly [string, Param<Ordered>])[] = [
  ['bool', bool],
  ['int64', int],
  ['uint64', uint],
  ['double', double],
  ['string', string],
  ['bytes', bytes],
  ['timestamp', timestamp],
  ['duration', duration],
]
const NUMERIC = new Set(['int64', 'uint64', 'double'])

/** `less_int64`, `less_int64_double` …: numbers are compared whatever their types. */
function comparison(name: string, holds: (order: -1 | 0 | 1) => boolean): Overload[] {
  const decide = (x: Ordered, y: Ordered): Value => {
    const order = compareOrdered(x, y)
    return order === undefined ? new Failed('NaN values cannot be ordered') : holds(order)
  }
  const overloads = ORDERED.map(([type, param]) => global(`${name}_${type}`, [param, param], BOOL, decide))
  for (const [left, one] of ORDERED) {
    for (const [right, two] of ORDERED) {
      if (left === right || !NUMERIC.has(left) || !NUMERIC.has(right)) continue
      overloads.push(global(`${name}_${left}_${right}`, [one, two], BOOL, decide))
    }
  }
  return overloads
}

const comparisons: Functions = {
  '_<_': comparison('less', (order) => order < 0),
  '_<=_': comparison('less_equals', (order) => order <= 0),
  '_>_': comparison('greater', (order) => order > 0),
  '_>=_': comparison('greater_equals', (order) => order >= 0),
  '_==_': [global('equals', [a, a], BOOL, (x, y) => equal(x, y))],
  '_!=_': [global('not_equals', [a, a], BOOL, (x, y) => !equal(x, y))],
}

/** Declared for the checker; they are planned as control flow. */
const never = (): Value => new Failed('no such overload')
const control: Functions = {
  '_&&_': [global('logical_and', [bool, bool], BOOL, never)],
  '_||_': [global('logical_or', [bool, bool], BOOL, never)],
  '_?_:_': [global('conditional', [bool, a, a], A, never)],
  '@not_strictly_false': [global('not_strictly_false', [bool], BOOL, never)],
  '_[_]': [
    global('index_list', [listOfA, int], A, never),
    global('index_map', [mapOfAB, a], B, never),
    global('optional_list_index_int', [own<OptionalValue>(optionalOf(listOf(A))), int], optionalOf(A), never),
    global('optional_map_index_value', [own<OptionalValue>(optionalOf(mapOf(A, B))), a], optionalOf(B), never),
  ],
  '_[?_]': [
    global('list_optindex_optional_int', [listOfA, int], optionalOf(A), never),
    global(
      'optional_list_optindex_optional_int',
      [own<OptionalValue>(optionalOf(listOf(A))), int],
      optionalOf(A),
      never,
    ),
    global('map_optindex_optional_value', [mapOfAB, a], optionalOf(B), never),
    global(
      'optional_map_optindex_optional_value',
      [own<OptionalValue>(optionalOf(mapOf(A, B))), a],
      optionalOf(B),
      never,
    ),
  ],
}

function contains(x: Value, list: ListValue): Value {
  for (const item of list) if (!(item instanceof Failed) && equal(item, x)) return true
  return false
}

const count = (n: number): bigint => BigInt(n)
const sizes: Functions = {
  '@in': [
    global('in_list', [a, listOfA], BOOL, contains),
    global('in_map', [a, mapOfAB], BOOL, (x, map) => map.get(x) !== undefined),
  ],
  size: [
    global('size_string', [string], INT, (x) => count(codePoints(x))),
    method('string_size', [string], INT, (x) => count(codePoints(x))),
    global('size_bytes', [bytes], INT, (x) => count(x.length)),
    method('bytes_size', [bytes], INT, (x) => count(x.length)),
    global('size_list', [listOfA], INT, (x) => count(x.length)),
    method('list_size', [listOfA], INT, (x) => count(x.length)),
    global('size_map', [mapOfAB], INT, (x: MapValue) => count(x.size)),
    method('map_size', [mapOfAB], INT, (x: MapValue) => count(x.size)),
  ],
}

const isZero = (x: Value): boolean =>
  x === null ||
  x === false ||
  x === 0 ||
  x === 0n ||
  x === '' ||
  (x instanceof Uint && x.value === 0n) ||
  ((x instanceof ListValue || x instanceof Uint8Array) && x.length === 0) ||
  (typeof x === 'object' && 'size' in x && x.size === 0) ||
  (x instanceof Duration && x.ns === 0n) ||
  (x instanceof Timestamp && x.ns === MIN_TIMESTAMP)

const optionals: Functions = {
  'optional.of': [global('optional_of', [a], optionalOf(A), (x) => new OptionalValue(x))],
  'optional.ofNonZeroValue': [
    global('optional_ofNonZeroValue', [a], optionalOf(A), (x) => (isZero(x) ? NONE : new OptionalValue(x))),
  ],
  'optional.none': [global('optional_none', [], optionalOf(A), () => NONE)],
  value: [
    method(
      'optional_value',
      [optionalA],
      A,
      (x) => x.value ?? (x.value === null ? null : new Failed('optional.none() dereference')),
    ),
  ],
  hasValue: [method('optional_hasValue', [optionalA], BOOL, (x) => x.value !== undefined)],
  or: [method('optional_or_optional', [optionalA, optionalA], optionalOf(A), never)],
  orValue: [method('optional_orValue_value', [optionalA, a], A, never)],
}

export const operators: readonly Functions[] = [arithmetic, comparisons, control, sizes, optionals]
