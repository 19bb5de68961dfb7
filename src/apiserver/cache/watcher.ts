// One watch: a bounded queue between the cache, which must not wait, and a reader, which may be slow.

import type { WatchFrame } from '../../client/door.ts'
import type { LabelTerm } from './label-index.ts'
import { loneFrame, type StoredObject } from './stored.ts'

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

/** What is there at the start is told in pieces of about this size. */
const PIECE_BYTES = 256 * 1024

interface Present {
  readonly objects: readonly StoredObject[]
  told: number
}

type Result = IteratorResult<readonly WatchFrame[], undefined>

/** An iterator by hand: there may be thousands that only wait, and a generator would be several objects more for each. */
export class Watcher implements AsyncIterableIterator<readonly WatchFrame[], undefined> {
  readonly selection: Selection
  /** True when the client wants BOOKMARK events. */
  readonly bookmarks: boolean
  /** Only later changes are told. */
  readonly after: number
  /** What was there at the start and is still to be told. */
  #present: Present | undefined
  #queue: WatchFrame[] = []
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

  /** What is there already, however much it is: it takes no part in the limits, and is framed when it is taken. */
  start(objects: readonly StoredObject[]): void {
    if (objects.length > 0) this.#present = { objects, told: 0 }
  }

  /** `bytes`: the size of the object. The event that exceeds a limit is not taken, the reader gets those before it. */
  push(frame: WatchFrame, bytes = 0): void {
    if (this.#ended) return
    const tooLong = this.#queuedBytes > 0 && this.#queuedBytes + bytes > MAX_WATCH_QUEUE_BYTES
    if (tooLong || this.#queue.length >= MAX_WATCH_QUEUE) {
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
    if (this.#present || this.#queue.length > 0 || this.#ended) return Promise.resolve(this.#take())
    const arrival = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    return arrival.then(() => this.#take())
  }

  #take(): Result {
    this.#wake = undefined
    if (this.#present) return { done: false, value: this.#takePresent(this.#present) }
    if (this.#queue.length === 0) return { done: true, value: undefined }
    const value = this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    return { done: false, value }
  }

  /** So much at once as is worth a write: all of it framed would be as much memory again. */
  #takePresent(present: Present): readonly WatchFrame[] {
    const frames: WatchFrame[] = []
    for (let bytes = 0; bytes < PIECE_BYTES; ) {
      const object = present.objects[present.told]
      if (!object) break
      present.told++
      bytes += object.bytes.length
      frames.push(loneFrame('ADDED', object))
    }
    if (present.told === present.objects.length) this.#present = undefined
    return frames
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
