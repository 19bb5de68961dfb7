// Hears of every change of a cache, for those parts of the server that work in the background.

import type { WatchFrame } from '../../client/door.ts'
import type { ResourceCache } from './resource-cache.ts'

/** Calls `changed` at once, since what changed before is not told, and with the frames of every change after that. Ends with the signal. */
export async function followCache(
  cache: ResourceCache,
  signal: AbortSignal,
  changed: (frames?: readonly WatchFrame[]) => void,
): Promise<void> {
  while (!signal.aborted) {
    const after = Math.max(cache.changedAt, cache.floor)
    const watcher = cache.watch({ namespace: '' }, { after, initial: false, bookmarks: false })
    if (!watcher) throw new Error('Bug: a cache knows its newest changes')
    changed()
    const end = (): void => watcher.end()
    signal.addEventListener('abort', end, { once: true })
    for await (const frames of watcher) if (frames.length > 0) changed(frames)
    signal.removeEventListener('abort', end)
  }
}
