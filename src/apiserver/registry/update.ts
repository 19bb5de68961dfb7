// Changes to an object that is there: PUT and the end of every PATCH. A change is computed on the newest state, committed only if that
// state is still the newest, and computed again otherwise.

import { applyDefaults } from '../../apimachinery/defaults.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject, ObjectKey } from '../../apimachinery/metadata.ts'
import { type JsonObject, setOwn } from '../../apimachinery/objects.ts'
import { deepEqual } from '../../apimachinery/patch/json-patch.ts'
import { trackUpdate } from '../../apimachinery/apply/managed-fields.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { admit } from '../admission/admission.ts'
import { handOver, StoredObject } from '../cache/stored.ts'
import { actorOf, type RequestContext } from './context.ts'
import { countsGenerations } from './create.ts'
import { withoutRevision } from './metadata-copy.ts'
import { isDeletable } from './deletion.ts'
import { type Core, hookOf, keyOf, mustGet, type Served, type WriteOutcome } from './served.ts'
import { storedBytes } from './size.ts'
import { statusPart } from './status-part.ts'
import { checkUpdate } from './validation.ts'

/** A write without resourceVersion meets at most this many concurrent changes before its client hears of the conflict. */
const MAX_ATTEMPTS = 30

export interface Change {
  /** The object as it should be, computed from a fresh copy of the present one. May throw a StatusError. */
  next(current: StoredObject): AnyObject | Promise<AnyObject>
  /** `next` is worked out from the present state (a patch), so that it need not say which state it is for. */
  fromPresent?: boolean
  /** The fields' ownership was computed by `next` itself (server-side apply). */
  tracksFields?: boolean
}

export async function change(
  core: Core,
  served: Served,
  key: ObjectKey,
  edit: Change,
  context: RequestContext,
): Promise<StoredObject> {
  let current = mustGet(served, key)
  for (let attempt = 1; ; attempt++) {
    const next = await edit.next(current)
    const asked = next.metadata.resourceVersion
    checkIdentity(served, next, current, edit)
    const outcome = await commit(core, served, key, { next, current, edit, context })
    if (outcome !== 'stale') return outcome
    if (asked || attempt === MAX_ATTEMPTS) throw errors.conflict(served.resource, key.name)
    current = mustGet(served, key)
  }
}

