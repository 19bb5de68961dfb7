// An object's JSON as values of expressions: seen through its schema, converted only where an expression looks.

import { isObject } from '../../objects.ts'
import type { JsonSchema } from '../../schema-validator.ts'
import { duration, parseTimestamp } from '../time.ts'
import { canonicalKey, Duration, equal, Failed, ListValue, MapValue, Timestamp, type Value } from '../values.ts'
import { withObjectMeta } from './declared-type.ts'
import { escapeProperty, unescapeProperty } from './property-names.ts'

/** How values of a schema are seen. */
export type View = (data: unknown) => Value

export function viewOf(schema: JsonSchema, isResource = false): View {
  const view = typedView(schema, isResource)
  const nullable = schema['nullable'] === true
  return (data) => {
    if (data !== null && data !== undefined) return view(data)
    return nullable ? null : new Failed('invalid data, got null for schema with nullable=false')
  }
}

function typedView(schema: JsonSchema, isResource: boolean): View {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return (data) => {
      if (typeof data === 'string') return data
      if (typeof data === 'number' && Number.isInteger(data)) return BigInt(data)
      return new Failed('invalid data, expected XIntOrString value to be either a string or integer')
    }
  }
  switch (schema['type']) {
    case 'object':
      return objectView(
        isResource || schema['x-kubernetes-embedded-resource'] === true ? withObjectMeta(schema) : schema,
      )
    case 'array':
      return listView(schema)
    case 'string':
      return stringView(schema['format'])
    case 'number':
      return (data) => (typeof data === 'number' ? data : wrongType('float', data))
    case 'integer':
      return (data) => (typeof data === 'number' && Number.isInteger(data) ? BigInt(data) : wrongType('int', data))
    case 'boolean':
      return (data) => (typeof data === 'boolean' ? data : wrongType('bool', data))
    default:
      return (data) => new Preserved(data)
  }
}

const wrongType = (wanted: string, data: unknown): Failed =>
  new Failed(`invalid data, expected ${wanted}, got ${Array.isArray(data) ? '[]interface {}' : typeof data}`)

const NO_MAP = new Failed('invalid data, expected a map for the provided schema with type=object')
const NO_ARRAY = new Failed('invalid data, expected an array for the provided schema with type=array')

function stringView(format: unknown): View {
  const read: (text: string) => Value = readerOf(format)
  return (data) => (typeof data === 'string' ? read(data) : wrongType('string', data))
}

function readerOf(format: unknown): (text: string) => Value {
  const refuse = (what: string, text: string): Failed => new Failed(`Invalid ${what} ${text}`)
  switch (format) {
    case 'duration':
      return (text) => {
        const ns = duration(text.replace(/\s+/g, ''))
        return ns === undefined ? refuse('duration', text) : new Duration(ns)
      }
    case 'date':
      return (text) => {
        const ns = parseTimestamp(`${text}T00:00:00Z`)
        return ns === undefined ? refuse('date formatted string', text) : new Timestamp(ns)
      }
    case 'date-time':
      return (text) => {
        const ns = parseTimestamp(text)
        return ns === undefined ? refuse('date-time formatted string', text) : new Timestamp(ns)
      }
    case 'byte':
      return (text) => {
        try {
          return Uint8Array.fromBase64(text)
        } catch {
          return refuse('byte formatted string', text)
        }
      }
    default:
      return (text) => text
  }
}

function objectView(schema: JsonSchema): View {
  const { properties } = schema
  const additional = schema['additionalProperties']
  if (isObject(properties)) {
    const views = new Map<string, View>()
    for (const [name, property] of Object.entries(properties)) if (isObject(property)) views.set(name, lazy(property))
    return (data) => (isObject(data) ? new Fields(data, views) : NO_MAP)
  }
  const view = isObject(additional) ? lazy(additional) : undefined
  return (data) => (isObject(data) ? new Keyed(data, view) : NO_MAP)
}

/** Made when it is first needed: most of a schema no expression looks at. */
function lazy(schema: JsonSchema): View {
  let view: View | undefined
  return (data) => {
    view ??= viewOf(schema)
    return view(data)
  }
}

