// How single values look on the wire: scalars, and the small messages that JSON writes as one value (Time, Quantity, IntOrString, raw JSON).

import { ProtobufError, type Reader, WIRE, type Writer } from '../../base/protobuf/protobuf.ts'
import { LongText } from '../long-text.ts'
import { DecodeError, READ_SCALAR, type ScalarType, utcSeconds } from '../scalars.ts'

export interface ValueCodec {
  readonly wire: number
  /** Undefined where the value on the wire means "absent". */
  read(reader: Reader): unknown
  write(writer: Writer, value: unknown): void
}

/** Reads the fields of a small message: `field` returns false for one it does not know. */
export function readMessage(reader: Reader, field: (number: number, wire: number) => boolean): void {
  reader.countItem()
  const outer = reader.enter()
  while (reader.more) {
    const tag = reader.tag()
    if (!field(tag >>> 3, tag & 7)) reader.skip(tag)
  }
  reader.leave(outer)
}

export function writeMessage(writer: Writer, body: () => void): void {
  const start = writer.begin()
  body()
  writer.end(start)
}

function wrong(value: unknown, wanted: string): ProtobufError {
  return new ProtobufError(`Cannot encode protobuf: ${JSON.stringify(value)?.slice(0, 100)} is not ${wanted}`)
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw wrong(value, 'a number')
  return value
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof LongText) return value.toString()
  throw wrong(value, 'a string')
}

function writeText(writer: Writer, value: unknown): void {
  if (value instanceof LongText) writeMessage(writer, () => writeLong(writer, value))
  else writer.string(textOf(value))
}

function writeLong(writer: Writer, text: LongText): void {
  if (text.plainBytes) writer.part(text.plainBytes)
  else for (const chunk of text.chunks()) writer.part(chunk)
}

/** Four characters stand for three bytes: it may be cut behind any four of them. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function writeBase64(writer: Writer, value: unknown): void {
  const json = value instanceof LongText ? value.plainBytes : undefined
  if (json !== undefined && isBase64(json)) {
    writeMessage(writer, () => {
      for (const chunk of base64Chunks(json)) writer.part(Buffer.from(chunk, 'base64'))
    })
  } else {
    writer.bytes(Buffer.from(textOf(value), 'base64'))
  }
}

/** As encoders write it; others may have line ends between, or nothing at the end, which may not be cut anywhere. */
function isBase64(json: Buffer): boolean {
  let chunks = Math.ceil(json.length / BASE64_CHUNK_BYTES)
  for (const chunk of base64Chunks(json)) if (!BASE64.test(chunk) || (--chunks > 0 && chunk.endsWith('='))) return false
  return true
}

const BASE64_CHUNK_BYTES = 4 * 1024

function* base64Chunks(json: Buffer): Generator<string> {
  for (let at = 0; at < json.length; at += BASE64_CHUNK_BYTES)
    yield json.toString('latin1', at, at + BASE64_CHUNK_BYTES)
}

/** The seconds of Go's zero time, which stands for "absent". */
const GO_ZERO_SECONDS = -62135596800
/** The years that RFC 3339 can write: 0000 to 9999. */
const MAX_SECONDS = 253402300799
const MIN_SECONDS = -62167219200

function timeCodec(micro: boolean): ValueCodec {
  return {
    wire: WIRE.bytes,
    read(reader) {
      let seconds = 0
      let nanos = 0
      readMessage(reader, (number, wire) => {
        if (wire !== WIRE.varint) return false
        if (number === 1) seconds = reader.int64Rounded()
        else if (number === 2) nanos = reader.int32()
        else return false
        return true
      })
      if ((seconds === 0 && nanos === 0) || seconds === GO_ZERO_SECONDS) return undefined
      if (seconds > MAX_SECONDS || seconds < MIN_SECONDS)
        throw new ProtobufError('Cannot decode protobuf: a time is out of range')
      const text = utcSeconds(seconds * 1000)
      if (!micro) return text
      const micros = Math.min(Math.max(Math.floor(nanos / 1000), 0), 999_999)
      return `${text.slice(0, -1)}.${String(micros).padStart(6, '0')}Z`
    },
    write(writer, value) {
      const text = textOf(value)
      const ms = Date.parse(text)
      if (Number.isNaN(ms)) throw wrong(value, 'a time')
      const fraction = /\.(\d+)/.exec(text)?.[1] ?? ''
      writeMessage(writer, () => {
        writer.tag(1, WIRE.varint)
        writer.int64(Math.floor(ms / 1000))
        writer.tag(2, WIRE.varint)
        writer.int32(micro ? Number(`${fraction}000000000`.slice(0, 9)) : 0)
      })
    },
  }
}

