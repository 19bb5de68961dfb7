// Keys of the ledger's tables: how keys and revisions become ordered bytes.

const REVISION_BYTES = 8
const HIGH = 2 ** 32

/** `versions` rows are `key NUL revision`: no key contains NUL, so they sort as (key, revision). */
export function versionKey(key: Buffer, revision: number): Buffer {
  const bytes = Buffer.allocUnsafe(key.length + 1 + REVISION_BYTES)
  key.copy(bytes)
  bytes[key.length] = 0
  putUint64(bytes, key.length + 1, revision)
  return bytes
}

export function splitVersionKey(bytes: Buffer): { key: Buffer; revision: number } {
  const length = bytes.length - 1 - REVISION_BYTES
  return { key: bytes.subarray(0, length), revision: uint64At(bytes, length + 1) }
}

/** All versions of `key` sort below this. */
export function afterVersions(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(1)])
}

/** 64 bits, big-endian, so that byte order is numeric order. */
export function uint64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  putUint64(bytes, 0, value)
  return bytes
}

export function putUint64(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32BE(Math.floor(value / HIGH), at)
  bytes.writeUInt32BE(value % HIGH, at + 4)
}

export function uint64At(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * HIGH + bytes.readUInt32BE(at + 4)
}
