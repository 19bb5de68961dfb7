// Which of a daemon set's pods go and which nodes need one, for what is wrong now and for the way to a new template. Pure.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { DaemonSet, DaemonSetStatus } from '../../api/apps/daemon-set.ts'
import type { Node } from '../../api/core/node/node.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import { isPodAvailable, isPodReady, isPodTerminal, isPodTerminating } from '../../api/core/pod/readiness.ts'
import { share } from '../share.ts'
import { GENERATION_LABEL, HASH_LABEL, type Suitability, targetNode, templateGeneration } from './placement.ts'

export type ReadonlyPod = DeepReadonly<Pod>
export type ReadonlyDaemonSet = DeepReadonly<DaemonSet>

export interface DaemonNode {
  readonly node: DeepReadonly<Node>
  readonly fit: Suitability
  /** The set's pods on it or for it. */
  readonly pods: readonly ReadonlyPod[]
}

export interface View {
  readonly set: ReadonlyDaemonSet
  /** Of the template as it is now. */
  readonly hash: string
  readonly nodes: readonly DaemonNode[]
  readonly nowMs: number
}

export interface Plan {
  /** Names of nodes that get a pod. */
  create: string[]
  delete: ReadonlyPod[]
}

/** The pods of each node: those that are finished and on their way out are no concern any more. */
export function podsByNode(pods: readonly ReadonlyPod[]): Map<string, ReadonlyPod[]> {
  const byNode = new Map<string, ReadonlyPod[]>()
  for (const pod of pods) {
    const node = targetNode(pod)
    if (node === undefined || (isPodTerminal(pod) && isPodTerminating(pod))) continue
    const known = byNode.get(node)
    if (known) known.push(pod)
    else byNode.set(node, [pod])
  }
  return byNode
}

const byAge = (a: ReadonlyPod, b: ReadonlyPod): number => {
  const scheduled = Number(Boolean(b.spec?.nodeName)) - Number(Boolean(a.spec?.nodeName))
  if (scheduled !== 0) return scheduled
  const [left, right] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  if (left !== right) return left < right ? -1 : 1
  return a.metadata.name < b.metadata.name ? -1 : 1
}

export function isUpdated(set: ReadonlyDaemonSet, hash: string, { metadata: { labels = {} } }: ReadonlyPod): boolean {
  const generation = templateGeneration(set)
  if (generation !== undefined && labels[GENERATION_LABEL] === generation) return true
  return hash !== '' && labels[HASH_LABEL] === hash
}

const isAvailable = ({ set, nowMs }: View, pod: ReadonlyPod): boolean =>
  isPodAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)

interface Limits {
  maxUnavailable: number
  maxSurge: number
}

function limits({ set: { spec }, nodes }: View): Limits {
  const desired = nodes.filter(({ fit }) => fit.shouldRun).length
  const { rollingUpdate } = spec.updateStrategy ?? {}
  const maxUnavailable = share(rollingUpdate?.maxUnavailable, desired, Math.ceil)
  const maxSurge = share(rollingUpdate?.maxSurge, desired, Math.ceil)
  return { maxSurge, maxUnavailable: maxUnavailable === 0 && maxSurge === 0 ? 1 : maxUnavailable }
}

const allowsSurge = ({ set: { spec } }: View): boolean =>
  spec.updateStrategy?.type === 'RollingUpdate' &&
  share(spec.updateStrategy.rollingUpdate?.maxSurge, 100, Math.ceil) > 0

/** A finished pod; `when` tells whether it may be removed now, so that a pod that fails at once does not storm the node. */
export interface Finished {
  pod: ReadonlyPod
  node: string
}

/** What is missing or too much on the nodes as they are. `finished` pods are the caller's to judge. */
export function manage(view: View): Plan & { finished: Finished[] } {
  const plan = { create: [] as string[], delete: [] as ReadonlyPod[], finished: [] as Finished[] }
  for (const { node, fit, pods } of view.nodes) {
    const { name } = node.metadata
    if (fit.shouldRun && pods.length === 0) plan.create.push(name)
    else if (fit.mayStay) {
      const staying = pods.filter((pod) => !isPodTerminating(pod))
      plan.finished.push(...staying.filter(isPodTerminal).map((pod) => ({ pod, node: name })))
      plan.delete.push(...surplus(view, staying.filter((pod) => !isPodTerminal(pod)).sort(byAge)))
    } else plan.delete.push(...pods.filter((pod) => !isPodTerminating(pod)))
  }
  return plan
}

