// Fills in defaults: those of fields, then, children first, those that a struct's rules work out; subtrees that have none are not walked.

import { cloneJson, isObject, setOwn } from './objects.ts'
import type { Field, Struct } from './schema.ts'

/** Mutates `value` in place. */
export function applyDefaults<T>(struct: Struct<T>, value: T): void {
  filler(struct)?.(value)
}

/** Fills in what a value lacks; one of another type than the schema says is left as it is. */
type Fill = (value: unknown) => void

const fillers = new WeakMap<Struct, Fill | { none: true }>()

function filler(struct: Struct): Fill | undefined {
  let fill = fillers.get(struct)
  if (fill === undefined) {
    fill = hasDefaults(struct, new Set()) ? compile(struct) : { none: true }
    fillers.set(struct, fill)
  }
  return typeof fill === 'function' ? fill : undefined
}

/** Whether `struct`, or any struct that can stand inside it, has something to fill in. */
function hasDefaults(struct: Struct, seen: Set<Struct>): boolean {
  if (seen.has(struct)) return false
  seen.add(struct)
  if (struct.rules.defaults !== undefined) return true
  return Object.values(struct.fields).some((field) => fieldHasDefaults(field, seen))
}

function fieldHasDefaults(field: Field, seen: Set<Struct>): boolean {
  if (field.default !== undefined) return true
  if (field.of !== undefined) return fieldHasDefaults(field.of, seen)
  return field.struct !== undefined && hasDefaults(field.struct(), seen)
}

function compile(struct: Struct): Fill {
  let plan: Plan | undefined
  const makePlan = (): Plan => {
    const own: Own[] = []
    const inner: Inner[] = []
    for (const [key, field] of Object.entries(struct.fields)) {
      if (field.default !== undefined) own.push({ key, given: field.default })
      const fill = fieldFiller(field)
      if (fill !== undefined) inner.push({ key, fill })
    }
    return { own, inner }
  }
  const { rules } = struct
  return (value) => {
    if (!isObject(value)) return
    plan ??= makePlan()
    const { own, inner } = plan
    for (let i = 0; i < own.length; i++) {
      const field = own[i]
      if (field === undefined) continue
      const { key, given } = field
      const present = value[key] !== undefined && Object.hasOwn(value, key)
      if (!present) setOwn(value, key, typeof given === 'object' ? cloneJson(given) : given)
    }
    for (let i = 0; i < inner.length; i++) {
      const field = inner[i]
      if (field === undefined) continue
      const child = value[field.key]
      if (child !== undefined) field.fill(child)
    }
    rules.defaults?.(value)
  }
}

/** A field with a default of its own. */
interface Own {
  readonly key: string
  readonly given: unknown
}

/** A field with something to fill in below it. */
interface Inner {
  readonly key: string
  readonly fill: Fill
}

interface Plan {
  readonly own: readonly Own[]
  readonly inner: readonly Inner[]
}

function fieldFiller(field: Field): Fill | undefined {
  if (field.type === 'struct') return field.struct && filler(field.struct())
  const fill = field.of && fieldFiller(field.of)
  if (fill === undefined) return undefined
  if (field.type === 'list') {
    return (value) => {
      if (!Array.isArray(value)) return
      for (let i = 0; i < value.length; i++) fill(value[i])
    }
  }
  return (value) => {
    if (!isObject(value)) return
    for (const key in value) fill(value[key])
  }
}
