// DELETE: at once where nothing stands in the way, otherwise by marking the object and leaving the end to whoever holds it.

import { rfc3339 } from '../../base/clock.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject, ObjectKey } from '../../apimachinery/metadata.ts'
import { serialize } from '../../apimachinery/serialize.ts'
import { admit } from '../admission/admission.ts'
import { StoredObject } from '../cache/stored.ts'
import { actorOf, type RequestContext } from './context.ts'
import { withoutRevision } from './metadata-copy.ts'
import { type DeleteOptions, finalizersFor, isDeletable } from './deletion.ts'
import { type Core, hookOf, mustGet, type Served, type WriteOutcome } from './served.ts'

const MAX_ATTEMPTS = 30

export interface Deletion {
  /** True: the object is gone; false: it is marked, and goes later. */
  gone: boolean
  object: StoredObject
}

export async function remove(
  core: Core,
  served: Served,
  key: ObjectKey,
  options: DeleteOptions,
  context: RequestContext,
): Promise<Deletion> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const current = mustGet(served, key)
    checkPreconditions(served, current, options)
    await admit(core.admission, {
      operation: 'DELETE',
      resource: served.resource,
      subresource: '',
      namespace: key.namespace ?? '',
      name: key.name,
      previous: current.object,
      context,
    })
    const outcome = await attemptDelete(core, served, current, options, context)
    if (outcome) return outcome
    if (options.preconditions?.resourceVersion) break
  }
  throw errors.conflict(served.resource, key.name)
}

/** Here, and only here, upstream names the resource by its kind. */
function checkPreconditions({ resource }: Served, current: StoredObject, { preconditions }: DeleteOptions): void {
  if (preconditions === undefined) return
  const { metadata } = current.object
  const { group, kind } = resource
  const record = { group, kind, plural: kind, groupResource: group === '' ? kind : `${kind}.${group}` }
  if (preconditions.uid && preconditions.uid !== metadata.uid) {
    throw errors.conflict(
      record,
      metadata.name,
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${metadata.uid ?? ''}). The object might have been deleted and then recreated`,
    )
  }
  if (preconditions.resourceVersion && preconditions.resourceVersion !== String(current.revision)) {
    throw errors.conflict(
      record,
      metadata.name,
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${current.revision}). The object might have been modified`,
    )
  }
}

/** undefined: the object changed meanwhile. */
async function attemptDelete(
  core: Core,
  served: Served,
  current: StoredObject,
  options: DeleteOptions,
  context: RequestContext,
): Promise<Deletion | undefined> {
  const next = markDeleted(core, served, current, options)
  const gone = isDeletable(served.resource, next)
  const value = gone ? null : serialize(served.resource, next)
  if (value !== null && current.holds(value)) return { gone, object: current }
  if (context.dryRun)
    return { gone, object: value === null ? current : StoredObject.fromStore(current.key, current.revision, value) }
  const hook = gone ? hookOf(core, served) : undefined
  const settle = hook && (await hook.reserve({ next: undefined, previous: current.object, dryRun: false }))
  let outcome: WriteOutcome = 'unknown'
  try {
    const result = await core.store.write({
      key: current.key,
      value,
      expected: current.revision,
      actor: actorOf(context),
    })
    outcome = result.ok ? 'committed' : 'failed'
    if (!result.ok) {
      await core.cacher.reached(result.current?.revision ?? core.store.revision)
      return undefined
    }
    await core.cacher.reached(result.revision)
    return {
      gone,
      object:
        value === null ? current.at(result.revision) : StoredObject.fromStore(current.key, result.revision, value),
    }
  } finally {
    if (settle) await settle(outcome)
  }
}

/** The object with its deletion marked: time, grace, finalizers (upstream BeforeDelete). A second deletion may only shorten the grace. */
function markDeleted(core: Core, served: Served, current: StoredObject, options: DeleteOptions): AnyObject {
  const { resource } = served
  // Only metadata and what the kind replaces as a whole is changed: the rest stays the cache's own.
  const next = { ...current.object } as AnyObject
  const metadata = withoutRevision(next.metadata)
  next.metadata = metadata
  const finalizers = finalizersFor(resource, current.object, options)
  if (finalizers.length > 0) metadata.finalizers = finalizers
  else if (metadata.finalizers !== undefined) delete metadata.finalizers
  const grace = resource.gracePeriodSeconds
    ? Math.max(0, options.gracePeriodSeconds ?? resource.gracePeriodSeconds(next))
    : 0
  const allowed = resource.gracePeriodSeconds?.(next) === 0 ? 0 : grace
  const left = metadata.deletionGracePeriodSeconds ?? 0
  if (metadata.deletionTimestamp === undefined) {
    metadata.deletionTimestamp = rfc3339(core.clock.now() + allowed * 1000)
    metadata.deletionGracePeriodSeconds = allowed
    if (metadata.generation) metadata.generation++
  } else if (
    resource.gracePeriodSeconds &&
    allowed < left &&
    (options.gracePeriodSeconds !== undefined || allowed === 0)
  ) {
    const start = Date.parse(metadata.deletionTimestamp) - left * 1000
    metadata.deletionTimestamp = rfc3339(start + allowed * 1000)
    metadata.deletionGracePeriodSeconds = allowed
  }
  resource.prepareDelete?.(next)
  return next
}

/** What a deletion at once answers, where the kind does not answer the object itself. */
export function deletedStatus(served: Served, object: StoredObject): object {
  const { resource } = served
  return errors.success({
    name: object.object.metadata.name,
    ...(resource.group ? { group: resource.group } : {}),
    kind: resource.plural,
    uid: object.object.metadata.uid ?? '',
  })
}
