// Reads of etcd, now and as of an earlier revision. All are linearizable: etcd asks its quorum before it answers.

import type { Timer } from '../../base/clock.ts'
import { CompactedError, FutureRevisionError } from '../errors.ts'
import { isPrefix } from '../keys.ts'
import {
  type Change,
  type Entry,
  type HistoryOptions,
  type HistoryPage,
  type ListOptions,
  type ListResult,
  MAX_HISTORY_PAGE,
} from '../store.ts'
import { Coalesced } from './coalesced.ts'
import type { Connection } from './connection.ts'
import { decodeEnvelope } from './envelope.ts'
import { isFailure } from './etcd-error.ts'
import type { KeyRange, Layout } from './layout.ts'
import type { KeyValue, RangeRequest, RangeResponse } from './messages.ts'
import { RANGE } from './methods.ts'
import { TailCompacted, tail } from './tail.ts'

/** Entries that one answer of etcd holds; fewer when that turns out to be too large for a message. */
const PAGE_ENTRIES = 1_000

/** What this process knows of the log: both only grow. */
export class Known {
  revision = 0
  compacted = 0

  reach(revision: number | undefined): void {
    if (revision !== undefined && revision > this.revision) this.revision = revision
  }

  compact(revision: number): void {
    if (revision > this.compacted) this.compacted = revision
  }
}

export interface ReadsOptions {
  readonly connection: Connection
  readonly layout: Layout
  readonly known: Known
  /** Starts a timer that gives the log an event, for those who wait for its end. */
  lateTail(): Timer
  /** Aborted when the store closes. */
  readonly closed: AbortSignal
}

export class Reads {
  readonly #connection: Connection
  readonly #layout: Layout
  readonly #known: Known
  readonly #newest = new Coalesced(() => this.#askNewest())

  readonly #lateTail: () => Timer
  readonly #closed: AbortSignal

  constructor({ connection, layout, known, lateTail, closed }: ReadsOptions) {
    this.#connection = connection
    this.#layout = layout
    this.#known = known
    this.#lateTail = lateTail
    this.#closed = closed
  }

  newest(): Promise<number> {
    return this.#newest.get()
  }

  async get(key: string, revision: number | undefined): Promise<Entry | undefined> {
    const bytes = this.#layout.object(key)
    if (revision === 0) return this.#nothingAt0()
    if (revision !== undefined) await this.refuse(revision)
    const { kvs } = await this.#range({ key: bytes, ...(revision === undefined ? {} : { revision }) })
    return kvs[0] && this.entryOf(kvs[0])
  }

