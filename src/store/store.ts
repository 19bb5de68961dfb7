// The revisioned store: the one contract between the API server and whatever keeps its bytes; every engine passes `storeConformance`.

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'

export * from './errors.ts'

/** Who made a write. It is part of the log's format; each field is cut at `MAX_ACTOR_FIELD_BYTES`. */
export interface Actor {
  user: string
  verb: string
  fieldManager?: string
  requestID: string
  userAgent?: string
}

/** The user that deletes an entry when its time to live has passed. */
export const TTL_USER = 'system:ttl'

/**
 * A live value. `revision` is the write that made it, `createRevision` the write that made the key exist since it was last absent.
 * The bytes are shared with other readers: never modify them. They cannot contain their own revision, which is known only after the commit.
 */
export interface Entry {
  readonly key: string
  readonly value: Buffer
  readonly revision: number
  readonly createRevision: number
}

/** One line of the log: what happened at `revision`. */
export interface Change {
  readonly type: 'put' | 'delete'
  readonly key: string
  readonly revision: number
  /** Equal to `revision` when this change created the key. For a delete: that of the entry it removed. */
  readonly createRevision: number
  /** Milliseconds since the Unix epoch; never goes back from one revision to the next. */
  readonly timeMs: number
  /** Absent on a delete. */
  readonly value?: Buffer
  /** The entry this change replaced or removed; absent on a create, and in `history` where the older version is no longer retained. */
  readonly previous?: { readonly value: Buffer; readonly revision: number }
  readonly actor: Actor
}

export interface Write {
  key: string
  /** `null` deletes. Deleting a key that does not exist is a failed write (`ok: false`), with or without `expected`, and takes no revision. */
  value: Buffer | null
  /** Compare-and-swap: 0 = the key must not exist, n = it must be at revision n, absent = unconditional. */
  expected?: number
  /**
   * The entry is deleted by `TTL_USER` this long after the write, up to a second late; where an engine shares its timers (etcd), up to a minute or a twentieth of
   * the time late, whichever is less, and all that is due together goes in one revision. A later write without it makes the entry permanent.
   */
  ttlSeconds?: number
  actor: Actor
}

/** `revision` is the write's own, also for a delete. A failed compare-and-swap says what is there instead. */
export type WriteResult =
  | { readonly ok: true; readonly revision: number; readonly createRevision: number }
  | { readonly ok: false; readonly current: Entry | undefined }

export interface ListOptions {
  /** At most this many entries; `more` says whether there would have been others. 0 or absent = all. */
  limit?: number
  /** Only keys greater than this one, by bytes: the last key of the page before. */
  after?: string
  /** Exactly as it was at this revision; absent = the newest durable state. */
  revision?: number
}

export interface ListResult {
  readonly entries: Entry[]
  /** The revision at which this list is exact; a watch from here misses nothing. */
  readonly revision: number
  readonly more: boolean
}

export interface WatchOptions {
  /** Every change with a revision greater than this one is delivered. */
  after: number
  /** Ends the iteration with the signal's reason. */
  signal: AbortSignal
}

/** What a watch yields. All changes under its prefix up to and including `revision` have been delivered with or before it. */
export interface WatchBatch {
  /** Ascending by revision; what expired at the same time may share one. Empty as the answer to `requestProgress`, and where catching up with the past ended on changes of other prefixes. */
  readonly changes: readonly Change[]
  readonly revision: number
}

export interface HistoryOptions {
  /** Only changes below this revision: `HistoryPage.next` of the page before. */
  before?: number
  /** At most this many changes; `MAX_HISTORY_PAGE` when absent. */
  limit?: number
}

export interface HistoryPage {
  /** Newest first. */
  readonly changes: Change[]
  /** Pass as `before` for the next page; absent when there is nothing older. A page may be short, even empty, and still have a next. */
  readonly next?: number
}

/**
 * Keys are `tenant/…`: UTF-8 without NUL, at most `MAX_KEY_BYTES`, no empty first segment. What follows the tenant is opaque here. Lists are in byte order.
 * A prefix ends with `/`, so that `foo/` never shows what is under `foobar/`; the empty prefix is the whole store.
 *
 * Revisions are JavaScript numbers, stored as 64 bits. 2^53 is enough: at 100,000 writes a second it lasts 2,800 years.
 *
 * What is acknowledged is on disk, and what is read (get, list, watch, history, `revision`) is on disk: a reader never sees a write that a crash could undo.
 * Reads are linearizable: they see every write acknowledged before they were called. An engine may share its log with other processes, so
 * no caller may guess a revision before `write` has told it.
 */
