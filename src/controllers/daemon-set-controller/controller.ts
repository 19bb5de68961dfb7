// Keeps one pod of a DaemonSet on every node that suits it, and takes them to a new template a few at a time.

import { isDeepStrictEqual } from 'node:util'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { selectorOf } from '../../apimachinery/selectors/labels.ts'
import { controllerRevisions } from '../../api/apps/controller-revision.ts'
import { type DaemonSet, type DaemonSetStatus, daemonSets } from '../../api/apps/daemon-set.ts'
import { nodes } from '../../api/core/node/node.ts'
import { controllerOf } from '../../api/core/owners.ts'
import { pods } from '../../api/core/pod/pod.ts'
import {
  type Controller,
  defineController,
  type ReconcileContext,
  type ReconcileResult,
  watches,
} from '../controller.ts'
import { keyOf, keyText } from '../keys.ts'
import { createPods, deletePods } from '../replica-set-core/act.ts'
import { claim } from '../replica-set-core/claim.ts'
import { nextAvailableMs } from '../replica-set-core/decide.ts'
import { currentRevision, forgetRevisions, revisionsToForget } from '../revision-history/history.ts'
import {
  type DaemonNode,
  type Finished,
  manage,
  type Plan,
  podsByNode,
  type ReadonlyDaemonSet,
  type ReadonlyPod,
  rollingUpdate,
  statusOf,
  type View,
} from './decide.ts'
import { FailedPods } from './failed-pods.ts'
import { daemonTemplate, HASH_LABEL, pinned, suitability } from './placement.ts'

/** More than this is never created or deleted in one go. */
const BURST_REPLICAS = 250
const LOOK_AGAIN_MS = 5000

const selector = ({ spec }: ReadonlyDaemonSet): ReturnType<typeof selectorOf> =>
  selectorOf(spec.selector as DaemonSet['spec']['selector'])

export function daemonSetController(): Controller {
  const failed = new FailedPods()
  return defineController({
    name: 'daemonset-controller',
    account: 'daemon-set-controller',
    for: daemonSets,
    owns: [pods, controllerRevisions],
    watches: [
      watches({
        resource: pods,
        toKeys(pod, cache) {
          const { namespace, labels } = pod.metadata
          if (controllerOf(pod) !== undefined || namespace === undefined) return []
          return cache.keysOf(daemonSets, namespace, (set) => selector(set).matches(labels))
        },
      }),
      watches({ resource: nodes, toKeys: (_, cache) => cache.list(daemonSets).map(keyOf) }),
    ],
    workers: 2,
    async reconcile(context, key) {
      const { cache, writes } = context
      const set = cache.get(daemonSets, key)
      if (set === undefined) {
        writes.forget(key)
        failed.forget(keyText(key))
        return undefined
      }
      if (set.metadata.deletionTimestamp !== undefined) return undefined
      return reconcileSet(context, set, failed)
    },
  })
}

async function reconcileSet(
  context: ReconcileContext,
  set: ReadonlyDaemonSet,
  failed: FailedPods,
): Promise<ReconcileResult> {
  const { writes, clock } = context
  const key = keyOf(set)
  const claimer = { resource: daemonSets, controller: set as DeepReadonly<AnyObject>, selector: selector(set) }
  const revisions = await claim(context, claimer, controllerRevisions)
  const { template } = set.spec
  const subject = {
    owner: set as DeepReadonly<AnyObject>,
    template,
    hashLabel: HASH_LABEL,
    collisionCount: set.status?.collisionCount,
  }
  // Until what was written has arrived, the newest revision may be missing from the cache.
  if (!writes.haveArrived(key)) return { after: LOOK_AGAIN_MS }
  const { revision, collisionCount } = await currentRevision(context, subject, revisions)
  const hash = revision.metadata.labels?.[HASH_LABEL] ?? ''
  const claimed = await claim(context, claimer, pods)
  const view = viewOf(context, set, hash, claimed)
  const plan = manage(view)
  const waitMs = judge(context, set, plan, failed)
  let error = await act(context, view, plan)
  if (error === undefined && set.spec.updateStrategy?.type === 'RollingUpdate' && writes.haveArrived(key))
    error = await act(context, view, rollingUpdate(view))
  const old = revisions.filter(({ metadata }) => metadata.name !== revision.metadata.name)
  const live = new Set(claimed.map(({ metadata }) => metadata.labels?.[HASH_LABEL]))
  const limit = set.spec.revisionHistoryLimit ?? 10
  await forgetRevisions(
    context,
    revisionsToForget(old, limit, ({ metadata }) => live.has(metadata.labels?.[HASH_LABEL])),
  )
  await writeStatus(context, set, statusOf(view, set.metadata.generation ?? 0, collisionCount))
  if (error !== undefined) throw error
  const { minReadySeconds = 0 } = set.spec
  const availableMs = minReadySeconds > 0 ? nextAvailableMs(claimed, minReadySeconds, clock.now()) : undefined
  const waits = [waitMs, availableMs].filter((ms) => ms !== undefined)
  return waits.length > 0 ? { after: Math.min(...waits) } : undefined
}