  async list(prefix: string, { limit, after, revision }: ListOptions): Promise<ListResult> {
    let range = this.#layout.objects(prefix, after)
    if (revision === 0) return { entries: this.#nothingAt0() ?? [], revision, more: false }
    if (revision !== undefined) await this.refuse(revision)
    const most = limit === undefined || limit === 0 ? Number.POSITIVE_INFINITY : limit
    const entries: Entry[] = []
    let at = revision
    let page = PAGE_ENTRIES
    while (true) {
      const request = {
        ...range,
        limit: Math.min(page, most - entries.length),
        ...(at === undefined ? {} : { revision: at }),
      }
      const answer = await this.#range(request).catch((error: unknown) => {
        if (!isFailure(error, 'too-large') || page === 1) throw error
        page = Math.max(Math.floor(page / 8), 1)
        return undefined
      })
      if (answer === undefined) continue
      // The first page says which revision all of it is of.
      at ??= answer.header?.revision ?? 0
      for (const kv of answer.kvs) entries.push(this.entryOf(kv))
      if (!answer.more || entries.length >= most) return { entries, revision: at, more: answer.more }
      range = this.#layout.objects(prefix, entries.at(-1)?.key)
    }
  }

  entryOf({ key: bytes, value, modRevision, createRevision }: KeyValue): Entry {
    const key = this.#layout.keyOf(bytes) ?? ''
    return { key, value: decodeEnvelope(value, key).value, revision: modRevision, createRevision }
  }

  /** Throws when the revision is not one that can be read. */
  async refuse(revision: number): Promise<void> {
    const { compacted } = this.#known
    if (revision < compacted) throw new CompactedError(revision, compacted)
    // Another server may have told the client of a revision that this one has not heard of.
    if (revision > this.#known.revision) await this.newest()
    if (revision > this.#known.revision) throw new FutureRevisionError(revision, this.#known.revision)
  }

  /** Asks etcd where the floor is. */
  async learnFloor(): Promise<void> {
    try {
      await this.#connection.call(RANGE, { key: this.#layout.progress, revision: 1, countOnly: true }, true)
    } catch (error) {
      if (!isFailure(error, 'compacted')) throw error
      this.#known.compact(await this.#askFloor())
    }
  }

  /** Newest first: the log down to the floor, and below it the entries that were live there. */
  async history(target: string, { before, limit }: HistoryOptions): Promise<HistoryPage> {
    const most = Math.min(limit ?? MAX_HISTORY_PAGE, MAX_HISTORY_PAGE)
    const range = isPrefix(target) ? this.#layout.objects(target) : { key: this.#layout.object(target) }
    const end = Math.min(before ?? Number.POSITIVE_INFINITY, (await this.newest()) + 1)
    const floor = this.#known.compacted
    const changes = (await this.#logged(target, { floor, before: end, most: most + 1 })).reverse()
    if (changes.length <= most && floor > 0)
      changes.push(...(await this.#liveAt(floor, range, { before: end, most: most + 1 - changes.length })))
    if (changes.length <= most) return { changes }
    changes.length = most
    const next = changes.at(-1)?.revision
    return next === undefined ? { changes } : { changes, next }
  }

  /** The newest changes of the log below `before`, ascending. */
  async #logged(
    target: string,
    { floor, before, most }: { floor: number; before: number; most: number },
  ): Promise<Change[]> {
    const found: Change[] = []
    if (before - 1 <= floor) return found
    const wanted = isPrefix(target) ? (key: string) => key.startsWith(target) : (key: string) => key === target
    for await (const { changes, revision } of this.tail(floor)) {
      for (const change of changes) if (change.revision < before && wanted(change.key)) found.push(change)
      if (found.length > most) found.splice(0, found.length - most)
      if (revision >= before - 1) break
    }
    return found
  }

  async #liveAt(
    floor: number,
    range: Partial<KeyRange>,
    { before, most }: { before: number; most: number },
  ): Promise<Change[]> {
    const { kvs } = await this.#range({
      ...range,
      revision: floor,
      maxModRevision: before - 1,
      sortOrder: 'DESCEND',
      sortTarget: 'MOD',
      limit: most,
    })
    return kvs.map((kv) => {
      const key = this.#layout.keyOf(kv.key) ?? ''
      const { timeMs, actor, value } = decodeEnvelope(kv.value, key)
      return { type: 'put', key, revision: kv.modRevision, createRevision: kv.createRevision, timeMs, value, actor }
    })
  }

  /** The log from a revision on; the floor's passing is told as the store's error. */
  async *tail(after: number, asked?: AbortSignal): ReturnType<typeof tail> {
    const signal = asked === undefined ? this.#closed : AbortSignal.any([asked, this.#closed])
    const late = this.#lateTail()
    try {
      yield* tail({ connection: this.#connection, layout: this.#layout, after, signal })
    } catch (error) {
      if (!(error instanceof TailCompacted)) throw error
      this.#known.compact(error.compacted)
      throw new CompactedError(after, this.#known.compacted)
    } finally {
      late.cancel()
    }
  }

  async #range(request: RangeRequest): Promise<RangeResponse> {
    try {
      const answer = await this.#connection.call(RANGE, request, true)
      this.#known.reach(answer.header?.revision)
      return answer
    } catch (error) {
      if (!isFailure(error, 'compacted')) throw error
      await this.learnFloor()
      throw new CompactedError(request.revision ?? 0, this.#known.compacted)
    }
  }

  async #askNewest(): Promise<number> {
    const { header } = await this.#range({ key: this.#layout.progress, countOnly: true })
    return header?.revision ?? 0
  }

  /** Only a watch that starts too early is told. */
  async #askFloor(): Promise<number> {
    try {
      for await (const _ of tail({
        connection: this.#connection,
        layout: this.#layout,
        after: 0,
        signal: this.#closed,
      }));
    } catch (error) {
      if (error instanceof TailCompacted) return error.compacted
      throw error
    }
    return 0
  }

  /** Before the first revision there was nothing, if that is still known. */
  #nothingAt0(): undefined {
    if (this.#known.compacted > 0) throw new CompactedError(0, this.#known.compacted)
    return undefined
  }
}
