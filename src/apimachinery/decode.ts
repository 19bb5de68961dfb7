// Turns parsed JSON into an object of a schema: types checked, unknown fields pruned and named, values brought into the one form that is stored.

import { dynamicReader } from './decode-dynamic.ts'
import { NILABLE_FIELDS } from './nilable-fields.ts'
import { isObject, type JsonObject, setOwn } from './objects.ts'
import { DecodeError, describe, GO_TYPES, Mismatch, READ_SCALAR } from './scalars.ts'
import type { Field, Struct } from './schema.ts'

export { DecodeError } from './scalars.ts'

/** What becomes of fields that the schema does not know: all modes prune them, `ignore` does not name them. */
export interface DecodeOptions {
  unknownFields: 'strict' | 'warn' | 'ignore'
}

export interface Decoded<T> {
  value: T
  /** `unknown field "spec.foo"`, in the order of the document. */
  unknown: string[]
}

/** The most unknown fields that are named; more would only make the answer longer. */
export const MAX_UNKNOWN_FIELDS = 100

/** Stands in a path before a key of a map, because Go leaves those out of the path of a type error. */
const IN_MAP = null

/** Where decoding stands. The stacks are reused through one call, so that a good object costs no strings. */
export interface DecodeContext {
  readonly collect: boolean
  readonly unknown: string[]
  readonly path: (string | number | null)[]
  depth: number
  /** The structs around the value, as Go names them. */
  readonly owners: string[]
  ownerDepth: number
}

/** Yields undefined where the value means "absent". */
export type Reader = (value: unknown, context: DecodeContext) => unknown

/**
 * Decodes `value`, which is never changed: what is returned shares only its immutable parts (and `any` subtrees).
 * Throws a DecodeError in Go's words when a value cannot be what its field says.
 */
export function decode<T>(struct: Struct<T>, value: unknown, options: DecodeOptions): Decoded<T> {
  const context: DecodeContext = {
    collect: options.unknownFields !== 'ignore',
    unknown: [],
    path: [],
    depth: 0,
    owners: [],
    ownerDepth: 0,
  }
  try {
    const decoded = rootReader(struct)(value, context)
    return { value: decoded as T, unknown: context.unknown }
  } catch (error) {
    if (error instanceof Mismatch) throw new DecodeError(mismatchText(error, context, struct))
    throw error
  }
}

function mismatchText(error: Mismatch, context: DecodeContext, struct: Struct): string {
  const owner = context.owners[context.ownerDepth - 1]
  if (owner === undefined) return `json: cannot unmarshal ${error.found} into Go value of type ${goName(struct)}`
  const path = context.path.slice(0, context.depth)
  const fields = path.filter((part, i) => typeof part === 'string' && path[i - 1] !== IN_MAP)
  const type = owner.slice(owner.indexOf('.') + 1)
  return `json: cannot unmarshal ${error.found} into Go struct field ${type}.${fields.join('.')} of type ${error.wanted}`
}

/** Remembers that the member where decoding stands is not a field. */
export function noteUnknown(context: DecodeContext): void {
  if (!context.collect || context.unknown.length >= MAX_UNKNOWN_FIELDS) return
  let path = ''
  for (const part of context.path.slice(0, context.depth)) {
    if (typeof part === 'number') path += `[${part}]`
    else if (part !== IN_MAP) path += `${path && '.'}${part}`
  }
  context.unknown.push(`unknown field ${JSON.stringify(path)}`)
}

const roots = new WeakMap<Struct, Reader>()
const nested = new WeakMap<Struct, Reader>()

function rootReader(struct: Struct): Reader {
  let reader = roots.get(struct)
  if (reader === undefined) {
    reader = struct.dynamic === true ? dynamicReader(struct, true) : structReader(struct, true)
    roots.set(struct, reader)
  }
  return reader
}

/** The reader of a struct that stands inside another. */
export function nestedReader(struct: Struct): Reader {
  let reader = nested.get(struct)
  if (reader === undefined) {
    reader = struct.dynamic === true ? dynamicReader(struct, false) : structReader(struct, false)
    nested.set(struct, reader)
  }
  return reader
}

/** `io.k8s.api.core.v1.PodSpec` is `v1.PodSpec` to Go. */
function goName(struct: Struct): string {
  return struct.name.split('.').slice(-2).join('.')
}

/** A field, ready to read. */
interface Member {
  readonly read: Reader
  /** An empty text, zero and false are the same as nothing. */
  readonly dropsZero: boolean
}

const TYPE_MEMBER: Member = { read: READ_SCALAR.string, dropsZero: false }