const quantityCodec: ValueCodec = {
  wire: WIRE.bytes,
  read(reader) {
    let text = ''
    readMessage(reader, (number, wire) => {
      if (number !== 1 || wire !== WIRE.bytes) return false
      text = reader.string()
      return true
    })
    // Go's zero quantity has an empty string on the wire.
    return text === '' ? '0' : READ_SCALAR.quantity(text)
  },
  write(writer, value) {
    writeMessage(writer, () => {
      writer.tag(1, WIRE.bytes)
      writer.string(textOf(value))
    })
  },
}

const intOrStringCodec: ValueCodec = {
  wire: WIRE.bytes,
  read(reader) {
    let isText = false
    let int = 0
    let text = ''
    readMessage(reader, (number, wire) => {
      if (number === 1 && wire === WIRE.varint) isText = reader.int64Rounded() === 1
      else if (number === 2 && wire === WIRE.varint) int = reader.int32()
      else if (number === 3 && wire === WIRE.bytes) text = reader.string()
      else return false
      return true
    })
    return isText ? text : int
  },
  write(writer, given) {
    const value = given instanceof LongText ? given.toString() : given
    writeMessage(writer, () => {
      writer.tag(1, WIRE.varint)
      writer.int64(typeof value === 'string' ? 1 : 0)
      writer.tag(2, WIRE.varint)
      writer.int32(typeof value === 'number' ? value : 0)
      writer.tag(3, WIRE.bytes)
      writer.string(typeof value === 'string' ? value : '')
    })
  },
}

/** RawExtension, FieldsV1 and JSON: one field of bytes, which are JSON text. */
export const rawCodec: ValueCodec = {
  wire: WIRE.bytes,
  read(reader) {
    let raw = ''
    readMessage(reader, (number, wire) => {
      if (number !== 1 || wire !== WIRE.bytes) return false
      raw = reader.string()
      return true
    })
    if (raw === '') return undefined
    try {
      return JSON.parse(raw) ?? undefined
    } catch (cause) {
      throw new DecodeError('Cannot decode protobuf: a raw value is not JSON', { cause })
    }
  },
  write(writer, value) {
    writeMessage(writer, () => {
      writer.tag(1, WIRE.bytes)
      writer.string(JSON.stringify(value) ?? 'null')
    })
  },
}

const INT64_EDGE = 2 ** 63

export const SCALAR_CODECS: Readonly<Record<ScalarType, ValueCodec>> = {
  string: {
    wire: WIRE.bytes,
    read: (reader) => reader.string(),
    write: writeText,
  },
  int32: {
    wire: WIRE.varint,
    read: (reader) => reader.int32(),
    write: (writer, value) => writer.int32(numberOf(value)),
  },
  int64: {
    wire: WIRE.varint,
    read(reader) {
      const value = reader.int64Rounded()
      // The nearest number to the largest integers is the first one beyond them.
      return value >= INT64_EDGE ? INT64_EDGE - 1024 : value
    },
    write: (writer, value) => writer.int64Rounded(numberOf(value)),
  },
  double: {
    wire: WIRE.fixed64,
    read(reader) {
      const value = reader.double()
      if (!Number.isFinite(value)) throw new ProtobufError(`Cannot decode protobuf: JSON has no ${value}`)
      return value
    },
    write: (writer, value) => writer.double(numberOf(value)),
  },
  bool: {
    wire: WIRE.varint,
    read: (reader) => reader.bool(),
    write: (writer, value) => writer.bool(value === true),
  },
  bytes: {
    wire: WIRE.bytes,
    read: (reader) => reader.bytes().toString('base64'),
    write: writeBase64,
  },
  time: timeCodec(false),
  microTime: timeCodec(true),
  quantity: quantityCodec,
  intOrString: intOrStringCodec,
}
