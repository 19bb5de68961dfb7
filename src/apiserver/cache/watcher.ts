// One watch: a bounded queue between the cache, which must not wait, and a reader, which may be slow.

import type { WatchFrame } from '../../client/door.ts'
import type { LabelTerm } from './label-index.ts'
import type { StoredObject } from './stored.ts'

/** Events that may wait for a reader. One that falls further behind is cut off and has to resume or list again; nothing is skipped silently. */
export const MAX_WATCH_QUEUE = 20_000
/** The same by the bytes of the objects. */
export const MAX_WATCH_QUEUE_BYTES = 64 * 1024 * 1024

/** Which objects a watch or a list is about. */
export interface Selection {
  /** Empty: all namespaces. */
  namespace: string
  /** Set when a field selector names one object. */
  name?: string
  /** What `matches` asks of labels at least, for an index to find it. */
  labels?: readonly LabelTerm[]
  /** Label and field selectors; absent when everything matches. */
  matches?(stored: StoredObject): boolean
}

type Result = IteratorResult<readonly WatchFrame[], undefined>

/** An iterator by hand: there may be thousands that only wait, and a generator would be several objects more for each. */
export class Watcher implements AsyncIterableIterator<readonly WatchFrame[], undefined> {
  readonly selection: Selection
  /** True when the client wants BOOKMARK events. */
  readonly bookmarks: boolean
  /** Only later changes are told. */
  readonly after: number
  #queue: WatchFrame[] = []
  #limit = MAX_WATCH_QUEUE
  #queuedBytes = 0
  #wake: (() => void) | undefined
  #ended = false
  /** Who keeps a list of all watchers. */
  readonly #leave: (watcher: Watcher) => void
  #afterEnd: (() => void) | undefined

  constructor(selection: Selection, options: { bookmarks: boolean; after: number }, leave: (watcher: Watcher) => void) {
    this.selection = selection
    this.bookmarks = options.bookmarks
    this.after = options.after
    this.#leave = leave
  }

  /** `then` is called when the watch is over, for whatever reason; at once when it is. There is one of it. */
  whenEnded(then: () => void): void {
    if (this.#ended) then()
    else this.#afterEnd = then
  }

  /** What is there already, however much it is: it takes no part in the limit. */
  start(frames: readonly WatchFrame[]): void {
    this.#queue = [...frames]
    this.#limit = MAX_WATCH_QUEUE + frames.length
  }

  /** `bytes`: the size of the object. The event that exceeds a limit is not taken, the reader gets those before it. */
  push(frame: WatchFrame, bytes = 0): void {
    if (this.#ended) return
    const tooLong = this.#queuedBytes > 0 && this.#queuedBytes + bytes > MAX_WATCH_QUEUE_BYTES
    if (tooLong || this.#queue.length >= this.#limit) {
      this.end()
      return
    }
    this.#queue.push(frame)
    this.#queuedBytes += bytes
    this.#wake?.()
  }

  /** What is queued is still delivered; nothing follows it. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#leave(this)
    this.#afterEnd?.()
    this.#afterEnd = undefined
    this.#wake?.()
  }

  /** All that waits, once something does: what is pushed in one turn is taken together. */
  next(): Promise<Result> {
    if (this.#queue.length > 0 || this.#ended) return Promise.resolve(this.#take())
    const arrival = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    return arrival.then(() => this.#take())
  }

  #take(): Result {
    this.#wake = undefined
    if (this.#queue.length === 0) return { done: true, value: undefined }
    const value = this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    this.#limit = MAX_WATCH_QUEUE
    return { done: false, value }
  }

  /** The reader takes no more. */
  return(): Promise<Result> {
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