function structReader(struct: Struct, root: boolean): Reader {
  const name = goName(struct)
  const fields = new Map<string, Member>()
  if (root || struct.embedded === true) for (const key of ['apiVersion', 'kind']) fields.set(key, TYPE_MEMBER)
  // A required bool has no third state in Go: absent is false, and false is written.
  const falseWhenAbsent: string[] = []
  // Readers are made on the first use, so that recursive schemas end.
  let compiled = false
  const compile = (): void => {
    compiled = true
    for (const [key, field] of Object.entries(struct.fields)) {
      fields.set(key, memberOf(struct, key, field))
      if (field.required && field.type === 'bool') falseWhenAbsent.push(key)
    }
  }
  return (value, context) => {
    if (!isObject(value)) throw new Mismatch(describe(value), name)
    if (!compiled) compile()
    const out: JsonObject = {}
    context.owners[context.ownerDepth++] = name
    const depth = context.depth++
    for (const key in value) {
      context.path[depth] = key
      const member = fields.get(key)
      if (member === undefined) {
        noteUnknown(context)
        continue
      }
      const raw = value[key]
      if (raw === null || raw === undefined) continue
      const decoded = member.read(raw, context)
      if (decoded !== undefined && (decoded || !member.dropsZero)) out[key] = decoded
    }
    context.depth = depth
    context.ownerDepth--
    for (let i = 0; i < falseWhenAbsent.length; i++) out[falseWhenAbsent[i] ?? ''] ??= false
    return out
  }
}

/** Types whose zero Go leaves out (`omitempty`): structs, raw JSON and what has a message of its own are kept as they are. */
const OMITTED_WHEN_ZERO = new Set<Field['type']>(['string', 'bytes', 'int32', 'int64', 'double', 'bool', 'list', 'map'])

/** Whether zero and absent are the same to this field, so that zero is not kept. */
export function zeroIsAbsent(struct: Struct, key: string, field: Field): boolean {
  if (!OMITTED_WHEN_ZERO.has(field.type)) return false
  if (field.required || field.always === true || struct.dynamic === true) return false
  if (field.nilable !== undefined) return !field.nilable
  const dot = struct.name.lastIndexOf('.')
  const message = NILABLE_FIELDS[struct.name.slice(0, dot)]
  if (message === undefined) return false
  const name = struct.name.slice(dot + 1)
  return !(Object.hasOwn(message, name) && message[name]?.split(' ').includes(key))
}

function memberOf(struct: Struct, key: string, field: Field): Member {
  const read = elementReader(field)
  if (!zeroIsAbsent(struct, key, field)) return { read, dropsZero: false }
  return { read: unlessEmpty(field, read), dropsZero: true }
}

/** Of lists and maps; the zeros of all other types are false to JavaScript, too. */
function unlessEmpty(field: Field, read: Reader): Reader {
  switch (field.type) {
    case 'list':
      return (value, context) => {
        const list = read(value, context)
        return Array.isArray(list) && list.length === 0 ? undefined : list
      }
    case 'map':
      return (value, context) => {
        const map = read(value, context)
        for (const _ in map as JsonObject) return map
        return undefined
      }
    default:
      return read
  }
}

/** Reads a value of `field`'s type, wherever it stands. */
function elementReader(field: Field): Reader {
  switch (field.type) {
    case 'any':
      return (value) => value
    case 'struct':
      if (field.struct === undefined) throw new Error('Cannot decode: a struct field names no struct')
      return nestedReader(field.struct())
    case 'list':
      return listReader(field)
    case 'map':
      return mapReader(field)
    default:
      return READ_SCALAR[field.type]
  }
}

function element(field: Field): Field {
  if (field.of === undefined) throw new Error(`Cannot decode: a ${field.type} field names no element`)
  return field.of
}

function listReader(field: Field): Reader {
  const of = element(field)
  const read = elementReader(of)
  const wanted = goType(field)
  return (value, context) => {
    if (!Array.isArray(value)) throw new Mismatch(describe(value), wanted)
    const out: unknown[] = new Array(value.length)
    const depth = context.depth++
    for (let i = 0; i < value.length; i++) {
      context.path[depth] = i
      const item: unknown = value[i]
      out[i] = item === null || item === undefined ? zeroOf(of) : read(item, context)
    }
    context.depth = depth
    return out
  }
}

function mapReader(field: Field): Reader {
  const of = element(field)
  const read = elementReader(of)
  const wanted = goType(field)
  return (value, context) => {
    if (!isObject(value)) throw new Mismatch(describe(value), wanted)
    const out: JsonObject = {}
    const { depth } = context
    context.depth += 2
    for (const key in value) {
      context.path[depth] = IN_MAP
      context.path[depth + 1] = key
      const item = value[key]
      setOwn(out, key, item === null || item === undefined ? zeroOf(of) : read(item, context))
    }
    context.depth = depth
    return out
  }
}

/** What Go leaves in a list or map where the document says null. */
function zeroOf(field: Field): unknown {
  switch (field.type) {
    case 'struct':
      return {}
    case 'list':
      return []
    case 'map':
      return {}
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return 0
    case 'bool':
      return false
    case 'quantity':
      return '0'
    case 'any':
      return null
    default:
      return ''
  }
}

/** The type in Go's words: `[]v1.Container`, `map[string]string`. */
function goType(field: Field): string {
  switch (field.type) {
    case 'list':
      return `[]${goType(element(field))}`
    case 'map':
      return `map[string]${goType(element(field))}`
    case 'struct':
      return field.struct === undefined ? 'struct' : goName(field.struct())
    case 'any':
      return 'runtime.RawExtension'
    default:
      return GO_TYPES[field.type]
  }
}
