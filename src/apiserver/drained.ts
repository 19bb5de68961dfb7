// Waiting for a reader that takes its time.

import type { EventEmitter } from 'node:events'
import type { Clock } from '../base/clock.ts'

/** A client that takes nothing of its answer for this long is cut off: what waits for it must not wait for ever. */
export const STALL_MS = 60_000

interface Reader {
  /** What the answer is written to. */
  answer: EventEmitter
  /** Ends an answer that has stalled, so that it closes. */
  cutOff(): void
  clock: Clock
}

/** Resolves when `buffer` takes more, or the answer has closed; rejects with what goes wrong with either. */
export function drainedOrClosed(buffer: EventEmitter, { answer, cutOff, clock }: Reader): Promise<void> {
  return new Promise((resolve, reject) => {
    const stalled = clock.after(STALL_MS, cutOff)
    const settle = (): void => {
      stalled.cancel()
      buffer.off('drain', ended).off('error', failed)
      answer.off('close', ended).off('error', failed)
    }
    const ended = (): void => {
      settle()
      resolve()
    }
    const failed = (error: unknown): void => {
      settle()
      reject(error)
    }
    buffer.on('drain', ended).on('error', failed)
    answer.on('close', ended).on('error', failed)
  })
}
