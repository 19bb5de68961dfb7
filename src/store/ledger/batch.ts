// One commit in the making: each write is judged against what is durable plus the writes before it in the same commit.

import { assert } from '../../base/assert.ts'
import type { Change, Entry, Write, WriteResult } from '../store.ts'
import { afterVersions, uint64, versionKey } from './keys.ts'
import type { Head, State, Version } from './records.ts'
import {
  decodeHead,
  decodeVersion,
  encodeHead,
  encodeLog,
  encodeState,
  encodeVersion,
  loggedBytesOf,
  STATE_KEY,
  valueIn,
} from './records.ts'
import type { Mutation, TableName, Tables } from './tables.ts'

const EMPTY = Buffer.alloc(0)
/** Expiries are rounded up to it, so that what expires together is deleted in one commit. */
const EXPIRY_STEP_MS = 1_000

type LiveHead = Head & { readonly value: Buffer }

/** What a write finds of a key: no head when it is not there. The count goes on over all lives of the key whose history is still there. */
interface Touched {
  readonly head: LiveHead | undefined
  readonly loggedBytes: number
}

const NEVER_THERE: Touched = { head: undefined, loggedBytes: 0 }

export class Batch {
  readonly #tables: Tables
  readonly #allocate: (size: number) => Buffer
  readonly #touched = new Map<string, Touched>()
  readonly #nowMs: number
  readonly #compactedBefore: number
  readonly changes: Change[] = []
  readonly mutations: Mutation[] = []
  /** The earliest expiry that this commit adds. */
  earliestExpiryMs = Number.POSITIVE_INFINITY
  revision: number
  compacted: number

  /** `allocate`: memory for rows of the log, which nobody needs once the commit is durable. */
  constructor(tables: Tables, before: State, nowMs: number, allocate: (size: number) => Buffer = Buffer.allocUnsafe) {
    this.#tables = tables
    this.#allocate = allocate
    this.#nowMs = Math.max(nowMs, before.timeMs)
    this.revision = before.revision
    this.compacted = before.compacted
    this.#compactedBefore = before.compacted
  }

  get empty(): boolean {
    return this.mutations.length === 0 && this.compacted === this.#compactedBefore
  }

  put(table: TableName, key: Buffer, value: Buffer): void {
    this.mutations.push({ table, key, value })
  }

  delete(table: TableName, key: Buffer): void {
    this.mutations.push({ table, key, value: null })
  }

  /** Raises the floor. */
  compact(revision: number): void {
    this.compacted = Math.max(this.compacted, revision)
  }

  /** Adds the state row. Returns the state that holds once the commit is durable. */
  seal(before: State): State {
    const state = {
      revision: this.revision,
      compacted: this.compacted,
      timeMs: this.changes.length > 0 ? this.#nowMs : before.timeMs,
    }
    this.put('meta', STATE_KEY, encodeState(state))
    return state
  }

  write(write: Write, key: Buffer): WriteResult {
    const { head, loggedBytes } = this.#touch(write, key)
    const stands = write.expected === undefined || write.expected === (head?.revision ?? 0)
    if (!stands || (write.value === null && head === undefined)) {
      return { ok: false, current: head && entryOf(write.key, head) }
    }
    const revision = ++this.revision
    const createRevision = head?.createRevision ?? revision
    const type = write.value === null ? 'delete' : 'put'
    const record = encodeLog(
      {
        type,
        keyBytes: key,
        timeMs: this.#nowMs,
        createRevision,
        previousRevision: head?.revision ?? 0,
        bytesBefore: loggedBytes,
        actor: write.actor,
        value: write.value ?? EMPTY,
      },
      this.#allocate,
    )
    const logged = loggedBytesOf(record)
    this.put('log', uint64(revision), record)
    this.put('versions', versionKey(key, revision), encodeVersion({ type, loggedBytes: logged, size: record.length }))
    if (head !== undefined && head.expiresMs > 0) this.delete('expiry', expiryKey(head.expiresMs, head.revision))
    this.#replace(write, key, { revision, createRevision, loggedBytes: logged })
    this.changes.push({
      type,
      key: write.key,
      revision,
      createRevision,
      timeMs: this.#nowMs,
      ...(write.value === null ? {} : { value: write.value }),
      ...(head === undefined ? {} : { previous: { value: head.value, revision: head.revision } }),
      actor: write.actor,
    })
    return { ok: true, revision, createRevision }
  }

  #replace(write: Write, key: Buffer, at: Pick<Head, 'revision' | 'createRevision' | 'loggedBytes'>): void {
    if (write.value === null) {
      this.delete('objects', key)
      this.#touched.set(write.key, { head: undefined, loggedBytes: at.loggedBytes })
      return
    }
    const expiresMs = write.ttlSeconds === undefined ? 0 : this.#expiry(write.ttlSeconds)
    if (expiresMs > 0) {
      this.put('expiry', expiryKey(expiresMs, at.revision), key)
      this.earliestExpiryMs = Math.min(this.earliestExpiryMs, expiresMs)
    }
    const head = { ...at, expiresMs, value: write.value }
    this.put('objects', key, encodeHead(head))
    this.#touched.set(write.key, { head, loggedBytes: at.loggedBytes })
  }

  #touch({ key, expected }: Write, bytes: Buffer): Touched {
    const touched = this.#touched.get(key)
    if (touched !== undefined) return touched
    // Most keys that a write wants to be new are: the index says so, and what became of an earlier life.
    const last = expected === 0 ? this.#lastVersion(bytes) : undefined
    if (expected === 0 && last?.type !== 'put')
      return last ? { head: undefined, loggedBytes: last.loggedBytes } : NEVER_THERE
    const row = this.#tables.get('objects', bytes)
    if (row === undefined) return { head: undefined, loggedBytes: this.#lastVersion(bytes)?.loggedBytes ?? 0 }
    const head = decodeHead(row)
    const record = this.#tables.get('log', uint64(head.revision))
    assert(record !== undefined, `the live version ${head.revision} of "${key}" is not in the log`)
    return { head: { ...head, value: valueIn(record) }, loggedBytes: head.loggedBytes }
  }

  /** The newest of a key's versions that are still there: the live one, or how its last life ended. */
  #lastVersion(key: Buffer): Version | undefined {
    const range = { start: versionKey(key, 0), end: afterVersions(key), reverse: true, limit: 1 }
    for (const row of this.#tables.range('versions', range)) return decodeVersion(row.value)
    return undefined
  }

  #expiry(ttlSeconds: number): number {
    return Math.ceil((this.#nowMs + ttlSeconds * 1000) / EXPIRY_STEP_MS) * EXPIRY_STEP_MS
  }
}

export function expiryKey(expiresMs: number, revision: number): Buffer {
  return Buffer.concat([uint64(expiresMs), uint64(revision)])
}

function entryOf(key: string, head: LiveHead): Entry {
  return { key, value: head.value, revision: head.revision, createRevision: head.createRevision }
}
