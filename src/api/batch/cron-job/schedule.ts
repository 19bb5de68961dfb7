// The schedules of cron jobs: five fields, a name like `@daily`, or `@every 5m`, with the words of Go's cron library for what is wrong.

/** Which values of a field match; `any` where the field was `*`, which days care about. */
export interface ScheduleField {
  readonly values: ReadonlySet<number>
  readonly any: boolean
}

export type Schedule =
  | { readonly everyMs: number }
  | {
      readonly minute: ScheduleField
      readonly hour: ScheduleField
      readonly dayOfMonth: ScheduleField
      readonly month: ScheduleField
      readonly dayOfWeek: ScheduleField
    }

interface Bounds {
  min: number
  max: number
  names?: readonly string[]
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const MINUTE: Bounds = { min: 0, max: 59 }
const HOUR: Bounds = { min: 0, max: 23 }
const DAY_OF_MONTH: Bounds = { min: 1, max: 31 }
const MONTH: Bounds = { min: 1, max: 12, names: MONTHS }
const DAY_OF_WEEK: Bounds = { min: 0, max: 6, names: DAYS }

const NAMED: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** Throws an Error whose message is what a client is told. A time zone inside the text is not read: it has a field of its own. */
export function parseSchedule(text: string): Schedule {
  if (text === '') throw new Error('empty spec string')
  if (text.startsWith('@')) return parseDescriptor(text)
  const fields = text.split(/\s+/).filter((field) => field !== '')
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = ''] = fields
  if (fields.length !== 5) throw new Error(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`)
  return {
    minute: parseField(minute, MINUTE),
    hour: parseField(hour, HOUR),
    dayOfMonth: parseField(dayOfMonth, DAY_OF_MONTH),
    month: parseField(month, MONTH),
    dayOfWeek: parseField(dayOfWeek, DAY_OF_WEEK),
  }
}

function parseDescriptor(text: string): Schedule {
  const named = Object.hasOwn(NAMED, text) ? NAMED[text] : undefined
  if (named !== undefined) return parseSchedule(named)
  const every = '@every '
  if (!text.startsWith(every)) throw new Error(`unrecognized descriptor: ${text}`)
  const duration = text.slice(every.length)
  const ms = parseDuration(duration)
  if (ms === undefined) {
    throw new Error(`failed to parse duration ${text}: time: invalid duration ${JSON.stringify(duration)}`)
  }
  // Delays are whole seconds, and at least one.
  return { everyMs: Math.max(1000, Math.trunc(ms / 1000) * 1000) }
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
const DURATION = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/
const DURATION_PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g

/** Go's `time.ParseDuration`: `1h30m`. */
function parseDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0
  if (!DURATION.test(text)) return undefined
  let ms = 0
  for (const [, amount = '0', unit = ''] of text.matchAll(DURATION_PART)) ms += Number(amount) * (UNITS_MS[unit] ?? 0)
  return text.startsWith('-') ? -ms : ms
}

function parseField(text: string, bounds: Bounds): ScheduleField {
  const values = new Set<number>()
  let any = false
  for (const part of text.split(',').filter((expression) => expression !== '')) {
    const range = parseRange(part, bounds)
    any ||= range.any
    for (let value = range.start; value <= range.end; value += range.step) values.add(value)
  }
  return { values, any }
}

interface Range {
  start: number
  end: number
  step: number
  any: boolean
}

function parseRange(text: string, bounds: Bounds): Range {
  const [range = '', ...steps] = text.split('/')
  const [low = '', high, ...more] = range.split('-')
  const any = low === '*' || low === '?'
  const start = any ? bounds.min : parseValue(low, bounds)
  let end = any ? bounds.max : start
  if (!any && high !== undefined) {
    if (more.length > 0) throw new Error(`too many hyphens: ${text}`)
    end = parseValue(high, bounds)
  }
  if (steps.length > 1) throw new Error(`too many slashes: ${text}`)
  const [given] = steps
  const step = given === undefined ? 1 : parseInteger(given)
  // `5/15` is `5-59/15`.
  if (given !== undefined && high === undefined) end = bounds.max
  if (start < bounds.min) throw new Error(`beginning of range (${start}) below minimum (${bounds.min}): ${text}`)
  if (end > bounds.max) throw new Error(`end of range (${end}) above maximum (${bounds.max}): ${text}`)
  if (start > end) throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${text}`)
  if (step === 0) throw new Error(`step of range should be a positive number: ${text}`)
  return { start, end, step, any: any && step === 1 }
}

function parseValue(text: string, { min, names }: Bounds): number {
  const place = names?.indexOf(text.toLowerCase()) ?? -1
  return place >= 0 ? place + min : parseInteger(text)
}

function parseInteger(text: string): number {
  if (!/^[+-]?\d{1,15}$/.test(text)) {
    throw new Error(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  const value = Number(text)
  if (value < 0) throw new Error(`negative number (${value}) not allowed: ${text}`)
  return value
}
