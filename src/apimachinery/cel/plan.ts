// Turns a checked expression into nested functions that evaluate it, counting what every step costs.

import { type Comprehension, type Expr, type Select, ACCUMULATOR } from './ast.ts'
import { type CallCost, type CertainCallCost, LIST_COST, MAP_COST, standardCallCost } from './call-cost.ts'
import { planCall } from './plan-call.ts'
import type { Overload } from './declarations.ts'
import { Entries, Failed, Items, ListValue, MapValue, NONE, OptionalValue, show, Uint, type Value } from './values.ts'

/** The state of one evaluation. */
export interface Frame {
  readonly slots: Value[]
  cost: number
  readonly limit: number
}
export type Evaluate = (frame: Frame) => Value

/** Thrown through all of an evaluation: nothing absorbs it. */
export class CostExceeded extends Error {
  override name = 'CostExceeded'
}

export function charge(frame: Frame, cost: number): void {
  frame.cost += cost
  if (frame.cost > frame.limit) throw new CostExceeded('operation cancelled: actual cost limit exceeded')
}

export interface PlanOptions {
  readonly functions: ReadonlyMap<string, readonly Overload[]>
  readonly callCost?: CallCost
}

export interface Outcome {
  value: Value
  cost: number
  /** The evaluation ran into its limit; the value is an error that says so. */
  exceeded: boolean
}

export interface Program {
  /** `variables` in the order the program was planned with. */
  run(variables: readonly Value[], limit: number): Outcome
}

export function plan(expr: Expr, variables: readonly string[], options: PlanOptions): Program {
  const planner = new Planner(variables, options)
  const evaluate = planner.plan(expr)
  const size = planner.size
  return {
    run(values, limit) {
      const slots: Value[] = new Array(size).fill(null)
      for (let i = 0; i < values.length; i++) slots[i] = values[i] ?? null
      const frame: Frame = { slots, cost: 0, limit }
      try {
        return { value: evaluate(frame), cost: frame.cost, exceeded: false }
      } catch (error) {
        if (!(error instanceof CostExceeded)) throw error
        return { value: new Failed(error.message), cost: frame.cost, exceeded: true }
      }
    },
  }
}

/** A path from a variable: what its steps cost is counted together. */
export function isAttribute(e: Expr): boolean {
  if (e.is === 'ident') return e.constant === undefined
  if (e.is === 'select') return !e.test && e.constant === undefined
  return e.is === 'call' && (e.name === '_[_]' || e.name === '_[?_]' || e.name === '_?._' || e.name === '_?_:_')
}

export class Planner {
  readonly options: PlanOptions
  readonly callCost: CertainCallCost
  readonly #scopes = new Map<string, number[]>()
  size = 0

  constructor(variables: readonly string[], options: PlanOptions) {
    this.options = options
    const own = options.callCost
    this.callCost = own ? (call) => own(call) ?? standardCallCost(call) : standardCallCost
    for (const name of variables) this.#declare(name)
  }

