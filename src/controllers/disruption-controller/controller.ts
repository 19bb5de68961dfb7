// Keeps count of how many pods of each PodDisruptionBudget may be disrupted: evictions go by its status.

import { isDeepStrictEqual } from 'node:util'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { LabelSelector } from '../../apimachinery/metadata.ts'
import { selectorOf } from '../../apimachinery/selectors/labels.ts'
import { deployments } from '../../api/apps/deployment.ts'
import { replicaSets } from '../../api/apps/replica-set.ts'
import { statefulSets } from '../../api/apps/stateful-set.ts'
import { controllerOf } from '../../api/core/owners.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { replicationControllers } from '../../api/core/replication-controller.ts'
import { podDisruptionBudgets } from '../../api/policy/pod-disruption-budget.ts'
import { type Cache, defineController, type ReconcileContext, watches, type WatchSource } from '../controller.ts'
import { keyOf } from '../keys.ts'
import { messageOf } from '../refusals.ts'
import {
  disruptedOf,
  type Expectation,
  expectationOf,
  failedStatus,
  type ReadonlyBudget,
  type ReadonlyPod,
  statusOf,
} from './decide.ts'

const selector = ({ spec }: ReadonlyBudget): ReturnType<typeof selectorOf> =>
  selectorOf(spec.selector as LabelSelector | undefined)

/** What may control pods and says how many there should be. */
const SCALES = [replicationControllers, replicaSets, deployments, statefulSets] as const

interface Scalable {
  readonly metadata: { readonly namespace?: string; readonly name: string; readonly uid?: string }
  readonly spec?: { readonly replicas?: number }
}

const scaleSources: WatchSource<unknown>[] = SCALES.map((resource) => ({
  resource: resource as unknown as WatchSource<unknown>['resource'],
  toKeys: (object, cache) => cache.list(podDisruptionBudgets, (object as Scalable).metadata.namespace).map(keyOf),
}))

export const disruptionController = defineController({
  name: 'disruption-controller',
  for: podDisruptionBudgets,
  watches: [
    watches({
      resource: pods,
      toKeys: ({ metadata: { namespace, labels } }, cache) =>
        cache.keysOf(podDisruptionBudgets, namespace, (budget) => selector(budget).matches(labels)),
    }),
    ...scaleSources,
  ],
  async reconcile(context, key) {
    const { api, cache, clock, events, signal } = context
    const budget = cache.get(podDisruptionBudgets, key)
    if (budget === undefined) return undefined
    const matches = selector(budget)
    const found = cache.list(pods, key.namespace).filter(({ metadata }) => matches.matches(metadata.labels))
    if (found.length === 0) events.event(budget, 'Normal', 'NoPods', 'No matching pods found')
    const disrupted = disruptedOf(budget, found, clock.now())
    for (const pod of disrupted.notDeleted) {
      const text = `Pod was expected by PDB ${key.namespace}/${key.name} to be deleted but it wasn't`
      events.event(pod, 'Warning', 'NotDeleted', text)
    }
    const expectation = expect(context, budget, found)
    const status =
      'failure' in expectation
        ? failedStatus(budget, expectation.failure, clock.now())
        : statusOf(budget, found, expectation, disrupted, clock.now())
    if (!isDeepStrictEqual(essence(budget.status), essence(status)))
      await api.update(podDisruptionBudgets, { ...budget, status }, { subresource: 'status', signal })
    return disrupted.recheckMs === undefined ? undefined : { after: disrupted.recheckMs }
  },
})

/** Absent and 0 are the same figure. */
function essence(status: unknown): object {
  return Object.fromEntries(Object.entries(cloneJson(status ?? {})).filter(([, value]) => value !== 0))
}

function expect(
  { cache, events }: ReconcileContext,
  budget: ReadonlyBudget,
  found: readonly ReadonlyPod[],
): Expectation | { failure: string } {
  const unmanaged: string[] = []
  try {
    return expectationOf(budget, found, () => totalScale(cache, found, unmanaged))
  } catch (error) {
    const failure = messageOf(error)
    const text = `Failed to calculate the number of expected pods: ${failure}`
    events.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', text)
    return { failure }
  } finally {
    if (unmanaged.length > 0) {
      const text = `Pods selected by this PodDisruptionBudget (selector: ${selector(budget)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`
      events.event(budget, 'Warning', 'UnmanagedPods', text)
    }
  }
}

function totalScale(cache: Cache, found: readonly ReadonlyPod[], unmanaged: string[]): number {
  const scales = new Map<string, number>()
  for (const pod of found) {
    const owner = controllerOf(pod)
    const { namespace, name } = pod.metadata
    if (owner === undefined) {
      unmanaged.push(name)
      continue
    }
    const controller = scalable(cache, owner.kind, namespace, owner.name, owner.uid)
    if (controller === undefined) throw new Error(`found no controllers for pod ${JSON.stringify(name)}`)
    scales.set(controller.metadata.uid ?? '', controller.spec?.replicas ?? 1)
  }
  return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0)
}

/** A deployment speaks for its sets: while it rolls, each of them has only a part. */
function scalable(
  cache: Cache,
  kind: string,
  namespace: string | undefined,
  name: string,
  uid: string,
): Scalable | undefined {
  const resource = SCALES.find((candidate) => candidate.kind === kind)
  if (resource === undefined || namespace === undefined) return undefined
  const object = cache.get(resource as typeof replicaSets, { namespace, name })
  if (object === undefined || object.metadata.uid !== uid) return undefined
  const owner = kind === replicaSets.kind ? controllerOf(object) : undefined
  if (owner?.kind !== deployments.kind) return object
  return scalable(cache, owner.kind, namespace, owner.name, owner.uid)
}
