// The bytes of one row of each table; this is the store's format on disk.

import { assert } from '../../base/assert.ts'
import type { Actor } from '../store.ts'
import { cutActorText as cut } from '../write-rules.ts'
import { putUint64, uint64At } from './keys.ts'

/** Raise it with every change of a row's bytes that an older version would misread. */
export const FORMAT = 1

/** A row of `objects`: where the live entry is in the log, which holds its value, and what the next write of its key needs to know. */
export interface Head {
  readonly revision: number
  readonly createRevision: number
  /** 0 = never. */
  readonly expiresMs: number
  /** Log bytes of this key up to and including this revision, ever: differences tell how much history lies between two versions. */
  readonly loggedBytes: number
}

export function encodeHead(head: Head): Buffer {
  const bytes = Buffer.allocUnsafe(32)
  putUint64(bytes, 0, head.revision)
  putUint64(bytes, 8, head.createRevision)
  putUint64(bytes, 16, head.expiresMs)
  putUint64(bytes, 24, head.loggedBytes)
  return bytes
}

export function decodeHead(bytes: Buffer): Head {
  return {
    revision: uint64At(bytes, 0),
    createRevision: uint64At(bytes, 8),
    expiresMs: uint64At(bytes, 16),
    loggedBytes: uint64At(bytes, 24),
  }
}

export function revisionOfHead(bytes: Buffer): number {
  return uint64At(bytes, 0)
}

/** A row of `log`. */
export interface LogRecord {
  readonly type: 'put' | 'delete'
  readonly key: string
  readonly timeMs: number
  readonly createRevision: number
  /** The revision of the entry this change replaced or removed; 0 = it created the key. */
  readonly previousRevision: number
  readonly loggedBytes: number
  readonly actor: Actor
  /** Empty on a delete. */
  readonly value: Buffer
}

/** What the sweeper needs, without decoding the rest. */
export type LogHeader = Pick<LogRecord, 'type' | 'key' | 'timeMs' | 'previousRevision'> & { readonly keyBytes: Buffer }

const PUT = 1
const DELETE = 2
const LOG_HEADER_BYTES = 39
const ABSENT = 0xffff

type NewRecord = Omit<LogRecord, 'key' | 'loggedBytes'> & { keyBytes: Buffer; bytesBefore: number }

/** A record carries its own size in its `loggedBytes`. */
export function encodeLog(record: NewRecord, allocate: (size: number) => Buffer = Buffer.allocUnsafe): Buffer {
  const { keyBytes, value } = record
  const { user, verb, fieldManager, requestID, userAgent } = record.actor
  const texts = [cut(user), cut(verb), cut(fieldManager), cut(requestID), cut(userAgent)]
  let size = LOG_HEADER_BYTES + keyBytes.length + value.length
  for (const text of texts) size += 2 + (text === undefined ? 0 : Buffer.byteLength(text))
  const bytes = allocate(size)
  bytes[0] = record.type === 'put' ? PUT : DELETE
  putUint64(bytes, 1, record.timeMs)
  putUint64(bytes, 9, record.createRevision)
  putUint64(bytes, 17, record.previousRevision)
  putUint64(bytes, 25, record.bytesBefore + size)
  bytes.writeUInt16BE(keyBytes.length, 33)
  keyBytes.copy(bytes, LOG_HEADER_BYTES)
  let at = LOG_HEADER_BYTES + keyBytes.length
  for (const text of texts) {
    const length = text === undefined ? 0 : bytes.write(text, at + 2)
    bytes.writeUInt16BE(text === undefined ? ABSENT : length, at)
    at += 2 + length
  }
  bytes.writeUInt32BE(at, 35)
  value.copy(bytes, at)
  return bytes
}

/** The value, without decoding the rest. */
export function valueIn(bytes: Buffer): Buffer {
  return bytes.subarray(bytes.readUInt32BE(35))
}

export function createRevisionOf(bytes: Buffer): number {
  return uint64At(bytes, 9)
}

export function loggedBytesOf(bytes: Buffer): number {
  return uint64At(bytes, 25)
}

export function decodeLogHeader(bytes: Buffer): LogHeader {
  const type = bytes[0] === PUT ? 'put' : 'delete'
  assert(type === 'put' || bytes[0] === DELETE, `the log holds a record of kind ${bytes[0]}`)
  const keyBytes = bytes.subarray(LOG_HEADER_BYTES, LOG_HEADER_BYTES + bytes.readUInt16BE(33))
  return { type, timeMs: uint64At(bytes, 1), previousRevision: uint64At(bytes, 17), keyBytes, key: keyBytes.toString() }
}

export function decodeLog(bytes: Buffer): LogRecord {
  const { type, key, keyBytes, timeMs, previousRevision } = decodeLogHeader(bytes)
  let at = LOG_HEADER_BYTES + keyBytes.length
  const text = (): string | undefined => {
    const length = bytes.readUInt16BE(at)
    at += 2
    if (length === ABSENT) return undefined
    at += length
    return bytes.toString('utf8', at - length, at)
  }
  const user = text() ?? ''
  const verb = text() ?? ''
  const fieldManager = text()
  const requestID = text() ?? ''
  const userAgent = text()
  const actor: Actor = {
    user,
    verb,
    ...(fieldManager === undefined ? {} : { fieldManager }),
    requestID,
    ...(userAgent === undefined ? {} : { userAgent }),
  }
  const value = valueIn(bytes)
  return {
    type,
    key,
    timeMs,
    createRevision: uint64At(bytes, 9),
    previousRevision,
    loggedBytes: loggedBytesOf(bytes),
    actor,
    value,
  }
}

/** A row of `versions`: an index entry, so that walking a key's past does not read the values. */
export interface Version {
  readonly type: 'put' | 'delete'
  readonly loggedBytes: number
  /** Of the log record. */
  readonly size: number
}

export function encodeVersion(version: Version): Buffer {
  const bytes = Buffer.allocUnsafe(13)
  bytes[0] = version.type === 'put' ? PUT : DELETE
  putUint64(bytes, 1, version.loggedBytes)
  bytes.writeUInt32BE(version.size, 9)
  return bytes
}

export function decodeVersion(bytes: Buffer): Version {
  return { type: bytes[0] === PUT ? 'put' : 'delete', loggedBytes: uint64At(bytes, 1), size: bytes.readUInt32BE(9) }
}

/** The one row of `meta` that every commit rewrites. */
export interface State {
  readonly revision: number
  readonly compacted: number
  /** The time of the newest change; the next one is never earlier. */
  readonly timeMs: number
}

export const STATE_KEY = Buffer.from('state')
export const FORMAT_KEY = Buffer.from('format')

export function encodeState(state: State): Buffer {
  const bytes = Buffer.allocUnsafe(24)
  putUint64(bytes, 0, state.revision)
  putUint64(bytes, 8, state.compacted)
  putUint64(bytes, 16, state.timeMs)
  return bytes
}

export function decodeState(bytes: Buffer | undefined): State {
  if (bytes === undefined) return { revision: 0, compacted: 0, timeMs: 0 }
  return { revision: uint64At(bytes, 0), compacted: uint64At(bytes, 8), timeMs: uint64At(bytes, 16) }
}
