// What expressions compute with. int is a bigint, double a number; the rest that JavaScript lacks are classes.

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | Uint
  | Timestamp
  | Duration
  | ListValue
  | MapValue
  | TypeValue
  | OptionalValue
  | OpaqueValue
  | Failed

/** An error is a value, so that `&&` and `||` can absorb it without unwinding. */
export class Failed {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

export class Uint {
  readonly value: bigint
  constructor(value: bigint) {
    this.value = value
  }
}

/** Nanoseconds since 1970, UTC. */
export class Timestamp {
  readonly ns: bigint
  constructor(ns: bigint) {
    this.ns = ns
  }
}

export class Duration {
  readonly ns: bigint
  constructor(ns: bigint) {
    this.ns = ns
  }
}

export class TypeValue {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

export class OptionalValue {
  /** undefined: none. */
  readonly value: Value | undefined
  constructor(value: Value | undefined) {
    this.value = value
  }
}
export const NONE = new OptionalValue(undefined)

/** A value of a library's own type. */
export abstract class OpaqueValue {
  abstract readonly typeName: string
  abstract equals(other: OpaqueValue): boolean
  /** What size() would say, where costs depend on it. */
  get size(): number {
    return 1
  }
}

export abstract class ListValue {
  abstract readonly length: number
  abstract at(index: number): Value
  /** Lists of data may be sets or maps by key, which are equal in any order. */
  equals(other: ListValue): boolean {
    if (this.length !== other.length) return false
    for (let i = 0; i < this.length; i++) if (!equal(this.at(i), other.at(i))) return false
    return true
  }
  concat(other: ListValue): ListValue {
    return new Items([...this, ...other])
  }
  *[Symbol.iterator](): Iterator<Value> {
    for (let i = 0; i < this.length; i++) yield this.at(i)
  }
}

export class Items extends ListValue {
  readonly #items: Value[]
  /** A loop's own list, which grows in place until the loop ends. */
  open = false
  constructor(items: Value[]) {
    super()
    this.#items = items
  }
  get length(): number {
    return this.#items.length
  }
  at(index: number): Value {
    const value = this.#items[index]
    return value === undefined ? new Failed(`index out of bounds: ${index}`) : value
  }
  override concat(other: ListValue): ListValue {
    if (!this.open) return super.concat(other)
    for (const item of other) this.#items.push(item)
    return this
  }
}

export abstract class MapValue {
  abstract readonly size: number
  abstract get(key: Value): Value | undefined
  abstract keys(): Value[]
  equals(other: MapValue): boolean {
    if (this.size !== other.size) return false
    for (const key of this.keys()) {
      const [mine, theirs] = [this.get(key), other.get(key)]
      if (mine === undefined || theirs === undefined || !equal(mine, theirs)) return false
    }
    return true
  }
}

export class Entries extends MapValue {
  readonly #entries = new Map<string, [Value, Value]>()
  open = false
  get size(): number {
    return this.#entries.size
  }
  get(key: Value): Value | undefined {
    const canonical = canonicalKey(key)
    return canonical === undefined ? undefined : this.#entries.get(canonical)?.[1]
  }
  keys(): Value[] {
    return Array.from(this.#entries.values(), ([key]) => key)
  }
  /** False when the key is there already. */
  insert(key: Value, value: Value): boolean {
    const canonical = canonicalKey(key) ?? ''
    if (this.#entries.has(canonical)) return false
    this.#entries.set(canonical, [key, value])
    return true
  }
  with(key: Value, value: Value): MapValue | Failed {
    const target = this.open ? this : copyOf(this)
    return target.insert(key, value) ? target : new Failed(`insert failed: key ${show(key)} already exists`)
  }
}

export function copyOf(map: MapValue): Entries {
  const copy = new Entries()
  for (const key of map.keys()) copy.insert(key, map.get(key) ?? null)
  return copy
}

/** Numbers that are equal are one key, whatever their type. */
export function canonicalKey(key: Value): string | undefined {
  switch (typeof key) {
    case 'string':
      return `s${key}`
    case 'bigint':
      return `n${key}`
    case 'boolean':
      return `b${key}`
    case 'number':
      return Number.isInteger(key) ? `n${BigInt(key)}` : `n${key}`
    default:
      return key instanceof Uint ? `n${key.value}` : undefined
  }
}

/** An error is never equal to anything; callers look for it first. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return !Number.isNaN(a)
  if (isNumber(a) && isNumber(b)) return compareNumbers(a, b) === 0
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false
  if (a instanceof ListValue) return b instanceof ListValue && a.equals(b)
  if (a instanceof MapValue) return b instanceof MapValue && a.equals(b)
  if (a instanceof Timestamp) return b instanceof Timestamp && a.ns === b.ns
  if (a instanceof Duration) return b instanceof Duration && a.ns === b.ns
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name
  if (a instanceof Uint8Array) return b instanceof Uint8Array && compareBytes(a, b) === 0
  if (a instanceof OptionalValue) {
    if (!(b instanceof OptionalValue)) return false
    if (a.value === undefined || b.value === undefined) return a.value === b.value
    return equal(a.value, b.value)
  }
  if (a instanceof OpaqueValue) return b instanceof OpaqueValue && a.typeName === b.typeName && a.equals(b)
  return false
}

export type NumberValue = bigint | number | Uint
export const isNumber = (v: Value): v is NumberValue =>
  typeof v === 'bigint' || typeof v === 'number' || v instanceof Uint

const plain = (v: NumberValue): bigint | number => (v instanceof Uint ? v.value : v)

/** undefined when one of them is no number at all. Between an integer and a double, the integer becomes a double, as in cel-go. */
export function compareNumbers(a: NumberValue, b: NumberValue): -1 | 0 | 1 | undefined {
  let [x, y] = [plain(a), plain(b)]
  if (typeof x !== typeof y) [x, y] = [Number(x), Number(y)]
  if (x < y) return -1
  if (x > y) return 1
  return x === y ? 0 : undefined
}

export function compareBytes(a: Uint8Array, b: Uint8Array): -1 | 0 | 1 {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [x = 0, y = 0] = [a[i], b[i]]
    if (x !== y) return x < y ? -1 : 1
  }
  return a.length === b.length ? 0 : a.length < b.length ? -1 : 1
}

/** By code points, as Go compares the UTF-8 of strings; UTF-16 units would order the astral planes wrongly. */
export function compareStrings(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x === y) continue
    const [surrogateX, surrogateY] = [(x & 0xf800) === 0xd800, (y & 0xf800) === 0xd800]
    if (surrogateX !== surrogateY) return surrogateX ? 1 : -1
    return x < y ? -1 : 1
  }
  return a.length < b.length ? -1 : 1
}

/** The name of a value's type, as type() and messages give it. */
export function typeNameOf(value: Value): string {
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'bigint') return 'int'
  if (typeof value === 'number') return 'double'
  if (typeof value === 'string') return 'string'
  if (value === null) return 'null_type'
  if (value instanceof Uint) return 'uint'
  if (value instanceof Uint8Array) return 'bytes'
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp'
  if (value instanceof Duration) return 'google.protobuf.Duration'
  if (value instanceof ListValue) return 'list'
  if (value instanceof MapValue) return 'map'
  if (value instanceof TypeValue) return 'type'
  if (value instanceof OptionalValue) return 'optional_type'
  if (value instanceof OpaqueValue) return value.typeName
  return 'error'
}

/** A value inside an error's text. */
export function show(value: Value): string {
  if (typeof value === 'string' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return String(value)
  if (value instanceof Uint) return String(value.value)
  if (value === null) return 'null'
  return typeNameOf(value)
}

/** How many code points: what size() of a string is. */
export function codePoints(text: string): number {
  let count = text.length
  for (let i = 0; i < text.length - 1; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      count--
      i++
    }
  }
  return count
}

/** The size that costs are counted by. */
export function costSize(value: Value): number {
  if (typeof value === 'string') return codePoints(value)
  if (value instanceof Uint8Array || value instanceof ListValue) return value.length
  if (value instanceof MapValue || value instanceof OpaqueValue) return value.size
  if (value instanceof OptionalValue && value.value !== undefined) return costSize(value.value)
  return 1
}
