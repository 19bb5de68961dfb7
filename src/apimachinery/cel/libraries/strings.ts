// The strings extension, version 2: positions count code points.

import { type Functions, global, int, list, method, string } from '../declarations.ts'
import { DYN, INT, listOf, STRING } from '../types.ts'
import { Failed, Items, type ListValue, type Value } from '../values.ts'
import { format } from './string-format.ts'

const outOfRange = (index: bigint): Failed => new Failed(`index out of range: ${index}`)

function charAt(text: string, index: bigint): Value {
  const points = Array.from(text)
  const i = Number(index)
  if (i < 0 || i > points.length) return outOfRange(index)
  return points[i] ?? ''
}

function indexOf(text: string, part: string, offset = 0n): Value {
  const points = Array.from(text)
  const wanted = Array.from(part)
  const from = Number(offset)
  if (wanted.length === 0) return from < 0 || from > points.length ? outOfRange(offset) : offset
  if (from < 0) return outOfRange(offset)
  if (from > points.length) return -1n
  const found = text.indexOf(part, points.slice(0, from).join('').length)
  return found === -1 ? -1n : BigInt(Array.from(text.slice(0, found)).length)
}

function lastIndexOf(text: string, part: string, offset?: bigint): Value {
  const points = Array.from(text)
  const from = offset === undefined ? points.length : Number(offset)
  if (part === '')
    return offset === undefined ? BigInt(points.length) : from < 0 || from > points.length ? outOfRange(offset) : offset
  if (offset !== undefined && (from < 0 || from > points.length)) return outOfRange(offset)
  const found = text.lastIndexOf(part, points.slice(0, from).join('').length)
  return found === -1 ? -1n : BigInt(Array.from(text.slice(0, found)).length)
}

function substring(text: string, start: bigint, end?: bigint): Value {
  const points = Array.from(text)
  const [from, to] = [Number(start), end === undefined ? points.length : Number(end)]
  if (end !== undefined && from > to) return new Failed(`invalid substring range. start: ${start}, end: ${end}`)
  if (from < 0 || from > points.length) return outOfRange(start)
  if (to < 0 || to > points.length) return outOfRange(end ?? 0n)
  return points.slice(from, to).join('')
}

/** As Go's strings.Replace: an empty text is found before, between and behind the characters. */
function replace(text: string, [old, by]: readonly [string, string], count: bigint): Value {
  let left = count < 0n ? Number.POSITIVE_INFINITY : Number(count)
  if (old === '') {
    const points = Array.from(text)
    let result = ''
    for (let i = 0; i <= points.length; i++) {
      if (left-- > 0) result += by
      result += points[i] ?? ''
    }
    return result
  }
  let result = ''
  let at = 0
  while (left-- > 0) {
    const found = text.indexOf(old, at)
    if (found === -1) break
    result += text.slice(at, found) + by
    at = found + old.length
  }
  return result + text.slice(at)
}

/** As Go's strings.SplitN. */
function split(text: string, separator: string, count = -1n): Value {
  if (count === 0n) return new Items([])
  const all = separator === '' ? Array.from(text) : text.split(separator)
  if (count < 0n || all.length <= Number(count)) return new Items(all)
  const head = all.slice(0, Number(count) - 1)
  return new Items([...head, all.slice(Number(count) - 1).join(separator)])
}

function join(items: ListValue, separator = ''): Value {
  const texts: string[] = []
  for (const item of items) {
    if (typeof item !== 'string') return item instanceof Failed ? item : new Failed('join: invalid input')
    texts.push(item)
  }
  return texts.join(separator)
}

const lower = (text: string): string => text.replace(/[A-Z]/g, (c) => c.toLowerCase())
const upper = (text: string): string => text.replace(/[a-z]/g, (c) => c.toUpperCase())
/** White space as Unicode has it, which is what Go trims; the byte order mark is none. */
const trim = (text: string): string =>
  text.replace(/^[\s\u0085]+|[\s\u0085]+$/gu, (space) => (space.includes('\ufeff') ? space : ''))

const ESCAPED: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}
const quote = (text: string): string => `"${Array.from(text.toWellFormed(), (c) => ESCAPED[c] ?? c).join('')}"`

export const strings: Functions = {
  charAt: [method('string_char_at_int', [string, int], STRING, charAt)],
  indexOf: [
    method('string_index_of_string', [string, string], INT, (x, y) => indexOf(x, y)),
    method('string_index_of_string_int', [string, string, int], INT, (x, y, from) => indexOf(x, y, from)),
  ],
  lastIndexOf: [
    method('string_last_index_of_string', [string, string], INT, (x, y) => lastIndexOf(x, y)),
    method('string_last_index_of_string_int', [string, string, int], INT, (x, y, from) => lastIndexOf(x, y, from)),
  ],
  lowerAscii: [method('string_lower_ascii', [string], STRING, lower)],
  upperAscii: [method('string_upper_ascii', [string], STRING, upper)],
  trim: [method('string_trim', [string], STRING, trim)],
  replace: [
    method('string_replace_string_string', [string, string, string], STRING, (x, old, by) =>
      replace(x, [old, by], -1n),
    ),
    method('string_replace_string_string_int', [string, string, string, int], STRING, (x, old, by, n) =>
      replace(x, [old, by], n),
    ),
  ],
  split: [
    method('string_split_string', [string, string], listOf(STRING), (x, y) => split(x, y)),
    method('string_split_string_int', [string, string, int], listOf(STRING), (x, y, n) => split(x, y, n)),
  ],
  substring: [
    method('string_substring_int', [string, int], STRING, (x, from) => substring(x, from)),
    method('string_substring_int_int', [string, int, int], STRING, (x, from, to) => substring(x, from, to)),
  ],
  join: [
    method('list_join', [list(STRING)], STRING, (x) => join(x)),
    method('list_join_string', [list(STRING), string], STRING, (x, y) => join(x, y)),
  ],
  format: [method('string_format', [string, list(DYN)], STRING, format)],
  'strings.quote': [global('strings_quote', [string], STRING, quote)],
}
