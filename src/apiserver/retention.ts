// How much of an object's past the store keeps, by kind: a week for most, nothing beyond the watch window for what is written all the time.

import { ALL_RESOURCES } from '../api/all.ts'
import { NO_HISTORY, type Retention } from '../store/store.ts'

const KEPT: Retention = { maxAgeMs: 7 * 24 * 3600 * 1000, maxBytes: 1024 * 1024 }

const WINDOW_ONLY = new Set(
  ALL_RESOURCES.filter((r) => r.history === 'window').map((r) => `${r.group || 'core'}/${r.plural}`),
)

/** `key` is `tenant/group/resource/…`. */
export function retentionOf(key: string): Retention {
  const start = key.indexOf('/') + 1
  const end = key.indexOf('/', key.indexOf('/', start) + 1)
  return WINDOW_ONLY.has(key.slice(start, end)) ? NO_HISTORY : KEPT
}
