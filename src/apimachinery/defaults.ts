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
  let plan: { own: [key: string, value: unknown][]; inner: [key: string, fill: FillField][] } | undefined
  const makePlan = (): NonNullable<typeof plan> => {
    const own: [string, unknown][] = []
    const inner: [string, FillField][] = []
    for (const [key, field] of Object.entries(struct.fields)) {
      if (field.default !== undefined) own.push([key, field.default])
      const fill = fieldFiller(field)
      if (fill !== undefined) inner.push([key, fill])
    }
    return { own, inner }
  }
  const { rules } = struct
  return (value) => {
    plan ??= makePlan()
    for (const [key, given] of plan.own) {
      const present = Object.hasOwn(value, key) && value[key] !== undefined
      if (!present) setOwn(value, key, typeof given === 'object' ? cloneJson(given) : given)
    }
    for (const [key, fill] of plan.inner) {
      const child = value[key]
      if (typeof child === 'object' && child !== null) fill(child)
    }
    rules.defaults?.(value)
  }
}

type FillField = (value: object) => void

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
      for (const item of value) if (typeof item === 'object' && item !== null) fill(item)
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
