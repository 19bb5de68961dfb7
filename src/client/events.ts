// Tells users what happened to an object: core/v1 Events, repeated ones counted in one object, written behind the caller's back and never in its way.

import { type Clock, rfc3339 } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { isNotFound, StatusError } from '../apimachinery/errors.ts'
import type { AnyObject } from '../apimachinery/metadata.ts'
import { type Event, events } from '../api/core/event.ts'
import type { ObjectReference } from '../api/core/references.ts'
import type { Client } from './client.ts'

export type EventType = 'Normal' | 'Warning'

/** An object, or a reference to one (or to a part of it, by `fieldPath`). */
export type EventSubject =
  | {
      readonly apiVersion: string
      readonly kind: string
      readonly metadata: Readonly<Partial<AnyObject['metadata']>> | object
    }
  | Readonly<ObjectReference>

export interface EventRecorder {
  /** Returns at once and never throws; an event that cannot be written is logged and dropped. */
  event(about: EventSubject, type: EventType, reason: string, message: string): void
}

export interface EventRecorderOptions {
  client: Client
  /** Who reports: `kubelet`, `default-scheduler`, … */
  component: string
  host?: string
  clock: Clock
  random: Random
  log: Logger
}

/** The recorder of a process, to be disposed of when it ends: what is queued is then given up. */
export interface RunningEventRecorder extends EventRecorder, AsyncDisposable {
  /** Resolves when everything said so far is written or given up. */
  flush(): Promise<void>
}

/** Events beyond this many in the queue are dropped: the news is not worth the memory. */
export const MAX_QUEUED_EVENTS = 1000
/** So many different events are remembered for counting repetitions. */
export const MAX_REMEMBERED_EVENTS = 4096
/** An event not repeated for so long begins anew (upstream's aggregation window). */
const REPEAT_WINDOW_MS = 10 * 60_000
/** A message beyond this is cut: the API refuses more. */
const MAX_MESSAGE_LENGTH = 1024

interface Occurrence {
  about: ObjectReference
  type: EventType
  reason: string
  message: string
  at: number
}

interface Remembered {
  namespace: string
  name: string
  count: number
  lastAt: number
}

export function createEventRecorder(options: EventRecorderOptions): RunningEventRecorder {
  return new QueuedRecorder(options)
}

class QueuedRecorder implements RunningEventRecorder {
  readonly #options: EventRecorderOptions
  readonly #queue: Occurrence[] = []
  /** Oldest use first. */
  readonly #remembered = new Map<string, Remembered>()
  readonly #stop = new AbortController()
  #writing: Promise<void> = Promise.resolve()
  #busy = false

  constructor(options: EventRecorderOptions) {
    this.#options = options
  }

  event(about: EventSubject, type: EventType, reason: string, message: string): void {
    if (this.#stop.signal.aborted) return
    if (this.#queue.length >= MAX_QUEUED_EVENTS) {
      this.#options.log.debug('Dropped an event', { reason })
      return
    }
    const text = message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH - 3)}...` : message
    this.#queue.push({ about: referenceTo(about), type, reason, message: text, at: this.#options.clock.now() })
    if (this.#busy) return
    this.#busy = true
    this.#writing = this.#drain()
  }

  flush(): Promise<void> {
    return this.#writing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#queue.length = 0
    await this.#writing
  }

  async #drain(): Promise<void> {
    // The caller goes on first: an event is never written in the middle of what it tells about.
    await Promise.resolve()
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      try {
        await this.#write(next)
      } catch (error) {
        if (!this.#stop.signal.aborted)
          this.#options.log.debug('Failed to write an event', { reason: next.reason, error })
      }
    }
    this.#busy = false
  }

  async #write(occurrence: Occurrence): Promise<void> {
    const { client } = this.#options
    const key = keyOf(occurrence)
    const known = this.#remembered.get(key)
    if (known !== undefined && occurrence.at - known.lastAt < REPEAT_WINDOW_MS) {
      const body = { count: known.count + 1, lastTimestamp: rfc3339(occurrence.at) }
      try {
        const { namespace, name } = known
        await client.patch(events, { namespace, name }, { type: 'merge', body }, { signal: this.#stop.signal })
        this.#remember(key, { ...known, count: body.count, lastAt: occurrence.at })
        return
      } catch (error) {
        // It expired at the server: then it is a new one.
        if (!isNotFound(error)) throw error
      }
    }
    const event = this.#eventOf(occurrence)
    const { namespace = 'default', name } = event.metadata
    try {
      await client.create(events, event, { signal: this.#stop.signal })
    } catch (error) {
      // A namespace that is going away takes no new events; that is nobody's fault.
      if (error instanceof StatusError && error.status.code === 403) return
      throw error
    }
    this.#remember(key, { namespace, name, count: 1, lastAt: occurrence.at })
  }

  #remember(key: string, entry: Remembered): void {
    this.#remembered.delete(key)
    this.#remembered.set(key, entry)
    if (this.#remembered.size <= MAX_REMEMBERED_EVENTS) return
    const oldest = this.#remembered.keys().next().value
    if (oldest !== undefined) this.#remembered.delete(oldest)
  }

  #eventOf({ about, type, reason, message, at }: Occurrence): Event {
    const { component, host, random } = this.#options
    const time = rfc3339(at)
    // The time in nanoseconds, as upstream's: names then sort as things happened. What no clock tells of them is random.
    const suffix = (BigInt(at) * 1_000_000n + BigInt(Math.floor(random.next() * 1_000_000))).toString(16)
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${about.name ?? ''}.${suffix}`, namespace: about.namespace || 'default' },
      involvedObject: about,
      reason,
      message,
      type,
      source: { component, ...(host === undefined ? {} : { host }) },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      reportingComponent: component,
      reportingInstance: host ?? '',
    }
  }
}

function referenceTo(about: EventSubject): ObjectReference {
  if (!('metadata' in about)) return { ...about }
  const { name, namespace, uid, resourceVersion } = about.metadata as AnyObject['metadata']
  return {
    kind: about.kind,
    apiVersion: about.apiVersion,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  }
}

/** Two events that differ in none of these are one, twice. */
function keyOf({ about, type, reason, message }: Occurrence): string {
  const { kind, namespace, name, uid, fieldPath } = about
  return JSON.stringify([kind, namespace, name, uid, fieldPath, type, reason, message])
}
