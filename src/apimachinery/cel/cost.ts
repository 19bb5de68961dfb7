// How much an expression can cost at most, told from its types alone: what rules are refused for before they ever run.

import { ACCUMULATOR, type Call, type Comprehension, type Expr, type Select } from './ast.ts'
import { LIST_COST, MAP_COST, PER_CHARACTER, PER_PATTERN_CHARACTER, STRUCT_COST } from './call-cost.ts'
import { add, ceilTimes, type Estimate, exactly, multiply, NOTHING, UNKNOWN, type Range, union } from './cost-range.ts'
import { DYN, type Type } from './types.ts'
import { codePoints } from './values.ts'

/** A node, or an element of one, as far as costs look at it. */
export interface Sized {
  readonly path: readonly string[] | undefined
  readonly type: Type
  readonly size: Range | undefined
  readonly literal?: unknown
}

/** How large the value at a path of the variables can be: `['self', 'spec', '@items']`. */
export type SizeOf = (path: readonly string[]) => Range | undefined

export interface CallEstimate {
  cost: Range
  size?: Range
}
export type EstimateCall = (
  name: string,
  overload: string,
  operands: { target: Sized | undefined; args: readonly Sized[] },
  sizeOf: (of: Sized) => Range,
) => CallEstimate | undefined

/** The cost of a checked expression, at least and at most. */
export function estimateCost(expr: Expr, sizeOf: SizeOf, estimateCall: EstimateCall): Estimate {
  return new Estimator(sizeOf, estimateCall).cost(expr)
}

interface EntrySizes {
  list: boolean
  key: Range
  value: Range
}
interface Local {
  path: readonly string[] | undefined
  size: Range | undefined
  entries: EntrySizes | undefined
}

const ONE = exactly(1)
const SCALARS = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint'])

class Estimator {
  readonly #sizeOf: SizeOf
  readonly #estimateCall: EstimateCall
  readonly #paths = new Map<Expr, readonly string[]>()
  readonly #sizes = new Map<Expr, Range>()
  readonly #entries = new Map<Expr, EntrySizes>()
  readonly #locals = new Map<string, Local[]>()

  constructor(sizeOf: SizeOf, estimateCall: EstimateCall) {
    this.#sizeOf = sizeOf
    this.#estimateCall = estimateCall
  }

  cost(e: Expr): Range {
    switch (e.is) {
      case 'literal':
        return NOTHING
      case 'ident':
        this.#paths.set(e, this.#local(e.name)?.path ?? (this.#local(e.name) ? [] : [e.name]))
        return ONE
      case 'select':
        return this.#select(e)
      case 'call':
        return this.#call(e)
      case 'list':
        return this.#list(e)
      case 'map':
        return this.#map(e)
      case 'struct':
        return e.fields.reduce((sum, { value }) => add(sum, this.cost(value)), exactly(STRUCT_COST))
      case 'comprehension':
        return isBinding(e) ? this.#binding(e) : this.#loop(e)
    }
  }

