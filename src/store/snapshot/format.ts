// A snapshot as a file: a head, every entry in the order of its key, an end that says how many there were, and a digest of it all.

import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { MAX_KEY_BYTES, MAX_VALUE_BYTES } from '../store.ts'

/*
 * `DROVSNAP` · format (4 bytes) · revision (8) · time in ms (8) · { key length (2, not 0) · value length (4) · key · value } … · 0 (2) · entries (8) · SHA-256 of all before (32).
 * Numbers are big-endian.
 */
const MAGIC = 'DROVSNAP'
/** Raise it with every change that an older version would misread. */
const FORMAT = 1
const HEAD_BYTES = 28
const RECORD_BYTES = 6
const END_BYTES = 10
const DIGEST_BYTES = 32
const READ_BYTES = 1024 * 1024

export interface SnapshotHead {
  /** All entries are as they were at this revision of the store that they come from. */
  readonly revision: number
  readonly timeMs: number
}

export interface SnapshotEntry {
  readonly key: string
  readonly value: Buffer
}

/** Not a snapshot, or not a whole one. The message is for people. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError'
}

/** Makes the bytes of a snapshot: `head` once, `entry` for each in the order of its key, `end` once. */
export class SnapshotEncoder {
  readonly #hash: Hash = createHash('sha256')
  #entries = 0

  head({ revision, timeMs }: SnapshotHead): Buffer {
    const bytes = Buffer.alloc(HEAD_BYTES)
    bytes.write(MAGIC, 'latin1')
    bytes.writeUInt32BE(FORMAT, 8)
    bytes.writeBigUInt64BE(BigInt(revision), 12)
    bytes.writeBigUInt64BE(BigInt(Math.floor(timeMs)), 20)
    return this.#hashed(bytes)
  }

  entry({ key, value }: SnapshotEntry): Buffer {
    const keyBytes = Buffer.from(key)
    const record = Buffer.alloc(RECORD_BYTES)
    record.writeUInt16BE(keyBytes.length)
    record.writeUInt32BE(value.length, 2)
    this.#entries++
    return this.#hashed(Buffer.concat([record, keyBytes, value]))
  }

  end(): Buffer {
    const bytes = Buffer.alloc(END_BYTES)
    bytes.writeBigUInt64BE(BigInt(this.#entries), 2)
    this.#hashed(bytes)
    return Buffer.concat([bytes, this.#hash.digest()])
  }

  #hashed(bytes: Buffer): Buffer {
    this.#hash.update(bytes)
    return bytes
  }
}

export interface SnapshotSummary extends SnapshotHead {
  readonly entries: number
  readonly bytes: number
}

/** Reads the file to its end and throws `SnapshotError` unless it is whole: what comes out of `readSnapshot` afterwards can be relied upon. */
export async function checkSnapshot(path: string): Promise<SnapshotSummary> {
  await using reader = await Reader.open(path)
  const head = await reader.head()
  let entries = 0
  let last: Buffer | undefined
  for (let record = await reader.record(); record !== undefined; record = await reader.record()) {
    if (last !== undefined && Buffer.compare(last, record.key) >= 0) throw reader.damaged('its keys are not in order')
    last = record.key
    entries++
  }
  await reader.end(entries)
  return { ...head, entries, bytes: reader.position }
}

/** The entries of a snapshot that has been checked. */
export async function* readSnapshot(path: string): AsyncGenerator<SnapshotEntry, void, void> {
  await using reader = await Reader.open(path)
  await reader.head()
  for (let record = await reader.record(); record !== undefined; record = await reader.record())
    yield { key: record.key.toString(), value: record.value }
}

class Reader implements AsyncDisposable {
  readonly #path: string
  readonly #file: FileHandle
  readonly #hash: Hash = createHash('sha256')
  #buffer: Buffer = Buffer.alloc(0)
  position = 0

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  static async open(path: string): Promise<Reader> {
    const file = await open(path, 'r')
    if ((await file.stat()).isFile()) return new Reader(path, file)
    await file.close()
    throw new SnapshotError(`"${path}" is not a file`)
  }

  damaged(why: string): SnapshotError {
    return new SnapshotError(`"${this.#path}" is a damaged snapshot: ${why}`)
  }

  async head(): Promise<SnapshotHead> {
    const bytes = await this.#read(HEAD_BYTES).catch(() => undefined)
    if (bytes === undefined || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC)
      throw new SnapshotError(`"${this.#path}" is not a snapshot of Drover`)
    const format = bytes.readUInt32BE(8)
    if (format !== FORMAT)
      throw new SnapshotError(
        `"${this.#path}" is a snapshot in format ${format} and this version reads format ${FORMAT}`,
      )
    this.#hash.update(bytes)
    return { revision: Number(bytes.readBigUInt64BE(12)), timeMs: Number(bytes.readBigUInt64BE(20)) }
  }

  /** Undefined at the end of the entries. */
  async record(): Promise<{ key: Buffer; value: Buffer } | undefined> {
    const keyBytes = await this.#hashed(2)
    const keyLength = keyBytes.readUInt16BE()
    if (keyLength === 0) return undefined
    const valueLength = (await this.#hashed(4)).readUInt32BE()
    if (keyLength > MAX_KEY_BYTES || valueLength > MAX_VALUE_BYTES)
      throw this.damaged('an entry is larger than any can be')
    const both = await this.#hashed(keyLength + valueLength)
    return { key: both.subarray(0, keyLength), value: both.subarray(keyLength) }
  }

  async end(entries: number): Promise<void> {
    const count = Number((await this.#hashed(8)).readBigUInt64BE())
    const digest = await this.#read(DIGEST_BYTES)
    if (!digest.equals(this.#hash.digest())) throw this.damaged('its checksum does not fit its content')
    if (count !== entries) throw this.damaged(`it should have ${count} entries and has ${entries}`)
    if (!(await this.#atEnd())) throw this.damaged('something follows its end')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }

  async #hashed(length: number): Promise<Buffer> {
    const bytes = await this.#read(length)
    this.#hash.update(bytes)
    return bytes
  }

  /** Bytes of their own: they stay as they are when more is read. */
  async #read(length: number): Promise<Buffer> {
    while (this.#buffer.length < length) {
      const more = Buffer.allocUnsafe(Math.max(READ_BYTES, length - this.#buffer.length))
      const { bytesRead } = await this.#file.read(more, 0, more.length)
      if (bytesRead === 0) throw this.damaged(`it is cut short after ${this.position + this.#buffer.length} bytes`)
      this.#buffer = Buffer.concat([this.#buffer, more.subarray(0, bytesRead)])
    }
    const bytes = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    this.position += length
    return bytes
  }

  async #atEnd(): Promise<boolean> {
    if (this.#buffer.length > 0) return false
    return (await this.#file.read(Buffer.alloc(1), 0, 1)).bytesRead === 0
  }
}
