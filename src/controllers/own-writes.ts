// What a controller wrote that its cache may not show yet: whoever counts objects must wait for these, or counts them twice.

import type { ObjectKey, ObjectMeta } from '../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../apimachinery/resource.ts'
import type { AnyKind } from './controller.ts'
import { keyOf, keyText } from './keys.ts'

interface Written {
  readonly metadata: DeepReadonly<ObjectMeta> & { readonly name: string }
}

/** The part of a cache that tells whether a write has arrived. */
interface Seen {
  get<T>(resource: Resource<T>, key: ObjectKey): DeepReadonly<T> | undefined
  hasSeen(resource: AnyKind, resourceVersion: string): boolean
}

/** Is this write in the cache? */
type Arrival = () => boolean

export class OwnWrites {
  readonly #cache: Seen
  readonly #pending = new Map<string, Arrival[]>()

  constructor(cache: Seen) {
    this.#cache = cache
  }

  /** An object was created or changed on behalf of `owner`; `object` is the server's answer. */
  wrote<T extends Written>(owner: ObjectKey, resource: Resource<T>, object: DeepReadonly<T>): void {
    const version = (object as Written).metadata.resourceVersion ?? '0'
    this.#add(owner, () => this.#cache.hasSeen(resource, version))
  }

  /** The deletion of an object on behalf of `owner` was accepted. */
  deleted<T extends Written>(owner: ObjectKey, resource: Resource<T>, object: DeepReadonly<T>): void {
    const gone = object as Written
    const key = keyOf(gone)
    this.#add(owner, () => {
      const cached = this.#cache.get(resource, key) as Written | undefined
      return cached?.metadata.uid !== gone.metadata.uid || cached?.metadata.deletionTimestamp !== undefined
    })
  }

  /** The cache shows all that was written on behalf of `owner`. While it does not, its next event asks again. */
  haveArrived(owner: ObjectKey): boolean {
    const key = keyText(owner)
    const left = this.#pending.get(key)?.filter((arrived) => !arrived()) ?? []
    if (left.length > 0) this.#pending.set(key, left)
    else this.#pending.delete(key)
    return left.length === 0
  }

  forget(owner: ObjectKey): void {
    this.#pending.delete(keyText(owner))
  }

  #add(owner: ObjectKey, arrived: Arrival): void {
    const key = keyText(owner)
    const pending = this.#pending.get(key)
    if (pending) pending.push(arrived)
    else this.#pending.set(key, [arrived])
  }
}
