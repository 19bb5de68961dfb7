// Certificates are looked at while a process runs, and replaced long before they end.

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'

export interface RenewalOptions {
  readonly clock: Clock
  readonly log: Logger
  /** What is renewed, for the log. */
  readonly what: string
  isDue(): boolean
  /** Issues and takes into use. */
  renew(): Promise<void> | void
}

/** A third of a year is left when renewal begins: to look twice a day is often enough. */
const LOOK_MS = 12 * 3600 * 1000
/** After a failure, as while the server is away. */
const RETRY_MS = 10 * 60 * 1000

export function startRenewal({ clock, log, what, isDue, renew }: RenewalOptions): Disposable {
  let stopped = false
  const look = async (): Promise<number> => {
    try {
      if (!isDue()) return LOOK_MS
      await renew()
      log.info('Renewed certificates', { what })
      return LOOK_MS
    } catch (error) {
      log.error('Could not renew certificates', { what, error })
      return RETRY_MS
    }
  }
  const next = (ms: number): { cancel(): void } =>
    clock.after(ms, () => {
      void look().then((wait) => {
        if (!stopped) timer = next(wait)
      })
    })
  let timer = next(LOOK_MS)
  return {
    [Symbol.dispose]() {
      stopped = true
      timer.cancel()
    },
  }
}
