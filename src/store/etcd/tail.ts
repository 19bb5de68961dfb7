// One watch of etcd from a revision on, as whole revisions of the store's changes.

import { type Actor, type Change, TTL_USER, type WatchBatch } from '../store.ts'
import type { Connection } from './connection.ts'
import { decodeEnvelope, type Envelope } from './envelope.ts'
import { EtcdError, etcdError, isFailure } from './etcd-error.ts'
import type { Layout } from './layout.ts'
import type { Event, WatchResponse } from './messages.ts'
import { WATCH } from './methods.ts'

export interface TailOptions {
  readonly connection: Connection
  readonly layout: Layout
  readonly after: number
  readonly signal: AbortSignal
  /** Called when etcd has taken the watch: whatever is written from now on will be told. */
  readonly onOpen?: () => void
}

/** The floor has passed what the watch asked for. */
export class TailCompacted extends Error {
  override readonly name = 'TailCompacted'
  readonly compacted: number
  constructor(compacted: number) {
    super(`The log before revision ${compacted} is gone`)
    this.compacted = compacted
  }
}

const EXPIRY: Actor = { user: TTL_USER, verb: 'delete', requestID: '' }
/** Deletions that were made past this program, such as by etcdctl. */
const STRANGER: Actor = { user: 'system:unknown', verb: 'delete', requestID: '' }

/**
 * Yields every change below the prefix after `after`, in batches that end with a whole revision. A batch without changes says how far etcd has come.
 * Ends by throwing: the signal's reason, `TailCompacted`, or `EtcdError` when the stream broke (continue from the last batch's revision).
 */
export async function* tail(options: TailOptions): AsyncGenerator<WatchBatch, void, void> {
  const { connection, layout, after, signal, onOpen } = options
  signal.throwIfAborted()
  const { stream, failed } = connection.open(WATCH)
  const abort = (): void => stream.cancel()
  signal.addEventListener('abort', abort)
  const reader = new RevisionReader(layout)
  let parts: Event[] = []
  try {
    stream.write({
      createRequest: {
        ...layout.everything,
        startRevision: after + 1,
        progressNotify: true,
        prevKv: true,
        fragment: true,
      },
    })
    for await (const item of stream) {
      const response = item as WatchResponse
      if (response.compactRevision > 0) throw new TailCompacted(response.compactRevision)
      if (response.canceled) throw new EtcdError('unreachable', `etcd ended the watch: ${response.cancelReason}`)
      if (response.created) {
        onOpen?.()
        continue
      }
      parts = parts.length === 0 ? [...response.events] : [...parts, ...response.events]
      if (response.fragment) continue
      const batch = reader.read(parts)
      parts = []
      if (batch !== undefined) yield batch
      // No events: etcd's own, rare word of how far this watch has come, in order with the events.
      else if (response.header !== undefined && response.header.revision > after)
        yield { changes: [], revision: response.header.revision }
    }
    throw new EtcdError('unreachable', 'etcd ended the watch')
  } catch (error) {
    signal.throwIfAborted()
    if (!isFromTheWire(error)) throw error
    const failure = etcdError(error, 'Watch')
    if (isFailure(failure, 'unreachable', 'never-sent')) failed()
    throw failure
  } finally {
    signal.removeEventListener('abort', abort)
    // An error that arrives after nobody reads any more is no one's.
    stream.on('error', () => {})
    stream.cancel()
  }
}

function isFromTheWire(error: unknown): boolean {
  return error instanceof EtcdError || (error instanceof Error && 'details' in error)
}

/** Turns events into changes, revision by revision. */
class RevisionReader {
  readonly #layout: Layout
  /** Clocks of several servers differ; what is told never goes back. */
  #timeMs = 0

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /** Undefined when there were no events. */
  read(events: readonly Event[]): WatchBatch | undefined {
    const changes: Change[] = []
    let revision = 0
    for (let i = 0; i < events.length; ) {
      revision = revisionOf(events[i])
      let end = i + 1
      while (end < events.length && revisionOf(events[end]) === revision) end++
      this.#readRevision(events.slice(i, end), revision, changes)
      i = end
    }
    return revision === 0 ? undefined : { changes, revision }
  }

  #readRevision(events: readonly Event[], revision: number, changes: Change[]): void {
    let deletion: Envelope | undefined
    for (const { kv } of events)
      if (kv?.key.equals(this.#layout.deletion)) deletion = decodeEnvelope(kv.value, 'deletion')
    for (const event of events) {
      const key = event.kv && this.#layout.keyOf(event.kv.key)
      if (key !== undefined) changes.push(this.#change(event, { key, revision }, deletion))
    }
  }

  #change(
    { type, kv, prevKv }: Event,
    { key, revision }: { key: string; revision: number },
    deletion: Envelope | undefined,
  ): Change {
    const created = type === 'PUT' && kv?.version === 1
    // etcd looks the older value up when it sends: the floor may have passed it meanwhile.
    if (prevKv === undefined && !created) throw new TailCompacted(revision)
    const before = prevKv && decodeEnvelope(prevKv.value, key)
    const previous = prevKv && before && { previous: { value: before.value, revision: prevKv.modRevision } }
    if (type === 'PUT' && kv !== undefined) {
      const { timeMs, actor, value } = decodeEnvelope(kv.value, key)
      const { createRevision } = kv
      return { type: 'put', key, revision, createRevision, timeMs: this.#later(timeMs), value, ...previous, actor }
    }
    const expired = prevKv !== undefined && prevKv.lease !== 0n
    const timeMs = deletion?.timeMs ?? before?.expiresMs ?? 0
    const actor = deletion?.actor ?? (expired ? EXPIRY : STRANGER)
    const createRevision = prevKv?.createRevision ?? revision
    return { type: 'delete', key, revision, createRevision, timeMs: this.#later(timeMs), ...previous, actor }
  }

  #later(timeMs: number): number {
    this.#timeMs = Math.max(this.#timeMs, timeMs)
    return this.#timeMs
  }
}

function revisionOf(event: Event | undefined): number {
  return event?.kv?.modRevision ?? 0
}