  #local(name: string): Local | undefined {
    return this.#locals.get(name)?.at(-1)
  }

  #push(name: string, local: Local): void {
    const stack = this.#locals.get(name)
    if (stack) stack.push(local)
    else this.#locals.set(name, [local])
  }

  #pop(name: string): void {
    this.#locals.get(name)?.pop()
  }

  #select(e: Select): Range {
    const of = this.cost(e.of)
    if (e.test) return of
    const { kind } = e.of.type ?? DYN
    this.#paths.set(e, extended(this.#path(e.of), e.field))
    return kind === 'map' || kind === 'struct' || kind === 'param' ? add(of, ONE) : of
  }

  #list(e: Expr & { is: 'list' }): Range {
    let cost = exactly(LIST_COST)
    let value: Range = e.items.length === 0 ? NOTHING : { min: Number.POSITIVE_INFINITY, max: 0 }
    for (const item of e.items) {
      cost = add(cost, this.cost(item))
      value = union(value, this.#sizeOrUnknown(item))
    }
    this.#entries.set(e, { list: true, key: ONE, value })
    return cost
  }

  #map(e: Expr & { is: 'map' }): Range {
    let cost = exactly(MAP_COST)
    const none: Range = e.entries.length === 0 ? NOTHING : { min: Number.POSITIVE_INFINITY, max: 0 }
    let [keys, values] = [none, none]
    for (const { key, value } of e.entries) {
      cost = add(add(cost, this.cost(key)), this.cost(value))
      keys = union(keys, this.#sizeOrUnknown(key))
      values = union(values, this.#sizeOrUnknown(value))
    }
    this.#entries.set(e, { list: false, key: keys, value: values })
    return cost
  }

  #call(e: Call): Range {
    if (e.name === 'dyn' && e.args[0]) {
      const [arg] = e.args
      const cost = this.cost(arg)
      this.#copySizes(e, arg)
      return add(ONE, cost)
    }
    const costs = e.args.map((arg) => this.cost(arg))
    const args = e.args.map((arg) => this.#sized(arg))
    if (!e.overloads || e.overloads.length === 0) return NOTHING
    const before = e.target ? this.cost(e.target) : NOTHING
    const target = e.target && this.#sized(e.target)
    let cost: Range = { min: Number.POSITIVE_INFINITY, max: 0 }
    let size: Range | undefined
    for (const overload of e.overloads) {
      const estimate = this.#overload(e, overload, { target, args }, costs)
      cost = union(cost, estimate.cost)
      if (estimate.size) size = size ? union(size, estimate.size) : estimate.size
      const [container] = e.args
      if (container && (overload === 'index_list' || overload === 'index_map')) {
        size = this.#entrySizes(container)?.value
        this.#paths.set(e, extended(this.#path(container), overload === 'index_list' ? '@items' : '@values'))
      }
      size ??= this.#size(e)
    }
    if (size) this.#sizes.set(e, size)
    return add(before, cost)
  }

  #overload(
    e: Call,
    overload: string,
    operands: { target: Sized | undefined; args: readonly Sized[] },
    costs: readonly Range[],
  ): CallEstimate {
    const sum = costs.reduce(add, NOTHING)
    const sizeOf = (of: Sized | undefined): Range => of?.size ?? UNKNOWN
    const own = this.#estimateCall(e.name, overload, operands, sizeOf)
    if (own) return { cost: add(own.cost, sum), ...(own.size ? { size: own.size } : {}) }
    const { target, args } = operands
    const [first, second] = args
    const [x, y] = [sizeOf(first), sizeOf(second)]
    switch (overload) {
      case 'string_format':
        if (target) return { cost: add(ceilTimes(sizeOf(target), PER_CHARACTER), sum) }
        break
      case 'string_to_bytes':
        return { cost: add(ceilTimes(x, PER_CHARACTER), sum), size: { min: x.min, max: x.max * 4 } }
      case 'bytes_to_string':
        return { cost: add(ceilTimes(x, PER_CHARACTER), sum), size: { min: Math.floor(x.min / 4), max: x.max } }
      case 'strings_quote':
        return { cost: add(ceilTimes(x, PER_CHARACTER), sum), size: { min: x.min + 2, max: x.max * 2 + 2 } }
      case 'starts_with_string':
      case 'ends_with_string':
        return { cost: add(ceilTimes(x, PER_CHARACTER), sum) }
      case 'in_list':
        return { cost: add(y, sum) }
      case 'matches_string': {
        if (!target) break
        const text = ceilTimes(add(sizeOf(target), ONE), PER_CHARACTER)
        return { cost: add(multiply(text, ceilTimes(x, PER_PATTERN_CHARACTER)), sum) }
      }
      case 'contains_string': {
        if (!target) break
        const text = ceilTimes(sizeOf(target), PER_CHARACTER)
        return { cost: add(multiply(text, ceilTimes(x, PER_CHARACTER)), sum) }
      }
      case 'logical_or':
      case 'logical_and': {
        const [left = NOTHING, right = NOTHING] = costs
        return { cost: { min: left.min, max: add(left, right).max } }
      }
      case 'conditional':
        return this.#conditional(e, args, costs)
      case 'add_string':
      case 'add_bytes':
      case 'add_list':
        return this.#addition(e, overload, { x, y }, sum)
    }
    if (!COMPARISONS.test(overload)) return { cost: add(ONE, sum) }
    const max = Math.min(x.max, y.max)
    return { cost: add(ceilTimes({ min: max > 0 ? 1 : 0, max }, PER_CHARACTER), sum) }
  }

  #conditional(e: Call, args: readonly Sized[], costs: readonly Range[]): CallEstimate {
    const [, then, otherwise] = e.args
    const [condition = NOTHING, one = NOTHING, two = NOTHING] = costs
    if (then && otherwise) this.#setEntries(e, unionEntries(this.#entrySizes(then), this.#entrySizes(otherwise)))
    return {
      cost: add(condition, union(one, two)),
      size: union(args[1]?.size ?? UNKNOWN, args[2]?.size ?? UNKNOWN),
    }
  }

  #addition(e: Call, overload: string, { x, y }: { x: Range; y: Range }, sum: Range): CallEstimate {
    const [left, right] = e.args
    const size = add(x, y)
    if (left && right) this.#setEntries(e, unionEntries(this.#entrySizes(left), this.#entrySizes(right)))
    return { cost: add(overload === 'add_list' ? ONE : ceilTimes(size, PER_CHARACTER), sum), size }
  }

  #loop(e: Comprehension): Range {
    let cost = add(this.cost(e.range), this.cost(e.init))
    this.#pushValue(e.accumulator, e.init)
    const range = this.#entrySizes(e.range)
    const isList = range ? range.list : e.range.type?.kind === 'list'
    const path = this.#path(e.range)
    const indices: Local = { path: extended(path, isList ? '@indices' : '@keys'), size: range?.key, entries: undefined }
    const values: Local = {
      path: extended(path, isList ? '@items' : '@values'),
      size: range?.value,
      entries: undefined,
    }
    if (e.variable2 !== undefined) {
      this.#push(e.variable, indices)
      this.#push(e.variable2, values)
    } else this.#push(e.variable, isList ? values : indices)
    const condition = this.cost(e.condition)
    const step = this.cost(e.step)
    this.#pop(e.variable)
    if (e.variable2 !== undefined) this.#pop(e.variable2)
    cost = add(cost, this.cost(e.result))
    this.#pop(e.accumulator)
    const count = this.#sizeOrUnknown(e.range)
    cost = add(cost, multiply(count, add(step, condition)))
    if (e.init.is === 'literal') {
      const size = this.#size(e.init)
      if (size) this.#sizes.set(e, size)
    } else if (e.init.is === 'list' || e.init.is === 'map') {
      this.#sizes.set(e, count)
      this.#setEntries(e, this.#entrySizes(e.step))
    }
    return cost
  }

  #binding(e: Comprehension): Range {
    const cost = add(this.cost(e.range), this.cost(e.init))
    this.#pushValue(e.accumulator, e.init)
    const result = this.cost(e.result)
    this.#pop(e.accumulator)
    this.#copySizes(e, e.result)
    return add(cost, result)
  }

  #pushValue(name: string, e: Expr): void {
    this.#push(name, { path: this.#path(e), size: this.#size(e), entries: this.#entrySizes(e) })
  }

  #path(e: Expr): readonly string[] | undefined {
    const local = e.is === 'ident' ? this.#local(e.name) : undefined
    return local ? local.path : this.#paths.get(e)
  }

  #sized(e: Expr): Sized {
    const path = this.#path(e)
    return {
      path: path?.[0] === ACCUMULATOR ? undefined : path,
      type: e.type ?? DYN,
      size: this.#size(e),
      ...(e.is === 'literal' ? { literal: e.value } : {}),
    }
  }

  #size(e: Expr): Range | undefined {
    const known = this.#sizes.get(e) ?? literalSize(e)
    if (known) return known
    const path = this.#path(e)
    const declared = path && path.length > 0 ? this.#sizeOf(path) : undefined
    if (declared) {
      this.#sizes.set(e, declared)
      return declared
    }
    if (isScalar(e.type ?? DYN)) return ONE
    return e.is === 'ident' ? this.#local(e.name)?.size : undefined
  }

  #sizeOrUnknown(e: Expr): Range {
    return this.#size(e) ?? UNKNOWN
  }

  #entrySizes(e: Expr): EntrySizes | undefined {
    return this.#entries.get(e) ?? (e.is === 'ident' ? this.#local(e.name)?.entries : undefined)
  }

  #setEntries(e: Expr, sizes: EntrySizes | undefined): void {
    if (sizes) this.#entries.set(e, sizes)
  }

  #copySizes(to: Expr, from: Expr): void {
    const size = this.#size(from)
    if (size) this.#sizes.set(to, size)
    this.#setEntries(to, this.#entrySizes(from))
  }
}

