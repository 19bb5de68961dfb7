// What a value in etcd is: one byte of format, who wrote it and when, and then the bytes of the store's value.

import { field, int64, message, optional, string } from '../../base/protobuf/protobuf.ts'
import type { Actor } from '../store.ts'
import { cutActorText } from '../write-rules.ts'

/** Raise it with every change that an older version would misread. */
const FORMAT = 1
/** Format, and the length of the head in four bytes. */
const FIXED_BYTES = 5

const head = message({
  timeMs: field(1, int64),
  user: field(2, string),
  verb: field(3, string),
  fieldManager: optional(4, string),
  requestId: field(5, string),
  userAgent: optional(6, string),
  /** When the entry is due to expire; 0 = never. */
  expiresMs: field(7, int64),
})

export interface Envelope {
  readonly timeMs: number
  readonly expiresMs: number
  readonly actor: Actor
  readonly value: Buffer
}

export function encodeEnvelope({ timeMs, expiresMs, actor, value }: Envelope): Buffer {
  const bytes = head.encode({
    timeMs,
    user: cutActorText(actor.user),
    verb: cutActorText(actor.verb),
    fieldManager: cutActorText(actor.fieldManager),
    requestId: cutActorText(actor.requestID),
    userAgent: cutActorText(actor.userAgent),
    expiresMs,
  })
  const fixed = Buffer.alloc(FIXED_BYTES)
  fixed[0] = FORMAT
  fixed.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([fixed, bytes, value])
}

/** `key` only for the error: what something else has written there is not read as ours. */
export function decodeEnvelope(bytes: Buffer, key: string): Envelope {
  const end = FIXED_BYTES + (bytes.length < FIXED_BYTES ? 0 : bytes.readUInt32BE(1))
  if (bytes[0] !== FORMAT || bytes.length < end)
    throw new Error(
      `Cannot read "${key}" from etcd: it is not in format ${FORMAT}; use another --etcd-prefix, or the version that wrote it`,
    )
  const { timeMs, user, verb, fieldManager, requestId, userAgent, expiresMs } = head.decode(
    bytes.subarray(FIXED_BYTES, end),
  )
  return {
    timeMs,
    expiresMs,
    actor: {
      user,
      verb,
      ...(fieldManager === undefined ? {} : { fieldManager }),
      requestID: requestId,
      ...(userAgent === undefined ? {} : { userAgent }),
    },
    value: bytes.subarray(end),
  }
}
