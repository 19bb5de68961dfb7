// Plans calls: the operators that do not evaluate all they are given, indexing, and the choice of an overload by what the arguments are.

import type { Call, Expr } from './ast.ts'
import type { Overload } from './declarations.ts'
import { charge, type Evaluate, type Frame, isAttribute, isConstant, optionalSelect, type Planner } from './plan.ts'
import type { Type } from './types.ts'
import {
  Duration,
  equal,
  Failed,
  ListValue,
  MapValue,
  NONE,
  OpaqueValue,
  OptionalValue,
  show,
  Timestamp,
  typeNameOf,
  TypeValue,
  Uint,
  type Value,
} from './values.ts'

/** Conversions of literals are done once, when the expression is planned. */
const CONVERSIONS = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'dyn',
  'int',
  'string',
  'timestamp',
  'type',
  'uint',
])

export function planCall(e: Call, planner: Planner): Evaluate {
  const operands = e.target ? [e.target, ...e.args] : e.args
  const [first, second, third] = operands
  if (!first) return planOverloads(e, operands, planner)
  switch (e.name) {
    case '_&&_':
      return logical(planner.plan(first), planner.plan(second ?? first), false)
    case '_||_':
      return logical(planner.plan(first), planner.plan(second ?? first), true)
    case '_?_:_':
      return conditional(planner.plan(first), branch(second ?? first, planner), branch(third ?? first, planner))
    case '@not_strictly_false': {
      const of = planner.plan(first)
      return (frame) => {
        const value = of(frame)
        charge(frame, 1)
        return value !== false
      }
    }
    case '_[_]':
    case '_[?_]':
      return indexed(e, first, second ?? first, planner)
    case '_?._':
      return optionalField(first, second, planner)
    case 'or':
    case 'orValue':
      if (e.overloads?.some((id) => id.startsWith('optional_or')))
        return alternative(e.name, first, second ?? first, planner)
      break
    case '@in':
      if (second && isConstant(second) && e.overloads?.includes('in_list')) return inConstants(first, second, planner)
      break
  }
  const evaluate = planOverloads(e, operands, planner)
  if (!CONVERSIONS.has(e.name) || operands.length !== 1 || !isConstant(first)) return evaluate
  const value = evaluate({ slots: [], cost: 0, limit: Number.POSITIVE_INFINITY })
  return () => value
}

/** `&&` is false when either side is, `||` true, whatever the other says; an error matters only when nothing decides. */
function logical(left: Evaluate, right: Evaluate, decides: boolean): Evaluate {
  return (frame) => {
    const one = left(frame)
    if (one === decides) return decides
    const two = right(frame)
    if (two === decides) return decides
    if (one instanceof Failed) return one
    if (two instanceof Failed) return two
    if (typeof one !== 'boolean' || typeof two !== 'boolean') return new Failed('no such overload')
    return !decides
  }
}

function conditional(condition: Evaluate, then: Evaluate, otherwise: Evaluate): Evaluate {
  return (frame) => {
    const value = condition(frame)
    if (value === true) return then(frame)
    if (value === false) return otherwise(frame)
    return value instanceof Failed ? value : new Failed('no such overload')
  }
}

/** A path that a condition chooses is continued by the condition: its variable costs nothing of its own. */
function branch(e: Expr, planner: Planner): Evaluate {
  const evaluate = planner.plan(e)
  if (!isAttribute(e) || (e.is === 'call' && e.name === '_?_:_')) return evaluate
  return (frame) => {
    frame.cost -= 1
    return evaluate(frame)
  }
}

function indexed(e: Call, of: Expr, index: Expr, planner: Planner): Evaluate {
  const target = planner.plan(of)
  const at = planner.plan(index)
  const optional = e.name === '_[?_]'
  const cost = (isAttribute(of) ? 0 : 1) + (isAttribute(index) ? 0 : 1)
  return (frame) => {
    const container = target(frame)
    if (container instanceof Failed) return container
    const key = at(frame)
    if (key instanceof Failed) return key
    charge(frame, cost)
    return optional ? optionalIndex(container, key) : elementAt(container, key)
  }
}

function elementAt(container: Value, key: Value): Value {
  if (container instanceof ListValue) {
    const position = integral(key)
    if (position === undefined) return new Failed(`unsupported index value: ${show(key)}`)
    if (position < 0 || position >= container.length) return new Failed(`index out of bounds: ${position}`)
    return container.at(position)
  }
  if (container instanceof MapValue) {
    const value = container.get(key)
    return value === undefined ? new Failed(`no such key: ${show(key)}`) : value
  }
  if (container instanceof OptionalValue) return optionalIndex(container, key)
  return new Failed('no such overload')
}

function optionalIndex(container: Value, key: Value): Value {
  if (container instanceof OptionalValue) {
    return container.value === undefined ? NONE : optionalIndex(container.value, key)
  }
  if (container instanceof ListValue) {
    const position = integral(key)
    if (position === undefined) return new Failed(`unsupported index value: ${show(key)}`)
    return position < 0 || position >= container.length ? NONE : some(container.at(position))
  }
  if (!(container instanceof MapValue)) return new Failed('no such overload')
  const value = container.get(key)
  return value === undefined ? NONE : some(value)
}

const some = (value: Value): Value => (value instanceof Failed ? value : new OptionalValue(value))