const COMPARISONS = /^(?:less|greater|less_equals|greater_equals)_(?:string|bytes)$|^(?:not_)?equals$/

/** A loop over nothing only names a value. */
function isBinding(e: Comprehension): boolean {
  const over = e.range
  const never = e.condition
  return (
    over.is === 'list' &&
    over.items.length === 0 &&
    never.is === 'literal' &&
    never.value === false &&
    e.accumulator !== ACCUMULATOR
  )
}

function extended(path: readonly string[] | undefined, by: string): readonly string[] {
  return [...(path ?? []), by]
}

function unionEntries(x: EntrySizes | undefined, y: EntrySizes | undefined): EntrySizes | undefined {
  return x && y && { list: x.list, key: union(x.key, y.key), value: union(x.value, y.value) }
}

function literalSize(e: Expr): Range | undefined {
  if (e.is === 'list') return exactly(e.items.length)
  if (e.is === 'map') return exactly(e.entries.length)
  if (e.is !== 'literal') return undefined
  if (typeof e.value === 'string') return exactly(codePoints(e.value))
  return exactly(e.value instanceof Uint8Array ? e.value.length : 1)
}

function isScalar(type: Type): boolean {
  if (type.kind === 'opaque' && type.name === 'optional_type') return isScalar(type.params[0] ?? DYN)
  return SCALARS.has(type.kind)
}
