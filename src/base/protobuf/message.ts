// Declares protobuf messages as objects of fields; the codec and the TypeScript types both come from the declaration.

import { ProtobufError } from './error.ts'
import { Reader, WIRE } from './reader.ts'
import type { Presence, Scalar, Type } from './types.ts'
import { Writer } from './writer.ts'

/** One field of a message. `P` says whether decoding always yields it (`implicit`) or only when it was there (`explicit`). */
export interface Field<Out, In, P extends Presence> {
  readonly number: number
  readonly presence: P
  /** The value before anything was read; undefined = no property. */
  initial(): Out | undefined
  /** Reads one occurrence into `target[name]`; false when the wire type is not this field's, so that it is skipped as unknown. */
  read(target: Record<string, unknown>, name: string, wire: number, reader: Reader): boolean
  write(writer: Writer, value: In): void
}

type Fields = Readonly<Record<string, Field<unknown, unknown, Presence>>>
type OutOf<F> = F extends Field<infer Out, infer _In, Presence> ? Out : never
type InOf<F> = F extends Field<infer _Out, infer In, Presence> ? In : never
type KeysOf<F extends Fields, P extends Presence> = {
  [K in keyof F]: F[K] extends Field<infer _Out, infer _In, P> ? K : never
}[keyof F]
type Flat<T> = { [K in keyof T]: T[K] }

/** What decoding a message with fields `F` yields. */
export type Decoded<F extends Fields> = Flat<
  { readonly [K in KeysOf<F, 'implicit'>]: OutOf<F[K]> } & { readonly [K in KeysOf<F, 'explicit'>]?: OutOf<F[K]> }
>
/** What encoding a message with fields `F` accepts: everything may be left out. */
export type Encodable<F extends Fields> = { readonly [K in keyof F]?: InOf<F[K]> | undefined }

export interface Message<Out, In> extends Type<Out, In, 'explicit'> {
  /** Throws a ProtobufError when `bytes` are not such a message. */
  decode(bytes: Uint8Array): Out
  encode(value: In): Buffer
}

export type DecodedOf<M> = M extends Message<infer Out, infer _In> ? Out : never
export type EncodableOf<M> = M extends Message<infer _Out, infer In> ? In : never

/** The highest field number of protobuf. */
const MAX_FIELD_NUMBER = 2 ** 29 - 1

/** A message: field names to fields. Unknown fields are skipped; of a oneof, declare every member as an `optional` field. */
export function message<const F extends Fields>(fields: F): Message<Decoded<F>, Encodable<F>> {
  const entries = Object.entries(fields)
  const table: ([string, Field<unknown, unknown, Presence>] | undefined)[] = []
  for (const entry of entries) {
    const { number } = entry[1]
    const valid = Number.isInteger(number) && number > 0 && number <= MAX_FIELD_NUMBER
    if (!valid || table[number] !== undefined)
      throw new ProtobufError(`Cannot define message: field number ${number} of "${entry[0]}" is invalid or taken`)
    table[number] = entry
  }
  const create = (): Record<string, unknown> => {
    const target: Record<string, unknown> = {}
    for (const [name, field] of entries) {
      const initial = field.initial()
      if (initial !== undefined) target[name] = initial
    }
    return target
  }
  const readAll = (target: Record<string, unknown>, reader: Reader): void => {
    while (reader.more) {
      const tag = reader.tag()
      const entry = table[tag >>> 3]
      if (entry === undefined || !entry[1].read(target, entry[0], tag & 7, reader)) reader.skip(tag)
    }
  }
  const merge = (target: unknown, reader: Reader): void => {
    reader.countItem()
    const outer = reader.enter()
    readAll(target as Record<string, unknown>, reader)
    reader.leave(outer)
  }
  const writeAll = (writer: Writer, value: Encodable<F>): void => {
    const values = value as Readonly<Record<string, unknown>>
    for (const [name, field] of entries) {
      const item = values[name]
      if (item !== undefined) field.write(writer, item)
    }
  }
  return {
    wire: WIRE.bytes,
    presence: 'explicit',
    zero: () => create() as Decoded<F>,
    isZero: () => false,
    read(reader) {
      const target = create()
      merge(target, reader)
      return target as Decoded<F>
    },
    merge,
    write(writer, value) {
      const start = writer.begin()
      writeAll(writer, value)
      writer.end(start)
    },
    decode(bytes) {
      const target = create()
      readAll(target, new Reader(bytes))
      return target as Decoded<F>
    },
    encode(value) {
      const writer = new Writer()
      writeAll(writer, value)
      return writer.finish()
    },
  }
}

