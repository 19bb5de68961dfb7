// Reads of the tables, now and as of an earlier revision. All of it is synchronous: one call sees one state.

import { assert } from '../../base/assert.ts'
import { CompactedError, FutureRevisionError } from '../errors.ts'
import { afterKey, keyBytes, prefixBytes, prefixEnd } from '../keys.ts'
import type { Change, Entry, HistoryOptions, HistoryPage, ListOptions, ListResult, WatchBatch } from '../store.ts'
import { MAX_HISTORY_PAGE } from '../store.ts'
import { afterVersions, splitVersionKey, uint64, uint64At, versionKey } from './keys.ts'
import type { State } from './records.ts'
import { createRevisionOf, decodeLog, decodeVersion, revisionOfHead, valueIn } from './records.ts'
import type { Range, Row, Tables } from './tables.ts'

/** How much of the log one page of a prefix's history looks through. */
const HISTORY_SCAN_ROWS = 5_000
/** A page of changes for a watcher ends early here: it is held in memory whole. */
const PAGE_BYTES = 8 * 1024 * 1024

export class Reads {
  readonly #tables: Tables
  readonly #state: () => State

  constructor(tables: Tables, state: () => State) {
    this.#tables = tables
    this.#state = state
  }

  get state(): State {
    return this.#state()
  }

  get(key: string, revision: number | undefined): Entry | undefined {
    const bytes = keyBytes(key)
    if (revision === undefined || revision === this.state.revision) {
      const row = this.#tables.get('objects', bytes)
      return row && this.#entryAt(key, revisionOfHead(row))
    }
    this.#refuseFuture(revision)
    const range = { start: versionKey(bytes, 0), end: versionKey(bytes, revision + 1), reverse: true, limit: 1 }
    for (const row of this.#tables.range('versions', range)) return this.#entryOf(key, row)
    // Nothing retained that is old enough. At the floor and above that means absent; below it, that we do not know.
    if (revision < this.state.compacted) throw new CompactedError(revision, this.state.compacted)
    return undefined
  }

  list(prefix: string, { limit, after, revision }: ListOptions): ListResult {
    const bytes = prefixBytes(prefix)
    const most = limit === undefined || limit === 0 ? Number.POSITIVE_INFINITY : limit
    const position = after === undefined ? undefined : keyBytes(after)
    if (revision === undefined || revision === this.state.revision) return this.#listNow(bytes, position, most)
    this.#refuseFuture(revision)
    if (revision < this.state.compacted) throw new CompactedError(revision, this.state.compacted)
    const start = position === undefined ? bytes : later(bytes, afterVersions(position))
    const entries: Entry[] = []
    for (const entry of this.#entriesAt(within(start, prefixEnd(bytes)), revision)) {
      if (entries.length >= most) return { entries, revision, more: true }
      entries.push(entry)
    }
    return { entries, revision, more: false }
  }

  #listNow(prefix: Buffer, after: Buffer | undefined, limit: number): ListResult {
    const start = after === undefined ? prefix : later(prefix, afterKey(after))
    const entries: Entry[] = []
    for (const row of this.#tables.range('objects', within(start, prefixEnd(prefix)))) {
      if (entries.length >= limit) return { entries, revision: this.state.revision, more: true }
      entries.push(this.#entryAt(row.key.toString(), revisionOfHead(row.value)))
    }
    return { entries, revision: this.state.revision, more: false }
  }

  /** Walks every retained version in the range; how many there are is bounded by the watch window and the retention. */
  *#entriesAt(range: Range, revision: number): Iterable<Entry> {
    let newest: Row | undefined
    for (const row of this.#tables.range('versions', range)) {
      const { key, revision: at } = splitVersionKey(row.key)
      if (newest !== undefined && !splitVersionKey(newest.key).key.equals(key)) {
        const entry = this.#entryOf(splitVersionKey(newest.key).key.toString(), newest)
        newest = undefined
        if (entry) yield entry
      }
      if (at <= revision) newest = row
    }
    const last = newest && this.#entryOf(splitVersionKey(newest.key).key.toString(), newest)
    if (last) yield last
  }

