// `"%s has %d".format([…])`: CEL's own small printf.

import { durationText, timestampText } from '../time.ts'
import { Duration, Failed, isNumber, ListValue, MapValue, Timestamp, TypeValue, Uint, type Value } from '../values.ts'

/** The longest precision that is honoured; text grows by it without cost. */
const MAX_PRECISION = 100

export function format(text: string, args: ListValue): Value {
  let result = ''
  let next = 0
  for (let at = 0; at < text.length; ) {
    const percent = text.indexOf('%', at)
    if (percent === -1) return result + text.slice(at)
    result += text.slice(at, percent)
    if (text[percent + 1] === '%') {
      result += '%'
      at = percent + 2
      continue
    }
    const clause = /^%(?:\.(\d+))?([a-zA-Z])?/.exec(text.slice(percent, percent + 20))
    const [all = '%', precision, verb] = clause ?? []
    if (verb === undefined) return new Failed('unexpected end of format string')
    if (next >= args.length) return new Failed(`index ${next} out of range`)
    if (Number(precision ?? 0) > MAX_PRECISION) return new Failed('precision is too large')
    const piece = formatted(verb, args.at(next++), precision === undefined ? undefined : Number(precision))
    if (piece instanceof Failed) return piece
    result += piece
    at = percent + all.length
  }
  return result
}

const wrong = (verb: string, wanted: string, value: Value): Failed =>
  new Failed(`error during formatting: ${verb} clause can only be used on ${wanted}, was given ${typeName(value)}`)

const typeName = (value: Value): string =>
  value === null ? 'null_type' : typeof value === 'string' ? 'string' : typeof value

function formatted(verb: string, value: Value, precision: number | undefined): string | Failed {
  if (value instanceof Failed) return value
  switch (verb) {
    case 's':
      return shown(value)
    case 'd': {
      const special = notFinite(value)
      if (special !== undefined) return special
      return typeof value === 'bigint' || value instanceof Uint
        ? String(whole(value))
        : wrong('decimal', 'integers', value)
    }
    case 'f':
    case 'e': {
      const special = notFinite(value)
      if (special !== undefined) return special
      if (!isNumber(value)) return wrong(verb === 'f' ? 'fixed-point' : 'scientific', 'doubles', value)
      const number = value instanceof Uint ? Number(value.value) : Number(value)
      if (verb === 'f') return fixed(number, precision ?? 6)
      return number.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, 'e$10$2')
    }
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0'
      if (typeof value === 'bigint' || value instanceof Uint) return whole(value).toString(2)
      return wrong('binary', 'integers and bools', value)
    case 'o':
      if (typeof value === 'bigint' || value instanceof Uint) return whole(value).toString(8)
      return wrong('octal', 'integers', value)
    case 'x':
    case 'X': {
      const text = hexadecimal(value)
      if (text === undefined) return wrong('hexadecimal', 'integers, byte buffers, and strings', value)
      return verb === 'X' ? text.toUpperCase() : text
    }
    default:
      return new Failed(`could not parse formatting clause: unrecognized formatting clause "${verb}"`)
  }
}

/** What lies exactly between two texts goes to the even one; JavaScript would go up. */
function fixed(number: number, precision: number): string {
  const scaled = Math.abs(number) * 10 ** precision
  const isTie = precision < 16 && scaled < 2 ** 52 && scaled - Math.floor(scaled) === 0.5
  if (!isTie || Math.floor(scaled) % 2 === 1) return number.toFixed(precision)
  return ((Math.sign(number) * Math.floor(scaled)) / 10 ** precision).toFixed(precision)
}

const whole = (value: bigint | Uint): bigint => (value instanceof Uint ? value.value : value)

function notFinite(value: Value): string | undefined {
  if (typeof value !== 'number' || Number.isFinite(value)) return undefined
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity'
}

function hexadecimal(value: Value): string | undefined {
  if (typeof value === 'bigint' || value instanceof Uint) return whole(value).toString(16)
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
  if (!(bytes instanceof Uint8Array)) return undefined
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function shown(value: Value): string | Failed {
  if (value === null) return 'null'
  if (typeof value === 'string') return value
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return notFinite(value) ?? String(value).replace(/e([+-])(\d)$/, 'e$10$2')
  if (value instanceof Uint) return String(value.value)
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  if (value instanceof Timestamp) return timestampText(value)
  if (value instanceof Duration) return durationText(value)
  if (value instanceof TypeValue) return value.name
  if (value instanceof ListValue) return all([...value], (texts) => `[${texts.join(', ')}]`)
  if (value instanceof MapValue) return shownMap(value)
  return new Failed(
    `error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps`,
  )
}

function all(values: readonly Value[], make: (texts: string[]) => string): string | Failed {
  const texts: string[] = []
  for (const value of values) {
    const text = shown(value)
    if (text instanceof Failed) return text
    texts.push(text)
  }
  return make(texts)
}

/** Entries in the order of their keys' text. */
function shownMap(map: MapValue): string | Failed {
  const entries: [string, string][] = []
  for (const key of map.keys()) {
    const [left, right] = [shown(key), shown(map.get(key) ?? null)]
    if (left instanceof Failed) return left
    if (right instanceof Failed) return right
    entries.push([left, right])
  }
  entries.sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0))
  return `{${entries.map(([key, value]) => `${key}: ${value}`).join(', ')}}`
}
