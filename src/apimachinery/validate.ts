// Checks an object against its schema: what fields say, then what the rules of structs say, with upstream's words and paths.

import type { Issues } from './issues.ts'
import { isObject, type JsonObject } from './objects.ts'
import { isQuantity, QUANTITY_PATTERN } from './scalars.ts'
import type { Field, Struct } from './schema.ts'

/** Reports what is wrong with a decoded object; `at` is its path, empty for a whole object. */
export function validate<T>(struct: Struct<T>, value: T, issues: Issues, at = ''): void {
  const check = checker(struct)
  if (check !== undefined && isObject(value)) check(value, at, issues)
}

type Check = (value: JsonObject, at: string, issues: Issues) => void
type CheckValue = (value: unknown, at: string, issues: Issues) => void

const checkers = new WeakMap<Struct, Check | { none: true }>()

function checker(struct: Struct): Check | undefined {
  let check = checkers.get(struct)
  if (check === undefined) {
    check = hasChecks(struct, new Set()) ? compile(struct) : { none: true }
    checkers.set(struct, check)
  }
  return typeof check === 'function' ? check : undefined
}

/** Whether `struct`, or any struct that can stand inside it, has something to check. */
function hasChecks(struct: Struct, seen: Set<Struct>): boolean {
  if (seen.has(struct)) return false
  seen.add(struct)
  if (struct.rules.validate !== undefined) return true
  return Object.values(struct.fields).some(
    (field) => field.unchecked !== true && (field.required || fieldHasChecks(field, seen)),
  )
}

function fieldHasChecks(field: Field, seen: Set<Struct>): boolean {
  if (field.type === 'quantity' || ownCheck(field) !== undefined) return true
  if (field.of !== undefined) return fieldHasChecks(field.of, seen)
  return field.struct !== undefined && hasChecks(field.struct(), seen)
}

interface Plan {
  required: readonly string[]
  fields: readonly (readonly [key: string, check: CheckValue])[]
}

function compile(struct: Struct): Check {
  let plan: Plan | undefined
  const makePlan = (): Plan => {
    // A CRD's required fields are its validator's to report, in the words of JSON schema.
    const all = struct.dynamic === true ? [] : Object.entries(struct.fields).filter(([, field]) => !field.unchecked)
    const fields = all.map(([key, field]) => [key, fieldCheck(field)] as const)
    return {
      // A bool has no third state in Go: an absent one is false.
      required: all.filter(([, field]) => field.required && field.type !== 'bool').map(([key]) => key),
      fields: fields.flatMap(([key, check]) => (check === undefined ? [] : [[key, check] as const])),
    }
  }
  const { rules } = struct
  return (value, at, issues) => {
    plan ??= makePlan()
    const prefix = at === '' ? '' : `${at}.`
    for (const key of plan.required) if (value[key] === undefined) issues.required(prefix + key)
    for (const [key, check] of plan.fields) {
      const member = value[key]
      if (member !== undefined) check(member, prefix + key, issues)
    }
    rules.validate?.(value, at, issues)
  }
}

function fieldCheck(field: Field): CheckValue | undefined {
  const own = ownCheck(field)
  const inner = innerCheck(field)
  if (own === undefined || inner === undefined) return own ?? inner
  return (value, at, issues) => {
    own(value, at, issues)
    inner(value, at, issues)
  }
}

function innerCheck(field: Field): CheckValue | undefined {
  if (field.type === 'struct') {
    const check = field.struct && checker(field.struct())
    return (
      check &&
      ((value, at, issues) => {
        if (isObject(value)) check(value, at, issues)
      })
    )
  }
  const check = field.of && fieldCheck(field.of)
  if (check === undefined) return undefined
  if (field.type === 'list') {
    return (value, at, issues) => {
      if (!Array.isArray(value)) return
      for (let i = 0; i < value.length; i++) check(value[i], `${at}[${i}]`, issues)
    }
  }
  return (value, at, issues) => {
    if (!isObject(value)) return
    for (const key in value) check(value[key], `${at}[${key}]`, issues)
  }
}

/** What a field says of its own value, not of what is inside it. */
function ownCheck(field: Field): CheckValue | undefined {
  const checks: CheckValue[] = []
  if (field.enum !== undefined) checks.push(enumCheck(field.enum, field.required))
  if (field.min !== undefined || field.max !== undefined) checks.push(rangeCheck(field))
  if (field.minLength !== undefined || field.maxLength !== undefined) checks.push(lengthCheck(field))
  if (field.pattern !== undefined) checks.push(patternCheck(field.pattern))
  if (field.type === 'quantity') checks.push(quantityCheck)
  if (field.unique === true) checks.push(uniqueCheck(field.keys ?? []))
  const [first] = checks
  if (checks.length <= 1) return first
  return (value, at, issues) => {
    for (const check of checks) check(value, at, issues)
  }
}

function enumCheck(values: readonly string[], required: boolean): CheckValue {
  const supported = new Set(values)
  return (value, at, issues) => {
    if (typeof value !== 'string' || supported.has(value)) return
    if (value === '' && required) issues.required(at)
    else issues.notSupported(at, value, values)
  }
}

function rangeCheck({ min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: Field): CheckValue {
  const both = Number.isFinite(min) && Number.isFinite(max)
  return (value, at, issues) => {
    if (typeof value !== 'number' || (value >= min && value <= max)) return
    if (both) issues.invalid(at, value, `must be between ${min} and ${max}, inclusive`)
    else if (value < min) issues.invalid(at, value, `must be greater than or equal to ${min}`)
    else issues.invalid(at, value, `must be less than or equal to ${max}`)
  }
}

function lengthCheck({ minLength: min = 0, maxLength: max = Number.POSITIVE_INFINITY }: Field): CheckValue {
  return (value, at, issues) => {
    if (typeof value === 'string') {
      if (value.length < min) issues.invalid(at, value, `must be at least ${min} characters long`)
      else if (Buffer.byteLength(value) > max) issues.tooLong(at, max)
    } else if (typeof value === 'object' && value !== null) {
      const length = Array.isArray(value) ? value.length : Object.keys(value).length
      if (length < min) issues.invalid(at, length, `must have at least ${min} item${min === 1 ? '' : 's'}`)
      else if (length > max) issues.tooMany(at, length, max)
    }
  }
}

function patternCheck(pattern: string): CheckValue {
  const compiled = new RegExp(pattern, 'u')
  return (value, at, issues) => {
    if (typeof value === 'string' && !compiled.test(value)) {
      issues.invalid(at, value, `must match the regular expression (regex used for validation is '${pattern}')`)
    }
  }
}

const quantityCheck: CheckValue = (value, at, issues) => {
  if (typeof value !== 'string' || !isQuantity(value)) issues.invalid(at, value, QUANTITY_PATTERN)
}

function uniqueCheck(keys: readonly string[]): CheckValue {
  const [key] = keys
  const single = keys.length === 1 ? key : undefined
  const identity = (item: unknown): unknown => {
    if (keys.length === 0 || !isObject(item)) return item
    if (single !== undefined) return item[single]
    return Object.fromEntries(keys.map((name) => [name, item[name]]))
  }
  return (value, at, issues) => {
    if (!Array.isArray(value) || value.length < 2) return
    const seen = new Set<string>()
    for (let i = 0; i < value.length; i++) {
      const id = identity(value[i])
      const text = typeof id === 'string' ? id : JSON.stringify(id)
      if (text !== undefined && seen.has(text))
        issues.duplicate(`${at}[${i}]${single === undefined ? '' : `.${single}`}`, id)
      else if (text !== undefined) seen.add(text)
    }
  }
}