/** A singular field: a scalar that is zero when absent, or a message that is no property when absent. */
export function field<Out, In, P extends Presence>(number: number, type: Type<Out, In, P>): Field<Out, In, P> {
  const implicit = type.presence === 'implicit'
  return {
    number,
    presence: type.presence,
    initial: () => (implicit ? type.zero() : undefined),
    read: (target, name, wire, reader) => readSingular(type, target, name, wire, reader),
    write(writer, value) {
      if (implicit && type.isZero(value)) return
      writer.tag(number, type.wire)
      type.write(writer, value)
    },
  }
}

/** A singular field that tells absent from zero: a proto2 or proto3 `optional` scalar, or a member of a oneof. */
export function optional<Out, In>(number: number, type: Type<Out, In>): Field<Out, In, 'explicit'> {
  return {
    number,
    presence: 'explicit',
    initial: () => undefined,
    read: (target, name, wire, reader) => readSingular(type, target, name, wire, reader),
    write(writer, value) {
      writer.tag(number, type.wire)
      type.write(writer, value)
    },
  }
}

/** A list. Numbers are written packed and read in either form. */
export function repeated<Out, In>(
  number: number,
  type: Type<Out, In>,
): Field<readonly Out[], readonly In[], 'implicit'> {
  const packable = type.wire !== WIRE.bytes
  return {
    number,
    presence: 'implicit',
    initial: () => [],
    read(target, name, wire, reader) {
      const list = target[name] as Out[]
      if (wire === type.wire) {
        reader.countItem()
        list.push(type.read(reader))
        return true
      }
      if (!packable || wire !== WIRE.bytes) return false
      const outer = reader.enter()
      while (reader.more) {
        reader.countItem()
        list.push(type.read(reader))
      }
      reader.leave(outer)
      return true
    },
    write(writer, list) {
      if (list.length === 0) return
      if (!packable) {
        for (const item of list) {
          writer.tag(number, type.wire)
          type.write(writer, item)
        }
        return
      }
      writer.tag(number, WIRE.bytes)
      const start = writer.begin()
      for (const item of list) type.write(writer, item)
      writer.end(start)
    },
  }
}

/** A map with string keys, written in the order of its keys so that equal maps are equal bytes. It decodes to an object without a prototype. */
export function map<Out, In>(
  number: number,
  key: Scalar<string>,
  value: Type<Out, In>,
): Field<Readonly<Record<string, Out>>, Readonly<Record<string, In>>, 'implicit'> {
  return {
    number,
    presence: 'implicit',
    initial: () => Object.create(null) as Record<string, Out>,
    read(target, name, wire, reader) {
      if (wire !== WIRE.bytes) return false
      reader.countItem()
      const outer = reader.enter()
      let entryKey = ''
      let entryValue: Out | undefined
      while (reader.more) {
        const tag = reader.tag()
        if (tag === 8 + key.wire) entryKey = key.read(reader)
        else if (tag === 16 + value.wire) entryValue = value.read(reader)
        else reader.skip(tag)
      }
      reader.leave(outer)
      const entries = target[name] as Record<string, Out>
      entries[entryKey] = entryValue ?? value.zero()
      return true
    },
    write(writer, entries) {
      for (const entryKey of Object.keys(entries).sort()) {
        const entryValue = entries[entryKey]
        if (entryValue === undefined) continue
        writer.tag(number, WIRE.bytes)
        const start = writer.begin()
        writer.tag(1, key.wire)
        key.write(writer, entryKey)
        writer.tag(2, value.wire)
        value.write(writer, entryValue)
        writer.end(start)
      }
    },
  }
}

function readSingular<Out, In>(
  type: Type<Out, In>,
  target: Record<string, unknown>,
  name: string,
  wire: number,
  reader: Reader,
): boolean {
  if (wire !== type.wire) return false
  const before = target[name]
  if (before !== undefined && type.merge !== undefined) type.merge(before as Out, reader)
  else target[name] = type.read(reader)
  return true
}
