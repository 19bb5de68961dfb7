// Gives every node of an expression its type, and every call its overloads; says what does not fit, in cel-go's words.

import { type Call, type Comprehension, type Expr, qualifiedName, type Select } from './ast.ts'
import type { Overload } from './declarations.ts'
import { CompileError, type Problem } from './errors.ts'
import {
  assign,
  BOOL,
  Bindings,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  ERROR,
  formatType,
  INT,
  isDyn,
  isDynOrError,
  listOf,
  mapOf,
  mostGeneral,
  NULL,
  optionalElement,
  opaqueType,
  optionalOf,
  param,
  STRING,
  sameType,
  structType,
  substitute,
  TIMESTAMP,
  TYPE,
  type Type,
  typeOf,
  UINT,
} from './types.ts'
import { ListValue, MapValue, TypeValue, Uint, type Value } from './values.ts'

export interface Declarations {
  readonly functions: ReadonlyMap<string, readonly Overload[]>
  readonly variables: ReadonlyMap<string, Type>
  /** Literals of lists and maps may mix types. Kubernetes' never may; CEL's own may. */
  readonly mixedLiterals?: boolean
  /** The fields of a struct type, by name; undefined: there is no such type. */
  fieldsOf(typeName: string): ReadonlyMap<string, Type> | undefined
}

/** Names of types: the value of the name, and the type that it names. */
const TYPE_NAMES: ReadonlyMap<string, readonly [string, Type]> = new Map([
  ['bool', ['bool', BOOL]],
  ['int', ['int', INT]],
  ['uint', ['uint', UINT]],
  ['double', ['double', DOUBLE]],
  ['string', ['string', STRING]],
  ['bytes', ['bytes', BYTES]],
  ['list', ['list', listOf(DYN)]],
  ['map', ['map', mapOf(DYN, DYN)]],
  ['null_type', ['null_type', NULL]],
  ['type', ['type', TYPE]],
  ['optional_type', ['optional_type', optionalOf(param('V'))]],
  ['google.protobuf.Timestamp', ['google.protobuf.Timestamp', TIMESTAMP]],
  ['google.protobuf.Duration', ['google.protobuf.Duration', DURATION]],
  ['net.IP', ['net.IP', opaqueType('net.IP')]],
  ['net.CIDR', ['net.CIDR', opaqueType('net.CIDR')]],
  ['kubernetes.URL', ['kubernetes.URL', structType('kubernetes.URL')]],
  ['kubernetes.Quantity', ['kubernetes.Quantity', structType('kubernetes.Quantity')]],
  ['kubernetes.Semver', ['kubernetes.Semver', structType('kubernetes.Semver')]],
  ['kubernetes.NamedFormat', ['kubernetes.NamedFormat', structType('kubernetes.NamedFormat')]],
])

/** Throws a CompileError; otherwise the tree has been written on. Returns the type of the whole. */
export function check(source: string, expr: Expr, declarations: Declarations): Type {
  const checker = new Checker(declarations)
  checker.check(expr)
  if (checker.problems.length > 0) throw new CompileError(source, checker.problems)
  return checker.settle(expr)
}

class Checker {
  readonly #declarations: Declarations
  readonly problems: Problem[] = []
  readonly #scopes: Map<string, Type>[] = []
  readonly #bindings = new Bindings()
  #freeVariables = 0

  constructor(declarations: Declarations) {
    this.#declarations = declarations
  }

  /** When all is known, variables that stayed free are dyn. */
  settle(expr: Expr): Type {
    walk(expr, (e) => {
      e.type = substitute(this.#bindings, e.type ?? ERROR, true)
    })
    return expr.type ?? ERROR
  }

  #problem(e: { at: number }, message: string): void {
    this.problems.push({ at: e.at, message })
  }