function viewOf(
  { cache, clock }: ReconcileContext,
  set: ReadonlyDaemonSet,
  hash: string,
  claimed: ReadonlyPod[],
): View {
  const byNode = podsByNode(claimed)
  const template = daemonTemplate(set, hash)
  const all: DaemonNode[] = cache.list(nodes).map((node) => ({
    node,
    fit: suitability(template, node),
    pods: byNode.get(node.metadata.name) ?? [],
  }))
  // Pods that were for a node that is gone would never be placed; those that were on one are the pod garbage collector's.
  const there = new Set(all.map(({ node }) => node.metadata.name))
  for (const [name, lost] of byNode) {
    const unplaced = there.has(name) ? [] : lost.filter(({ spec }) => !spec?.nodeName)
    if (unplaced.length === 0) continue
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name } } as DaemonNode['node']
    all.push({ node, fit: { shouldRun: false, mayStay: false }, pods: unplaced })
  }
  return { set, hash, nodes: all, nowMs: clock.now() }
}

/** Adds the finished pods that may go now to the plan; the others wait. */
function judge(
  { events, clock }: ReconcileContext,
  set: ReadonlyDaemonSet,
  plan: Plan & { finished: Finished[] },
  failed: FailedPods,
): number | undefined {
  let waitMs: number | undefined
  for (const { pod, node } of plan.finished) {
    const { namespace, name } = pod.metadata
    if (pod.status?.phase === 'Succeeded') {
      const text = `Found succeeded daemon pod ${namespace}/${name} on node ${node}, will try to delete it`
      events.event(set, 'Normal', 'SucceededDaemonPod', text)
      plan.delete.push(pod)
      continue
    }
    const left = failed.waitMs(keyText(set.metadata), node, clock.monotonic())
    if (left > 0) {
      waitMs = Math.min(waitMs ?? left, left)
      continue
    }
    const text = `Found failed daemon pod ${namespace}/${name} on node ${node}, will try to kill it`
    events.event(set, 'Warning', 'FailedDaemonPod', text)
    plan.delete.push(pod)
  }
  return waitMs
}

async function act(context: ReconcileContext, { set, hash }: View, plan: Plan): Promise<unknown> {
  const owner = set as DeepReadonly<AnyObject>
  const template = daemonTemplate(set, hash)
  const blanks = plan.create.slice(0, BURST_REPLICAS).map((node) => ({ template: pinned(template, node) }))
  const failure = blanks.length > 0 ? await createPods(context, owner, blanks) : undefined
  const doomed = plan.delete.slice(0, BURST_REPLICAS)
  return (doomed.length > 0 ? await deletePods(context, owner, doomed) : undefined) ?? failure
}

async function writeStatus(
  { api, signal }: ReconcileContext,
  set: ReadonlyDaemonSet,
  status: DaemonSetStatus,
): Promise<void> {
  const known: Record<string, unknown> = cloneJson(set.status ?? {})
  // Absent and 0 are the same figure.
  const isNews = Object.entries(status).some(([name, value]) => !isDeepStrictEqual(known[name] ?? 0, value))
  if (isNews) await api.update(daemonSets, { ...set, status }, { subresource: 'status', signal })
}
