// One round for a set of replicas: claim its pods, create or delete what differs, tell what is true.

import { isDeepStrictEqual } from 'node:util'
import type { AnyObject, ObjectKey } from '../../apimachinery/metadata.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly, Resource } from '../../apimachinery/resource.ts'
import type { Selector } from '../../apimachinery/selectors/labels.ts'
import type { ReplicaSetStatus } from '../../api/apps/replica-set.ts'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import { isPodActive, isPodTerminal, isPodTerminating } from '../../api/core/pod/readiness.ts'
import type { Cache, ReconcileContext, ReconcileResult } from '../controller.ts'
import { messageOf } from '../refusals.ts'
import { createPods, deletePods } from './act.ts'
import { claim } from './claim.ts'
import { decide, type Failure, nextAvailableMs, type ReplicaSpec, statusOf } from './decide.ts'

/** How ReplicaSets and ReplicationControllers differ. */
export interface Flavour<T> {
  resource: Resource<T>
  selector(set: DeepReadonly<T>): Selector
  /** All pods of the application that the set is a part of. */
  related(set: DeepReadonly<T>, active: readonly DeepReadonly<Pod>[], cache: Cache): readonly DeepReadonly<Pod>[]
  countsTerminating: boolean
}

/** What both kinds look like. */
interface SetObject {
  readonly metadata: DeepReadonly<AnyObject['metadata']>
  readonly spec: ReplicaSpec
  readonly status?: DeepReadonly<ReplicaSetStatus>
}

/** The cache shows own writes by their events; this is only for the rare one whose event a new list swallowed. */
const LOOK_AGAIN_MS = 5000

export async function reconcileReplicas<T>(
  context: ReconcileContext,
  key: ObjectKey,
  flavour: Flavour<T>,
): Promise<ReconcileResult> {
  const { cache, clock, writes } = context
  const { resource } = flavour
  const object = cache.get(resource, key)
  if (object === undefined) {
    writes.forget(key)
    return undefined
  }
  const set = object as unknown as SetObject
  const arrived = writes.haveArrived(key)
  const controller = set as unknown as DeepReadonly<AnyObject>
  const claimed = await claim(context, { resource, controller, selector: flavour.selector(object) }, pods)
  const active = claimed.filter(isPodActive)
  const failure =
    arrived && set.metadata.deletionTimestamp === undefined
      ? await manage(context, set, active, () => flavour.related(object, active, cache))
      : undefined

  const nowMs = clock.now()
  const status = statusOf({
    spec: set.spec,
    generation: set.metadata.generation ?? 0,
    previous: set.status,
    active,
    nowMs,
    ...(flavour.countsTerminating
      ? { terminating: claimed.filter((pod) => isPodTerminating(pod) && !isPodTerminal(pod)).length }
      : {}),
    ...(failure ? { failure: { reason: failure.reason, message: failure.message } } : {}),
  })
  await writeStatus(context, resource, set, status)
  if (failure) throw failure.error
  const { minReadySeconds = 0 } = set.spec
  const after = minReadySeconds > 0 ? nextAvailableMs(active, minReadySeconds, nowMs) : undefined
  if (after !== undefined) return { after }
  return arrived ? undefined : { after: LOOK_AGAIN_MS }
}

async function manage(
  context: ReconcileContext,
  set: SetObject,
  active: readonly DeepReadonly<Pod>[],
  related: () => readonly DeepReadonly<Pod>[],
): Promise<(Failure & { error: unknown }) | undefined> {
  const owner = set as unknown as DeepReadonly<AnyObject>
  const plan = decide(set.spec, active, (set.spec.replicas ?? 1) < active.length ? related() : [], context.clock.now())
  switch (plan.do) {
    case 'nothing':
      return undefined
    case 'create': {
      const { template } = set.spec
      if (template === undefined) return undefined
      const error = await createPods(
        context,
        owner,
        Array.from({ length: plan.count }, () => ({ template })),
      )
      return error === undefined ? undefined : { reason: 'FailedCreate', message: messageOf(error), error }
    }
    case 'delete': {
      const error = await deletePods(context, owner, plan.pods)
      return error === undefined ? undefined : { reason: 'FailedDelete', message: messageOf(error), error }
    }
  }
}

async function writeStatus<T>(
  { api, signal }: ReconcileContext,
  resource: Resource<T>,
  set: SetObject,
  status: ReplicaSetStatus,
): Promise<void> {
  if (isDeepStrictEqual(withoutZeroes(set.status), withoutZeroes(status))) return
  const next = { ...cloneJson(set), status } as unknown as DeepReadonly<T>
  await api.update(resource, next, { subresource: 'status', signal })
}

/** Absent and 0 are the same figure. */
function withoutZeroes(status: DeepReadonly<ReplicaSetStatus> | undefined): object {
  return Object.fromEntries(
    Object.entries(status ?? {}).filter(([, v]) => v !== 0 && !(Array.isArray(v) && v.length === 0)),
  )
}
