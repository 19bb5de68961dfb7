// Whose pods are whose: a controller takes the orphans that its selector matches and lets go of what no longer matches.

import { isInvalid, isNotFound } from '../../apimachinery/errors.ts'
import type { AnyObject, ObjectMeta } from '../../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../../apimachinery/resource.ts'
import type { Selector } from '../../apimachinery/selectors/labels.ts'
import { controllerReference } from '../../api/core/owners.ts'
import type { ReconcileContext } from '../controller.ts'
import { keyOf } from '../keys.ts'

interface Claimable {
  readonly metadata: DeepReadonly<ObjectMeta> & { readonly name: string }
}

export interface Claimer<P, T = unknown> {
  /** The kind that claims, and the one that does. */
  readonly resource: Resource<P>
  readonly controller: DeepReadonly<AnyObject>
  readonly selector: Selector
  /** What else a child must be to be taken over. */
  accepts?(child: DeepReadonly<T>): boolean
}

export interface Claims<T> {
  keep: readonly DeepReadonly<T>[]
  adopt: readonly DeepReadonly<T>[]
  release: readonly DeepReadonly<T>[]
}

/** Pure: what to do with the objects that the controller owns and with those that nobody owns. */
export function decideClaims<T>(
  owned: readonly DeepReadonly<T>[],
  orphans: readonly DeepReadonly<T>[],
  selector: Selector,
  going: boolean,
): Claims<T> {
  const matches = (object: DeepReadonly<T>): boolean => selector.matches(metadataOf(object).labels)
  const isGoing = (object: DeepReadonly<T>): boolean => metadataOf(object).deletionTimestamp !== undefined
  return {
    keep: owned.filter(matches),
    adopt: going ? [] : orphans.filter((object) => matches(object) && !isGoing(object)),
    release: going ? [] : owned.filter((object) => !matches(object)),
  }
}

/** The objects of `children` that belong to the controller, after adoption and release. */
export async function claim<P, T>(
  { api, cache, writes, signal }: ReconcileContext,
  { resource, controller, selector, accepts = () => true }: Claimer<P, T>,
  children: Resource<T>,
): Promise<DeepReadonly<T>[]> {
  const { uid = '', namespace = '', deletionTimestamp } = controller.metadata
  const owned = cache.ownedBy(children, uid)
  const orphans = cache.orphans(children, namespace).filter((child) => accepts(child))
  const claims = decideClaims(owned, orphans, selector, deletionTimestamp !== undefined)
  const claimed = [...claims.keep]
  const owner = keyOf(controller)
  if (claims.adopt.length > 0) {
    // The cache may show a controller that is gone and came back under the same name: ask before owning anything.
    const live = (await api.get(resource, owner, { signal })) as DeepReadonly<AnyObject>
    if (live.metadata.uid !== uid || live.metadata.deletionTimestamp !== undefined) return claimed
  }
  for (const object of claims.adopt) {
    const body = { metadata: { uid: metadataOf(object).uid, ownerReferences: [controllerReference(controller)] } }
    try {
      const adopted = await api.patch(children, keyOf(object as Claimable), { type: 'strategic', body }, { signal })
      writes.wrote(owner, children as unknown as Resource<Claimable>, adopted as Claimable)
      claimed.push(adopted)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
  for (const object of claims.release) {
    const body = { metadata: { uid: metadataOf(object).uid, ownerReferences: [{ $patch: 'delete', uid }] } }
    try {
      await api.patch(children, keyOf(object as Claimable), { type: 'strategic', body }, { signal })
    } catch (error) {
      // Gone, or another object by now: nothing to let go of.
      if (!isNotFound(error) && !isInvalid(error)) throw error
    }
  }
  return claimed
}

function metadataOf(object: unknown): Claimable['metadata'] {
  return (object as Claimable).metadata
}
