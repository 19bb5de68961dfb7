// Timestamps and durations as text, and the parts of a moment in a time zone.

import { MAX_INT, MIN_INT } from './lexer.ts'
import { type Duration, Failed, type Timestamp } from './values.ts'

const SECOND = 1_000_000_000n
const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: SECOND,
  m: 60n * SECOND,
  h: 3600n * SECOND,
}

/** `1h30m`, `-1.5s`, `0`, as Go's time.ParseDuration. Nanoseconds; undefined when it is none or out of range. */
export function duration(text: string): bigint | undefined {
  const sign = /^[+-]?/.exec(text)?.[0] ?? ''
  let rest = text.slice(sign.length)
  if (rest === '0') return 0n
  if (rest === '' || rest.length > 100) return undefined
  let total = 0n
  while (rest !== '') {
    const found = /^(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/.exec(rest)
    if (!found) return undefined
    const [all, whole = '', fraction = '', name = ''] = found
    if (whole === '' && fraction === '') return undefined
    const unit = UNITS[name] ?? 0n
    const digits = fraction.slice(0, 18)
    total += BigInt(whole === '' ? '0' : whole) * unit
    if (digits !== '') total += (BigInt(digits) * unit) / 10n ** BigInt(digits.length)
    rest = rest.slice(all.length)
  }
  const ns = sign === '-' ? -total : total
  return ns > MAX_INT || ns < MIN_INT ? undefined : ns
}

export function durationText({ ns }: Duration): string {
  return `${decimal(ns)}s`
}

/** Nanoseconds as seconds, without zeros at the end. */
export function decimal(ns: bigint): string {
  const absolute = ns < 0n ? -ns : ns
  const fraction = (absolute % SECOND).toString().padStart(9, '0').replace(/0+$/, '')
  return `${ns < 0n ? '-' : ''}${absolute / SECOND}${fraction === '' ? '' : `.${fraction}`}`
}

const RFC3339 = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9})\d*)?([Zz]|[+-]\d{2}:\d{2})$/

/** Nanoseconds since 1970, or undefined. */
export function parseTimestamp(text: string): bigint | undefined {
  const found = RFC3339.exec(text)
  if (!found) return undefined
  const [, date = '', time = '', fraction = '', zone = ''] = found
  const ms = Date.parse(`${date}T${time}Z`)
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(date)) return undefined
  const ns = BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
  if (/[Zz]/.test(zone)) return ns
  const [hours = 0, minutes = 0] = zone.slice(1).split(':').map(Number)
  if (hours > 23 || minutes > 59) return undefined
  const offset = BigInt(hours * 60 + minutes) * 60n * SECOND
  return zone.startsWith('-') ? ns + offset : ns - offset
}

const floorMod = (x: bigint, by: bigint): bigint => ((x % by) + by) % by

export function timestampText({ ns }: Timestamp): string {
  const nanos = floorMod(ns, SECOND)
  const whole = new Date(Number((ns - nanos) / 1_000_000n)).toISOString().replace(/\.\d+Z$/, '')
  const fraction = nanos.toString().padStart(9, '0').replace(/0+$/, '')
  return `${whole}${fraction === '' ? '' : `.${fraction}`}Z`
}

export type TimePart =
  | 'year'
  | 'month'
  | 'dayOfYear'
  | 'dayOfMonth'
  | 'date'
  | 'dayOfWeek'
  | 'hours'
  | 'minutes'
  | 'seconds'
  | 'milliseconds'

/** `zone` is a name of the time zone database, or an offset as `-08:00`. */
export function partsOf(ns: bigint, zone: string): Record<TimePart, number> | Failed {
  const ms = Number((ns - floorMod(ns, 1_000_000n)) / 1_000_000n)
  const offset = offsetMs(ms, zone)
  if (offset instanceof Failed) return offset
  const local = new Date(ms + offset)
  const year = local.getUTCFullYear()
  const start = new Date(0)
  start.setUTCFullYear(year, 0, 1)
  return {
    year,
    month: local.getUTCMonth(),
    dayOfYear: Math.floor((local.getTime() - start.getTime()) / 86_400_000),
    dayOfMonth: local.getUTCDate() - 1,
    date: local.getUTCDate(),
    dayOfWeek: local.getUTCDay(),
    hours: local.getUTCHours(),
    minutes: local.getUTCMinutes(),
    seconds: local.getUTCSeconds(),
    milliseconds: Number(floorMod(ns, SECOND) / 1_000_000n),
  }
}

function offsetMs(ms: number, zone: string): number | Failed {
  if (zone === 'UTC' || zone === '' || zone === 'Z') return 0
  const fixed = /^([+-]?)(\d{1,3}):(\d{1,2})$/.exec(zone)
  if (fixed) {
    const [, sign, hours, minutes] = fixed
    if (Number(minutes) > 59) return new Failed(`timezone offset minutes out of range [0, 59]: ${zone}`)
    const total = (Number(hours) * 60 + Number(minutes)) * 60_000
    return sign === '-' ? -total : total
  }
  try {
    const options = { timeZone: zone, timeZoneName: 'longOffset' } as const
    const name = new Intl.DateTimeFormat('en-US', options).formatToParts(ms).find(({ type }) => type === 'timeZoneName')
    const found = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?/.exec(name?.value ?? '')
    const [, sign, hours = 0, minutes = 0, seconds = 0] = found ?? []
    const total = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
    return sign === '-' ? -total : total
  } catch {
    return new Failed(`unknown time zone ${zone}`)
  }
}
