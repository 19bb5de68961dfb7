// How the elements of a list are told apart in server-side apply: by keys, by value, or not at all.

import { isObject, type JsonObject } from '../objects.ts'
import type { Field, Struct } from '../schema.ts'

/** How a value merges: as one, field by field, or element by element. */
export type Shape = 'leaf' | 'struct' | 'map' | 'keyed' | 'set'

export function shapeOf(field: Field | undefined, value: unknown): Shape {
  if (field === undefined || field.type === 'any') {
    // Without a schema (deduced): objects merge, lists are atomic.
    return isObject(value) && field === undefined ? 'map' : 'leaf'
  }
  if (field.atomic) return 'leaf'
  switch (field.type) {
    case 'struct':
      return field.atomic === undefined && field.struct?.().atomic ? 'leaf' : 'struct'
    case 'map':
      return 'map'
    case 'list':
      if (field.list === 'map' && field.keys) return 'keyed'
      return field.list === 'set' ? 'set' : 'leaf'
    default:
      return 'leaf'
  }
}

export const structOf = (field: Field | undefined): Struct | undefined =>
  field?.type === 'struct' ? field.struct?.() : undefined

/** The schema of a member of a struct or map. */
export function memberField(struct: Struct | undefined, field: Field | undefined, key: string): Field | undefined {
  if (struct) return Object.hasOwn(struct.fields, key) ? struct.fields[key] : undefined
  return field?.type === 'map' ? field.of : undefined
}

/** `k:{"containerPort":80,"protocol":"TCP"}`: keys sorted, absent ones by their default. */
export function elementKey(field: Field, element: unknown): string {
  if (field.list === 'set') return `v:${JSON.stringify(element)}`
  const id: JsonObject = {}
  for (const [key, byDefault] of identityOf(field)) {
    const value = isObject(element) ? element[key] : undefined
    const given = value ?? byDefault
    if (given !== undefined) id[key] = given
  }
  return `k:${JSON.stringify(id)}`
}

const identities = new WeakMap<Field, readonly (readonly [key: string, byDefault: unknown])[]>()

function identityOf(field: Field): readonly (readonly [key: string, byDefault: unknown])[] {
  let identity = identities.get(field)
  if (identity === undefined) {
    const struct = structOf(field.of)
    identity = [...(field.keys ?? [])].sort().map((key) => [key, struct?.fields[key]?.default] as const)
    identities.set(field, identity)
  }
  return identity
}
