// YAML in pieces, none of them large: structure and what is simple are written here, the rest by the YAML library, and all of it as the library does.

import { LongText } from './long-text.ts'
import { isObject, type JsonObject } from './objects.ts'
import { encodeYaml } from './yaml.ts'
import { type Text, yamlOfText } from './yaml-text.ts'

/** So many characters are gathered before they are given on. */
const PIECE_CHARACTERS = 4 * 1024
/** Shorter texts may be words and numbers, and are quoted in another way. */
const LONG_CHARACTERS = 40
/** Keys at least as long may be written in another way; with quotes and escapes they count more. */
const LONG_KEY_CHARACTERS = 150
const STEP = '  '

/** YAML of a list with this one object, in which long texts may be `LongText`. */
export function* encodeYamlItem(object: object): Generator<string> {
  let piece = ''
  for (const text of elements([object], '')) {
    piece += text
    if (piece.length < PIECE_CHARACTERS) continue
    yield piece
    piece = ''
  }
  yield piece
}

/** The same text as `encodeYaml` of an object, which it takes no longer to write where it is nested deep. */
export function encodeYamlObject(object: object): string {
  const map = object as JsonObject
  return isFilledMap(map) ? [...members(map, '')].join('') : encodeYaml(object)
}

/** The members of a map, one below the other; the first stands where its line has begun. */
function* members(map: JsonObject, indent: string): Generator<string> {
  let before = ''
  for (const key of Object.keys(map).sort()) {
    const value = map[key]
    if (value === undefined) continue
    if (key.length >= LONG_KEY_CHARACTERS) {
      yield before + libraryMember(key, value, indent)
    } else {
      yield `${before}${simple(key) ?? libraryKey(key, indent)}:`
      if (isFilledList(value)) {
        yield `\n${indent}`
        yield* elements(value, indent)
      } else if (isFilledMap(value)) {
        yield `\n${indent}${STEP}`
        yield* members(value, indent + STEP)
      } else {
        yield* scalar(value, indent)
      }
    }
    before = indent
  }
}

/** The elements of a list; the first stands where its line has begun. */
function* elements(list: readonly unknown[], indent: string): Generator<string> {
  let before = ''
  for (const value of list) {
    yield `${before}-`
    if (isFilledList(value)) {
      yield ' '
      yield* elements(value, indent + STEP)
    } else if (isFilledMap(value)) {
      yield ' '
      yield* members(value, indent + STEP)
    } else {
      yield* scalar(value, indent)
    }
    before = indent
  }
}

function isFilledList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 0
}

function isFilledMap(value: unknown): value is JsonObject {
  if (!isObject(value) || value instanceof LongText) return false
  for (const key in value) if (value[key] !== undefined) return true
  return false
}

/** A value of one line or a text of several, behind the key or the dash on a line that is indented by `indent`. */
function* scalar(value: unknown, indent: string): Generator<string> {
  if (typeof value === 'string' || value instanceof LongText) {
    const text = typeof value === 'string' ? simple(value) : undefined
    if (text !== undefined) return yield ` ${text}\n`
    const long = yamlOf(value, indent + STEP)
    if (long === undefined) return yield libraryMember('a', value, indent).slice('a:'.length)
    yield ' '
    yield* long
    return yield '\n'
  }
  if (typeof value === 'number') return yield Object.is(value, -0) ? ' -0\n' : ` ${JSON.stringify(value)}\n`
  yield Array.isArray(value) ? ' []\n' : isObject(value) ? ' {}\n' : ` ${String(value)}\n`
}

/** What begins with a letter and has nothing in it that means something in YAML; the words and numbers among those. */
const PLAIN = /^[A-Za-z/_$(](?:[ !"$-9;-~]|:(?=[!-~]))*$/
const WORD = /^(?:y|yes|n|no|true|false|on|off|null|e[-+]?[0-9]+)$/i
/** Numbers and times, which must be quoted where they are texts. */
const QUOTED = /^(?:[0-9]{1,30}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z|\.)?$/

/** The YAML of a text, where it is told at a glance. */
function simple(text: string): string | undefined {
  if (PLAIN.test(text)) return text.endsWith(' ') || WORD.test(text) ? undefined : text
  return QUOTED.test(text) ? `"${text}"` : undefined
}

function yamlOf(value: string | LongText, indent: string): Iterable<string> | undefined {
  if (typeof value !== 'string') return yamlOfText(value, indent)
  return value.length < LONG_CHARACTERS ? undefined : yamlOfText(wholeText(value), indent)
}

function wholeText(value: string): Text {
  return { chunks: () => [value], jsonChunks: () => [JSON.stringify(value).slice(1, -1)] }
}

/** At the very margin it may not look like the line between two documents. */
function libraryKey(key: string, indent: string): string {
  if (indent === '') return encodeYaml({ [key]: 0 }).slice(0, -': 0\n'.length)
  return encodeYaml([{ [key]: 0 }]).slice('- '.length, -': 0\n'.length)
}

/**
 * A member of a map whose lines are indented by `indent`, from its key on. The lines that follow are moved in here: the library is not asked at that depth, where
 * each value would take it time for every level.
 */
function libraryMember(key: string, value: unknown, indent: string): string {
  if (indent === '') return encodeYaml({ [key]: value })
  // In a list, since a text at the very margin is written in another way.
  const text = encodeYaml([{ [key]: value }]).slice('- '.length)
  return text.replace(/\n(?=[^\n])/g, `\n${indent.slice(STEP.length)}`)
}
