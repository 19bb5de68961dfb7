// Sets of fields in the form in which managedFields carries them (FieldsV1): a tree whose keys are path elements, `f:spec`, `k:{"name":"a"}`, `v:"x"`.

import { isObject, setOwn } from '../objects.ts'

/**
 * A node with no children, or with a child `.`, is in the set itself; its other children are the members below it.
 * The empty tree at the root is the empty set.
 */
export type FieldSet = { [element: string]: FieldSet }

const SELF = '.'

export const isEmptySet = (set: FieldSet): boolean => {
  for (const _ in set) return false
  return true
}

const isMember = (node: FieldSet): boolean => SELF in node || isEmptySet(node)

/** Reads a managedFields entry's `fieldsV1`; anything else than a tree of objects counts as no field. */
export function fieldSetOf(value: unknown): FieldSet {
  return isObject(value) ? (value as FieldSet) : {}
}

/** All fields of both. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a)) return b
  if (isEmptySet(b)) return a
  const result: FieldSet = { ...a }
  for (const key in b) {
    const node = b[key] ?? {}
    if (key === SELF) result[key] = {}
    else setOwn(result, key, Object.hasOwn(result, key) ? unionNode(result[key] ?? {}, node) : node)
  }
  return result
}

function unionNode(a: FieldSet, b: FieldSet): FieldSet {
  const merged = union(a, b)
  if (isEmptySet(merged)) return merged
  return isMember(a) || isMember(b) ? { [SELF]: {}, ...merged } : merged
}

/** The fields of `a` that are not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = {}
  for (const key in a) {
    if (key === SELF) continue
    const node = a[key] ?? {}
    const other = Object.hasOwn(b, key) ? b[key] : undefined
    const left = other === undefined ? node : differenceNode(node, other)
    if (left !== undefined) setOwn(result, key, left)
  }
  return result
}

function differenceNode(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const below = difference(a, b)
  const stays = isMember(a) && !isMember(b)
  if (isEmptySet(below)) return stays ? below : undefined
  return stays ? { [SELF]: {}, ...below } : below
}

/** The fields in both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const result: FieldSet = {}
  for (const key in a) {
    const other = key !== SELF && Object.hasOwn(b, key) ? b[key] : undefined
    if (other === undefined) continue
    const node = a[key] ?? {}
    const below = intersection(node, other)
    const both = isMember(node) && isMember(other)
    if (!isEmptySet(below)) setOwn(result, key, both ? { [SELF]: {}, ...below } : below)
    else if (both) setOwn(result, key, {})
  }
  return result
}

/** Whether a field is in both. */
export function intersects(a: FieldSet, b: FieldSet): boolean {
  for (const key in a) {
    const other = key !== SELF && Object.hasOwn(b, key) ? b[key] : undefined
    if (other === undefined) continue
    const node = a[key] ?? {}
    if ((isMember(node) && isMember(other)) || intersects(node, other)) return true
  }
  return false
}

/** Same members, whatever the order and form. */
export function sameSet(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true
  return isEmptySet(difference(a, b)) && isEmptySet(difference(b, a))
}

/** The paths of all members as upstream prints them: `.spec.template.spec.containers[name="a"].image`. */
export function pathsOf(set: FieldSet): string[] {
  const paths: string[] = []
  const walk = (node: FieldSet, path: string): void => {
    for (const [key, child] of Object.entries(node)) {
      if (key === SELF) continue
      const at = path + elementText(key)
      if (isMember(child)) paths.push(at)
      walk(child, at)
    }
  }
  walk(set, '')
  return paths
}

function elementText(element: string): string {
  const value = element.slice(2)
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${value}`
    case 'v:':
      return `[=${value}]`
    case 'i:':
      return `[${value}]`
    case 'k:': {
      const keys = JSON.parse(value) as Record<string, unknown>
      return `[${Object.entries(keys)
        .map(([k, v]) => `${k}=${JSON.stringify(v)}`)
        .join(',')}]`
    }
    default:
      return `.${element}`
  }
}
