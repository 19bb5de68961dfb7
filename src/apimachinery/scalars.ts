// Reads single JSON values as Go's decoder does: integer ranges, times, quantities, base64; with Go's wording when they do not fit.

import { canonicalQuantity } from './quantity.ts'
import type { NodeType } from './schema.ts'

/** A value that does not fit its field. The text is upstream's. */
export class DecodeError extends Error {
  override name = 'DecodeError'
}

/** `value` is not of a type that the field can hold: the place is added by the decoder, which knows it. */
export class Mismatch extends Error {
  readonly found: string
  readonly wanted: string
  constructor(found: string, wanted: string) {
    super(`cannot unmarshal ${found} into ${wanted}`)
    this.found = found
    this.wanted = wanted
  }
}

/** What Go calls the type of a JSON value. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

export type ScalarType = Exclude<NodeType, 'any' | 'struct' | 'list' | 'map'>
type ReadScalar = (value: unknown) => string | number | boolean

const INT32_MAX = 2 ** 31 - 1
const INT32_MIN = -(2 ** 31)
const INT64_LIMIT = 2 ** 63

/** What Go calls the field's type. */
export const GO_TYPES: Readonly<Record<ScalarType, string>> = {
  string: 'string',
  int32: 'int32',
  int64: 'int64',
  double: 'float64',
  bool: 'bool',
  bytes: '[]uint8',
  time: 'v1.Time',
  microTime: 'v1.MicroTime',
  quantity: 'resource.Quantity',
  intOrString: 'intstr.IntOrString',
}

function readString(value: unknown): string {
  if (typeof value !== 'string') throw new Mismatch(describe(value), 'string')
  return value
}

function readBool(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new Mismatch(describe(value), 'bool')
  return value
}

function readInt32(value: unknown): number {
  if (typeof value !== 'number') throw new Mismatch(describe(value), 'int32')
  if (!Number.isInteger(value) || value > INT32_MAX || value < INT32_MIN) throw new Mismatch(`number ${value}`, 'int32')
  return value === 0 ? 0 : value // -0 is 0
}

function readInt64(value: unknown): number {
  if (typeof value !== 'number') throw new Mismatch(describe(value), 'int64')
  if (!Number.isInteger(value) || value >= INT64_LIMIT || value < -INT64_LIMIT)
    throw new Mismatch(`number ${value}`, 'int64')
  return value === 0 ? 0 : value
}

function readDouble(value: unknown): number {
  if (typeof value !== 'number') throw new Mismatch(describe(value), 'float64')
  return value
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const BASE64_CHARACTER = /[^A-Za-z0-9+/]/

function readBytes(value: unknown): string {
  if (typeof value !== 'string') throw new Mismatch(describe(value), '[]uint8')
  // Go ignores line breaks inside base64, and so do the manifests of people who wrap theirs.
  const text = value.includes('\n') || value.includes('\r') ? value.replace(/[\r\n]/g, '') : value
  if (!BASE64.test(text)) {
    const at = text.search(BASE64_CHARACTER)
    throw new DecodeError(`illegal base64 data at input byte ${at < 0 ? text.length : at}`)
  }
  return text
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/
const UTC_SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

function parsedTime(text: string, layout: string): { ms: number; micros: string } {
  const parts = TIME.exec(text)
  const fail = (): DecodeError => {
    const year = /^\d{4}/.test(text) ? text.slice(4) : text
    const wanted = year === text ? '2006' : '-'
    return new DecodeError(`parsing time ${JSON.stringify(text)} as "${layout}": cannot parse "${year}" as "${wanted}"`)
  }
  if (parts === null) throw fail()
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = parts
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`)
  if (Number.isNaN(ms) || Number(hour) > 23)
    throw new DecodeError(`parsing time ${JSON.stringify(text)}: day out of range`)
  // Date.parse rolls 30 February over into March; Go refuses it.
  if (Number(day) > daysIn(Number(year), Number(month)))
    throw new DecodeError(`parsing time ${JSON.stringify(text)}: day out of range`)
  return { ms, micros: `${fraction}000000`.slice(0, 6) }
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}

/** A second in UTC on a day that every month has: nothing to work out. */
const PLAIN_TIME = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/

function readTime(value: unknown): string {
  if (typeof value !== 'string')
    throw new DecodeError(`json: cannot unmarshal ${describe(value)} into Go value of type string`)
  if (PLAIN_TIME.test(value)) return value
  const { ms } = parsedTime(value, '2006-01-02T15:04:05Z07:00')
  return UTC_SECONDS.test(value) ? value : utcSeconds(ms)
}

/** RFC 3339 to the second, in UTC. */
export function utcSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -5)}Z`
}

function readMicroTime(value: unknown): string {
  if (typeof value !== 'string')
    throw new DecodeError(`json: cannot unmarshal ${describe(value)} into Go value of type string`)
  const { ms, micros } = parsedTime(value, '2006-01-02T15:04:05.000000Z07:00')
  return `${new Date(ms).toISOString().slice(0, -5)}.${micros}Z`
}

function readIntOrString(value: unknown): number | string {
  if (typeof value === 'string') return value
  if (typeof value !== 'number')
    throw new DecodeError(`json: cannot unmarshal ${describe(value)} into Go value of type int32`)
  if (!Number.isInteger(value) || value > INT32_MAX || value < INT32_MIN)
    throw new DecodeError(`json: cannot unmarshal number ${value} into Go value of type int32`)
  return value
}

/** Already canonical: up to three digits, none of them leading or trailing the wrong way, and a suffix that cannot be reduced. */
const SHORT_QUANTITY = /^[1-9]\d{0,2}(?:m|k|M|G|T|Ki|Mi|Gi|Ti)?$/
const QUANTITY = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/
export const QUANTITY_PATTERN = `quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`

/** No amount of anything has more digits; a megabyte of them would cost a second of arithmetic. */
const MAX_QUANTITY_LENGTH = 256

function readQuantity(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string') throw new DecodeError(QUANTITY_PATTERN)
  if (SHORT_QUANTITY.test(text)) return text
  if (text.length > MAX_QUANTITY_LENGTH || !QUANTITY.test(text)) throw new DecodeError(QUANTITY_PATTERN)
  return canonicalQuantity(text)
}

/** Whether `text` has the syntax of a quantity. */
export function isQuantity(text: string): boolean {
  return SHORT_QUANTITY.test(text) || (text.length <= MAX_QUANTITY_LENGTH && QUANTITY.test(text))
}

export const READ_SCALAR: Readonly<Record<ScalarType, ReadScalar>> = {
  string: readString,
  int32: readInt32,
  int64: readInt64,
  double: readDouble,
  bool: readBool,
  bytes: readBytes,
  time: readTime,
  microTime: readMicroTime,
  quantity: readQuantity,
  intOrString: readIntOrString,
}
