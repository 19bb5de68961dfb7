// Conversions between the standard types, and what strings and times can be asked.

import {
  A,
  a,
  bool,
  bytes,
  double,
  duration,
  type Functions,
  global,
  int,
  method,
  string,
  timestamp,
  uint,
} from '../declarations.ts'
import { MAX_INT, MAX_UINT, MIN_INT } from '../lexer.ts'
import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, STRING, TIMESTAMP, type Type, typeOf, UINT } from '../types.ts'
import { Failed, type Timestamp, Duration, typeNameOf, TypeValue, Uint, type Value } from '../values.ts'
import { patternOf } from '../regex.ts'
import {
  duration as parseGoDuration,
  durationText,
  parseTimestamp,
  partsOf,
  timestampText,
  type TimePart,
} from '../time.ts'
import { checkedTimestamp } from './operators.ts'

const failed = (to: string): Failed => new Failed(`type conversion error from 'string' to '${to}'`)

function doubleToBigInt(x: number, [min, max]: readonly [number, number], complaint: string): bigint | Failed {
  if (!Number.isFinite(x) || x <= min || x >= max) return new Failed(complaint)
  return BigInt(Math.trunc(x))
}

function parseIntText(text: string): Value {
  if (!/^[+-]?\d+$/.test(text)) return new Failed(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  const value = BigInt(text.replace('+', ''))
  const inRange = value >= MIN_INT && value <= MAX_INT
  return inRange ? value : new Failed(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`)
}

function parseUintText(text: string): Value {
  if (!/^\d+$/.test(text)) return new Failed(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  const value = BigInt(text)
  return value <= MAX_UINT
    ? new Uint(value)
    : new Failed(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`)
}

const FLOAT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
function parseDoubleText(text: string): Value {
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text)
  if (special) {
    if (/nan/i.test(text)) return Number.NaN
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  }
  return FLOAT.test(text)
    ? Number(text)
    : new Failed(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`)
}

/** As Go's `%v` and strconv write a float: exponents from 21 digits on, with two digits. */
export function doubleText(x: number): string {
  if (Number.isNaN(x)) return 'NaN'
  if (!Number.isFinite(x)) return x > 0 ? '+Inf' : '-Inf'
  if (Object.is(x, -0)) return '-0'
  const text = String(x)
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}

function bytesText(x: Uint8Array): Value {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(x)
  } catch {
    return new Failed('invalid UTF-8 in bytes, cannot convert to string')
  }
}

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

const TWO_63 = 2 ** 63
const TWO_64 = 2 ** 64
const asUint = (value: bigint | Failed): Value => (typeof value === 'bigint' ? new Uint(value) : value)

const SECOND = 1_000_000_000n
const floorSeconds = (ns: bigint): bigint => (ns - (((ns % SECOND) + SECOND) % SECOND)) / SECOND

const conversions: Functions = {
  int: [
    global('int64_to_int64', [int], INT, (x) => x),
    global('uint64_to_int64', [uint], INT, (x) => (x.value > MAX_INT ? new Failed('integer overflow') : x.value)),
    global('double_to_int64', [double], INT, (x) => doubleToBigInt(x, [-TWO_63, TWO_63], 'integer overflow')),
    global('string_to_int64', [string], INT, parseIntText),
    global('timestamp_to_int64', [timestamp], INT, (x) => floorSeconds(x.ns)),
    global('duration_to_int64', [duration], INT, (x) => x.ns),
  ],
  uint: [
    global('uint64_to_uint64', [uint], UINT, (x) => x),
    global('int64_to_uint64', [int], UINT, (x) => (x < 0n ? new Failed('unsigned integer overflow') : new Uint(x))),
    global('double_to_uint64', [double], UINT, (x) =>
      asUint(
        x < 0 ? new Failed('unsigned integer overflow') : doubleToBigInt(x, [-1, TWO_64], 'unsigned integer overflow'),
      ),
    ),
    global('string_to_uint64', [string], UINT, parseUintText),
  ],
  double: [
    global('double_to_double', [double], DOUBLE, (x) => x),
    global('int64_to_double', [int], DOUBLE, (x) => Number(x)),
    global('uint64_to_double', [uint], DOUBLE, (x) => Number(x.value)),
    global('string_to_double', [string], DOUBLE, parseDoubleText),
  ],
  bool: [
    global('bool_to_bool', [bool], BOOL, (x) => x),
    global('string_to_bool', [string], BOOL, (x) =>
      TRUE.has(x)
        ? true
        : FALSE.has(x)
          ? false
          : new Failed(`strconv.ParseBool: parsing ${JSON.stringify(x)}: invalid syntax`),
    ),
  ],
  bytes: [
    global('bytes_to_bytes', [bytes], BYTES, (x) => x),
    global('string_to_bytes', [string], BYTES, (x) => new TextEncoder().encode(x)),
  ],
  string: [
    global('string_to_string', [string], STRING, (x) => x),
    global('bool_to_string', [bool], STRING, (x) => String(x)),
    global('int64_to_string', [int], STRING, (x) => String(x)),
    global('uint64_to_string', [uint], STRING, (x) => String(x.value)),
    global('double_to_string', [double], STRING, doubleText),
    global('bytes_to_string', [bytes], STRING, bytesText),
    global('timestamp_to_string', [timestamp], STRING, timestampText),
    global('duration_to_string', [duration], STRING, durationText),
  ],
  timestamp: [
    global('timestamp_to_timestamp', [timestamp], TIMESTAMP, (x) => x),
    global('int64_to_timestamp', [int], TIMESTAMP, (x) => checkedTimestamp(x * SECOND)),
    global('string_to_timestamp', [string], TIMESTAMP, (x) => {
      const ns = parseTimestamp(x)
      return ns === undefined ? failed('google.protobuf.Timestamp') : checkedTimestamp(ns)
    }),
  ],
  duration: [
    global('duration_to_duration', [duration], DURATION, (x) => x),
    global('string_to_duration', [string], DURATION, (x) => {
      const ns = parseGoDuration(x)
      return ns === undefined ? failed('google.protobuf.Duration') : new Duration(ns)
    }),
  ],
  dyn: [global('to_dyn', [a], DYN, (x) => x)],
  type: [global('type', [a], typeOf(A), (x) => new TypeValue(typeNameOf(x)))],
}

const matches = (text: string, pattern: string): Value => {
  const compiled = patternOf(pattern)
  return compiled instanceof Failed ? compiled : compiled.test(text)
}

const strings: Functions = {
  startsWith: [method('starts_with_string', [string, string], BOOL, (x, y) => x.startsWith(y))],
  endsWith: [method('ends_with_string', [string, string], BOOL, (x, y) => x.endsWith(y))],
  contains: [method('contains_string', [string, string], BOOL, (x, y) => x.includes(y))],
  matches: [
    global('matches', [string, string], BOOL, matches),
    method('matches_string', [string, string], BOOL, matches),
  ],
}

function part(id: string, name: TimePart): Functions[string] {
  const zoned = (x: Timestamp, zone: string): Value => {
    const parts = partsOf(x.ns, zone)
    return parts instanceof Failed ? parts : BigInt(parts[name])
  }
  return [
    method(`timestamp_to_${id}`, [timestamp], INT, (x) => zoned(x, 'UTC')),
    method(`timestamp_to_${id}_with_tz`, [timestamp, string], INT, zoned),
  ]
}

/** A length of time in whole units, towards zero. */
const length = (id: string, ns: bigint, of: Type = INT): Functions[string] => [
  method(`duration_to_${id}`, [duration], of, (x) => x.ns / ns),
]

const times: Functions = {
  getFullYear: part('year', 'year'),
  getMonth: part('month', 'month'),
  getDayOfYear: part('day_of_year', 'dayOfYear'),
  getDayOfMonth: part('day_of_month', 'dayOfMonth'),
  getDate: part('day_of_month_1_based', 'date'),
  getDayOfWeek: part('day_of_week', 'dayOfWeek'),
  getHours: [...(part('hours', 'hours') ?? []), ...(length('hours', 3600n * SECOND) ?? [])],
  getMinutes: [...(part('minutes', 'minutes') ?? []), ...(length('minutes', 60n * SECOND) ?? [])],
  getSeconds: [...(part('seconds', 'seconds') ?? []), ...(length('seconds', SECOND) ?? [])],
  getMilliseconds: [
    ...(part('milliseconds', 'milliseconds') ?? []),
    method('duration_to_milliseconds', [duration], INT, (x) => x.ns / 1_000_000n),
  ],
}

export const standard: readonly Functions[] = [conversions, strings, times]