/** An object of declared properties. A null is as good as nothing there. */
class Fields extends MapValue {
  readonly #data: Readonly<Record<string, unknown>>
  readonly #views: ReadonlyMap<string, View>
  constructor(data: Readonly<Record<string, unknown>>, views: ReadonlyMap<string, View>) {
    super()
    this.#data = data
    this.#views = views
  }
  get size(): number {
    return Object.keys(this.#data).length
  }
  get(key: Value): Value | undefined {
    if (typeof key !== 'string') return new Failed('no such overload')
    const name = unescapeProperty(key)
    if (name === undefined || !Object.hasOwn(this.#data, name)) return undefined
    const data = this.#data[name]
    return data === null || data === undefined ? undefined : this.#views.get(name)?.(data)
  }
  keys(): Value[] {
    return Object.keys(this.#data)
      .filter((name) => this.#views.has(name))
      .map((name) => escapeProperty(name) ?? name)
  }
  /** What the schema does not know is compared as it is. */
  override equals(other: MapValue): boolean {
    if (!(other instanceof Fields)) return super.equals(other)
    if (this.size !== other.size) return false
    for (const [name, data] of Object.entries(this.#data)) {
      const theirs = other.#data[name]
      const view = this.#views.get(name)
      if (view && data !== null && theirs !== null && theirs !== undefined) {
        if (!equal(view(data), view(theirs))) return false
      } else if (JSON.stringify(data) !== JSON.stringify(theirs)) return false
    }
    return true
  }
}

class Keyed extends MapValue {
  readonly #data: Readonly<Record<string, unknown>>
  readonly #view: View | undefined
  constructor(data: Readonly<Record<string, unknown>>, view: View | undefined) {
    super()
    this.#data = data
    this.#view = view
  }
  get size(): number {
    return Object.keys(this.#data).length
  }
  get(key: Value): Value | undefined {
    if (typeof key !== 'string') return new Failed('no such overload')
    return Object.hasOwn(this.#data, key) ? this.#view?.(this.#data[key]) : undefined
  }
  keys(): Value[] {
    return this.#view ? Object.keys(this.#data) : []
  }
}

/** Data that no schema tells anything about: it can be compared, and nothing else. */
class Preserved extends MapValue {
  readonly size = 0
  readonly #data: unknown
  constructor(data: unknown) {
    super()
    this.#data = data
  }
  get(): undefined {
    return undefined
  }
  keys(): Value[] {
    return []
  }
  override equals(other: MapValue): boolean {
    return other instanceof Preserved && JSON.stringify(this.#data) === JSON.stringify(other.#data)
  }
}

type Identity = (item: Value) => string

function listView(schema: JsonSchema): View {
  const { items } = schema
  const view = isObject(items)
    ? lazy(items)
    : () => new Failed('invalid array type, expected Items with a non-empty Schema')
  const identity = identityOf(schema)
  return (data) => (Array.isArray(data) ? new DataList(data, view, identity) : NO_ARRAY)
}

/** What makes an item of a set or of a list by keys itself. */
function identityOf(schema: JsonSchema): Identity | undefined {
  const type = schema['x-kubernetes-list-type']
  if (type === 'set') return (item) => canonicalKey(item) ?? JSON.stringify(String(item))
  const keys = schema['x-kubernetes-list-map-keys']
  if (type !== 'map' || !Array.isArray(keys)) return undefined
  const names = keys.map((key) => escapeProperty(String(key)) ?? String(key))
  return (item) =>
    item instanceof MapValue ? JSON.stringify(names.map((name) => canonicalKey(item.get(name) ?? null) ?? null)) : ''
}

class DataList extends ListValue {
  readonly #data: readonly unknown[]
  readonly #view: View
  readonly #identity: Identity | undefined
  constructor(data: readonly unknown[], view: View, identity: Identity | undefined) {
    super()
    this.#data = data
    this.#view = view
    this.#identity = identity
  }
  get length(): number {
    return this.#data.length
  }
  at(index: number): Value {
    return this.#view(this.#data[index])
  }
  /** Sets and lists by key are equal in any order. */
  override equals(other: ListValue): boolean {
    const identity = this.#identity
    if (!identity) return super.equals(other)
    if (this.length !== other.length) return false
    const mine = new Map([...this].map((item) => [identity(item), item]))
    for (const item of other) {
      const own = mine.get(identity(item))
      if (own === undefined || !equal(own, item)) return false
    }
    return true
  }
  /** Sets do not grow by what is in them; in lists by key the later item wins, in the earlier one's place. */
  override concat(other: ListValue): ListValue {
    const identity = this.#identity
    if (!identity) return super.concat(other)
    const all = new Map([...this].map((item) => [identity(item), item]))
    for (const item of other) all.set(identity(item), item)
    return new Joined([...all.values()], identity)
  }
}

/** What adding to a set or a list by key makes: it stays one. */
class Joined extends ListValue {
  readonly #items: readonly Value[]
  readonly #identity: Identity
  constructor(items: readonly Value[], identity: Identity) {
    super()
    this.#items = items
    this.#identity = identity
  }
  get length(): number {
    return this.#items.length
  }
  at(index: number): Value {
    return this.#items[index] ?? new Failed(`index out of bounds: ${index}`)
  }
  override equals(other: ListValue): boolean {
    if (this.length !== other.length) return false
    const mine = new Map([...this].map((item) => [this.#identity(item), item]))
    return [...other].every((item) => equal(mine.get(this.#identity(item)) ?? new Failed(''), item))
  }
  override concat(other: ListValue): ListValue {
    const all = new Map([...this].map((item) => [this.#identity(item), item]))
    for (const item of other) all.set(this.#identity(item), item)
    return new Joined([...all.values()], this.#identity)
  }
}
