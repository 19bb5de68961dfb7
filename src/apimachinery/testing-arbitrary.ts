// Arbitrary objects of a struct in their normal form, for property tests: every field may be there, none holds what decoding would drop.

import fc from 'fast-check'
import { zeroIsAbsent } from './decode.ts'
import { type JsonObject, setOwn } from './objects.ts'
import type { Field, Struct } from './schema.ts'

/** How deep structs are filled; deeper ones are left out where the schema allows. */
const MAX_STRUCT_DEPTH = 6

/** Names and texts as people write them, and as they should not. */
const text = fc.oneof(
  fc.constantFrom('a', 'web-1', 'example.com/key', '__proto__', 'constructor', 'ünï¢ode', ''),
  fc.string({ maxLength: 8 }),
)
const word = text.filter((value) => value !== '')
const int32 = fc.oneof(fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)), fc.integer())
const time = fc
  .integer({ min: -62135596799, max: 253402300799 })
  .filter((seconds) => seconds !== 0)
  .map((seconds) => `${new Date(seconds * 1000).toISOString().slice(0, -5)}Z`)

const made = new Map<string, fc.Arbitrary<JsonObject>>()

/** An object of `struct`, as `decode` would return it. */
export function arbitraryOf(struct: Struct, depth = 0): fc.Arbitrary<JsonObject> {
  // Shared by name and depth: a schema of schemas would otherwise be built millions of times.
  const key = `${depth} ${struct.name}`
  let arbitrary = made.get(key)
  if (arbitrary === undefined) {
    arbitrary = build(struct, depth)
    made.set(key, arbitrary)
  }
  return arbitrary
}

function build(struct: Struct, depth: number): fc.Arbitrary<JsonObject> {
  const members: Record<string, fc.Arbitrary<unknown>> = {}
  for (const [key, field] of Object.entries(struct.fields)) {
    const zeroless = zeroIsAbsent(struct, key, field)
    // Lists and maps are made non-empty instead of filtered: fast-check makes arrays ever emptier with depth.
    // An empty list that is not nil is one in JSON only: protobuf does not carry it.
    const filled = zeroless || (field.type === 'list' && field.nilable === true)
    const value = schemaMember(struct, key) ?? arbitraryField(field, depth, filled ? 1 : 0)
    if (value === undefined) continue
    const present = filled ? value.filter((made) => !isZero(made)) : value
    members[key] = field.required ? present : sometimes(present, depth < 2 ? 1 : 4)
  }
  return fc.record(members).map((record) => {
    const object: JsonObject = {}
    for (const [key, value] of Object.entries(record)) if (value !== undefined) setOwn(object, key, value)
    return object
  })
}

/** A CRD's schema holds schemas where the schema language says `any`. */
const schemaUnion = fc.constantFrom<unknown>(
  { type: 'string' },
  { type: 'array', items: { type: 'integer', minimum: 0 } },
)

/** `dependencies` holds schemas or lists of names: nothing else is a value of its type. */
const dependencies = fc.dictionary(word, fc.oneof(schemaUnion, fc.array(word, { minLength: 1, maxLength: 2 })), {
  minKeys: 1,
  maxKeys: 2,
  noNullPrototype: true,
})

function schemaMember(struct: Struct, key: string): fc.Arbitrary<unknown> | undefined {
  if (!struct.name.endsWith('.JSONSchemaProps')) return undefined
  if (key === 'dependencies') return dependencies
  return ['items', 'additionalProperties', 'additionalItems'].includes(key) ? schemaUnion : undefined
}

/** Present once for `absent` times that it is not. */
function sometimes(value: fc.Arbitrary<unknown>, absent: number): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary: fc.constant(undefined), weight: absent }, { arbitrary: value, weight: 1 })
}

function isZero(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0
  return value === 0 || value === '' || value === false
}

function arbitraryField(field: Field, depth: number, minLength = 0): fc.Arbitrary<unknown> | undefined {
  switch (field.type) {
    case 'string':
      return field.enum === undefined ? text : fc.constantFrom(...field.enum)
    case 'int32':
      return int32
    case 'int64':
      return fc.maxSafeInteger().map((value) => value || 0)
    case 'double':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value || 0)
    case 'bool':
      return fc.boolean()
    case 'bytes':
      return fc.uint8Array({ minLength: 1, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('base64'))
    case 'time':
      return time
    case 'microTime':
      return fc
        .tuple(time, fc.nat(999_999))
        .map(([at, micros]) => `${at.slice(0, -1)}.${String(micros).padStart(6, '0')}Z`)
    case 'quantity':
      return fc.constantFrom('1', '100m', '64Mi', '2Gi', '15k')
    case 'intOrString':
      return fc.oneof(int32, fc.constantFrom('25%', 'http'))
    case 'any':
      return fc.constantFrom<unknown>({ a: 1 }, { 'f:metadata': { 'f:labels': { '.': {} } } }, 'x', [1, null])
    case 'struct':
      if (depth >= MAX_STRUCT_DEPTH && !field.required) return undefined
      return field.struct && arbitraryOf(field.struct(), depth + 1)
    case 'list': {
      const of = field.of && arbitraryField(field.of, depth + 1)
      // A required list is never left out: where nothing deeper is made, it is empty.
      return of === undefined
        ? field.required
          ? fc.constant([])
          : undefined
        : fc.array(of, { minLength, maxLength: 2 })
    }
    case 'map': {
      const of = field.of && arbitraryField(field.of, depth + 1)
      return of && fc.array(fc.tuple(word, of), { minLength, maxLength: 2 }).map(mapOfEntries)
    }
  }
}

function mapOfEntries(entries: readonly (readonly [string, unknown])[]): JsonObject {
  const map: JsonObject = {}
  for (const [key, value] of entries) setOwn(map, key, value)
  return map
}
