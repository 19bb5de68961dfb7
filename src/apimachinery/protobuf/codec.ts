// The protobuf codec of a struct, compiled once from its fields: gogo-proto's conventions on the wire, the normal form of `decode` in memory.

import { type Reader, WIRE, type Writer } from '../../base/protobuf/protobuf.ts'
import { zeroIsAbsent } from '../decode.ts'
import { isObject, type JsonObject, setOwn } from '../objects.ts'
import type { Field, Struct } from '../schema.ts'
import { INLINE_MESSAGES, type Inline } from './inline.ts'
import { schemaUnion } from './json-schema.ts'
import { rawCodec, readMessage, SCALAR_CODECS, type ValueCodec, writeMessage } from './values.ts'

/** A message without its length: the body of an envelope, or what stands behind a length. */
export interface MessageCodec {
  /** Reads one field into `target`; false when the message has no such field of this wire type. */
  readField(target: JsonObject, number: number, wire: number, reader: Reader): boolean
  /** Fills in required fields whose empty value has no bytes on the wire, or may have none: lists, maps and bools. */
  finish(target: JsonObject): void
  write(writer: Writer, value: JsonObject): void
}

const codecs = new WeakMap<Struct, MessageCodec>()

export function codecOf(struct: Struct): MessageCodec {
  let codec = codecs.get(struct)
  if (codec === undefined) {
    codec = compile(struct)
    codecs.set(struct, codec)
  }
  return codec
}

/** One field number of a message. */
interface Slot {
  readonly number: number
  read(target: JsonObject, wire: number, reader: Reader): boolean
  write(writer: Writer, value: JsonObject): void
}

function compile(struct: Struct): MessageCodec {
  let slots: Slot[] | undefined
  let byNumber: (Slot | undefined)[] = []
  // Made on the first use, so that recursive schemas end.
  const all = (): Slot[] => {
    if (slots !== undefined) return slots
    slots = slotsOf(struct, Object.keys(struct.fields), INLINE_MESSAGES[struct.name])
    byNumber = indexed(slots)
    return slots
  }
  const required = Object.entries(struct.fields).filter(
    ([, { required, type }]) => required && (type === 'bool' || type === 'list' || type === 'map'),
  )
  return {
    readField(target, number, wire, reader) {
      if (slots === undefined) all()
      return byNumber[number]?.read(target, wire, reader) ?? false
    },
    finish(target) {
      for (const [key, { type }] of required) target[key] ??= type === 'bool' ? false : type === 'list' ? [] : {}
    },
    write(writer, value) {
      for (const slot of all()) slot.write(writer, value)
    },
  }
}

function indexed(slots: readonly Slot[]): (Slot | undefined)[] {
  const table: (Slot | undefined)[] = []
  for (const slot of slots) table[slot.number] = slot
  return table
}

function slotsOf(struct: Struct, keys: readonly string[], inline: Inline | undefined): Slot[] {
  const isInside = (key: string): boolean => {
    if (inline === undefined) return false
    return inline.only === undefined ? !inline.except?.includes(key) : inline.only.includes(key)
  }
  const slots: Slot[] = []
  for (const key of keys) {
    const field = struct.fields[key]
    if (field !== undefined && field.number > 0 && !isInside(key)) slots.push(slotOf(struct, key, field))
  }
  if (inline !== undefined) slots.push(inlineSlot(inline.number, slotsOf(struct, keys.filter(isInside), inline.inner)))
  return slots.sort((a, b) => a.number - b.number)
}

/** A message on the wire whose fields belong to the outer object. */
function inlineSlot(number: number, inner: readonly Slot[]): Slot {
  const byNumber = indexed(inner)
  return {
    number,
    read(target, wire, reader) {
      if (wire !== WIRE.bytes) return false
      readMessage(reader, (field, innerWire) => byNumber[field]?.read(target, innerWire, reader) ?? false)
      return true
    },
    write(writer, value) {
      writer.tag(number, WIRE.bytes)
      writeMessage(writer, () => {
        for (const slot of inner) slot.write(writer, value)
      })
    },
  }
}

function slotOf(struct: Struct, key: string, field: Field): Slot {
  const { number } = field
  const union = schemaUnion(struct, key)
  if (union !== undefined)
    return key === 'dependencies' ? mapSlot(number, key, union) : singleSlot(number, key, union, false)
  if (field.type === 'list' && field.of !== undefined) return listSlot(number, key, valueCodec(field.of))
  if (field.type === 'map' && field.of !== undefined) return mapSlot(number, key, valueCodec(field.of))
  return singleSlot(number, key, valueCodec(field), zeroIsAbsent(struct, key, field))
}