  #mismatch(e: { at: number }, expected: Type, found: Type): void {
    this.#problem(e, `expected type '${this.#shown(expected)}' but found '${this.#shown(found)}'`)
  }

  #shown(type: Type): string {
    return formatType(substitute(this.#bindings, type, true))
  }

  #undeclared(e: { at: number }, name: string): Type {
    this.#problem(e, `undeclared reference to '${name}' (in container '')`)
    return ERROR
  }

  #assignable(to: Type, from: Type): boolean {
    return assign(this.#bindings, [to], [from])
  }

  #freeVariable(): Type {
    return param(`_var${this.#freeVariables++}`)
  }

  #variable(name: string): Type | undefined {
    const plain = name.replace(/^\./, '')
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const found = this.#scopes[i]?.get(plain)
      if (found) return found
    }
    return this.#declarations.variables.get(plain)
  }

  check(e: Expr): Type {
    const type = this.#typeOf(e)
    e.type = type
    return type
  }

  #typeOf(e: Expr): Type {
    switch (e.is) {
      case 'literal':
        return literalType(e.value)
      case 'ident': {
        const variable = this.#variable(e.name)
        if (variable) return variable
        const constant = TYPE_NAMES.get(e.name.replace(/^\./, ''))
        if (!constant) return this.#undeclared(e, e.name)
        e.constant = new TypeValue(constant[0])
        return typeOf(constant[1])
      }
      case 'select':
        return this.#select(e)
      case 'call':
        return this.#call(e)
      case 'list':
        return this.#list(e)
      case 'map':
        return this.#map(e)
      case 'struct':
        return this.#struct(e)
      case 'comprehension':
        return this.#comprehension(e)
    }
  }

  #select(e: Select): Type {
    const name = qualifiedName(e)
    if (name !== undefined) {
      const constant = TYPE_NAMES.get(name)
      const shadowed = this.#variable(name.slice(0, name.indexOf('.'))) !== undefined
      if (constant && !shadowed) {
        e.constant = new TypeValue(constant[0])
        return typeOf(constant[1])
      }
    }
    const field = this.#field(e, e.of, e.field)
    return e.test ? BOOL : substitute(this.#bindings, field, false)
  }

  #field(e: Expr, operand: Expr, field: string, optional = false): Type {
    const whole = substitute(this.#bindings, this.check(operand), false)
    const element = optionalElement(whole)
    const target = element ?? whole
    let result = DYN
    if (target.kind === 'map') result = target.params[1] ?? DYN
    else if (target.kind === 'struct') {
      const found = this.#declarations.fieldsOf(target.name)?.get(field)
      if (!found) this.#problem(e, `undefined field '${field}'`)
      result = found ?? ERROR
    } else if (target.kind === 'param') this.#assignable(DYN, target)
    else if (!isDynOrError(target)) {
      this.#problem(e, `type '${this.#shown(target)}' does not support field selection`)
    }
    return element || optional ? optionalOf(result) : result
  }

  #call(e: Call): Type {
    const [first, field] = e.args
    if (e.name === '_?._' && first && field) {
      e.overloads = ['select_optional_field']
      const name = field.is === 'literal' && typeof field.value === 'string' ? field.value : ''
      field.type = STRING
      return substitute(this.#bindings, this.#field(e, first, name, true), false)
    }
    for (const arg of e.args) this.check(arg)
    const { target } = e
    if (!target) {
      const overloads = this.#declarations.functions.get(e.name)
      return overloads ? this.#resolve(e, e.name, overloads) : this.#undeclared(e, e.name)
    }
    const prefix = qualifiedName(target)
    const qualified = prefix === undefined ? undefined : `${prefix}.${e.name}`
    const named = qualified === undefined ? undefined : this.#declarations.functions.get(qualified)
    if (named && qualified !== undefined) {
      e.name = qualified
      delete e.target
      return this.#resolve(e, qualified, named)
    }
    this.check(target)
    const overloads = this.#declarations.functions.get(e.name)
    return overloads ? this.#resolve(e, e.name, overloads) : this.#undeclared(e, e.name)
  }

  #resolve(e: Call, name: string, overloads: readonly Overload[]): Type {
    const operands = e.target ? [e.target, ...e.args] : e.args
    const types = operands.map((arg) => arg.type ?? ERROR)
    if (name === '_&&_' || name === '_||_') {
      e.overloads = [name === '_&&_' ? 'logical_and' : 'logical_or']
      const wrong = types.flatMap((type, i) => (this.#assignable(type, BOOL) ? [] : [i]))
      for (const i of wrong) this.#mismatch(operands[i] ?? e, BOOL, types[i] ?? ERROR)
      return wrong.length > 0 ? ERROR : BOOL
    }
    const found: string[] = []
    let result: Type | undefined
    for (const overload of overloads) {
      if (overload.member !== (e.target !== undefined)) continue
      const [resultType = ERROR, ...params] = this.#instantiate([overload.result, ...overload.params])
      if (!assign(this.#bindings, types, params)) continue
      found.push(overload.id)
      const type = substitute(this.#bindings, resultType, false)
      if (result === undefined) result = type
      else if (!isDyn(result) && !sameType(type, result)) result = DYN
    }
    if (result === undefined) {
      const shown = types.map((type) => this.#shown(type))
      const receiver = e.target ? `${shown.shift()}.` : ''
      this.#problem(e, `found no matching overload for '${name}' applied to '${receiver}(${shown.join(', ')})'`)
      return ERROR
    }
    e.overloads = found
    return result
  }

  /** The types of an overload with type variables of their own. */
  #instantiate(types: readonly Type[]): Type[] {
    if (!types.some(isGeneric)) return [...types]
    const fresh = new Bindings()
    const known = new Set<string>()
    const visit = (type: Type): void => {
      if (type.kind === 'param' && !known.has(type.name)) {
        known.add(type.name)
        fresh.set(type.name, this.#freeVariable())
      }
      type.params.forEach(visit)
    }
    types.forEach(visit)
    return types.map((type) => substitute(fresh, type, false))
  }

  #join(e: Expr, previous: Type | undefined, current: Type): Type {
    if (previous === undefined) return current
    if (this.#assignable(previous, current)) return mostGeneral(previous, current)
    if (this.#declarations.mixedLiterals) return DYN
    this.#mismatch(e, previous, current)
    return ERROR
  }

  /** What is behind the question mark of an optional element. */
  #unwrapped(e: Expr, type: Type, optional: boolean): Type {
    if (!optional) return type
    const element = optionalElement(type)
    if (element) return element
    if (!isDyn(type)) this.#mismatch(e, optionalOf(type), type)
    return type
  }

  #list(e: Expr & { is: 'list' }): Type {
    let element: Type | undefined
    e.items.forEach((item, i) => {
      element = this.#join(item, element, this.#unwrapped(item, this.check(item), e.optional.has(i)))
    })
    return listOf(element ?? this.#freeVariable())
  }

  #map(e: Expr & { is: 'map' }): Type {
    let keyType: Type | undefined
    let valueType: Type | undefined
    for (const { key, value, optional } of e.entries) {
      keyType = this.#join(key, keyType, this.check(key))
      valueType = this.#join(value, valueType, this.#unwrapped(value, this.check(value), optional))
    }
    return mapOf(keyType ?? this.#freeVariable(), valueType ?? this.#freeVariable())
  }

  /** No type of these environments can be written as a literal. */
  #struct(e: Expr & { is: 'struct' }): Type {
    for (const { value } of e.fields) this.check(value)
    const known = TYPE_NAMES.get(e.name)
    if (!known) return this.#undeclared(e, e.name)
    this.#problem(e, `'${formatType(known[1])}' is not a message type`)
    return ERROR
  }

  #comprehension(e: Comprehension): Type {
    const range = substitute(this.#bindings, this.check(e.range), false)
    const accumulated = this.check(e.init)
    let [first, second]: (Type | undefined)[] = [DYN, DYN]
    if (range.kind === 'list') {
      first = e.variable2 === undefined ? range.params[0] : INT
      second = range.params[0]
    } else if (range.kind === 'map') [first, second] = range.params
    else if (isDynOrError(range) || range.kind === 'param') this.#assignable(DYN, range)
    else {
      const message = `expression of type '${this.#shown(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`
      this.#problem(e.range, message)
      ;[first, second] = [ERROR, ERROR]
    }
    this.#scopes.push(new Map([[e.accumulator, accumulated]]))
    const inner = new Map([[e.variable, first ?? DYN]])
    if (e.variable2 !== undefined) inner.set(e.variable2, second ?? DYN)
    this.#scopes.push(inner)
    this.#expect(e.condition, BOOL)
    this.#expect(e.step, accumulated)
    this.#scopes.pop()
    const result = this.check(e.result)
    this.#scopes.pop()
    return substitute(this.#bindings, result, false)
  }

  #expect(e: Expr, type: Type): void {
    const found = this.check(e)
    if (!this.#assignable(type, found)) this.#mismatch(e, type, found)
  }
}

const isGeneric = (type: Type): boolean => type.kind === 'param' || type.params.some(isGeneric)

function literalType(value: Value): Type {
  if (value === null) return NULL
  if (typeof value === 'boolean') return BOOL
  if (typeof value === 'bigint') return INT
  if (typeof value === 'number') return DOUBLE
  if (typeof value === 'string') return STRING
  if (value instanceof Uint) return UINT
  if (value instanceof Uint8Array) return BYTES
  return value instanceof ListValue || value instanceof MapValue ? DYN : ERROR
}

/** Visits a node after those below it. */
export function walk(e: Expr, visit: (e: Expr) => void): void {
  for (const child of childrenOf(e)) walk(child, visit)
  visit(e)
}

export function childrenOf(e: Expr): Expr[] {
  switch (e.is) {
    case 'literal':
    case 'ident':
      return []
    case 'select':
      return [e.of]
    case 'call':
      return e.target ? [e.target, ...e.args] : e.args
    case 'list':
      return e.items
    case 'map':
      return e.entries.flatMap(({ key, value }) => [key, value])
    case 'struct':
      return e.fields.map(({ value }) => value)
    case 'comprehension':
      return [e.range, e.init, e.condition, e.step, e.result]
  }
}
