// WATCH: from a revision on, or from a snapshot (WatchList), until the client, the time-out or the server ends it.

import type { Timer } from '../../base/clock.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { WatchFrame } from '../../client/door.ts'
import { bookmarkFrame } from '../cache/cacher.ts'
import { frameLine } from '../cache/stored.ts'
import type { Watcher } from '../cache/watcher.ts'
import { isTrue } from '../request-info.ts'
import type { RequestContext } from './context.ts'
import { fresh, revisionOf } from './list.ts'
import { selectionOf } from './selection.ts'
import type { Core, Served } from './served.ts'

/** A watch without timeoutSeconds ends after 30 to 60 minutes, spread so that clients do not all come back at once. */
const MIN_TIMEOUT_SECONDS = 1800

export async function watch(
  core: Core,
  served: Served,
  query: URLSearchParams,
  context: RequestContext,
): Promise<AsyncIterable<readonly WatchFrame[]>> {
  const { selection } = selectionOf(served, query, context)
  const asked = query.get('resourceVersion') ?? ''
  const streaming = isTrue(query.get('sendInitialEvents'))
  checkWatchList(query)
  const bookmarks = isTrue(query.get('allowWatchBookmarks'))
  const initial = streaming || (!query.has('sendInitialEvents') && (asked === '' || asked === '0'))
  const timeoutSeconds = secondsIn(query)
  const after = asked === '' ? core.cacher.revision : revisionOf(asked)
  if (streaming || asked === '') await fresh(core, streaming && asked !== '' ? asked : '')
  const watcher = served.cache.watch(selection, { after, initial, bookmarks })
  if (!watcher) {
    const error = errors.expired(`too old resource version: ${asked} (${served.cache.floor})`)
    return once(errorFrame(error))
  }
  if (streaming && bookmarks) watcher.push(bookmarkFrame(served.resource, core.cacher.revision, true))
  new Ending(core, watcher, timeoutSeconds).heed(context.signal)
  return watcher
}

function checkWatchList(query: URLSearchParams): void {
  const match = query.get('resourceVersionMatch') ?? ''
  if (query.has('sendInitialEvents')) {
    if (match === 'NotOlderThan') return
    throw errors.invalidListOptions(
      'resourceVersionMatch',
      'Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    )
  }
  if (match === '') return
  throw errors.invalidListOptions(
    'resourceVersionMatch',
    'Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
  )
}

function secondsIn(query: URLSearchParams): number {
  const text = query.get('timeoutSeconds') ?? ''
  if (text === '' || /^-?\d{1,15}$/.test(text)) return Number(text)
  throw errors.badRequest(
    `invalid timeoutSeconds: strconv.ParseInt: parsing ${JSON.stringify(text.slice(0, 100))}: invalid syntax`,
  )
}

/** Ends a watch in time, and when its client goes. It lasts as long as the watch: what it holds is counted in thousands. */
class Ending implements EventListenerObject {
  readonly #watcher: Watcher
  readonly #timer: Timer
  #signal: AbortSignal | undefined

  constructor({ clock, random }: Core, watcher: Watcher, asked: number) {
    this.#watcher = watcher
    // Whole seconds: watches that end in the same one share a list of timers.
    const seconds = asked > 0 ? asked : Math.round(MIN_TIMEOUT_SECONDS * (1 + random.next()))
    this.#timer = clock.after(seconds * 1000, () => watcher.end())
  }

  heed(signal: AbortSignal): void {
    this.#signal = signal
    signal.addEventListener('abort', this)
    this.#watcher.whenEnded(() => this.#stop())
    if (signal.aborted) this.handleEvent()
  }

  handleEvent(): void {
    this.#watcher.end()
  }

  #stop(): void {
    this.#timer.cancel()
    this.#signal?.removeEventListener('abort', this)
  }
}

async function* once(frame: WatchFrame): AsyncGenerator<readonly WatchFrame[]> {
  yield [frame]
}

export function errorFrame(error: errors.StatusError): WatchFrame {
  return { type: 'ERROR', line: frameLine('ERROR', Buffer.from(JSON.stringify(error.status))), object: error.status }
}
