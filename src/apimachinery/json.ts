// Reads JSON text within limits of size and depth, and finds fields that a document gives twice, which JSON.parse would hide.

import { syntaxFault } from './json-syntax.ts'
import { DecodeError } from './scalars.ts'

/** The largest body that is parsed; upstream's limit for requests. */
export const MAX_JSON_BYTES = 3 * 1024 * 1024

/** The deepest nesting that is parsed. Upstream stops at 10,000; no real object comes near a tenth, and recursion here must not overflow. */
export const MAX_JSON_DEPTH = 1000

/** The most duplicate fields that are named. */
export const MAX_DUPLICATE_FIELDS = 100

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const COMMA = 0x2c
const COLON = 0x3a

/** A document: its value, and what its text alone tells. */
export interface JsonDocument {
  readonly value: unknown
  /** `duplicate field "metadata.name"` for each field that an object gives more than once. */
  readonly duplicates: readonly string[]
}

/** Parses a JSON document. Throws a DecodeError when it is too large, too deep or no JSON. */
export function parseDocument(bytes: Buffer, maxBytes = MAX_JSON_BYTES): JsonDocument {
  if (bytes.length > maxBytes) throw new DecodeError(`request is too large: limit is ${maxBytes} bytes`)
  checkDepth(bytes)
  const text = bytes.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new DecodeError(syntaxFault(bytes) ?? String(error), { cause: error })
  }
  return { value, duplicates: isWrittenAs(text, value) ? NO_DUPLICATES : duplicateFields(bytes, value) }
}

const NO_DUPLICATES: readonly string[] = []

/**
 * Whether `text` is what JSON.stringify makes of its value, as most programs write: a field given twice would be missing. The engine's own writer needs no
 * warming up, where counting in JavaScript costs the first thousand requests three times as much.
 */
function isWrittenAs(text: string, value: unknown): boolean {
  const again = JSON.stringify(value)
  // Go's encoder ends a document with a new line.
  return text === again || (text.length === again.length + 1 && text.endsWith('\n') && text.startsWith(again))
}

/** Throws a DecodeError when the brackets of `bytes` nest deeper than is safe. */
function checkDepth(bytes: Buffer): void {
  // A document this short cannot nest that deep and come to an end.
  if (bytes.length <= 2 * MAX_JSON_DEPTH) return
  let depth = 0
  for (let i = 0; i < bytes.length; i++) {
    switch (bytes[i]) {
      case QUOTE:
        i = stringEnd(bytes, i)
        break
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (++depth > MAX_JSON_DEPTH)
          throw new DecodeError(`exceeded max depth: JSON may not be nested deeper than ${MAX_JSON_DEPTH}`)
        break
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--
        break
      default:
    }
  }
}

/** The offset of the quote that ends the string beginning at `start`; the end of the text when there is none. */
function stringEnd(bytes: Buffer, start: number): number {
  for (let i = start + 1; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) return i
    if (byte === BACKSLASH) i++
  }
  return bytes.length
}

interface Frame {
  readonly list: boolean
  /** Of an object: the names met, and how often. */
  readonly seen: Set<string> | undefined
  readonly reported: Set<string> | undefined
  /** The member being read: a name or an index. */
  at: string | number
  wantsKey: boolean
}

/** What `findDuplicateFields` says of the bytes that `value` was parsed from. Most documents repeat nothing, which counting shows. */
export function duplicateFields(bytes: Buffer, value: unknown): string[] {
  return countColons(bytes) === countMembers(value) ? [] : findDuplicateFields(bytes)
}

/** Of a valid document: as many as it has names of members. */
function countColons(bytes: Buffer): number {
  let colons = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) i = stringEnd(bytes, i)
    else if (byte === COLON) colons++
  }
  return colons
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let members = 0
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) members += countMembers(value[i])
    return members
  }
  const object = value as Record<string, unknown>
  for (const key in object) members += 1 + countMembers(object[key])
  return members
}

/** `duplicate field "metadata.name"` for each field that an object of this document, which is valid JSON, gives more than once. */
export function findDuplicateFields(json: Buffer | string): string[] {
  const bytes = typeof json === 'string' ? Buffer.from(json) : json
  const stack: Frame[] = []
  const found: string[] = []
  let top: Frame | undefined
  for (let i = 0; i < bytes.length && found.length < MAX_DUPLICATE_FIELDS; i++) {
    switch (bytes[i]) {
      case OPEN_BRACE:
        stack.push((top = { list: false, seen: new Set(), reported: new Set(), at: '', wantsKey: true }))
        break
      case OPEN_BRACKET:
        stack.push((top = { list: true, seen: undefined, reported: undefined, at: 0, wantsKey: false }))
        break
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        stack.pop()
        top = stack.at(-1)
        break
      case COMMA:
        if (top?.list === false) top.wantsKey = true
        else if (top !== undefined && typeof top.at === 'number') top.at++
        break
      case QUOTE: {
        const end = stringEnd(bytes, i)
        if (top?.wantsKey) noteKey(stack, top, keyText(bytes, i, end), found)
        i = end
        break
      }
      default:
    }
  }
  return found
}

function keyText(bytes: Buffer, start: number, end: number): string {
  const raw = bytes.toString('utf8', start + 1, end)
  return raw.includes('\\') ? String(JSON.parse(`"${raw}"`)) : raw
}

function noteKey(stack: readonly Frame[], top: Frame, key: string, found: string[]): void {
  top.wantsKey = false
  top.at = key
  if (!top.seen?.has(key)) {
    top.seen?.add(key)
    return
  }
  if (top.reported?.has(key)) return
  top.reported?.add(key)
  let path = ''
  for (const { at } of stack) path += typeof at === 'number' ? `[${at}]` : `${path && '.'}${at}`
  found.push(`duplicate field ${JSON.stringify(path)}`)
}
