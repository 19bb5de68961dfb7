// Lists: Kubernetes' own (isSorted, sum, min, max, indexOf), CEL's list extension, version 3, and sets.

import {
  A,
  a,
  type Functions,
  global,
  int,
  list,
  listOfA,
  mapOfAB,
  method,
  type Overload,
  B,
  b,
} from '../declarations.ts'
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  optionalOf,
  STRING,
  TIMESTAMP,
  type Type,
  UINT,
} from '../types.ts'
import {
  compareBytes,
  compareNumbers,
  compareStrings,
  copyOf,
  Duration,
  Entries,
  equal,
  Failed,
  isNumber,
  Items,
  ListValue,
  type MapValue,
  NONE,
  OptionalValue,
  Timestamp,
  Uint,
  typeNameOf,
  type Value,
} from '../values.ts'
import { checkedInt, checkedUint } from './operators.ts'

/** The order of two values of one type; undefined: they have none. */
function order(x: Value, y: Value): -1 | 0 | 1 | undefined {
  if (typeof x === 'string' && typeof y === 'string') return compareStrings(x, y)
  if (isNumber(x) && isNumber(y)) return compareNumbers(x, y)
  if (typeof x === 'boolean' && typeof y === 'boolean') return x === y ? 0 : x ? 1 : -1
  if (x instanceof Uint8Array && y instanceof Uint8Array) return compareBytes(x, y)
  if (x instanceof Timestamp && y instanceof Timestamp) return x.ns === y.ns ? 0 : x.ns < y.ns ? -1 : 1
  if (x instanceof Duration && y instanceof Duration) return x.ns === y.ns ? 0 : x.ns < y.ns ? -1 : 1
  return undefined
}

const NO_OVERLOAD = new Failed('no such overload')

function isSorted(items: ListValue): Value {
  let previous: Value | undefined
  for (const item of items) {
    if (item instanceof Failed) return item
    if (previous !== undefined) {
      const found = order(previous, item)
      if (found === undefined) return NO_OVERLOAD
      if (found > 0) return false
    }
    previous = item
  }
  return true
}

const extreme =
  (name: string, sign: 1 | -1) =>
  (items: ListValue): Value => {
    let best: Value | undefined
    for (const item of items) {
      if (item instanceof Failed) return item
      const found = best === undefined ? sign : order(item, best)
      if (found === undefined) return NO_OVERLOAD
      if (found === sign) best = item
    }
    return best ?? new Failed(`${name} called on empty list`)
  }

const sum =
  (zero: Value, add: (x: Value, y: Value) => Value) =>
  (items: ListValue): Value => {
    let total = zero
    for (const item of items) {
      if (item instanceof Failed) return item
      total = add(total, item)
      if (total instanceof Failed) return total
    }
    return total
  }
const addInts = (x: Value, y: Value): Value =>
  typeof x === 'bigint' && typeof y === 'bigint' ? checkedInt(x + y) : NO_OVERLOAD
const addDoubles = (x: Value, y: Value): Value => (typeof x === 'number' && typeof y === 'number' ? x + y : NO_OVERLOAD)
const addUints = (x: Value, y: Value): Value =>
  x instanceof Uint && y instanceof Uint ? checkedUint(x.value + y.value) : NO_OVERLOAD
const addDurations = (x: Value, y: Value): Value =>
  x instanceof Duration && y instanceof Duration ? new Duration(x.ns + y.ns) : NO_OVERLOAD

/** Declared for each type; where the type was not known, the elements say which addition is meant. */
const sumOf =
  (zero: Value) =>
  (items: ListValue): Value => {
    const first = items.length === 0 ? zero : items.at(0)
    if (typeof first === 'bigint') return sum(0n, addInts)(items)
    if (typeof first === 'number') return sum(0, addDoubles)(items)
    if (first instanceof Uint) return sum(new Uint(0n), addUints)(items)
    return sum(new Duration(0n), addDurations)(items)
  }

const COMPARABLE: readonly (readonly [string, Type])[] = [
  ['int', INT],
  ['double', DOUBLE],
  ['bool', BOOL],
  ['bytes', BYTES],
  ['string', STRING],
  ['uint', UINT],
  ['timestamp', TIMESTAMP],
  ['duration', DURATION],
]

const perType = (id: string, result: (type: Type) => Type, call: (items: ListValue) => Value): Overload[] =>
  COMPARABLE.map(([name, type]) => method(`list_${name}_${id}`, [list(type)], result(type), call))

function find(items: ListValue, wanted: Value, last: boolean): bigint {
  const { length } = items
  for (let n = 0; n < length; n++) {
    const i = last ? length - 1 - n : n
    const item = items.at(i)
    if (!(item instanceof Failed) && equal(item, wanted)) return BigInt(i)
  }
  return -1n
}

const kubernetes: Functions = {
  isSorted: perType('is_sorted_bool', () => BOOL, isSorted),
  sum: [
    method('list_int_sum_int', [list(INT)], INT, sumOf(0n)),
    method('list_uint_sum_uint', [list(UINT)], UINT, sumOf(new Uint(0n))),
    method('list_double_sum_double', [list(DOUBLE)], DOUBLE, sumOf(0)),
    method('list_duration_sum_duration', [list(DURATION)], DURATION, sumOf(new Duration(0n))),
  ],
  min: perType('min_self', (type) => type, extreme('min', -1)),
  max: perType('max_self', (type) => type, extreme('max', 1)),
  indexOf: [method('list_a_index_of_int', [listOfA, a], INT, (items, wanted) => find(items, wanted, false))],
  lastIndexOf: [method('list_a_last_index_of_int', [listOfA, a], INT, (items, wanted) => find(items, wanted, true))],
}

