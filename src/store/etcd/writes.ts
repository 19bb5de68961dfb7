// Writes to etcd: each is one transaction that compares, writes and says what it found, and so takes one revision or none.

import type { Clock } from '../../base/clock.ts'
import { InvalidWriteError, StoreBusyError, StoreFullError } from '../errors.ts'
import type { Entry, Write, WriteResult } from '../store.ts'
import type { Connection } from './connection.ts'
import { encodeEnvelope } from './envelope.ts'
import { isFailure } from './etcd-error.ts'
import type { Layout } from './layout.ts'
import { type Lease, Leases } from './leases.ts'
import type { TxnRequest, TxnResponse } from './messages.ts'
import { TXN } from './methods.ts'
import type { Known, Reads } from './reads.ts'

const NO_LEASE: Lease = { id: 0n, expiresMs: 0 }
const NOTHING = Buffer.alloc(0)
/** Proposals that etcd lets wait before it refuses more. */
const ETCD_WAITING_PROPOSALS = 5_000

export interface WritesOptions {
  readonly connection: Connection
  readonly layout: Layout
  readonly clock: Clock
  readonly known: Known
  readonly reads: Reads
  /** Writes on their way at most. */
  readonly waitingWrites: number
}

export class Writes {
  readonly #options: WritesOptions
  readonly #leases: Leases
  readonly #waiting = new Set<Promise<unknown>>()

  constructor(options: WritesOptions) {
    this.#options = options
    this.#leases = new Leases(options.connection, options.clock)
  }

  /** `write` has been checked. */
  async write(write: Write): Promise<WriteResult> {
    if (this.#waiting.size >= this.#options.waitingWrites) throw new StoreBusyError(this.#options.waitingWrites)
    const work = write.value === null ? this.#delete(write) : this.#put(write, write.value)
    this.#waiting.add(work)
    try {
      return await work
    } catch (error) {
      if (isFailure(error, 'full')) throw new StoreFullError({ cause: error })
      if (isFailure(error, 'busy')) throw new StoreBusyError(ETCD_WAITING_PROPOSALS)
      if (isFailure(error, 'too-large'))
        throw new InvalidWriteError(
          `Cannot write "${write.key}": its value of ${write.value?.length ?? 0} bytes is more than etcd takes (--max-request-bytes)`,
          { cause: error },
        )
      throw error
    } finally {
      this.#waiting.delete(work)
    }
  }

  /** Resolves when no write is under way. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#waiting)
  }

  async #put(write: Write, value: Buffer): Promise<WriteResult> {
    const lease = write.ttlSeconds === undefined ? NO_LEASE : await this.#leases.for(write.ttlSeconds)
    try {
      return await this.#putWith(lease, write, value)
    } catch (error) {
      if (write.ttlSeconds === undefined || !isFailure(error, 'no-lease')) throw error
      // It ended between our learning of it and its use; etcd has refused the whole transaction.
      this.#leases.forget(lease)
      return await this.#putWith(await this.#leases.for(write.ttlSeconds), write, value)
    }
  }

  #putWith({ id, expiresMs }: Lease, { key: name, expected, actor }: Write, value: Buffer): Promise<WriteResult> {
    const { layout, clock } = this.#options
    const key = layout.object(name)
    const envelope = encodeEnvelope({ timeMs: clock.now(), expiresMs, actor, value })
    return this.#transact({
      compare: comparesOf(key, expected),
      success: [{ put: { key, value: envelope, lease: id } }, { range: { key, keysOnly: true } }],
      failure: [{ range: { key } }],
    })
  }

  async #delete({ key: name, expected, actor }: Write): Promise<WriteResult> {
    const { layout, clock, reads } = this.#options
    const key = layout.object(name)
    // What is not there cannot be deleted, and what is there is not what was expected.
    if (expected === 0) return { ok: false, current: await reads.get(name, undefined) }
    const deletion = encodeEnvelope({ timeMs: clock.now(), expiresMs: 0, actor, value: NOTHING })
    const there = { key, target: 'VERSION', result: 'GREATER', version: 0 } as const
    return this.#transact({
      compare: expected === undefined ? [there] : comparesOf(key, expected),
      success: [
        { range: { key, keysOnly: true } },
        { deleteRange: { key } },
        { put: { key: layout.deletion, value: deletion } },
      ],
      failure: [{ range: { key } }],
    })
  }

  async #transact(request: TxnRequest): Promise<WriteResult> {
    const { connection, known } = this.#options
    const answer = await connection.call(TXN, request, false)
    known.reach(answer.header?.revision)
    const found = foundIn(answer)
    if (!answer.succeeded) return { ok: false, current: found && this.#entryOf(found) }
    const revision = answer.header?.revision ?? 0
    return { ok: true, revision, createRevision: found?.createRevision ?? revision }
  }

  #entryOf(found: NonNullable<ReturnType<typeof foundIn>>): Entry {
    return this.#options.reads.entryOf(found)
  }
}

function comparesOf(key: Buffer, expected: number | undefined): NonNullable<TxnRequest['compare']> {
  if (expected === undefined) return []
  if (expected === 0) return [{ key, target: 'VERSION', result: 'EQUAL', version: 0 }]
  return [{ key, target: 'MOD', result: 'EQUAL', modRevision: expected }]
}

function foundIn({ responses }: TxnResponse) {
  return responses.find(({ range }) => range !== undefined)?.range?.kvs[0]
}
