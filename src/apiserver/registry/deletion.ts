// When a deletion may happen at once, and what has to come first: grace, finalizers, the kind's own reasons.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../../apimachinery/resource.ts'

export const ORPHAN_FINALIZER = 'orphan'
export const FOREGROUND_FINALIZER = 'foregroundDeletion'

export interface DeleteOptions {
  gracePeriodSeconds?: number
  propagationPolicy?: string
  orphanDependents?: boolean
  preconditions?: { uid?: string; resourceVersion?: string }
  dryRun?: string[]
}

/** An object marked as deleted goes as soon as its grace is over and nobody holds it any more. */
export function isDeletable(resource: Resource<AnyObject>, object: DeepReadonly<AnyObject>): boolean {
  const { metadata } = object
  if (metadata.deletionTimestamp === undefined) return false
  if ((metadata.deletionGracePeriodSeconds ?? 0) > 0) return false
  return (metadata.finalizers?.length ?? 0) === 0 && !resource.holdsDeletion?.(object as AnyObject)
}

/** The finalizers an object gets by the way its dependents are to be treated (upstream deletionFinalizersForGarbageCollection). */
export function finalizersFor(
  resource: Resource<AnyObject>,
  object: DeepReadonly<AnyObject>,
  options: DeleteOptions,
): string[] {
  const present = object.metadata.finalizers ?? []
  const orphan = wants(ORPHAN_FINALIZER, resource, present, options)
  const foreground = wants(FOREGROUND_FINALIZER, resource, present, options)
  const others = present.filter((f) => f !== ORPHAN_FINALIZER && f !== FOREGROUND_FINALIZER)
  if (orphan) others.push(ORPHAN_FINALIZER)
  if (foreground) others.push(FOREGROUND_FINALIZER)
  return others
}

function wants(
  finalizer: string,
  resource: Resource<AnyObject>,
  present: readonly string[],
  options: DeleteOptions,
): boolean {
  const policy = finalizer === ORPHAN_FINALIZER ? 'Orphan' : 'Foreground'
  if (options.propagationPolicy !== undefined) return options.propagationPolicy === policy
  if (options.orphanDependents !== undefined) return finalizer === ORPHAN_FINALIZER && options.orphanDependents
  if (present.includes(finalizer)) return true
  return finalizer === ORPHAN_FINALIZER && resource.defaultPropagation === 'Orphan'
}