export interface Store extends AsyncDisposable {
  /** The newest durable revision this process knows of; never goes back. 0 = nothing was ever written. */
  readonly revision: number
  /** The floor: watches with `after` below it, and reads at a revision below it, throw `CompactedError`. */
  readonly compacted: number

  /** The newest revision at this call, whoever wrote it: what a read must see to be up to date. Where the log is shared with other processes it is asked for. */
  newest(): Promise<number> | number

  /**
   * The entry, now or as it was at `revision`. Throws `CompactedError` below the floor (unless this key's own retained history still
   * answers exactly), `FutureRevisionError` above the newest revision.
   */
  get(key: string, options?: { revision?: number }): Promise<Entry | undefined>

  /** The entries under `prefix` at one revision, in byte order of their keys. Throws like `get`. */
  list(prefix: string, options?: ListOptions): Promise<ListResult>

  /**
   * Resolves once the write is durable. One global revision per successful write; a failed compare takes none.
   * Throws `StoreFullError` when there is no room (nothing was written), `StoreBusyError` when too many writes wait.
   * Any other rejection leaves the outcome unknown, as a crash would: read before writing again.
   */
  write(write: Write): Promise<WriteResult>

  /**
   * Every change under `prefix` with a revision greater than `after`: in order, once, none skipped, with the value it replaced. Starts when iterated.
   * Throws `CompactedError`, `FutureRevisionError`, or `SlowWatcherError` when the consumer falls too far behind: then start anew from the last batch's revision, or list.
   */
  watch(prefix: string, options: WatchOptions): AsyncIterable<WatchBatch>

  /**
   * Makes every open watch yield a batch (empty when its prefix was quiet) whose revision is at least the store's newest at this call,
   * so that a cache can know that it is up to date.
   */
  requestProgress(): void

  /**
   * Every retained change, newest first, with who made it: of one key, or of everything below a prefix (a `target` that ends with `/`).
   * History shows what deleted objects contained: guard it at least as strictly as the live object.
   */
  history(target: string, options?: HistoryOptions): Promise<HistoryPage>

  /**
   * Drops the history of one key, or of everything below a prefix: all versions but the live ones. It raises the floor to the newest revision first, so that
   * the watch window holds nothing back: when it returns, the dropped versions cannot be read any more by any call. For administrators, not for every deletion.
   */
  purge(target: string): Promise<void>

  /** Raises the floor to `revision`. Returns once the floor is durable; room is freed in bounded steps afterwards. Throws `FutureRevisionError`. */
  compact(revision: number): Promise<void>
}

/** How long superseded versions of a key stay in its history after the watch window has passed them. */
export interface Retention {
  maxAgeMs: number
  /** Per key: the history kept beyond the watch window takes at most this many bytes, newest first. */
  maxBytes: number
}

export const NO_HISTORY: Retention = { maxAgeMs: 0, maxBytes: 0 }

/** What every engine keeps so that watches can resume: changes leave it when they are older, or more, than this. */
export interface WatchWindow {
  maxAgeMs: number
  maxChanges: number
}

export const DEFAULT_WATCH_WINDOW: WatchWindow = { maxAgeMs: 10 * 60_000, maxChanges: 100_000 }

/** What waits in memory, and how much of it. */
export interface StoreLimits {
  /** Writes that wait for a commit; beyond it `write` throws `StoreBusyError`. */
  waitingWrites: number
  /** Changes that a watch's consumer has not taken yet; beyond it the watch throws `SlowWatcherError`. */
  watchBacklogChanges: number
  /** The same by the bytes of their values. */
  watchBacklogBytes: number
}

export const DEFAULT_LIMITS: StoreLimits = {
  waitingWrites: 20_000,
  watchBacklogChanges: 20_000,
  watchBacklogBytes: 64 * 1024 * 1024,
}

/** What every engine is opened with. */
export interface StoreOptions {
  clock: Clock
  log: Logger
  /** The history rule of a key; a pure function. Absent = no history beyond the watch window. An engine that keeps its own log (etcd) has no history beyond the window. */
  retention?: (key: string) => Retention
  watchWindow?: WatchWindow
  limits?: Partial<StoreLimits>
}

/** The longest key. The longest that Kubernetes' own rules build (tenant 63, group 253, resource 63, namespace 63, name 253) has 699. */
export const MAX_KEY_BYTES = 1_024
/** The largest value; an API request body is at most 3 MiB. */
export const MAX_VALUE_BYTES = 8 * 1024 * 1024
/** Each string of an `Actor` is cut here, at a character boundary. */
export const MAX_ACTOR_FIELD_BYTES = 1_024
/** The most changes that `history` returns in one page. */
export const MAX_HISTORY_PAGE = 500
