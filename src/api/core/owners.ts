// Who an object belongs to.

import type { ObjectMeta, OwnerReference } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'

interface Owned {
  readonly metadata: DeepReadonly<ObjectMeta>
}

/** The one owner that manages the object. */
export function controllerOf(object: Owned): DeepReadonly<OwnerReference> | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true)
}

export function isControlledBy(object: Owned, owner: { readonly metadata: { readonly uid?: string } }): boolean {
  return owner.metadata.uid !== undefined && controllerOf(object)?.uid === owner.metadata.uid
}

/** The reference that a controller puts on what it makes. */
export function controllerReference(owner: {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly uid?: string }
}): OwnerReference {
  const { apiVersion, kind, metadata } = owner
  const { name, uid = '' } = metadata
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }
}
