// Objects as the version that a client uses shows them: the cache's own where that version is stored, converted where it is a view.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { serialize, spliceResourceVersion } from '../../apimachinery/serialize.ts'
import type { ReadyView } from '../../apimachinery/view.ts'
import type { CachedObject, WatchFrame } from '../../client/door.ts'
import { frameLine } from '../cache/stored.ts'
import type { Served } from './served.ts'

export function shownObject({ view }: Served, object: CachedObject): CachedObject {
  return view ? new ViewedObject(view, object) : object
}

export function shownObjects({ view }: Served, objects: readonly CachedObject[]): readonly CachedObject[] {
  return view ? objects.map((object) => new ViewedObject(view, object)) : objects
}

/** What `bytes` of the shown object would be, for one look: nothing is kept. */
export function shownBytes({ view }: Served, object: CachedObject): Buffer {
  return view
    ? spliceResourceVersion(serialize(view.resource, view.fromHub(object.glance())), object.revision)
    : object.bytes
}

export function shownEvents(
  { view }: Served,
  events: AsyncIterable<readonly WatchFrame[]>,
): AsyncIterable<readonly WatchFrame[]> {
  return view ? viewedEvents(view, events) : events
}

async function* viewedEvents(
  view: ReadyView,
  events: AsyncIterable<readonly WatchFrame[]>,
): AsyncGenerator<readonly WatchFrame[]> {
  for await (const batch of events) yield batch.map((frame) => viewedFrame(view, frame))
}

function viewedFrame(view: ReadyView, frame: WatchFrame): WatchFrame {
  const { type } = frame
  if (type === 'ERROR') return frame
  const { apiVersion } = view.resource
  // A bookmark is no whole object: there is nothing in it to convert but its version.
  const object =
    type === 'BOOKMARK'
      ? { ...(frame.object as object), apiVersion }
      : view.fromHub((frame.glance?.() ?? frame.object) as DeepReadonly<AnyObject>)
  return { type, object, line: frameLine(type, Buffer.from(JSON.stringify(object))) }
}

/** Converted when somebody looks. */
class ViewedObject implements CachedObject {
  readonly key: string
  readonly revision: number
  readonly #view: ReadyView
  readonly #stored: CachedObject
  #object: DeepReadonly<AnyObject> | undefined
  #bytes: Buffer | undefined

  constructor(view: ReadyView, stored: CachedObject) {
    this.key = stored.key
    this.revision = stored.revision
    this.#view = view
    this.#stored = stored
  }

  get object(): DeepReadonly<AnyObject> {
    this.#object ??= this.#view.fromHub(this.#stored.object)
    return this.#object
  }

  glance(): DeepReadonly<AnyObject> {
    return this.#object ?? this.#view.fromHub(this.#stored.glance())
  }

  get bytes(): Buffer {
    this.#bytes ??= spliceResourceVersion(serialize(this.#view.resource, this.object), this.revision)
    return this.#bytes
  }
}
