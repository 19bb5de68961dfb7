// Checks an object against its schema: what fields say, then what the rules of structs say, with upstream's words and paths.

import type { Issues } from './issues.ts'
import { isObject } from './objects.ts'
import { isQuantity, QUANTITY_PATTERN } from './scalars.ts'
import type { Field, Struct } from './schema.ts'

/** Reports what is wrong with a decoded object; `at` is its path, empty for a whole object. */
export function validate<T>(struct: Struct<T>, value: T, issues: Issues, at = ''): void {
  const check = checker(struct)
  check?.(value, at === '' ? { issues, path: [], depth: 0 } : { issues, path: [at], depth: 1 })
}

/** Where checking stands. The path is reused through one call, so that a good object costs no strings. */
interface Place {
  readonly issues: Issues
  /** Names of fields, indexes of lists, and `IN_MAP` before each key of a map. Valid up to `depth`. */
  readonly path: (string | number | null)[]
  depth: number
}

const IN_MAP = null

/** `spec.containers[0].image`, `spec.nodeSelector[key]`; empty for a whole object. */
function pathOf({ path, depth }: Place): string {
  let text = ''
  for (let i = 0; i < depth; i++) {
    const part = path[i]
    if (part === IN_MAP) text += `[${path[++i]}]`
    else if (typeof part === 'number') text += `[${part}]`
    else text += text === '' ? part : `.${part}`
  }
  return text
}

/** Checks a value of whatever type it is: one that decoding left wrong is reported by whoever knows better. */
type Check = (value: unknown, place: Place) => void

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
  fields: readonly { readonly key: string; readonly check: Check }[]
}

function compile(struct: Struct): Check {
  let plan: Plan | undefined
  const makePlan = (): Plan => {
    // A CRD's required fields are its validator's to report, in the words of JSON schema.
    const all = struct.dynamic === true ? [] : Object.entries(struct.fields).filter(([, field]) => !field.unchecked)
    const fields = all.map(([key, field]) => ({ key, check: fieldCheck(field) }))
    return {
      // A bool has no third state in Go: an absent one is false.
      required: all.filter(([, field]) => field.required && field.type !== 'bool').map(([key]) => key),
      fields: fields.flatMap(({ key, check }) => (check === undefined ? [] : [{ key, check }])),
    }
  }
  const { rules } = struct
  return (value, place) => {
    if (!isObject(value)) return
    plan ??= makePlan()
    const { required, fields } = plan
    for (let i = 0; i < required.length; i++) {
      const key = required[i]
      if (key !== undefined && value[key] === undefined) reportRequired(key, place)
    }
    const depth = place.depth++
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]
      if (field === undefined) continue
      const member = value[field.key]
      if (member === undefined) continue
      place.path[depth] = field.key
      field.check(member, place)
    }
    place.depth = depth
    rules.validate?.(value, pathOf(place), place.issues)
  }
}

function reportRequired(key: string, place: Place): void {
  const at = pathOf(place)
  place.issues.required(at === '' ? key : `${at}.${key}`)
}

function fieldCheck(field: Field): Check | undefined {
  const own = ownCheck(field)
  const inner = innerCheck(field)
  if (own === undefined || inner === undefined) return own ?? inner
  return (value, place) => {
    own(value, place)
    inner(value, place)
  }
}

function innerCheck(field: Field): Check | undefined {
  if (field.type === 'struct') return field.struct && checker(field.struct())
  const check = field.of && fieldCheck(field.of)
  if (check === undefined) return undefined
  if (field.type === 'list') {
    return (value, place) => {
      if (!Array.isArray(value)) return
      const depth = place.depth++
      for (let i = 0; i < value.length; i++) {
        place.path[depth] = i
        check(value[i], place)
      }
      place.depth = depth
    }
  }
  return (value, place) => {
    if (!isObject(value)) return
    const { depth } = place
    place.depth += 2
    for (const key in value) {
      place.path[depth] = IN_MAP
      place.path[depth + 1] = key
      check(value[key], place)
    }
    place.depth = depth
  }
}

