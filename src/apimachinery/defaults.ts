// Fills in defaults: those of fields, then, children first, those that a struct's rules work out; subtrees that have none are not walked.

import { cloneJson, isObject, type JsonObject, setOwn } from './objects.ts'
import type { Field, Struct } from './schema.ts'

/** Mutates `value` in place. */
export function applyDefaults<T>(struct: Struct<T>, value: T): void {
  const fill = filler(struct)
  if (fill !== undefined && isObject(value)) fill(value)
}

type Fill = (value: JsonObject) => void

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
      if (typeof child === 'object' && child !== null) field.fill(child)
    }
    rules.defaults?.(value)
  }
}

type FillField = (value: object) => void

/** A field with a default of its own. */
interface Own {
  readonly key: string
  readonly given: unknown
}

/** A field with something to fill in below it. */
interface Inner {
  readonly key: string
  readonly fill: FillField
}

interface Plan {
  readonly own: readonly Own[]
  readonly inner: readonly Inner[]
}

function fieldFiller(field: Field): FillField | undefined {
  if (field.type === 'struct') {
    const fill = field.struct && filler(field.struct())
    return (
      fill &&
      ((value) => {
        if (isObject(value)) fill(value)
      })
    )
  }
  const fill = field.of && fieldFiller(field.of)
  if (fill === undefined) return undefined
  if (field.type === 'list') {
    return (value) => {
      if (!Array.isArray(value)) return
      for (let i = 0; i < value.length; i++) {
        const item: unknown = value[i]
        if (typeof item === 'object' && item !== null) fill(item)
      }
    }
  }
  return (value) => {
    if (!isObject(value)) return
    for (const key in value) {
      const item = value[key]
      if (typeof item === 'object' && item !== null) fill(item)
    }
  }
}
