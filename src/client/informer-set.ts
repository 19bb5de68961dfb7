// The informers of one process, one per resource, started when somebody first asks and shared by all.

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { AnyObject } from '../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../apimachinery/resource.ts'
import type { Client } from './client.ts'
import { type FollowingInformer, NAMESPACE_INDEX, startInformer } from './informer.ts'

/** Index of every informer in a set: the uid of the owner that controls the object. */
export const OWNER_INDEX = 'owner'
/** Index of every informer in a set: the namespace of an object that nobody controls. */
export const ORPHAN_INDEX = 'orphan'

export class InformerSet implements AsyncDisposable {
  readonly #client: Client
  readonly #clock: Clock
  readonly #log: Logger
  readonly #informers = new Map<string, FollowingInformer<never>>()

  constructor(options: { client: Client; clock: Clock; log: Logger }) {
    this.#client = options.client
    this.#clock = options.clock
    this.#log = options.log
  }

  of<T>(resource: Resource<T>): FollowingInformer<T> {
    const known = this.#informers.get(resource.groupResource)
    if (known) return known as unknown as FollowingInformer<T>
    const informer = startInformer({
      client: this.#client,
      resource,
      indexes: { [OWNER_INDEX]: controllerUID, [ORPHAN_INDEX]: orphanedIn, [NAMESPACE_INDEX]: namespaceOf },
      clock: this.#clock,
      log: this.#log,
    })
    this.#informers.set(resource.groupResource, informer as unknown as FollowingInformer<never>)
    return informer
  }

  get hasSynced(): boolean {
    return [...this.#informers.values()].every((i) => i.hasSynced)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#informers.values()].map((i) => i[Symbol.asyncDispose]()))
  }
}

function controllerUID(object: DeepReadonly<unknown>): string[] {
  const owner = (object as AnyObject).metadata.ownerReferences?.find((o) => o.controller)
  return owner ? [owner.uid] : []
}

function orphanedIn(object: DeepReadonly<unknown>): string[] {
  return controllerUID(object).length > 0 ? [] : namespaceOf(object)
}

function namespaceOf(object: DeepReadonly<unknown>): string[] {
  const { namespace } = (object as AnyObject).metadata
  return namespace === undefined ? [] : [namespace]
}
