// What every engine makes of a write before it is kept: refusals of what no engine takes, and how much of an actor is kept.

import { InvalidWriteError } from './errors.ts'
import { keyBytes } from './keys.ts'
import { MAX_ACTOR_FIELD_BYTES, MAX_VALUE_BYTES, type Write } from './store.ts'

/** A century: beyond any use, and far from where milliseconds stop being exact. */
const MAX_TTL_SECONDS = 100 * 366 * 24 * 3600

/** The bytes of the write's key. Throws `InvalidWriteError`. */
export function checkWrite(write: Write): Buffer {
  const { key, value, expected, ttlSeconds } = write
  if (value !== null && value.length > MAX_VALUE_BYTES) {
    throw new InvalidWriteError(
      `Cannot write "${key}": its value has ${value.length} bytes, at most ${MAX_VALUE_BYTES}`,
    )
  }
  if (expected !== undefined && !(Number.isSafeInteger(expected) && expected >= 0)) {
    throw new InvalidWriteError(`Cannot write "${key}": expected revision ${expected} is not a revision`)
  }
  if (ttlSeconds !== undefined && !(ttlSeconds > 0 && ttlSeconds <= MAX_TTL_SECONDS)) {
    throw new InvalidWriteError(`Cannot write "${key}": a time to live of ${ttlSeconds} seconds is not possible`)
  }
  return keyBytes(key)
}

/** A string of an actor as it is stored. */
export function cutActorText(text: string | undefined): string | undefined {
  // A UTF-16 unit is at most three bytes of UTF-8: most texts are short enough without being measured.
  if (text === undefined || text.length * 3 <= MAX_ACTOR_FIELD_BYTES) return text
  const bytes = Buffer.from(text)
  if (bytes.length <= MAX_ACTOR_FIELD_BYTES) return text
  let end = MAX_ACTOR_FIELD_BYTES
  // Bytes 10xxxxxx continue a character: never cut in front of one.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}