/** What a field says of its own value, not of what is inside it. */
function ownCheck(field: Field): Check | undefined {
  const checks: Check[] = []
  if (field.enum !== undefined) checks.push(enumCheck(field.enum, field.required))
  if (field.min !== undefined || field.max !== undefined) checks.push(rangeCheck(field))
  if (field.minLength !== undefined || field.maxLength !== undefined) checks.push(lengthCheck(field))
  if (field.pattern !== undefined) checks.push(patternCheck(field.pattern))
  if (field.type === 'quantity') checks.push(quantityCheck)
  if (field.unique === true) checks.push(uniqueCheck(field.keys ?? []))
  const [first] = checks
  if (checks.length <= 1) return first
  return (value, place) => {
    for (const check of checks) check(value, place)
  }
}

function enumCheck(values: readonly string[], required: boolean): Check {
  const supported = new Set(values)
  return (value, place) => {
    if (typeof value !== 'string' || supported.has(value)) return
    if (value === '' && required) place.issues.required(pathOf(place))
    else place.issues.notSupported(pathOf(place), value, values)
  }
}

function rangeCheck({ min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: Field): Check {
  const both = Number.isFinite(min) && Number.isFinite(max)
  return (value, place) => {
    if (typeof value !== 'number' || (value >= min && value <= max)) return
    const { issues } = place
    const at = pathOf(place)
    if (both) issues.invalid(at, value, `must be between ${min} and ${max}, inclusive`)
    else if (value < min) issues.invalid(at, value, `must be greater than or equal to ${min}`)
    else issues.invalid(at, value, `must be less than or equal to ${max}`)
  }
}

function lengthCheck({ minLength: min = 0, maxLength: max = Number.POSITIVE_INFINITY }: Field): Check {
  return (value, place) => {
    const { issues } = place
    if (typeof value === 'string') {
      if (value.length < min) issues.invalid(pathOf(place), value, `must be at least ${min} characters long`)
      else if (Buffer.byteLength(value) > max) issues.tooLong(pathOf(place), max)
    } else if (typeof value === 'object' && value !== null) {
      const length = Array.isArray(value) ? value.length : Object.keys(value).length
      if (length < min) issues.invalid(pathOf(place), length, `must have at least ${min} item${min === 1 ? '' : 's'}`)
      else if (length > max) issues.tooMany(pathOf(place), length, max)
    }
  }
}

function patternCheck(pattern: string): Check {
  const compiled = new RegExp(pattern, 'u')
  return (value, place) => {
    if (typeof value === 'string' && !compiled.test(value)) {
      const why = `must match the regular expression (regex used for validation is '${pattern}')`
      place.issues.invalid(pathOf(place), value, why)
    }
  }
}

const quantityCheck: Check = (value, place) => {
  if (typeof value === 'string' && isQuantity(value)) return
  place.issues.invalid(pathOf(place), value, QUANTITY_PATTERN)
}

function uniqueCheck(keys: readonly string[]): Check {
  const [key] = keys
  const single = keys.length === 1 ? key : undefined
  const identity = (item: unknown): unknown => {
    if (keys.length === 0 || !isObject(item)) return item
    if (single !== undefined) return item[single]
    return Object.fromEntries(keys.map((name) => [name, item[name]]))
  }
  return (value, place) => {
    if (!Array.isArray(value) || value.length < 2) return
    const seen = new Set<string>()
    for (let i = 0; i < value.length; i++) {
      const id = identity(value[i])
      const text = typeof id === 'string' ? id : JSON.stringify(id)
      if (text !== undefined && seen.has(text))
        place.issues.duplicate(`${pathOf(place)}[${i}]${single === undefined ? '' : `.${single}`}`, id)
      else if (text !== undefined) seen.add(text)
    }
  }
}
