// The resources that a server serves, and what all verbs need to work on one of them.

import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { AnyObject, ObjectKey } from '../../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../../apimachinery/resource.ts'
import type { ReadyView } from '../../apimachinery/view.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { Store } from '../../store/store.ts'
import type { AdmissionPlugin } from '../admission/admission.ts'
import type { Cacher } from '../cache/cacher.ts'
import type { ResourceCache } from '../cache/resource-cache.ts'
import type { StoredObject } from '../cache/stored.ts'

/** One resource in service. */
export interface Served {
  /** The kind as it is worked on: defaults, validation and update rules are its own. */
  readonly resource: Resource<AnyObject>
  /** The kind as clients see it: another version than `resource` where a view is served. */
  readonly shown: Resource<AnyObject>
  readonly view?: ReadyView
  readonly cache: ResourceCache
  /** The version that objects are stored in, where it is another one (custom resources of several versions). */
  readonly storageVersion?: string
}

/** What the verbs work with. */
export interface Core {
  readonly store: Store
  readonly cacher: Cacher
  readonly clock: Clock
  readonly random: Random
  readonly admission: readonly AdmissionPlugin[]
  readonly hooks: readonly WriteHook[]
}

/** How a write ended. `unknown`: the store failed and cannot say, so that what was taken for the object may be its own by now. */
export type WriteOutcome = 'committed' | 'failed' | 'unknown'

/** What a write is about to do: `next` is absent where the object goes. */
export interface Reservation {
  next: AnyObject | undefined
  previous: DeepReadonly<AnyObject> | undefined
  dryRun: boolean
}

/**
 * Takes and gives back what is not in the object itself: cluster IPs, node ports. `reserve` runs after validation and before the commit; what it
 * returns is called with the outcome. Dry runs must leave nothing behind. A resource has at most one.
 */
export interface WriteHook {
  name: string
  resource: string
  reserve(reservation: Reservation): Promise<(outcome: WriteOutcome) => Promise<void>>
}

/** The hook of a resource. Few have one: those that have none wait for nothing. */
export function hookOf(core: Core, served: Served): WriteHook | undefined {
  return core.hooks.find((hook) => hook.resource === served.resource.groupResource)
}

export function keyOf(served: Served, key: ObjectKey): string {
  return (
    served.cache.prefix + (served.resource.scope === 'Namespaced' ? `${key.namespace ?? ''}/${key.name}` : key.name)
  )
}

/** The object as reads see it; a NotFound when there is none. */
export function mustGet(served: Served, key: ObjectKey): StoredObject {
  const object = served.cache.get(keyOf(served, key))
  if (!object) throw errors.notFound(served.resource, key.name)
  return object
}
