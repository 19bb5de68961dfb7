// OpenAPI version 2 in protobuf (openapi.v2.Document): kubectl reads /openapi/v2 in no other form.

import { WIRE, Writer } from '../../base/protobuf/protobuf.ts'
import { isObject, type JsonObject } from '../objects.ts'

type Write = (writer: Writer, value: unknown) => void

/** A member of a message: its key in JSON, its number, and how its value is written. */
type Member = readonly [key: string, number: number, write: Write]

const wireOf = new Map<Write, number>()
function kind(wire: number, write: Write): Write {
  wireOf.set(write, wire)
  return write
}

const text = kind(WIRE.bytes, (writer, value) => writer.string(String(value)))
const flag = kind(WIRE.varint, (writer, value) => writer.bool(value === true))
const whole = kind(WIRE.varint, (writer, value) => writer.int64(Number(value)))
const real = kind(WIRE.fixed64, (writer, value) => writer.double(Number(value)))

function nested(write: Write): Write {
  return (writer, value) => {
    const start = writer.begin()
    write(writer, value)
    writer.end(start)
  }
}

function put(writer: Writer, number: number, write: Write, value: unknown): void {
  writer.tag(number, wireOf.get(write) ?? WIRE.bytes)
  write(writer, value)
}

/** Any value, as YAML text; JSON is YAML. */
const anyValue = nested((writer, value) => put(writer, 2, text, JSON.stringify(value)))

/** A message of known members and, where it has them, `x-…` extensions. */
function message(members: readonly Member[], extensions?: number): Write {
  return nested((writer, value) => {
    if (!isObject(value)) return
    for (const [key, number, write] of members) {
      const member = value[key]
      if (member === undefined) continue
      for (const item of Array.isArray(member) && !wholeLists.has(write) ? member : [member])
        put(writer, number, write, item)
    }
    if (extensions === undefined) return
    for (const [key, member] of Object.entries(value)) {
      if (key.startsWith('x-')) put(writer, extensions, namedAny, { name: key, value: member })
    }
  })
}

/** Writers that take a whole list as their one value. */
const wholeLists = new Set<Write>([anyValue])

const namedAny = message([
  ['name', 1, text],
  ['value', 2, anyValue],
])

/** A map as a list of named values: `{ name = 1, value = 2 }`, at `number` of a message of its own. */
function namedList(number: number, value: Write): Write {
  return nested((writer, map) => {
    for (const [name, member] of Object.entries(isObject(map) ? map : {})) {
      const entry = nested((inner) => {
        put(inner, 1, text, name)
        put(inner, 2, value, member)
      })
      put(writer, number, entry, member)
    }
  })
}

/** Recursive: schemas hold schemas. */
const schema: Write = (writer, value) => schemaMessage(writer, value)

const schemaType = nested((writer, value) => {
  for (const type of Array.isArray(value) ? value : [value]) put(writer, 1, text, type)
})
const items = nested((writer, value) => put(writer, 1, schema, value))
const additional = nested((writer, value) => {
  if (typeof value === 'boolean') put(writer, 2, flag, value)
  else put(writer, 1, schema, value)
})

const schemaMessage = message(
  [
    ['$ref', 1, text],
    ['format', 2, text],
    ['title', 3, text],
    ['description', 4, text],
    ['default', 5, anyValue],
    ['multipleOf', 6, real],
    ['maximum', 7, real],
    ['exclusiveMaximum', 8, flag],
    ['minimum', 9, real],
    ['exclusiveMinimum', 10, flag],
    ['maxLength', 11, whole],
    ['minLength', 12, whole],
    ['pattern', 13, text],
    ['maxItems', 14, whole],
    ['minItems', 15, whole],
    ['uniqueItems', 16, flag],
    ['maxProperties', 17, whole],
    ['minProperties', 18, whole],
    ['required', 19, text],
    ['enum', 20, nested((writer, value) => put(writer, 2, text, JSON.stringify(value)))],
    ['additionalProperties', 21, additional],
    ['type', 22, schemaType],
    ['items', 23, items],
    ['properties', 25, namedList(1, schema)],
  ],
  31,
)
wholeLists.add(schemaType)

const PLACE: readonly Member[] = [
  ['required', 1, flag],
  ['in', 2, text],
  ['description', 3, text],
  ['name', 4, text],
]
const queryParameter = message([...PLACE, ['type', 6, text], ['uniqueItems', 20, flag]])
const pathParameter = message([...PLACE, ['type', 5, text], ['uniqueItems', 19, flag]])
const bodyParameter = message([
  ['description', 1, text],
  ['name', 2, text],
  ['in', 3, text],
  ['required', 4, flag],
  ['schema', 5, schema],
])

/** ParametersItem{parameter{body | nonBody{query | path}}}. */
const parameterItem = nested((writer, value) => {
  const place = isObject(value) ? value['in'] : undefined
  const nonBody = nested((inner) =>
    put(inner, place === 'path' ? 4 : 3, place === 'path' ? pathParameter : queryParameter, value),
  )
  put(
    writer,
    1,
    nested((inner) => put(inner, place === 'body' ? 1 : 2, place === 'body' ? bodyParameter : nonBody, value)),
    value,
  )
})

const response = message([
  ['description', 1, text],
  ['schema', 2, nested((writer, value) => put(writer, 1, schema, value))],
])
const responses = namedList(
  1,
  nested((writer, value) => put(writer, 1, response, value)),
)

const operation = message(
  [
    ['description', 3, text],
    ['operationId', 5, text],
    ['produces', 6, text],
    ['consumes', 7, text],
    ['parameters', 8, parameterItem],
    ['responses', 9, responses],
    ['schemes', 10, text],
  ],
  13,
)

const pathItem = message([
  ['get', 2, operation],
  ['put', 3, operation],
  ['post', 4, operation],
  ['delete', 5, operation],
  ['patch', 8, operation],
  ['parameters', 9, parameterItem],
])

const info = message([
  ['title', 1, text],
  ['version', 2, text],
])

/** The protobuf form of a version 2 document that the builders of this folder made. */
export function encodeSwagger(document: JsonObject): Buffer {
  const writer = new Writer()
  put(writer, 1, text, document['swagger'])
  put(writer, 2, info, document['info'])
  put(writer, 8, namedList(2, pathItem), document['paths'])
  put(writer, 9, namedList(1, schema), document['definitions'])
  return writer.finish()
}