/** The object that a PUT carries must be the one that is there. */
function checkIdentity({ resource }: Served, next: AnyObject, current: StoredObject, { fromPresent }: Change): void {
  const { metadata } = current.object
  const asked = next.metadata.resourceVersion
  if (next.metadata.uid && next.metadata.uid !== metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${next.metadata.uid}, UID in object meta: ${metadata.uid ?? ''}`
    throw errors.conflict(resource, metadata.name, why)
  }
  if (asked && asked !== '0' && asked !== String(current.revision)) throw errors.conflict(resource, metadata.name)
  if (!asked && !fromPresent && resource.unconditionalUpdate === false) {
    throw errors.invalid(resource, metadata.name, [
      {
        field: 'metadata.resourceVersion',
        reason: 'FieldValueInvalid',
        message: 'Invalid value: 0x0: must be specified for an update',
      },
    ])
  }
}

interface Attempt {
  next: AnyObject
  current: StoredObject
  edit: Change
  context: RequestContext
}

async function commit(core: Core, served: Served, key: ObjectKey, attempt: Attempt): Promise<StoredObject | 'stale'> {
  const { resource } = served
  const { current, edit, context } = attempt
  const previous = current.object
  const subresource = context.info.subresource
  const next = carriedOver(served, withDefaults(served, attempt), previous, context)
  // Validation wants to see which state the update is for, whether or not the client said.
  next.metadata.resourceVersion = String(current.revision)
  const attributes = {
    operation: 'UPDATE' as const,
    resource,
    subresource,
    namespace: key.namespace ?? '',
    name: key.name,
    object: next,
    previous,
    context,
  }
  await admit(core.admission, attributes, () => checkUpdate(served, next, previous, context))
  countGeneration(served, next, previous)
  const storeKey = keyOf(served, key)
  const gone = isDeletable(resource, next)
  const hook = hookOf(core, served)
  const settle = hook && (await hook.reserve({ next: gone ? undefined : next, previous, dryRun: context.dryRun }))
  let outcome: WriteOutcome = 'failed'
  try {
    if (!edit.tracksFields) {
      const { fieldManager: manager } = context
      trackUpdate({
        struct: resource.struct,
        live: previous,
        next,
        manager,
        apiVersion: served.shown.apiVersion,
        subresource,
        nowMs: core.clock.now(),
      })
    }
    const value = storedBytes(resource, next)
    // Nothing changed: nothing is written, and the revision stays (etcd3 store, GuaranteedUpdate).
    if (!gone && current.holds(value)) return current
    if (context.dryRun) return StoredObject.fromStore(storeKey, current.revision, value)
    const write = { key: storeKey, value: gone ? null : value, expected: current.revision, actor: actorOf(context) }
    handOver(value, next)
    outcome = 'unknown'
    const result = await core.store.write(write)
    outcome = result.ok ? 'committed' : 'failed'
    if (!result.ok) {
      await core.cacher.reached(result.current?.revision ?? core.store.revision)
      return 'stale'
    }
    await core.cacher.reached(result.revision)
    const stored = served.cache.get(storeKey)
    return stored?.revision === result.revision ? stored : StoredObject.fromStore(storeKey, result.revision, value)
  } finally {
    if (settle) await settle(outcome)
  }
}

function withDefaults({ resource }: Served, { next, context }: Attempt): AnyObject {
  if (context.info.subresource === 'status') applyDefaults(statusPart(resource.struct), next)
  else {
    applyDefaults(resource.struct, next)
    resource.defaults?.(next)
  }
  return next
}

/** The fields that no client changes, and the half of the object that this door does not open, are as they were. */
function carriedOver(
  { resource }: Served,
  next: AnyObject,
  previous: DeepReadonly<AnyObject>,
  context: RequestContext,
): AnyObject {
  const was = previous as AnyObject
  if (context.info.subresource === 'status') {
    const object = withStatus(was, next)
    resource.prepareStatusUpdate?.(object, was)
    return object
  }
  const { metadata } = next
  for (const field of KEPT) keep(metadata, was.metadata, field)
  if (metadata.selfLink !== undefined) delete metadata.selfLink
  if (context.info.subresource !== '') return next
  if (resource.subresources?.status) {
    if (was['status'] === undefined) delete next['status']
    else next['status'] = was['status']
  }
  resource.prepareUpdate?.(next, was)
  return next
}

const KEPT = ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation'] as const

/** On /status clients may still set labels, annotations and finalizers; upstream keeps the rest of the metadata (and so do we). */
const GIVEN_WITH_STATUS = ['labels', 'annotations', 'finalizers', 'managedFields', 'ownerReferences'] as const

/**
 * The object as it was with the status of another. What is carried over is the cache's own and is not changed from here on; what is the
 * same object need not be compared.
 */
function withStatus(was: AnyObject, { status, metadata: given }: AnyObject): AnyObject {
  const metadata = withoutRevision(was.metadata)
  for (const field of GIVEN_WITH_STATUS) if (given[field]) keep(metadata, given, field)
  const object: JsonObject = { apiVersion: was.apiVersion, kind: was.kind, metadata }
  if (status !== undefined) object['status'] = status
  for (const key in was) if (key !== 'status' && !Object.hasOwn(object, key)) setOwn(object, key, was[key])
  return object as AnyObject
}

function keep<T extends object, K extends keyof T>(next: T, previous: T, field: K): void {
  const value = previous[field]
  if (value !== undefined) next[field] = value
  else if (next[field] !== undefined) delete next[field]
}

/** `generation` counts changes of everything but metadata and status. */
function countGeneration(served: Served, next: AnyObject, previous: DeepReadonly<AnyObject>): void {
  if (!countsGenerations(served) || sameDesire(next, previous)) return
  next.metadata.generation = (previous.metadata.generation ?? 0) + 1
}

function sameDesire(next: DeepReadonly<AnyObject>, previous: DeepReadonly<AnyObject>): boolean {
  for (const key in next) if (isDesired(key) && !deepEqual(next[key], previous[key])) return false
  for (const key in previous) if (isDesired(key) && previous[key] !== undefined && next[key] === undefined) return false
  return true
}

const isDesired = (key: string): boolean => key !== 'metadata' && key !== 'status'
