// Merging an applied configuration into the live object, and taking out what is no longer applied.

import { cloneJson, isObject, type JsonObject, setOwn } from '../objects.ts'
import type { Field, Struct } from '../schema.ts'
import { elementKey, memberField, shapeOf, structOf } from './elements.ts'
import type { FieldSet } from './field-set.ts'

/** `live` with everything that `applied` says; neither is changed. */
export function mergeApplied(struct: Struct | undefined, live: JsonObject, applied: JsonObject): JsonObject {
  return mergeMembers(struct, undefined, live, applied)
}

function mergeMembers(
  struct: Struct | undefined,
  field: Field | undefined,
  live: JsonObject,
  applied: JsonObject,
): JsonObject {
  const result = { ...live }
  for (const [key, value] of Object.entries(applied)) {
    if (value === undefined) continue
    const current = Object.hasOwn(live, key) ? live[key] : undefined
    setOwn(result, key, mergeValue(memberField(struct, field, key), current, value))
  }
  return result
}

function mergeValue(field: Field | undefined, live: unknown, applied: unknown): unknown {
  const shape = applied === null ? 'leaf' : shapeOf(field, applied)
  if ((shape === 'struct' || shape === 'map') && isObject(applied)) {
    return mergeMembers(structOf(field), field, isObject(live) ? live : {}, applied)
  }
  if ((shape === 'keyed' || shape === 'set') && field && Array.isArray(applied)) {
    return mergeElements(field, Array.isArray(live) ? live : [], applied)
  }
  return cloneJson(applied)
}

/** The applied elements come in their own order; live ones that were not applied keep their place behind the one they followed. */
function mergeElements(field: Field, live: readonly unknown[], applied: readonly unknown[]): unknown[] {
  const wanted = new Map(applied.map((e): [string, unknown] => [elementKey(field, e), e]))
  const present = new Map(live.map((e): [string, unknown] => [elementKey(field, e), e]))
  const merged = (key: string): unknown => mergeValue(field.of, present.get(key), wanted.get(key))
  const result: unknown[] = []
  const order = [...wanted.keys()]
  let next = 0
  for (const [key, element] of present) {
    if (!wanted.has(key)) {
      result.push(element)
      continue
    }
    // All applied elements up to this one stand before whatever follows it.
    const index = order.indexOf(key)
    for (; next <= index; next++) result.push(merged(order[next] ?? ''))
  }
  for (; next < order.length; next++) result.push(merged(order[next] ?? ''))
  return result
}

/** `object` without the fields in `set`; containers that only held such fields stay only if they are not in the set themselves. */
export function removeFields(struct: Struct | undefined, object: JsonObject, set: FieldSet): JsonObject {
  return removeMembers(struct, undefined, object, set)
}

function removeMembers(
  struct: Struct | undefined,
  field: Field | undefined,
  object: JsonObject,
  set: FieldSet,
): JsonObject {
  const result = { ...object }
  for (const [element, node] of Object.entries(set)) {
    if (!element.startsWith('f:')) continue
    const key = element.slice(2)
    if (!Object.hasOwn(result, key)) continue
    const left = removeValue(memberField(struct, field, key), result[key], node)
    if (left === undefined) delete result[key]
    else setOwn(result, key, left)
  }
  return result
}

/** undefined: nothing is left of it. */
function removeValue(field: Field | undefined, value: unknown, node: FieldSet): unknown {
  const keys = Object.keys(node)
  const itself = keys.length === 0 || '.' in node
  if (keys.length === 0) return undefined
  const shape = shapeOf(field, value)
  if ((shape === 'struct' || shape === 'map') && isObject(value)) {
    const left = removeMembers(structOf(field), field, value, node)
    return itself && Object.keys(left).length === 0 ? undefined : left
  }
  if ((shape === 'keyed' || shape === 'set') && field && Array.isArray(value)) {
    const left = value.flatMap((element) => {
      const key = elementKey(field, element)
      if (!Object.hasOwn(node, key)) return [element]
      const rest = removeElement(field, element, node[key] ?? {})
      return rest === undefined ? [] : [rest]
    })
    return itself && left.length === 0 ? undefined : left
  }
  return itself ? undefined : value
}

/** An element goes as a whole when it is a member of the set itself: what others own of it was taken out of the set before. */
function removeElement(field: Field, element: unknown, node: FieldSet): unknown {
  if (Object.keys(node).length === 0 || '.' in node) return undefined
  const left = removeValue(field.of, element, node)
  if (!isObject(left) || !isObject(element)) return left
  // An element that stays is still told apart by its keys, whoever set them.
  const keys: JsonObject = {}
  for (const key of field.keys ?? []) if (element[key] !== undefined) keys[key] = element[key]
  return { ...keys, ...left }
}