/** Of the running pods of a node, oldest first: those beyond what may be there. */
function surplus(view: View, running: readonly ReadonlyPod[]): ReadonlyPod[] {
  if (running.length <= 1) return []
  if (!allowsSurge(view)) return running.slice(1)
  // Two may be there while the newer one is on its way to being available.
  const newPod = running.find((pod) => pod.metadata.labels?.[HASH_LABEL] === view.hash)
  const oldPod = running.find((pod) => pod.metadata.labels?.[HASH_LABEL] !== view.hash)
  const doomed = running.filter((pod) => pod !== newPod && pod !== oldPod)
  if (newPod !== undefined && oldPod !== undefined && (!isPodReady(oldPod) || isAvailable(view, newPod)))
    doomed.push(oldPod)
  return doomed
}

/** The next step to the set's template. */
export function rollingUpdate(view: View): Plan {
  const { maxSurge, maxUnavailable } = limits(view)
  return maxSurge === 0 ? replaceStep(view, maxUnavailable) : surgeStep(view, maxSurge)
}

interface Pair {
  node: string
  newPod: ReadonlyPod | undefined
  oldPod: ReadonlyPod | undefined
  /** More than one of a kind: to be cleaned up first. */
  isUnclear: boolean
}

function pairs({ set, hash, nodes }: View): Pair[] {
  return nodes
    .filter(({ fit, pods }) => fit.shouldRun || pods.length > 0)
    .map(({ node, pods }) => {
      const there = pods.filter((pod) => !isPodTerminating(pod))
      const [news, olds] = [
        there.filter((pod) => isUpdated(set, hash, pod)),
        there.filter((pod) => !isUpdated(set, hash, pod)),
      ]
      const isUnclear = news.length > 1 || olds.length > 1
      return { node: node.metadata.name, newPod: news[0], oldPod: olds[0], isUnclear }
    })
}

/** Old pods go, as far as enough stay available; where one went, a new one is missing. */
function replaceStep(view: View, maxUnavailable: number): Plan {
  const allowed: ReadonlyPod[] = []
  const candidates: ReadonlyPod[] = []
  let unavailable = 0
  for (const { newPod, oldPod, isUnclear } of pairs(view)) {
    if (isUnclear || (newPod === undefined) === (oldPod === undefined)) unavailable++
    else if (newPod !== undefined) unavailable += isAvailable(view, newPod) ? 0 : 1
    else if (oldPod !== undefined) {
      // Nothing is lost with a pod that does not serve.
      if (isAvailable(view, oldPod)) candidates.push(oldPod)
      else allowed.push(oldPod)
    }
  }
  const left = Math.max(0, maxUnavailable - unavailable)
  return { create: [], delete: [...allowed, ...candidates.slice(0, left)] }
}

/** New pods come beside old ones, and those go when the new ones are available. */
function surgeStep(view: View, maxSurge: number): Plan {
  const plan: Plan = { create: [], delete: [] }
  const candidates: string[] = []
  let surging = 0
  for (const { node, newPod, oldPod, isUnclear } of pairs(view)) {
    if (isUnclear) surging++
    else if (oldPod === undefined) continue
    else if (newPod === undefined) {
      if (isAvailable(view, oldPod)) candidates.push(node)
      else plan.create.push(node)
    } else if (isAvailable(view, newPod)) plan.delete.push(oldPod)
    else surging++
  }
  plan.create.push(...candidates.slice(0, Math.max(0, maxSurge - surging)))
  return plan
}

export function statusOf(view: View, observedGeneration: number, collisionCount: number | undefined): DaemonSetStatus {
  const { set, hash, nodes } = view
  let [desired, current, misscheduled, ready, available, updated] = [0, 0, 0, 0, 0, 0]
  for (const { fit, pods } of nodes) {
    const [pod] = [...pods].sort(byAge)
    if (!fit.shouldRun) misscheduled += pod === undefined ? 0 : 1
    else desired++
    if (!fit.shouldRun || pod === undefined) continue
    current++
    if (isPodReady(pod)) ready++
    if (isAvailable(view, pod)) available++
    if (isUpdated(set, hash, pod)) updated++
  }
  return {
    desiredNumberScheduled: desired,
    currentNumberScheduled: current,
    numberMisscheduled: misscheduled,
    numberReady: ready,
    updatedNumberScheduled: updated,
    numberAvailable: available,
    numberUnavailable: desired - available,
    observedGeneration,
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(set.status?.conditions ? { conditions: set.status.conditions.map((condition) => ({ ...condition })) } : {}),
  }
}