function singleSlot(number: number, key: string, codec: ValueCodec, dropZero: boolean): Slot {
  return {
    number,
    read(target, wire, reader) {
      if (wire !== codec.wire) return false
      const value = codec.read(reader)
      if (value === undefined || (dropZero && (value === '' || value === 0 || value === false))) return true
      target[key] = value
      return true
    },
    write(writer, value) {
      const member = value[key]
      if (member === undefined || member === null) return
      writer.tag(number, codec.wire)
      codec.write(writer, member)
    },
  }
}

function listSlot(number: number, key: string, codec: ValueCodec): Slot {
  return {
    number,
    read(target, wire, reader) {
      const packed = wire === WIRE.bytes && codec.wire !== WIRE.bytes
      if (!packed && wire !== codec.wire) return false
      const list = Object.hasOwn(target, key) ? target[key] : (target[key] = [])
      if (!Array.isArray(list)) return false
      const outer = packed ? reader.enter() : undefined
      do {
        if (outer !== undefined && !reader.more) break
        reader.countItem()
        list.push(codec.read(reader) ?? null)
      } while (outer !== undefined)
      if (outer !== undefined) reader.leave(outer)
      return true
    },
    write(writer, value) {
      const list = value[key]
      if (!Array.isArray(list)) return
      for (const item of list) {
        writer.tag(number, codec.wire)
        codec.write(writer, item)
      }
    },
  }
}

function mapSlot(number: number, key: string, codec: ValueCodec): Slot {
  return {
    number,
    read(target, wire, reader) {
      if (wire !== WIRE.bytes) return false
      const map = Object.hasOwn(target, key) ? target[key] : (target[key] = {})
      if (!isObject(map)) return false
      let name = ''
      let value: unknown
      readMessage(reader, (field, innerWire) => {
        if (field === 1 && innerWire === WIRE.bytes) name = reader.string()
        else if (field === 2 && innerWire === codec.wire) value = codec.read(reader)
        else return false
        return true
      })
      setOwn(map, name, value ?? null)
      return true
    },
    write(writer, value) {
      const map = value[key]
      if (!isObject(map)) return
      // Upstream writes maps in the order of their keys, so that equal objects have equal bytes.
      for (const name of Object.keys(map).sort()) {
        writer.tag(number, WIRE.bytes)
        writeMessage(writer, () => {
          writer.tag(1, WIRE.bytes)
          writer.string(name)
          writer.tag(2, codec.wire)
          codec.write(writer, map[name])
        })
      }
    },
  }
}

/** Values that are not fields of their own: elements of lists and maps too. */
function valueCodec(field: Field): ValueCodec {
  switch (field.type) {
    case 'struct':
      return structValueCodec(codecOf(requireStruct(field)))
    case 'list':
      // A list inside a map or a list is a message with one repeated field, as ExtraValue in SubjectAccessReview.
      return listMessageCodec(field)
    case 'map':
    case 'any':
      return rawCodec
    default:
      return SCALAR_CODECS[field.type]
  }
}

function requireStruct(field: Field): Struct {
  if (field.struct === undefined) throw new Error('Cannot compile a protobuf codec: a struct field names no struct')
  return field.struct()
}

function structValueCodec(codec: MessageCodec): ValueCodec {
  return {
    wire: WIRE.bytes,
    read(reader) {
      const target: JsonObject = {}
      readMessage(reader, (number, wire) => codec.readField(target, number, wire, reader))
      codec.finish(target)
      return target
    },
    write(writer, value) {
      writeMessage(writer, () => codec.write(writer, isObject(value) ? value : {}))
    },
  }
}

function listMessageCodec(field: Field): ValueCodec {
  const slot = listSlot(1, 'items', field.of === undefined ? rawCodec : valueCodec(field.of))
  return {
    wire: WIRE.bytes,
    read(reader) {
      const target: JsonObject = { items: [] }
      readMessage(reader, (number, wire) => number === 1 && slot.read(target, wire, reader))
      return target['items']
    },
    write(writer, value) {
      writeMessage(writer, () => slot.write(writer, { items: value }))
    },
  }
}
