// Keys and prefixes: what is legal, and which bytes they are.

import { InvalidWriteError } from './errors.ts'
import { MAX_KEY_BYTES } from './store.ts'

const SLASH = 0x2f

/** The key's bytes, or an error that says what is wrong with it. */
export function keyBytes(key: string): Buffer {
  const bytes = textBytes(key, 'key')
  if (key.indexOf('/') < 1)
    throw new InvalidWriteError(`Invalid store key "${key}": it must begin with a tenant and "/"`)
  if (key.endsWith('/')) throw new InvalidWriteError(`Invalid store key "${key}": it must not end with "/"`)
  return bytes
}

/** A prefix's bytes. It ends with "/", or is empty for the whole store. */
export function prefixBytes(prefix: string): Buffer {
  if (prefix !== '' && !prefix.endsWith('/')) {
    throw new InvalidWriteError(`Invalid store prefix "${prefix}": it must be empty or end with "/"`)
  }
  return textBytes(prefix, 'prefix')
}

/** A target of `history` and `purge` is a prefix, or else one key. */
export function isPrefix(target: string): boolean {
  return target === '' || target.endsWith('/')
}

function textBytes(text: string, what: string): Buffer {
  if (text.includes('\0') || !text.isWellFormed()) {
    throw new InvalidWriteError(`Invalid store ${what} "${text}": it must be Unicode text without NUL`)
  }
  const bytes = Buffer.from(text)
  if (bytes.length > MAX_KEY_BYTES) {
    throw new InvalidWriteError(
      `Invalid store ${what} "${text.slice(0, 64)}…": ${bytes.length} bytes, at most ${MAX_KEY_BYTES}`,
    )
  }
  return bytes
}

/** The first key after everything that starts with `prefix`; undefined for the empty prefix. The last byte is "/", so adding one never overflows. */
export function prefixEnd(prefix: Buffer): Buffer | undefined {
  if (prefix.length === 0) return undefined
  const end = Buffer.from(prefix)
  end[end.length - 1] = SLASH + 1
  return end
}

/** The smallest byte string greater than `key`. */
export function afterKey(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)])
}
