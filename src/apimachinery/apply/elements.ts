// How the elements of a list are told apart in server-side apply: by keys, by value, or not at all.

import { isObject } from '../objects.ts'
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

/** Text that is the same in JSON but for the quotes around it. */
const PLAIN = /^[\w ./:@+-]*$/

/** `k:{"containerPort":80,"protocol":"TCP"}`: keys sorted, absent ones by their default. */
export function elementKey(field: Field, element: unknown): string {
  if (field.list === 'set') return `v:${JSON.stringify(element)}`
  let text = ''
  for (const { key, head, byDefault } of identityOf(field)) {
    const value = (isObject(element) ? element[key] : undefined) ?? byDefault
    if (value === undefined) continue
    const json = typeof value === 'string' && PLAIN.test(value) ? `"${value}"` : JSON.stringify(value)
    text += text === '' ? `${head}${json}` : `,${head}${json}`
  }
  return `k:{${text}}`
}

/** One of the keys that tell the elements of a list apart. */
interface Identity {
  readonly key: string
  /** `"key":` */
  readonly head: string
  readonly byDefault: unknown
}

const identities = new WeakMap<Field, readonly Identity[]>()

function identityOf(field: Field): readonly Identity[] {
  let identity = identities.get(field)
  if (identity === undefined) {
    const struct = structOf(field.of)
    identity = [...(field.keys ?? [])]
      .sort()
      .map((key) => ({ key, head: `${JSON.stringify(key)}:`, byDefault: struct?.fields[key]?.default }))
    identities.set(field, identity)
  }
  return identity
}

/** Up to here comparing all with all is cheaper than a table. */
export const SHORT_LIST = 16

/** Whether a list holds a key twice. */
export function isRepeating(keys: readonly string[]): boolean {
  if (keys.length > SHORT_LIST) return new Set(keys).size < keys.length
  for (let i = 1; i < keys.length; i++) if (keys.indexOf(keys[i] ?? '') < i) return true
  return false
}
