// The types of expressions, and which may stand for which.

export type Kind =
  | 'dyn'
  | 'error'
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'duration'
  | 'list'
  | 'map'
  | 'struct'
  | 'opaque'
  | 'type'
  | 'param'

export interface Type {
  readonly kind: Kind
  readonly name: string
  readonly params: readonly Type[]
}

const simple = (kind: Kind, name: string = kind): Type => ({ kind, name, params: [] })

export const DYN = simple('dyn')
export const ERROR = simple('error', '!error!')
export const NULL = simple('null', 'null')
export const BOOL = simple('bool')
export const INT = simple('int')
export const UINT = simple('uint')
export const DOUBLE = simple('double')
export const STRING = simple('string')
export const BYTES = simple('bytes')
export const TIMESTAMP = simple('timestamp')
export const DURATION = simple('duration')
export const TYPE = simple('type')
export const listOf = (of: Type): Type => ({ kind: 'list', name: 'list', params: [of] })
export const mapOf = (key: Type, value: Type): Type => ({ kind: 'map', name: 'map', params: [key, value] })
export const structType = (name: string): Type => simple('struct', name)
export const opaqueType = (name: string, ...params: Type[]): Type => ({ kind: 'opaque', name, params })
export const optionalOf = (of: Type): Type => opaqueType('optional_type', of)
export const typeOf = (of: Type): Type => ({ kind: 'type', name: 'type', params: [of] })
export const param = (name: string): Type => simple('param', name)

export function formatType(type: Type): string {
  if (type.params.length === 0) return type.name
  return `${type.name}(${type.params.map(formatType).join(', ')})`
}

export const isDyn = (t: Type): boolean => t.kind === 'dyn'
export const isDynOrError = (t: Type): boolean => t.kind === 'dyn' || t.kind === 'error'

export function optionalElement(type: Type): Type | undefined {
  return type.kind === 'opaque' && type.name === 'optional_type' ? type.params[0] : undefined
}

export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true
  return (
    a.kind === b.kind &&
    a.name === b.name &&
    a.params.length === b.params.length &&
    a.params.every((p, i) => sameType(p, b.params[i] ?? ERROR))
  )
}

/** What type variables stand for, found so far. What a failed attempt found is forgotten; nothing is ever copied. */
export class Bindings {
  readonly #types = new Map<string, Type>()
  /** What an attempt has replaced, to be put back. */
  readonly #replaced: [name: string, before: Type | undefined][] = []

  get(name: string): Type | undefined {
    return this.#types.get(name)
  }

  set(name: string, type: Type): void {
    this.#replaced.push([name, this.#types.get(name)])
    this.#types.set(name, type)
  }

  attempt(holds: () => boolean): boolean {
    this.#replaced.length = 0
    if (holds()) return true
    for (const [name, before] of this.#replaced.reverse()) {
      if (before) this.#types.set(name, before)
      else this.#types.delete(name)
    }
    return false
  }
}

export function substitute(bindings: Bindings, type: Type, paramsToDyn: boolean): Type {
  if (type.kind === 'param') {
    const bound = bindings.get(type.name)
    if (bound) return substitute(bindings, bound, paramsToDyn)
    return paramsToDyn ? DYN : type
  }
  if (type.params.length === 0) return type
  return { ...type, params: type.params.map((p) => substitute(bindings, p, paramsToDyn)) }
}

/** Whether `from` can stand for `to`; if so, with what that says about the type variables. */
export function assign(bindings: Bindings, to: readonly Type[], from: readonly Type[]): boolean {
  return bindings.attempt(() => assignableList(bindings, to, from))
}

function assignableList(m: Bindings, a: readonly Type[], b: readonly Type[]): boolean {
  return a.length === b.length && a.every((t, i) => assignable(m, t, b[i] ?? ERROR))
}

const NULLABLE: ReadonlySet<Kind> = new Set(['opaque', 'struct', 'duration', 'timestamp', 'null'])

function assignable(m: Bindings, a: Type, b: Type): boolean {
  if (b.kind === 'param') {
    const [valid, bound] = substitutable(m, a, b)
    if (valid) return true
    if (bound) return false
  }
  if (a.kind === 'param') return substitutable(m, b, a)[0]
  if (isDynOrError(a) || isDynOrError(b)) return true
  if (a.kind === 'null') return NULLABLE.has(b.kind)
  if (b.kind === 'null') return NULLABLE.has(a.kind)
  if (a.kind !== b.kind) return false
  if (a.kind === 'type') return true
  return a.name === b.name && assignableList(m, a.params, b.params)
}

function substitutable(m: Bindings, type: Type, variable: Type): [valid: boolean, bound: boolean] {
  if (sameType(type, variable)) return [true, true]
  const bound = m.get(variable.name)
  if (bound) {
    if (sameType(type, bound)) return [true, true]
    if (!assignable(m, type, bound)) return [false, true]
    const general = mostGeneral(type, bound)
    if (unreferenced(m, variable, general)) m.set(variable.name, general)
    return [true, true]
  }
  if (!unreferenced(m, variable, type)) return [false, false]
  m.set(variable.name, type)
  return [true, false]
}

function unreferenced(m: Bindings, variable: Type, within: Type): boolean {
  if (within.kind === 'param') {
    if (within.name === variable.name) return false
    const bound = m.get(within.name)
    return bound === undefined || unreferenced(m, variable, bound)
  }
  return within.params.every((p) => unreferenced(m, variable, p))
}

export function mostGeneral(a: Type, b: Type): Type {
  return lessSpecific(a, b) ? a : b
}

function lessSpecific(a: Type, b: Type): boolean {
  if (isDyn(a) || a.kind === 'param') return true
  if (isDyn(b) || b.kind === 'param') return false
  if (a.kind !== b.kind) return false
  if (a.kind === 'type') return true
  return (
    a.name === b.name &&
    a.params.length === b.params.length &&
    a.params.every((p, i) => lessSpecific(p, b.params[i] ?? ERROR))
  )
}
