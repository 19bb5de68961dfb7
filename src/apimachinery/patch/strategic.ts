// Strategic merge patch: a merge patch that knows from the schema how lists merge, and takes directives (`$patch`, `$retainKeys`, …).

import { cloneJson, isObject, type JsonObject, setOwn } from '../objects.ts'
import type { Field, Struct } from '../schema.ts'
import { deepEqual } from './json-patch.ts'
import { PatchError } from './patch-error.ts'

const DIRECTIVE = '$patch'
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/'
const ORDER = '$setElementOrder/'
const RETAIN = '$retainKeys'

const malformed = (message: string): PatchError => new PatchError(message, { unfit: false })

/** `target` with `patch` applied, as the kind's schema says; neither is changed. */
export function applyStrategicMergePatch(struct: Struct, target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) throw malformed('json: cannot unmarshal value into Go value of type map[string]interface {}')
  return mergeStruct(struct, isObject(target) ? target : {}, patch) ?? {}
}

/** Merges into an object of `struct`; without one (maps, free-form values) fields merge as in a plain merge patch. undefined: it is gone. */
function mergeStruct(
  struct: Struct | undefined,
  target: JsonObject,
  patch: JsonObject,
  valueField?: Field,
): JsonObject | undefined {
  const directive = patch[DIRECTIVE]
  if (directive !== undefined) {
    if (directive === 'delete') return undefined
    if (directive === 'replace') return withoutDirectives(patch)
    if (directive !== 'merge') throw malformed(`Unrecognized type: ${String(directive)}`)
  }
  const result: JsonObject = retained({ ...target }, patch)
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE || key === RETAIN || key.startsWith(ORDER)) continue
    if (key.startsWith(DELETE_PRIMITIVES)) {
      deletePrimitives(result, key.slice(DELETE_PRIMITIVES.length), value)
      continue
    }
    mergeField(result, key, value, { field: struct ? own(struct.fields, key) : valueField, patch })
  }
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(ORDER)) continue
    const name = key.slice(ORDER.length)
    order(result, name, patch[key], struct ? own(struct.fields, name) : undefined)
  }
  return result
}

function own(fields: Readonly<Record<string, Field>>, key: string): Field | undefined {
  return Object.hasOwn(fields, key) ? fields[key] : undefined
}

function mergeField(
  result: JsonObject,
  key: string,
  value: unknown,
  at: { field: Field | undefined; patch: JsonObject },
): void {
  const { field } = at
  if (value === null) {
    delete result[key]
    return
  }
  const current = Object.hasOwn(result, key) ? result[key] : undefined
  if (isObject(value) && (field === undefined || field.type !== 'list')) {
    if (field?.strategy === 'replace' && value[DIRECTIVE] === undefined) {
      setOwn(result, key, cloneJson(value))
      return
    }
    const merged = mergeStruct(
      structOf(field),
      isObject(current) ? current : {},
      value,
      field?.type === 'map' ? field.of : undefined,
    )
    if (merged === undefined) delete result[key]
    else setOwn(result, key, merged)
    return
  }
  if (Array.isArray(value) && field?.type === 'list' && field.strategy?.includes('merge')) {
    setOwn(result, key, mergeList(field, Array.isArray(current) ? current : [], value))
    return
  }
  setOwn(result, key, withoutListDirectives(value))
}

function structOf(field: Field | undefined): Struct | undefined {
  return field?.type === 'struct' ? field.struct?.() : undefined
}

function mergeList(field: Field, current: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const { mergeKey } = field
  if (mergeKey === undefined) {
    const added = patch.filter(
      (v, i) => !current.some((c) => deepEqual(c, v)) && patch.findIndex((p) => deepEqual(p, v)) === i,
    )
    return [...current, ...added.map((v) => cloneJson(v))]
  }
  const replaces = patch.some((item) => isObject(item) && item[DIRECTIVE] === 'replace')
  if (replaces)
    return patch
      .filter((item) => !(isObject(item) && item[DIRECTIVE] === 'replace' && Object.keys(item).length === 1))
      .map(stripped)
  const result = [...current]
  for (const item of patch) {
    if (!isObject(item)) throw malformed('unable to find api field: list of maps expected')
    const id = item[mergeKey]
    if (id === undefined)
      throw malformed(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`)
    const index = result.findIndex((existing) => isObject(existing) && deepEqual(existing[mergeKey], id))
    if (item[DIRECTIVE] === 'delete') {
      for (let i = result.length - 1; i >= 0; i--) {
        const existing = result[i]
        if (isObject(existing) && deepEqual(existing[mergeKey], id)) result.splice(i, 1)
      }
      continue
    }
    const existing = result[index]
    const merged = mergeStruct(structOf(field.of), isObject(existing) ? existing : {}, item)
    if (index >= 0) result[index] = merged
    else result.push(merged)
  }
  return result
}

const stripped = (item: unknown): unknown => (isObject(item) ? withoutDirectives(item) : cloneJson(item))

function withoutDirectives(patch: JsonObject): JsonObject {
  const { [DIRECTIVE]: _, [RETAIN]: __, ...rest } = patch
  return cloneJson(rest)
}

/** In a list that is replaced, directives mean nothing and must not be stored. */
function withoutListDirectives(value: unknown): unknown {
  return Array.isArray(value) ? value.map(stripped) : cloneJson(value)
}

function retained(target: JsonObject, patch: JsonObject): JsonObject {
  const keys = patch[RETAIN]
  if (keys === undefined) return target
  if (!Array.isArray(keys)) throw malformed('wrong format for retainKeys: a list of strings expected')
  for (const key of Object.keys(target)) if (!keys.includes(key)) delete target[key]
  return target
}

function deletePrimitives(result: JsonObject, name: string, values: unknown): void {
  if (!Array.isArray(values)) throw malformed(`wrong format for ${DELETE_PRIMITIVES}${name}: a list expected`)
  const current = Object.hasOwn(result, name) ? result[name] : undefined
  if (Array.isArray(current))
    setOwn(
      result,
      name,
      current.filter((c) => !values.some((v) => deepEqual(c, v))),
    )
}

/** Brings the elements that the patch names into its order; the others keep their place relative to those (upstream mergeSortMaps). */
function order(result: JsonObject, name: string, wanted: unknown, field: Field | undefined): void {
  const current = Object.hasOwn(result, name) ? result[name] : undefined
  if (!Array.isArray(current) || !Array.isArray(wanted)) return
  const key = field?.mergeKey
  const idOf = (item: unknown): unknown => (key !== undefined && isObject(item) ? item[key] : item)
  const rank = (item: unknown): number => wanted.findIndex((w) => deepEqual(idOf(w), idOf(item)))
  const named = current.filter((item) => rank(item) >= 0).sort((a, b) => rank(a) - rank(b))
  const sorted: unknown[] = []
  let position = 0
  for (const item of current) {
    if (rank(item) >= 0) continue
    // An element that the patch does not know goes before the first named one that stood behind it.
    const index = current.indexOf(item)
    while (position < named.length && current.indexOf(named[position]) < index) sorted.push(named[position++])
    sorted.push(item)
  }
  sorted.push(...named.slice(position))
  setOwn(result, name, sorted)
}
