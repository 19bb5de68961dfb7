// YAML within limits, read as the API's YAML is: version 1.1's words for booleans, octal numbers, merge keys; and written back sorted.

import type { Document, ParsedNode, Tags } from 'yaml'
import { LineCounter, parseAllDocuments, stringify } from 'yaml'
import { MAX_JSON_BYTES, MAX_JSON_DEPTH } from './json.ts'
import { DecodeError } from './scalars.ts'

/** How often anchors may be expanded in one document: enough for people, not for a billion laughs. */
export const MAX_YAML_ALIASES = 100

/** The most documents in one stream. */
export const MAX_YAML_DOCUMENTS = 10_000

/** So much of a text is looked at for a key. */
const MAX_KEY_CHARACTERS = 300

export interface DecodedYaml {
  value: unknown
  /** `line 3: key "name" already set in map`: an error in strict mode; otherwise the last one counts. */
  duplicates: string[]
}

/** One document. Throws a DecodeError when it is too large or no YAML. */
export function decodeYaml(bytes: Buffer | string, maxBytes = MAX_JSON_BYTES): DecodedYaml {
  const [first = { value: null, duplicates: [] }] = decodeYamlDocuments(bytes, maxBytes)
  return first
}

/** All the documents of a stream, without the empty ones. */
export function decodeYamlDocuments(bytes: Buffer | string, maxBytes = MAX_JSON_BYTES): DecodedYaml[] {
  const size = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
  if (size > maxBytes) throw new DecodeError(`request is too large: limit is ${maxBytes} bytes`)
  const lines = new LineCounter()
  try {
    const text = bytes.toString()
    const documents = parseAllDocuments(text, {
      schema: 'yaml-1.1',
      merge: true,
      customTags: withoutTimes,
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'error',
    })
    if (documents.length > MAX_YAML_DOCUMENTS)
      throw new DecodeError(`error converting YAML to JSON: more than ${MAX_YAML_DOCUMENTS} documents`)
    const list = Array.isArray(documents) ? documents : []
    return list.map((document) => decodeDocument(document, lines, text)).filter(({ value }) => value !== null)
  } catch (error) {
    if (error instanceof DecodeError) throw error
    // The parser recurses, so nesting without end ends as a RangeError; too many aliases are a ReferenceError.
    const why =
      error instanceof RangeError ? 'exceeded max depth' : error instanceof Error ? error.message : String(error)
    throw new DecodeError(`error converting YAML to JSON: yaml: ${why}`, { cause: error })
  }
}

/** Kubernetes' YAML has no dates and no numbers of base 60: `2020-01-01` and `1:30` are text. */
function withoutTimes(tags: Tags): Tags {
  return tags.filter(
    (tag) => typeof tag === 'string' || !(tag.tag.endsWith(':timestamp') || ('format' in tag && tag.format === 'TIME')),
  )
}

/** The commonest faults in the words of Go's parser; it names no line when that is the first. */
const GO_FAULTS: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY: 'mapping values are not allowed in this context',
  TAB_AS_INDENT: 'found character that cannot start any token',
}

function faultAt(line: number, { code, message }: { code: string; message: string }): string {
  return `yaml: ${line > 1 ? `line ${line}: ` : ''}${GO_FAULTS[code] ?? message}`
}

/** The key that stands at an offset, plain or quoted. */
function keyAt(text: string, offset: number): string {
  const key = /^(?:"([^"\n]*)"|'([^'\n]*)'|([^:\n]*?))\s*:/.exec(text.slice(offset, offset + MAX_KEY_CHARACTERS))
  return key?.[1] ?? key?.[2] ?? key?.[3] ?? ''
}

function decodeDocument(document: Document.Parsed<ParsedNode>, lines: LineCounter, text: string): DecodedYaml {
  const duplicates: string[] = []
  for (const error of document.errors) {
    const { line } = lines.linePos(error.pos[0])
    if (error.code !== 'DUPLICATE_KEY') throw new DecodeError(`error converting YAML to JSON: ${faultAt(line, error)}`)
    duplicates.push(`line ${line}: key ${JSON.stringify(keyAt(text, error.pos[0]))} already set in map`)
  }
  const value: unknown = document.toJS({ maxAliasCount: MAX_YAML_ALIASES })
  checkTree(value, 0)
  return { value, duplicates }
}

/** YAML can say what JSON cannot: infinities, dates of its own, nesting without end. */
function checkTree(value: unknown, depth: number): void {
  if (depth > MAX_JSON_DEPTH) throw new DecodeError('error converting YAML to JSON: exceeded max depth')
  if (typeof value === 'number' && !Number.isFinite(value)) throw new DecodeError(`json: unsupported value: ${value}`)
  if (typeof value !== 'object' || value === null) return
  if (value instanceof Set || value instanceof Map || value instanceof Uint8Array) {
    throw new DecodeError('error converting YAML to JSON: a tag that JSON has no value for')
  }
  for (const member of Object.values(value)) checkTree(member, depth + 1)
}

const YAML_STYLE = {
  aliasDuplicateObjects: false,
  keepUndefined: false,
  schema: 'yaml-1.1',
  sortMapEntries: true,
  lineWidth: 0,
  indentSeq: false,
  version: '1.1',
} as const

/** YAML of a JSON value: keys sorted, lists flush with their key, words quoted that a YAML 1.1 reader would take for something else. */
export function encodeYaml(value: unknown): string {
  return stringify(value, YAML_STYLE)
}
