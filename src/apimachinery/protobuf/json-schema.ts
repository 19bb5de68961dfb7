// The unions inside a CRD's JSON schema (a schema or a boolean, or a list, or names), which are messages of their own on the wire.

import { ProtobufError, WIRE } from '../../base/protobuf/protobuf.ts'
import { isObject, type JsonObject } from '../objects.ts'
import type { Struct } from '../schema.ts'
import { codecOf } from './codec.ts'
import { readMessage, type ValueCodec, writeMessage } from './values.ts'

const SCHEMA_PROPS = /\.apiextensions\.v1\.JSONSchemaProps$/

/** The codec of `key`'s value in a JSONSchemaProps, where it is one of the unions; of each entry's value for `dependencies`. */
export function schemaUnion(struct: Struct, key: string): ValueCodec | undefined {
  if (!SCHEMA_PROPS.test(struct.name)) return undefined
  const props = schemaPropsCodec(struct)
  switch (key) {
    case 'items':
      return orList(props, props)
    case 'additionalProperties':
    case 'additionalItems':
      return orBool(props)
    case 'dependencies':
      return orList(props, textCodec)
    default:
      return undefined
  }
}

const textCodec: ValueCodec = {
  wire: WIRE.bytes,
  read: (reader) => reader.string(),
  write(writer, value) {
    if (typeof value !== 'string') throw new ProtobufError('Cannot encode protobuf: a dependency is not a name')
    writer.string(value)
  },
}

function schemaPropsCodec(struct: Struct): ValueCodec {
  return {
    wire: WIRE.bytes,
    read(reader) {
      const target: JsonObject = {}
      readMessage(reader, (number, wire) => codecOf(struct).readField(target, number, wire, reader))
      return target
    },
    write(writer, value) {
      if (!isObject(value)) throw new ProtobufError('Cannot encode protobuf: a JSON schema is not an object')
      writeMessage(writer, () => codecOf(struct).write(writer, value))
    },
  }
}

/** One schema (field 1), or a list (field 2) of schemas or names. */
function orList(one: ValueCodec, item: ValueCodec): ValueCodec {
  return {
    wire: WIRE.bytes,
    read(reader) {
      let single: unknown
      const list: unknown[] = []
      readMessage(reader, (number, wire) => {
        if (wire !== WIRE.bytes) return false
        if (number === 1) single = one.read(reader)
        else if (number === 2) list.push(item.read(reader))
        else return false
        return true
      })
      return list.length > 0 ? list : single
    },
    write(writer, value) {
      writeMessage(writer, () => {
        for (const member of Array.isArray(value) ? value : [value]) {
          const codec = Array.isArray(value) ? item : one
          writer.tag(Array.isArray(value) ? 2 : 1, WIRE.bytes)
          codec.write(writer, member)
        }
      })
    },
  }
}

/** A boolean (field 1) or a schema (field 2). */
function orBool(props: ValueCodec): ValueCodec {
  return {
    wire: WIRE.bytes,
    read(reader) {
      let allows = false
      let single: unknown
      readMessage(reader, (number, wire) => {
        if (number === 1 && wire === WIRE.varint) allows = reader.bool()
        else if (number === 2 && wire === WIRE.bytes) single = props.read(reader)
        else return false
        return true
      })
      return single ?? allows
    },
    write(writer, value) {
      writeMessage(writer, () => {
        writer.tag(1, WIRE.varint)
        writer.bool(value !== false)
        if (typeof value === 'boolean') return
        writer.tag(2, WIRE.bytes)
        props.write(writer, value)
      })
    },
  }
}
