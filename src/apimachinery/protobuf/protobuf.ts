// Kubernetes' protobuf: whole objects in their envelope, lists, and frames of a watch.

import { ProtobufError, Reader, WIRE, Writer } from '../../base/protobuf/protobuf.ts'
import { isObject, type JsonObject } from '../objects.ts'
import { DecodeError } from '../scalars.ts'
import type { Struct } from '../schema.ts'
import { codecOf } from './codec.ts'
import { readMessage, writeMessage } from './values.ts'

/** The media type of a body in this encoding. */
export const PROTOBUF_MEDIA_TYPE = 'application/vnd.kubernetes.protobuf'

/** What every body begins with: `k8s` and a zero byte. */
const MAGIC = Buffer.from([0x6b, 0x38, 0x73, 0])

export interface TypeMeta {
  apiVersion: string
  kind: string
}

/** A body taken out of its envelope (upstream: runtime.Unknown), not decoded yet. */
export interface Envelope extends TypeMeta {
  raw: Buffer
  contentEncoding: string
  contentType: string
}

export function hasProtobufMagic(bytes: Buffer): boolean {
  return bytes.length >= MAGIC.length && bytes.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) === 0
}

/** Opens the envelope, so that the kind is known before the body is decoded. Throws a DecodeError. */
export function decodeEnvelope(bytes: Buffer): Envelope {
  if (!hasProtobufMagic(bytes)) {
    throw new DecodeError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  }
  return guarded(() => {
    const envelope: Envelope = { apiVersion: '', kind: '', raw: Buffer.alloc(0), contentEncoding: '', contentType: '' }
    const reader = new Reader(bytes.subarray(MAGIC.length))
    while (reader.more) {
      const tag = reader.tag()
      if ((tag & 7) !== WIRE.bytes) reader.skip(tag)
      else if (tag >>> 3 === 1) readTypeMeta(reader, envelope)
      else if (tag >>> 3 === 2) envelope.raw = reader.bytes()
      else if (tag >>> 3 === 3) envelope.contentEncoding = reader.string()
      else if (tag >>> 3 === 4) envelope.contentType = reader.string()
      else reader.skip(tag)
    }
    return envelope
  })
}

function readTypeMeta(reader: Reader, into: TypeMeta): void {
  readMessage(reader, (number, wire) => {
    if (wire !== WIRE.bytes) return false
    if (number === 1) into.apiVersion = reader.string()
    else if (number === 2) into.kind = reader.string()
    else return false
    return true
  })
}

/**
 * Decodes a message into the form that `decode` yields, so it needs no second decoding: unknown fields are dropped (the wire does not name
 * them), zero values of fields that cannot tell zero from absent are absent. Throws a DecodeError.
 */
export function decodeMessage<T>(struct: Struct<T>, raw: Buffer, typeMeta?: TypeMeta): T {
  return guarded(() => {
    const codec = codecOf(struct)
    const reader = new Reader(raw)
    const target: JsonObject = {}
    if (typeMeta !== undefined) {
      target['apiVersion'] = typeMeta.apiVersion
      target['kind'] = typeMeta.kind
    }
    while (reader.more) {
      const tag = reader.tag()
      if (!codec.readField(target, tag >>> 3, tag & 7, reader)) reader.skip(tag)
    }
    codec.finish(target)
    return target as T
  })
}

/** The whole body of a request: envelope and message. */
export function decodeProtobuf<T>(struct: Struct<T>, bytes: Buffer): T {
  const envelope = decodeEnvelope(bytes)
  return decodeMessage(struct, envelope.raw, envelope)
}

function guarded<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof ProtobufError) throw new DecodeError(error.message, { cause: error })
    throw error
  }
}

/** The body of a response: `k8s\0` and the envelope around the message. For lists, give `listStruct(resource.struct)`. */
export function encodeProtobuf(struct: Struct, typeMeta: TypeMeta, object: object): Buffer {
  return written((writer) => {
    openEnvelope(writer, typeMeta)
    writeMessage(writer, () => codecOf(struct).write(writer, isObject(object) ? object : {}))
    closeEnvelope(writer)
  })
}

/** One for all: what a growing buffer leaves behind would be several times what is encoded. Nothing is encoded while something is. */
const scratch = new Writer()

function written(write: (writer: Writer) => void): Buffer {
  scratch.clear()
  write(scratch)
  return Buffer.from(scratch.finish())
}

function openEnvelope(writer: Writer, typeMeta: TypeMeta): void {
  writer.fixed32(MAGIC.readUInt32LE(0))
  writer.tag(1, WIRE.bytes)
  writeMessage(writer, () => {
    writer.tag(1, WIRE.bytes)
    writer.string(typeMeta.apiVersion)
    writer.tag(2, WIRE.bytes)
    writer.string(typeMeta.kind)
  })
  writer.tag(2, WIRE.bytes)
}

function closeEnvelope(writer: Writer): void {
  writer.tag(3, WIRE.bytes)
  writer.string('')
  writer.tag(4, WIRE.bytes)
  writer.string('')
}

/** The number of a list's items; it is the highest, so they end the message. */
const ITEMS = 2

/** Encodes items of a list, each as the field of the list's message. What it gives is good until the next: all of them share one memory. */
export function itemEncoder(struct: Struct): (item: object) => Buffer {
  const writer = new Writer()
  return (item) => {
    writer.clear()
    writer.tag(ITEMS, WIRE.bytes)
    writeMessage(writer, () => codecOf(struct).write(writer, isObject(item) ? item : {}))
    return writer.finish()
  }
}

/** What stands before and behind the items of a list, which are `itemsLength` bytes together: with them it is what `encodeProtobuf` makes. */
export function encodeListEnds(
  struct: Struct,
  typeMeta: TypeMeta,
  { metadata, itemsLength }: { metadata: object; itemsLength: number },
): { head: Buffer; tail: Buffer } {
  const meta = new Writer()
  codecOf(struct).write(meta, { metadata, items: [] })
  const before = meta.finish()
  const head = new Writer()
  openEnvelope(head, typeMeta)
  head.uint32(before.length + itemsLength)
  const tail = new Writer()
  closeEnvelope(tail)
  return { head: Buffer.concat([head.finish(), before]), tail: tail.finish() }
}

/** One frame of a protobuf watch: a length of four bytes, then WatchEvent{type, object{raw: the whole encoded object}}. */
export function encodeWatchFrame(type: string, object: Buffer): Buffer {
  const frame = written((writer) => {
    writer.fixed32(0)
    writer.tag(1, WIRE.bytes)
    writer.string(type)
    writer.tag(2, WIRE.bytes)
    writeMessage(writer, () => {
      writer.tag(1, WIRE.bytes)
      writer.bytes(object)
    })
  })
  frame.writeUInt32BE(frame.length - 4, 0)
  return frame
}