  #declare(name: string): number {
    const slot = this.size++
    const slots = this.#scopes.get(name)
    if (slots) slots.push(slot)
    else this.#scopes.set(name, [slot])
    return slot
  }

  plan(e: Expr): Evaluate {
    switch (e.is) {
      case 'literal': {
        const { value } = e
        return () => value
      }
      case 'ident':
        return this.#ident(e.name, e.constant)
      case 'select':
        return this.#select(e)
      case 'call':
        return planCall(e, this)
      case 'list':
        return this.#list(e)
      case 'map':
        return this.#map(e)
      case 'struct':
        return () => new Failed(`type '${e.name}' cannot be made`)
      case 'comprehension':
        return this.#comprehension(e)
    }
  }

  #ident(name: string, constant: Value | undefined): Evaluate {
    if (constant !== undefined) return () => constant
    const slots = this.#scopes.get(name.replace(/^\./, ''))
    const slot = slots?.[slots.length - 1]
    if (slot === undefined) return () => new Failed(`no such attribute(s): ${name}`)
    return (frame) => {
      charge(frame, 1)
      return frame.slots[slot] ?? null
    }
  }

  #select(e: Select): Evaluate {
    const { constant, field, test } = e
    if (constant !== undefined) return () => constant
    const of = this.plan(e.of)
    const cost = (isAttribute(e.of) ? 0 : 1) + (test ? 0 : 1)
    return (frame) => {
      const target = of(frame)
      if (target instanceof Failed) return target
      charge(frame, cost)
      return test ? present(target, field) : select(target, field)
    }
  }

  #list(e: Expr & { is: 'list' }): Evaluate {
    const items = e.items.map((item) => this.plan(item))
    const { optional } = e
    const make: Evaluate = (frame) => {
      const values: Value[] = []
      for (let i = 0; i < items.length; i++) {
        const value = items[i]?.(frame) ?? null
        if (value instanceof Failed) return value
        if (!optional.has(i)) values.push(value)
        else if (!(value instanceof OptionalValue)) return notOptional(value)
        else if (value.value !== undefined) values.push(value.value)
      }
      return new Items(values)
    }
    if (isConstant(e)) {
      const value = make({ slots: [], cost: 0, limit: Number.POSITIVE_INFINITY })
      return () => value
    }
    return (frame) => {
      const value = make(frame)
      charge(frame, LIST_COST)
      return value
    }
  }

  #map(e: Expr & { is: 'map' }): Evaluate {
    const entries = e.entries.map(({ key, value, optional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      optional,
    }))
    const make: Evaluate = (frame) => {
      const made = new Entries()
      for (const entry of entries) {
        const key = entry.key(frame)
        if (key instanceof Failed) return key
        let value = entry.value(frame)
        if (value instanceof Failed) return value
        if (entry.optional) {
          if (!(value instanceof OptionalValue)) return notOptional(value)
          if (value.value === undefined) continue
          value = value.value
        }
        if (key === null || typeof key === 'number' || (typeof key === 'object' && !(key instanceof Uint))) {
          return new Failed(`unsupported key type: ${show(key)}`)
        }
        if (!made.insert(key, value)) return new Failed(`Failed with repeated key`)
      }
      return made
    }
    if (isConstant(e)) {
      const value = make({ slots: [], cost: 0, limit: Number.POSITIVE_INFINITY })
      return () => value
    }
    return (frame) => {
      const value = make(frame)
      charge(frame, MAP_COST)
      return value
    }
  }

  #comprehension(e: Comprehension): Evaluate {
    const range = this.plan(e.range)
    const init = this.plan(e.init)
    const accumulator = this.#declare(e.accumulator)
    const first = this.#declare(e.variable)
    const second = e.variable2 === undefined ? undefined : this.#declare(e.variable2)
    const condition = this.plan(e.condition)
    const step = this.plan(e.step)
    this.#scopes.get(e.variable)?.pop()
    if (e.variable2 !== undefined) this.#scopes.get(e.variable2)?.pop()
    const result = this.plan(e.result)
    this.#scopes.get(e.accumulator)?.pop()
    const grows = e.accumulator === ACCUMULATOR
    return (frame) => {
      const over = range(frame)
      if (over instanceof Failed) return over
      frame.slots[accumulator] = grows ? opened(init(frame)) : init(frame)
      const visit = (one: Value, two: Value): boolean => {
        frame.slots[first] = one
        if (second !== undefined) frame.slots[second] = two
        if (condition(frame) === false) return false
        // The step may run this very loop again, inside a loop of its own; its slots are its own.
        frame.slots[accumulator] = step(frame)
        return true
      }
      const failed = each(over, second !== undefined, visit)
      if (failed) return failed
      return closed(result(frame))
    }
  }
}

/** Visits a list's items or a map's keys; with two variables, index and item or key and value. */
function each(over: Value, two: boolean, visit: (one: Value, two: Value) => boolean): Failed | undefined {
  if (over instanceof ListValue) {
    const { length } = over
    for (let i = 0; i < length; i++) {
      const item = over.at(i)
      if (!(two ? visit(BigInt(i), item) : visit(item, null))) return undefined
    }
    return undefined
  }
  if (!(over instanceof MapValue)) return new Failed(`got '${show(over)}', expected iterable type`)
  for (const key of over.keys()) if (!visit(key, two ? (over.get(key) ?? null) : null)) return undefined
  return undefined
}

function opened(value: Value): Value {
  if (value instanceof Items && value.length === 0) {
    const fresh = new Items([])
    fresh.open = true
    return fresh
  }
  if (value instanceof Entries && value.size === 0) {
    const fresh = new Entries()
    fresh.open = true
    return fresh
  }
  return value
}

function closed(value: Value): Value {
  if (value instanceof Items || value instanceof Entries) value.open = false
  return value
}

/** Made of literals only: built once, for nothing. */
export function isConstant(e: Expr): boolean {
  if (e.is === 'literal') return true
  if (e.is === 'list') return e.optional.size === 0 && e.items.every(isConstant)
  return (
    e.is === 'map' && e.entries.every(({ key, value, optional }) => !optional && isConstant(key) && isConstant(value))
  )
}

const notOptional = (value: Value): Failed =>
  new Failed(`cannot initialize optional list element from non-optional value ${show(value)}`)

export function select(target: Value, field: string): Value {
  if (target instanceof MapValue) {
    const value = target.get(field)
    return value === undefined ? new Failed(`no such key: ${field}`) : value
  }
  if (target instanceof OptionalValue) {
    if (target.value === undefined) return NONE
    return optionalSelect(target.value, field)
  }
  return new Failed('no such overload')
}

export function optionalSelect(target: Value, field: string): Value {
  if (target instanceof OptionalValue) return target.value === undefined ? NONE : optionalSelect(target.value, field)
  if (!(target instanceof MapValue)) return new Failed('no such overload')
  const value = target.get(field)
  if (value instanceof Failed) return value
  return value === undefined ? NONE : new OptionalValue(value)
}

function present(target: Value, field: string): Value {
  if (target instanceof OptionalValue) return target.value !== undefined && present(target.value, field)
  if (!(target instanceof MapValue)) return new Failed('no such overload')
  const value = target.get(field)
  return value instanceof Failed ? value : value !== undefined
}
