// An expression as a tree. The checker writes what it finds onto the nodes: types, overloads, what a name refers to.

import type { Type } from './types.ts'
import type { Value } from './values.ts'

interface Node {
  readonly id: number
  /** Where it stands in the source, in code points. */
  readonly at: number
  type?: Type
}

export interface Literal extends Node {
  is: 'literal'
  value: Value
}
export interface Ident extends Node {
  is: 'ident'
  name: string
  /** The name of a type, or another constant. */
  constant?: Value
}
export interface Select extends Node {
  is: 'select'
  of: Expr
  field: string
  /** has(e.f) */
  test: boolean
  /** A dotted name that the checker found to be one constant. */
  constant?: Value
}
export interface Call extends Node {
  is: 'call'
  name: string
  target?: Expr
  args: Expr[]
  overloads?: readonly string[]
}
export interface ListExpr extends Node {
  is: 'list'
  items: Expr[]
  /** Which items are written with a question mark. */
  optional: ReadonlySet<number>
}
export interface MapEntry {
  key: Expr
  value: Expr
  optional: boolean
}
export interface MapExpr extends Node {
  is: 'map'
  entries: MapEntry[]
}
export interface StructExpr extends Node {
  is: 'struct'
  name: string
  fields: { id: number; at: number; name: string; value: Expr; optional: boolean }[]
}
export interface Comprehension extends Node {
  is: 'comprehension'
  range: Expr
  variable: string
  variable2?: string
  accumulator: string
  init: Expr
  condition: Expr
  step: Expr
  result: Expr
}

export type Expr = Literal | Ident | Select | Call | ListExpr | MapExpr | StructExpr | Comprehension

/** What a macro's loop collects into; no author can write this name. */
export const ACCUMULATOR = '@result'

/** `a.b.c` as its parts. */
export function qualifiedName(e: Expr): string | undefined {
  if (e.is === 'ident') return e.name
  if (e.is !== 'select' || e.test) return undefined
  const prefix = qualifiedName(e.of)
  return prefix === undefined ? undefined : `${prefix}.${e.field}`
}
