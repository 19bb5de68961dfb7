// How libraries declare their functions: typed overloads with what they do.

import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listOf,
  mapOf,
  optionalOf,
  param,
  STRING,
  TIMESTAMP,
  type Type,
  UINT,
} from './types.ts'
import type { Duration, ListValue, MapValue, OptionalValue, Timestamp, Uint, Value } from './values.ts'

export interface Overload {
  readonly id: string
  readonly member: boolean
  readonly params: readonly Type[]
  readonly result: Type
  /** Arguments are values of the parameters' types, never errors: whoever calls has made sure. */
  call(...args: Value[]): Value
}

export type Functions = Readonly<Record<string, readonly Overload[]>>

/** A parameter: its type, and the JavaScript class of its values. */
export interface Param<out V> {
  readonly type: Type
  /** Never set: it only carries the class. */
  readonly of?: V
}

export const bool: Param<boolean> = { type: BOOL }
export const int: Param<bigint> = { type: INT }
export const uint: Param<Uint> = { type: UINT }
export const double: Param<number> = { type: DOUBLE }
export const string: Param<string> = { type: STRING }
export const bytes: Param<Uint8Array> = { type: BYTES }
export const timestamp: Param<Timestamp> = { type: TIMESTAMP }
export const duration: Param<Duration> = { type: DURATION }
export const dyn: Param<Value> = { type: DYN }

/** The type variables of generic functions. */
export const A = param('A')
export const B = param('B')
export const a: Param<Value> = { type: A }
export const b: Param<Value> = { type: B }
export const list = (of: Type): Param<ListValue> => ({ type: listOf(of) })
export const listOfA: Param<ListValue> = list(A)
export const mapOfAB: Param<MapValue> = { type: mapOf(A, B) }
export const optionalA: Param<OptionalValue> = { type: optionalOf(A) }
export const own = <V extends Value>(type: Type): Param<V> => ({ type })

type Params = readonly Param<Value>[]
/** The arguments of parameters. */
type Arguments<P extends Params> = { -readonly [I in keyof P]: P[I] extends Param<infer V> ? V : never }

/** `f(a, b)` */
export function global<const P extends Params>(
  id: string,
  params: P,
  result: Type,
  call: (...args: Arguments<P>) => Value,
): Overload {
  const types = params.map(({ type }) => type)
  return { id, member: false, params: types, result, call: call as unknown as Overload['call'] }
}

/** `a.f(b)`: the first parameter is the receiver. */
export function method<const P extends Params>(
  id: string,
  params: P,
  result: Type,
  call: (...args: Arguments<P>) => Value,
): Overload {
  return { ...global(id, params, result, call), member: true }
}

/** Libraries put together; a function that several declare has the overloads of all. */
export function merge(...libraries: readonly Functions[]): ReadonlyMap<string, readonly Overload[]> {
  const all = new Map<string, Overload[]>()
  for (const library of libraries) {
    for (const [name, overloads] of Object.entries(library)) {
      const known = all.get(name)
      if (known) known.push(...overloads)
      else all.set(name, [...overloads])
    }
  }
  return all
}