function slice(items: ListValue, start: bigint, end: bigint): Value {
  if (start < 0n || end < 0n) return new Failed(`cannot slice(${start}, ${end}), negative indexes not supported`)
  if (start > end) {
    return new Failed(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`)
  }
  if (end > items.length) return new Failed(`cannot slice(${start}, ${end}), list is length ${items.length}`)
  return new Items([...items].slice(Number(start), Number(end)))
}

function flatten(items: ListValue, depth: bigint): Value {
  if (depth < 0n) return new Failed('level must be non-negative')
  const flat: Value[] = []
  const visit = (of: ListValue, left: bigint): void => {
    for (const item of of) {
      if (item instanceof ListValue && left > 0n) visit(item, left - 1n)
      else flat.push(item)
    }
  }
  visit(items, depth)
  return new Items(flat)
}

function distinct(items: ListValue): Value {
  const kept: Value[] = []
  for (const item of items) if (!kept.some((other) => equal(other, item))) kept.push(item)
  return new Items(kept)
}

function sortedBy(items: ListValue, keys: ListValue): Value {
  if (items.length !== keys.length) return new Failed('sortBy: lists differ in length')
  const all = [...keys]
  const first = all[0]
  if (first === undefined) return items
  if (all.some((key) => typeNameOf(key) !== typeNameOf(first))) {
    return new Failed('list elements must have the same type')
  }
  if (order(first, first) === undefined) return new Failed('list elements must be comparable')
  const places = all.map((_, i) => i).sort((x, y) => order(all[x] ?? null, all[y] ?? null) ?? 0)
  return new Items(places.map((i) => items.at(i)))
}

/** The longest list that lists.range makes. */
const MAX_RANGE = 1_000_000n
function range(count: bigint): Value {
  if (count > MAX_RANGE) return new Failed(`lists.range: ${count} is too large`)
  return new Items(Array.from({ length: Math.max(0, Number(count)) }, (_, i) => BigInt(i)))
}

const extension: Functions = {
  slice: [method('list_slice', [listOfA, int, int], listOf(A), slice)],
  flatten: [
    method('list_flatten', [list(listOf(A))], listOf(A), (items) => flatten(items, 1n)),
    method('list_flatten_int', [list(DYN), int], listOf(DYN), flatten),
  ],
  sort: perType(
    'sort',
    (type) => listOf(type),
    (items) => sortedBy(items, items),
  ),
  '@sortByAssociatedKeys': COMPARABLE.map(([name, type]) =>
    method(`list_${name}_sortByAssociatedKeys`, [listOfA, list(type)], listOf(A), sortedBy),
  ),
  'lists.range': [global('lists_range', [int], listOf(INT), range)],
  reverse: [method('list_reverse', [listOfA], listOf(A), (items) => new Items([...items].reverse()))],
  distinct: [method('list_distinct', [listOfA], listOf(A), distinct)],
  first: [
    method('list_first', [listOfA], optionalOf(A), (items) =>
      items.length === 0 ? NONE : new OptionalValue(items.at(0)),
    ),
  ],
  last: [
    method('list_last', [listOfA], optionalOf(A), (items) =>
      items.length === 0 ? NONE : new OptionalValue(items.at(items.length - 1)),
    ),
  ],
}

const includes = (items: ListValue, wanted: Value): boolean => [...items].some((item) => equal(item, wanted))
const containsAll = (x: ListValue, y: ListValue): boolean => [...y].every((item) => includes(x, item))

const sets: Functions = {
  'sets.contains': [global('list_sets_contains_list', [listOfA, listOfA], BOOL, containsAll)],
  'sets.equivalent': [
    global('list_sets_equivalent_list', [listOfA, listOfA], BOOL, (x, y) => containsAll(x, y) && containsAll(y, x)),
  ],
  'sets.intersects': [
    global('list_sets_intersects_list', [listOfA, listOfA], BOOL, (x, y) => [...y].some((item) => includes(x, item))),
  ],
}

function insertAll(into: MapValue, from: MapValue): Value {
  let target: Value = into instanceof Entries && into.open ? into : copyOf(into)
  for (const key of from.keys()) {
    if (!(target instanceof Entries)) return target
    target = target.insert(key, from.get(key) ?? null)
      ? target
      : new Failed(`insert failed: key ${String(key)} already exists`)
  }
  return target
}

/** What the macros transformMap and transformMapEntry collect with. */
const maps: Functions = {
  'cel.@mapInsert': [
    global('@mapInsert_map_key_value', [mapOfAB, a, b], mapOf(A, B), (map, key, value) =>
      (map instanceof Entries ? map : copyOf(map)).with(key, value),
    ),
    global('@mapInsert_map_map', [mapOfAB, mapOfAB], mapOf(A, B), insertAll),
  ],
}

export const lists: readonly Functions[] = [kubernetes, extension, sets, maps]
