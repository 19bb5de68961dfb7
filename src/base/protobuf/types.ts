// The value types of protobuf fields: scalars, enumerations and conversions between a wire value and the one programs use.

import { ProtobufError } from './error.ts'
import { type Reader, WIRE, type Wire } from './reader.ts'
import type { Writer } from './writer.ts'

/** `implicit`: absent and zero are the same, and decoding yields zero (proto3 scalars). `explicit`: absent decodes to no property (messages). */
export type Presence = 'implicit' | 'explicit'

/** How one value is read and written. `Out` is what decoding yields, `In` what encoding accepts. */
export interface Type<Out, In = Out, P extends Presence = Presence> {
  readonly wire: Wire
  readonly presence: P
  /** What decoding yields when the value is absent and must be there: zero, or an empty message. */
  zero(): Out
  isZero(value: In): boolean
  read(reader: Reader): Out
  write(writer: Writer, value: In): void
  /** Reads a second occurrence of a message into the first, as the protobuf specification asks. */
  merge?(target: Out, reader: Reader): void
}

export type Scalar<Out, In = Out> = Type<Out, In, 'implicit'>

function scalar<T>(wire: Wire, zero: T, read: (r: Reader) => T, write: (w: Writer, value: T) => void): Scalar<T> {
  return { wire, presence: 'implicit', zero: () => zero, isZero: (value) => value === zero, read, write }
}

export const bool = scalar<boolean>(
  WIRE.varint,
  false,
  (r) => r.bool(),
  (w, v) => w.bool(v),
)
export const int32 = scalar<number>(
  WIRE.varint,
  0,
  (r) => r.int32(),
  (w, v) => w.int32(v),
)
export const uint32 = scalar<number>(
  WIRE.varint,
  0,
  (r) => r.uint32(),
  (w, v) => w.uint32(v),
)
export const string = scalar<string>(
  WIRE.bytes,
  '',
  (r) => r.string(),
  (w, v) => w.string(v),
)
export const double = scalar<number>(
  WIRE.fixed64,
  0,
  (r) => r.double(),
  (w, v) => w.double(v),
)
export const fixed32 = scalar<number>(
  WIRE.fixed32,
  0,
  (r) => r.fixed32(),
  (w, v) => w.fixed32(v),
)
export const fixed64 = scalar<bigint>(
  WIRE.fixed64,
  0n,
  (r) => r.fixed64(),
  (w, v) => w.fixed64(v),
)

/** A 64-bit integer as a number; a value beyond 2^53 is an error, in either direction. */
export const int64 = scalar<number>(
  WIRE.varint,
  0,
  (r) => r.int64(),
  (w, v) => w.int64(v),
)
export const uint64 = scalar<number>(
  WIRE.varint,
  0,
  (r) => r.uint64(),
  (w, v) => w.int64(nonNegative(v)),
)

/** A 64-bit integer as the nearest number, for what is measured and may be "all bits set": nanoseconds, byte limits. */
export const int64Rounded = scalar<number>(
  WIRE.varint,
  0,
  (r) => r.int64Rounded(),
  (w, v) => w.int64Rounded(v),
)
export const uint64Rounded = scalar<number>(
  WIRE.varint,
  0,
  (r) => r.uint64Rounded(),
  (w, v) => w.int64Rounded(nonNegative(v)),
)

/** A 64-bit integer as a bigint, for identifiers that use every bit (etcd's leases and member ids). */
export const bigInt64 = scalar<bigint>(
  WIRE.varint,
  0n,
  (r) => r.bigInt64(),
  (w, v) => w.bigInt64(v),
)
export const bigUint64 = scalar<bigint>(
  WIRE.varint,
  0n,
  (r) => r.bigUint64(),
  (w, v) => w.bigInt64(v),
)

/** Bytes; decoding yields a view into the decoded buffer. */
export const bytes: Scalar<Buffer, Uint8Array> = {
  wire: WIRE.bytes,
  presence: 'implicit',
  zero: () => Buffer.alloc(0),
  isZero: (value) => value.length === 0,
  read: (r) => r.bytes(),
  write: (w, v) => w.bytes(v),
}

/** An enumeration as the union of its names. A number that no name has decodes to the name of 0, as an unset field would. */
export function enumeration<const E extends Readonly<Record<string, number>>>(values: E): Scalar<keyof E & string> {
  type Name = keyof E & string
  const names = new Map(Object.entries(values).map(([name, value]) => [value, name as Name]))
  const zero = names.get(0)
  if (zero === undefined) throw new ProtobufError('Cannot define enumeration: no name stands for 0')
  return scalar<Name>(
    WIRE.varint,
    zero,
    (r) => names.get(r.int32()) ?? zero,
    (w, name) => {
      const value = values[name]
      if (value === undefined)
        throw new ProtobufError(`Cannot encode protobuf: there is no "${name}" in the enumeration`)
      w.int32(value)
    },
  )
}

/** A type whose values programs see in another form, such as nanoseconds as milliseconds. */
export function converted<Out, In, Out2, In2, P extends Presence>(
  type: Type<Out, In, P>,
  decode: (value: Out) => Out2,
  encode: (value: In2) => In,
): Type<Out2, In2, P> {
  return {
    wire: type.wire,
    presence: type.presence,
    zero: () => decode(type.zero()),
    isZero: (value) => type.isZero(encode(value)),
    read: (reader) => decode(type.read(reader)),
    write: (writer, value) => type.write(writer, encode(value)),
  }
}

/** A type that is looked up when it is first used, for messages that contain themselves; annotate the result, inference cannot. */
export function lazy<Out, In, P extends Presence>(presence: P, get: () => Type<Out, In, P>): Type<Out, In, P> {
  return {
    wire: WIRE.bytes,
    presence,
    zero: () => get().zero(),
    isZero: (value) => get().isZero(value),
    read: (reader) => get().read(reader),
    write: (writer, value) => get().write(writer, value),
    merge: (target, reader) => get().merge?.(target, reader),
  }
}

function nonNegative(value: number): number {
  if (value < 0) throw new ProtobufError(`Cannot encode protobuf: ${value} is not an unsigned integer`)
  return value
}