function integral(key: Value): number | undefined {
  if (typeof key === 'bigint') return Number(key)
  if (typeof key === 'number') return Number.isInteger(key) ? key : undefined
  return key instanceof Uint ? Number(key.value) : undefined
}

function optionalField(of: Expr, field: Expr | undefined, planner: Planner): Evaluate {
  const target = planner.plan(of)
  const name = field?.is === 'literal' && typeof field.value === 'string' ? field.value : ''
  const cost = (isAttribute(of) ? 0 : 1) + 1
  return (frame) => {
    const value = target(frame)
    if (value instanceof Failed) return value
    const found = optionalSelect(value, name)
    // What is not there is not stepped into.
    charge(frame, found === NONE ? cost - 1 : cost)
    return found
  }
}

/** The right side is evaluated only when the left has no value. */
function alternative(name: string, left: Expr, right: Expr, planner: Planner): Evaluate {
  const [one, two] = [planner.plan(left), planner.plan(right)]
  return (frame) => {
    const value = one(frame)
    if (value instanceof Failed) return value
    if (!(value instanceof OptionalValue)) return new Failed('no such overload')
    if (value.value === undefined) return two(frame)
    return name === 'or' ? value : value.value
  }
}

/** Membership among literals costs nothing but what is looked for. */
function inConstants(element: Expr, constants: Expr, planner: Planner): Evaluate {
  const of = planner.plan(element)
  const among = planner.plan(constants)({ slots: [], cost: 0, limit: Number.POSITIVE_INFINITY })
  const texts = among instanceof ListValue ? new Set<Value>(among) : new Set<Value>()
  return (frame) => {
    const value = of(frame)
    if (value instanceof Failed) return value
    if (typeof value === 'string') return texts.has(value)
    for (const item of texts) if (equal(item, value)) return true
    return false
  }
}

/** What takes long on large texts is paid for before it is done: a budget must end the work, not be told of it. */
const PAID_FIRST = new Set([
  ...['matches', 'matches_string', 'contains_string', 'string_find_string', 'string_find_all_string'],
  'string_find_all_string_int',
])

function planOverloads(e: Call, operands: readonly Expr[], planner: Planner): Evaluate {
  const declared = planner.options.functions.get(e.name) ?? []
  // An expression that was never checked may mean any overload of its name.
  const isMeant = ({ id, member }: Overload): boolean =>
    e.overloads === undefined ? member === (e.target !== undefined) : e.overloads.includes(id)
  const candidates = declared.filter(isMeant)
  const plans = operands.map((operand) => planner.plan(operand))
  const { callCost } = planner
  const certain = candidates.length === 1 && operands.every(({ type }) => type !== undefined && isKnown(type))
  const { name } = e
  const finish = (frame: Frame, overload: Overload, args: Value[]): Value => {
    const { id } = overload
    if (PAID_FIRST.has(id)) {
      charge(frame, callCost({ name, overload: id, args, result: null }))
      return overload.call(...args)
    }
    const result = overload.call(...args)
    charge(frame, callCost({ name, overload: id, args, result }))
    return result
  }
  const [only] = candidates
  return (frame) => {
    const args: Value[] = []
    let failed: Failed | undefined
    for (const plan of plans) {
      const value = plan(frame)
      if (value instanceof Failed) {
        // Of two operands both are evaluated, of more none after the one that failed.
        failed ??= value
        if (plans.length > 2) return failed
      }
      args.push(value)
    }
    if (failed) {
      charge(frame, 1)
      return failed
    }
    if (certain && only) return finish(frame, only, args)
    const overload = candidates.find(({ params }) => acceptsAll(params, args))
    if (overload) return finish(frame, overload, args)
    charge(frame, 1)
    return noSuchOverload(name, args)
  }
}

function noSuchOverload(name: string, args: readonly Value[]): Failed {
  if (/^[_@!-]/.test(name)) return new Failed('no such overload')
  return new Failed(`no such overload: ${name}(${args.map(typeNameOf).join(', ')})`)
}

/** Nothing in the type is left to be found out when it runs. */
function isKnown(type: Type): boolean {
  return type.kind !== 'dyn' && type.kind !== 'param' && type.kind !== 'error'
}

function acceptsAll(params: readonly Type[], args: readonly Value[]): boolean {
  return params.length === args.length && params.every((type, i) => accepts(type, args[i] ?? null))
}

function accepts(type: Type, value: Value): boolean {
  switch (type.kind) {
    case 'dyn':
    case 'param':
      return true
    case 'bool':
      return typeof value === 'boolean'
    case 'int':
      return typeof value === 'bigint'
    case 'uint':
      return value instanceof Uint
    case 'double':
      return typeof value === 'number'
    case 'string':
      return typeof value === 'string'
    case 'bytes':
      return value instanceof Uint8Array
    case 'null':
      return value === null
    case 'timestamp':
      return value instanceof Timestamp
    case 'duration':
      return value instanceof Duration
    case 'list':
      return value instanceof ListValue
    case 'map':
      return value instanceof MapValue
    case 'type':
      return value instanceof TypeValue
    case 'opaque':
    case 'struct':
      if (type.name === 'optional_type') return value instanceof OptionalValue
      return value instanceof OpaqueValue ? value.typeName === type.name : value instanceof MapValue
    case 'error':
      return false
  }
}
