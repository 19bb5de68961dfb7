// YAML of large objects in pieces, none of them large: the same text as of the whole.

import { Scalar, type ScalarTag, stringify, type Tags } from 'yaml'
import { LongText } from './long-text.ts'
import { isObject, type JsonObject } from './objects.ts'
import { encodeYaml, YAML_STYLE } from './yaml.ts'
import { yamlOfLongText } from './yaml-long-text.ts'

/** So much is written at a time, by the count of characters. */
const PIECE_CHARACTERS = 16 * 1024

/** What is larger than so many pieces is taken apart. */
const MANY_PIECES = 4

/** Keys of which the YAML is one line: others are not taken apart. */
const PLAIN_KEY = /^[A-Za-z][A-Za-z0-9]{0,99}$/

/** YAML of a list with this one object, in which long texts may be `LongText`. */
export function* encodeYamlItem(object: object, pieceCharacters = PIECE_CHARACTERS): Generator<string> {
  if (sizeOf(object) < MANY_PIECES * pieceCharacters) return yield encodeYaml([object])
  let isFirst = true
  for (const [key, value] of Object.entries(object).sort(byKey)) {
    if (value === undefined) continue
    let hasHead = false
    for (const part of PLAIN_KEY.test(key) ? partsOf(value, pieceCharacters) : [value]) {
      let start = true
      for (const text of markedPieces([{ [key]: part }])) {
        // The line of the key stands before the first part; the dash of the list before the first key.
        if (!start) yield text
        else if (hasHead) yield text.slice(text.indexOf('\n') + 1)
        else yield isFirst ? text : `  ${text.slice(2)}`
        start = false
      }
      hasHead = true
      isFirst = false
    }
  }
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}

/** A map or a list as several that make it up; any other value as it is. */
function* partsOf(value: unknown, pieceCharacters: number): Generator<unknown> {
  if (value instanceof LongText || !(Array.isArray(value) || isObject(value))) return yield value
  const entries: [string, unknown][] = Object.entries(value)
  if (!Array.isArray(value)) entries.sort(byKey)
  const made = (part: readonly [string, unknown][]): unknown =>
    Array.isArray(value) ? part.map(([, element]) => element) : Object.fromEntries(part)
  let [from, size] = [0, 0]
  for (const [i, [key, member]] of entries.entries()) {
    size += key.length + sizeOf(member)
    if (size < pieceCharacters || i === entries.length - 1) continue
    yield made(entries.slice(from, i + 1))
    from = i + 1
    size = 0
  }
  yield made(entries.slice(from))
}

/** About how many characters a value takes. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof LongText) return value.length
  if (typeof value !== 'object' || value === null) return 1
  let size = 1
  for (const key in value) size += key.length + sizeOf((value as JsonObject)[key])
  return size
}

/** Stands for a long text until it is written. No YAML has it: control characters are escaped. */
const MARK = '\0'

/** The first piece has the first line, up to a long text in it. */
function* markedPieces(value: unknown): Generator<string> {
  const longs: Iterable<string>[] = []
  const yaml = stringify(value, { ...YAML_STYLE, customTags: (tags) => [longTextTag(longs, tags), ...tags] })
  let at = 0
  for (const long of longs) {
    const mark = yaml.indexOf(MARK, at)
    yield yaml.slice(at, mark)
    yield* long
    at = mark + MARK.length
  }
  yield yaml.slice(at)
}

/** Writes a mark for each long text, and keeps what stands there. */
function longTextTag(longs: Iterable<string>[], tags: Tags): ScalarTag {
  const texts = tags.find((tag) => typeof tag !== 'string' && tag.tag === 'tag:yaml.org,2002:str') as ScalarTag
  return {
    tag: 'tag:drover,2026:long',
    default: true,
    identify: (value) => value instanceof LongText,
    resolve: (text) => text,
    stringify(item, context, ...rest) {
      const text = item.value as LongText
      const long = yamlOfLongText(text, context.indent)
      if (!long) return texts.stringify?.(new Scalar(text.toString()), context, ...rest) ?? ''
      longs.push(long)
      return MARK
    },
  }
}
