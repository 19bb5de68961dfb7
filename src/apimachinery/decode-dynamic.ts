// Decodes custom resources: prunes by a CRD's schema and drops nulls, but leaves values of a wrong type for validation to report, as upstream does.

import type { DecodeContext, Reader } from './decode.ts'
import { nestedReader, noteUnknown } from './decode.ts'
import { objectMeta } from './metadata.ts'
import { isObject, type JsonObject, setOwn } from './objects.ts'
import type { Field, Struct } from './schema.ts'

const keep: Reader = (value) => value

/** The reader of a struct that was loaded from a CRD; `root` and embedded objects have apiVersion, kind and metadata. */
export function dynamicReader(struct: Struct, root: boolean): Reader {
  const fields = new Map<string, { read: Reader; nullable: boolean }>()
  let compiled = false
  const compile = (): void => {
    compiled = true
    for (const [key, field] of Object.entries(struct.fields)) {
      fields.set(key, { read: valueReader(field), nullable: field.nullable === true })
    }
    if (root || struct.embedded === true) {
      for (const key of ['apiVersion', 'kind']) if (!fields.has(key)) fields.set(key, { read: keep, nullable: false })
      fields.set('metadata', { read: nestedReader(objectMeta), nullable: false })
    }
  }
  const preserve = struct.preserveUnknown === true
  return (value, context) => {
    if (!isObject(value)) return value
    if (!compiled) compile()
    const out: JsonObject = {}
    const depth = context.depth++
    for (const key in value) {
      const raw = value[key]
      context.path[depth] = key
      const field = fields.get(key)
      if (field === undefined) {
        if (preserve) setOwn(out, key, raw)
        else noteUnknown(context)
      } else if (raw !== null && raw !== undefined) out[key] = field.read(raw, context)
      else if (field.nullable) out[key] = null
    }
    context.depth = depth
    return out
  }
}

function valueReader(field: Field): Reader {
  switch (field.type) {
    case 'struct':
      return field.struct === undefined ? keep : nestedReader(field.struct())
    case 'list':
      return field.of === undefined ? keep : listReader(valueReader(field.of))
    case 'map':
      return field.of === undefined ? keep : mapReader(valueReader(field.of), field.of.nullable === true)
    default:
      return keep
  }
}

function listReader(read: Reader): Reader {
  return (value, context) => {
    if (!Array.isArray(value)) return value
    const depth = context.depth++
    const out = value.map((item: unknown, index) => {
      context.path[depth] = index
      return item === null ? null : read(item, context)
    })
    context.depth = depth
    return out
  }
}

function mapReader(read: Reader, nullable: boolean): Reader {
  return (value, context: DecodeContext) => {
    if (!isObject(value)) return value
    const out: JsonObject = {}
    const depth = context.depth++
    for (const key in value) {
      const item = value[key]
      context.path[depth] = key
      if (item !== null) setOwn(out, key, read(item, context))
      else if (nullable) setOwn(out, key, null)
    }
    context.depth = depth
    return out
  }
}