  #entryOf(key: string, version: Row): Entry | undefined {
    if (decodeVersion(version.value).type === 'delete') return undefined
    return this.#entryAt(key, splitVersionKey(version.key).revision)
  }

  #entryAt(key: string, revision: number): Entry {
    const row = this.#tables.get('log', uint64(revision))
    assert(row !== undefined, `version ${revision} of "${key}" is not in the log`)
    return { key, value: valueIn(row), revision, createRevision: createRevisionOf(row) }
  }

  /** The next changes after `after`, looking at no more than `rows` of the log; `revision` says how far it looked. */
  changesAfter(prefix: string, after: number, rows: number): WatchBatch {
    const changes: Change[] = []
    let revision = after
    let bytes = 0
    for (const row of this.#tables.range('log', { start: uint64(after + 1), limit: rows })) {
      revision = uint64At(row.key, 0)
      const change = this.#change(revision, row.value, (key) => key.startsWith(prefix))
      if (change === undefined) continue
      changes.push(change)
      bytes += row.value.length + (change.previous?.value.length ?? 0)
      if (bytes >= PAGE_BYTES) break
    }
    return { changes, revision }
  }

  history(target: string, options: HistoryOptions): HistoryPage {
    const limit = Math.min(options.limit ?? MAX_HISTORY_PAGE, MAX_HISTORY_PAGE)
    const before = options.before ?? this.state.revision + 1
    return target === '' || target.endsWith('/')
      ? this.#historyBelow(target, before, limit)
      : this.#historyOf(target, before, limit)
  }

  #historyOf(target: string, before: number, limit: number): HistoryPage {
    const key = keyBytes(target)
    const changes: Change[] = []
    const range = { start: versionKey(key, 0), end: versionKey(key, before), reverse: true, limit: limit + 1 }
    for (const row of this.#tables.range('versions', range)) {
      const last = changes.at(-1)
      if (changes.length >= limit && last) return { changes, next: last.revision }
      const { revision } = splitVersionKey(row.key)
      const record = this.#tables.get('log', uint64(revision))
      assert(record !== undefined, `version ${revision} of "${target}" is not in the log`)
      const change = this.#change(revision, record, () => true)
      if (change) changes.push(change)
    }
    return { changes }
  }

  #historyBelow(target: string, before: number, limit: number): HistoryPage {
    prefixBytes(target)
    const changes: Change[] = []
    let scanned = 0
    let next = before
    const range = { start: uint64(0), end: uint64(before), reverse: true, limit: HISTORY_SCAN_ROWS + 1 }
    for (const row of this.#tables.range('log', range)) {
      if (changes.length >= limit || scanned++ >= HISTORY_SCAN_ROWS) return { changes, next }
      next = uint64At(row.key, 0)
      const change = this.#change(next, row.value, (key) => key.startsWith(target))
      if (change) changes.push(change)
    }
    return { changes }
  }

  #change(revision: number, row: Buffer, wanted: (key: string) => boolean): Change | undefined {
    const { type, key, timeMs, createRevision, previousRevision, actor, value } = decodeLog(row)
    if (!wanted(key)) return undefined
    const before = previousRevision === 0 ? undefined : this.#tables.get('log', uint64(previousRevision))
    return {
      type,
      key,
      revision,
      createRevision,
      timeMs,
      ...(type === 'delete' ? {} : { value }),
      ...(before === undefined ? {} : { previous: { value: valueIn(before), revision: previousRevision } }),
      actor,
    }
  }

  #refuseFuture(revision: number): void {
    if (revision > this.state.revision) throw new FutureRevisionError(revision, this.state.revision)
  }
}

function later(a: Buffer, b: Buffer): Buffer {
  return Buffer.compare(a, b) >= 0 ? a : b
}

function within(start: Buffer, end: Buffer | undefined): Range {
  return end === undefined ? { start } : { start, end }
}
