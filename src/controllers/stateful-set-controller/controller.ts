// Keeps the pods of a StatefulSet, each with its name and its volumes, and takes them to a new template from the last to the first.

import { isDeepStrictEqual } from 'node:util'
import { isAlreadyExists, isNotFound } from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { selectorOf } from '../../apimachinery/selectors/labels.ts'
import { controllerRevisions } from '../../api/apps/controller-revision.ts'
import { type StatefulSet, type StatefulSetStatus, statefulSets } from '../../api/apps/stateful-set.ts'
import { controllerOf } from '../../api/core/owners.ts'
import { persistentVolumeClaims } from '../../api/core/persistent-volume-claim/persistent-volume-claim.ts'
import { pods } from '../../api/core/pod/pod.ts'
import type { PodTemplateSpec } from '../../api/core/pod/template.ts'
import { defineController, type ReconcileContext, type ReconcileResult, watches } from '../controller.ts'
import { keyOf } from '../keys.ts'
import { isNamespaceTerminating, messageOf } from '../refusals.ts'
import { claim } from '../replica-set-core/claim.ts'
import { nextAvailableMs } from '../replica-set-core/decide.ts'
import { currentRevision, forgetRevisions, revisionsToForget, templateOf } from '../revision-history/history.ts'
import { isCondemned, type Plan, planOf, statusOf, type View } from './decide.ts'
import {
  claimOwner,
  claimOwners,
  claimsFor,
  ordinalOf,
  podFor,
  type ReadonlyPod,
  type ReadonlyStatefulSet,
  revisionOf,
} from './identity.ts'

/** Label of revisions with their hash; pods name the whole revision. */
const HASH_LABEL = 'controller.kubernetes.io/hash'
const LOOK_AGAIN_MS = 5000

const selector = ({ spec }: ReadonlyStatefulSet): ReturnType<typeof selectorOf> =>
  selectorOf(spec.selector as StatefulSet['spec']['selector'])

export const statefulSetController = defineController({
  name: 'statefulset-controller',
  for: statefulSets,
  owns: [pods, controllerRevisions],
  watches: [
    watches({
      resource: pods,
      toKeys(pod, cache) {
        const { namespace, labels } = pod.metadata
        if (controllerOf(pod) !== undefined || namespace === undefined) return []
        return cache.keysOf(
          statefulSets,
          namespace,
          (set) => selector(set).matches(labels) && ordinalOf(set, pod) !== undefined,
        )
      },
    }),
  ],
  reads: [persistentVolumeClaims],
  async reconcile(context, key) {
    const { cache, writes } = context
    const set = cache.get(statefulSets, key)
    if (set === undefined) {
      writes.forget(key)
      return undefined
    }
    if (!writes.haveArrived(key)) return { after: LOOK_AGAIN_MS }
    return reconcileSet(context, set)
  },
})

async function reconcileSet(context: ReconcileContext, set: ReadonlyStatefulSet): Promise<ReconcileResult> {
  const { clock } = context
  const controller = set as DeepReadonly<AnyObject>
  const claimer = { resource: statefulSets, controller, selector: selector(set) }
  const revisions = await claim(context, claimer, controllerRevisions)
  const { collisionCount: known } = set.status ?? {}
  const subject = { owner: controller, template: set.spec.template, hashLabel: HASH_LABEL, collisionCount: known }
  const { revision: update, collisionCount } = await currentRevision(context, subject, revisions)
  const current = revisions.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update
  const accepts = (pod: ReadonlyPod): boolean => ordinalOf(set, pod) !== undefined
  const claimed = (await claim(context, { ...claimer, accepts }, pods)).filter(accepts)
  const names = { current: current.metadata.name, update: update.metadata.name }
  const view: View = { set, pods: claimed, ...names, nowMs: clock.now() }
  const templates = new Map([current, update].map((revision) => [revision.metadata.name, templateOf(revision)]))
  let error: unknown
  try {
    await keepClaims(context, view)
    await act(context, view, planOf(view), templates)
  } catch (failure) {
    error = failure
  }
  await writeStatus(context, set, statusOf(view, set.metadata.generation ?? 0, collisionCount))
  const live = new Set([names.current, names.update, ...claimed.map(revisionOf)])
  const old = revisions.filter(({ metadata }) => !live.has(metadata.name))
  await forgetRevisions(
    context,
    revisionsToForget(old, set.spec.revisionHistoryLimit ?? 10, () => false),
  )
  if (error !== undefined) throw error
  const { minReadySeconds = 0 } = set.spec
  const after = minReadySeconds > 0 ? nextAvailableMs(claimed, minReadySeconds, clock.now()) : undefined
  return after === undefined ? undefined : { after }
}

async function act(
  context: ReconcileContext,
  view: View,
  plan: Plan,
  templates: ReadonlyMap<string, PodTemplateSpec>,
): Promise<void> {
  const { set } = view
  for (const pod of plan.recreate) {
    const { namespace, name } = pod.metadata
    const [reason, how] =
      pod.status?.phase === 'Failed' ? ['RecreatingFailedPod', 'failed'] : ['RecreatingTerminatedPod', 'terminated']
    const text = `StatefulSet ${namespace}/${set.metadata.name} is recreating ${how} Pod ${name}`
    context.events.event(set, pod.status?.phase === 'Failed' ? 'Warning' : 'Normal', reason, text)
    await deletePod(context, set, pod)
  }
  for (const { ordinal, revision } of plan.create) {
    const template = templates.get(revision)
    if (template) await createPod(context, set, podFor(set, template, ordinal, revision), ordinal)
  }
  for (const pod of plan.delete) await deletePod(context, set, pod)
}

async function createPod(
  context: ReconcileContext,
  set: ReadonlyStatefulSet,
  pod: ReturnType<typeof podFor>,
  ordinal: number,
): Promise<void> {
  const { api, events, writes, signal } = context
  const { name } = pod.metadata
  try {
    await createClaims(context, set, name, ordinal)
    writes.wrote(keyOf(set), pods, await api.create(pods, pod, { signal }))
  } catch (error) {
    if (isNamespaceTerminating(error)) return
    const text = `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${messageOf(error)}`
    events.event(set, 'Warning', 'FailedCreate', text)
    throw error
  }
  events.event(set, 'Normal', 'SuccessfulCreate', `create Pod ${name} in StatefulSet ${set.metadata.name} successful`)
}

async function createClaims(
  { api, cache, events, signal }: ReconcileContext,
  set: ReadonlyStatefulSet,
  pod: string,
  ordinal: number,
): Promise<void> {
  const owner = claimOwner(set, undefined, false)
  for (const wanted of claimsFor(set, ordinal)) {
    if (cache.get(persistentVolumeClaims, keyOf(wanted)) !== undefined) continue
    const { metadata } = wanted
    const claim = { ...wanted, metadata: { ...metadata, ...(owner ? { ownerReferences: [owner] } : {}) } }
    try {
      await api.create(persistentVolumeClaims, claim, { signal })
    } catch (error) {
      if (isAlreadyExists(error)) continue
      throw error
    }
    const text = `create Claim ${metadata.name} Pod ${pod} in StatefulSet ${set.metadata.name} success`
    events.event(set, 'Normal', 'SuccessfulCreate', text)
  }
}

/** Claims belong to whom the retention policy says, before a pod goes; a pod that waits gets those it lacks. */
async function keepClaims(context: ReconcileContext, { set, pods: known }: View): Promise<void> {
  const { api, cache, signal } = context
  for (const pod of known) {
    const ordinal = ordinalOf(set, pod) ?? -1
    const isTooMany = isCondemned(set, ordinal)
    if (pod.status?.phase === 'Pending' && !isTooMany) await createClaims(context, set, pod.metadata.name, ordinal)
    for (const { metadata } of claimsFor(set, ordinal)) {
      const claim = cache.get(persistentVolumeClaims, keyOf({ metadata }))
      const ownerReferences = claim && claimOwners(set, claim, claimOwner(set, pod, isTooMany))
      if (claim === undefined || ownerReferences === undefined) continue
      const body = { metadata: { uid: claim.metadata.uid, ownerReferences } }
      await api.patch(persistentVolumeClaims, keyOf(claim), { type: 'merge', body }, { signal })
    }
  }
}

async function deletePod(
  { api, events, writes, signal }: ReconcileContext,
  set: ReadonlyStatefulSet,
  pod: ReadonlyPod,
): Promise<void> {
  const { name, uid = '' } = pod.metadata
  try {
    await api.delete(pods, keyOf(pod), { preconditions: { uid }, signal })
  } catch (error) {
    if (isNotFound(error)) return
    const text = `delete Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${messageOf(error)}`
    events.event(set, 'Warning', 'FailedDelete', text)
    throw error
  }
  writes.deleted(keyOf(set), pods, pod)
  events.event(set, 'Normal', 'SuccessfulDelete', `delete Pod ${name} in StatefulSet ${set.metadata.name} successful`)
}

async function writeStatus(
  { api, writes, signal }: ReconcileContext,
  set: ReadonlyStatefulSet,
  status: StatefulSetStatus,
): Promise<void> {
  const known: Record<string, unknown> = cloneJson(set.status ?? {})
  if (Object.entries(status).every(([name, value]) => isDeepStrictEqual(known[name] ?? 0, value))) return
  const next = await api.update(statefulSets, { ...set, status }, { subresource: 'status', signal })
  writes.wrote(keyOf(set), statefulSets, next)
}
