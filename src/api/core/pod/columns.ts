// The row of a pod in `kubectl get pods`: what phase and containers amount to in a word.

import { humanDuration } from '../../../apimachinery/duration.ts'
import type { Column } from '../../../apimachinery/resource.ts'
import type { ContainerState, ContainerStatus } from './container-status.ts'
import type { Pod } from './pod.ts'
import { podCondition } from './readiness.ts'

interface Summary {
  ready: number
  total: number
  reason: string
  restarts: number
  /** When the last restart was; absent when there was none. */
  restartedAtMs?: number
}

export const podColumns: readonly Column<Pod>[] = [
  {
    name: 'Ready',
    description: 'How many of the containers are ready.',
    cell(pod) {
      const { ready, total } = summarize(pod)
      return `${ready}/${total}`
    },
  },
  { name: 'Status', description: 'What the pod is up to.', cell: (pod) => summarize(pod).reason },
  {
    name: 'Restarts',
    description: 'How often containers were started again, and when last.',
    cell(pod, { nowMs }) {
      const { restarts, restartedAtMs } = summarize(pod)
      if (restarts === 0 || restartedAtMs === undefined) return String(restarts)
      return `${restarts} (${humanDuration(nowMs - restartedAtMs)} ago)`
    },
  },
]

export const podWideColumns: readonly Column<Pod>[] = [
  {
    name: 'IP',
    priority: 1,
    description: 'The address of the pod.',
    cell: (pod) => pod.status?.podIPs?.[0]?.ip ?? (pod.status?.podIP || '<none>'),
  },
  { name: 'Node', priority: 1, description: 'Where the pod runs.', cell: (pod) => pod.spec.nodeName || '<none>' },
  {
    name: 'Nominated Node',
    priority: 1,
    description: 'Where the pod is to run once others have made room.',
    cell: (pod) => pod.status?.nominatedNodeName || '<none>',
  },
  {
    name: 'Readiness Gates',
    priority: 1,
    description: 'How many of the further conditions of readiness are met.',
    cell(pod) {
      const gates = pod.spec.readinessGates ?? []
      if (gates.length === 0) return '<none>'
      const met = gates.filter(({ conditionType }) => podCondition(pod, conditionType)?.status === 'True')
      return `${met.length}/${gates.length}`
    },
  },
]

function summarize(pod: Pod): Summary {
  const { spec, status = {} } = pod
  const sidecars = new Set(spec.initContainers?.filter((c) => c.restartPolicy === 'Always').map((c) => c.name))
  const summary: Summary = {
    ready: 0,
    total: (spec.containers?.length ?? 0) + sidecars.size,
    reason: status.reason || status.phase || '',
    restarts: 0,
  }
  const scheduled = podCondition(pod, 'PodScheduled')
  if (scheduled?.reason === 'SchedulingGated') summary.reason = 'SchedulingGated'
  const initializing = addInitContainers(pod, sidecars, summary)
  if (!initializing || podCondition(pod, 'Initialized')?.status === 'True') addContainers(pod, sidecars, summary)
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status.reason === 'NodeLost') summary.reason = 'Unknown'
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') summary.reason = 'Terminating'
  }
  return summary
}

/** True while an init container is not done. */
function addInitContainers(pod: Pod, sidecars: ReadonlySet<string>, summary: Summary): boolean {
  const statuses = pod.status?.initContainerStatuses ?? []
  const total = pod.spec.initContainers?.length ?? 0
  let restarts = 0
  let restartedAtMs: number | undefined
  for (const [i, status] of statuses.entries()) {
    restarts += status.restartCount ?? 0
    restartedAtMs = later(restartedAtMs, finishedMs(status.lastState))
    const sidecar = sidecars.has(status.name)
    const { terminated, waiting } = status.state ?? {}
    if (terminated?.exitCode === 0) continue
    if (sidecar && status.started === true) {
      if (status.ready) summary.ready++
      continue
    }
    if (terminated !== undefined) summary.reason = `Init:${terminatedReason(terminated)}`
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') summary.reason = `Init:${waiting.reason}`
    else summary.reason = `Init:${i}/${total}`
    setRestarts(summary, restarts, restartedAtMs)
    return true
  }
  setRestarts(summary, restarts, restartedAtMs)
  return false
}

function addContainers(pod: Pod, sidecars: ReadonlySet<string>, summary: Summary): void {
  const statuses = pod.status?.containerStatuses ?? []
  let restarts = 0
  let restartedAtMs: number | undefined
  for (const status of pod.status?.initContainerStatuses ?? []) {
    if (!sidecars.has(status.name)) continue
    restarts += status.restartCount ?? 0
    restartedAtMs = later(restartedAtMs, finishedMs(status.lastState))
  }
  let running = false
  // From the last to the first, so that the first container that has something to say has the word.
  for (const status of statuses.toReversed()) {
    restarts += status.restartCount ?? 0
    restartedAtMs = later(restartedAtMs, finishedMs(status.lastState))
    const reason = containerReason(status)
    if (reason !== undefined) summary.reason = reason
    else if (status.ready && status.state?.running !== undefined) {
      running = true
      summary.ready++
    }
  }
  setRestarts(summary, restarts, restartedAtMs)
  if (summary.reason === 'Completed' && running) {
    summary.reason = podCondition(pod, 'Ready')?.status === 'True' ? 'Running' : 'NotReady'
  }
}

function containerReason({ state = {} }: ContainerStatus): string | undefined {
  if (state.waiting?.reason) return state.waiting.reason
  return state.terminated === undefined ? undefined : terminatedReason(state.terminated)
}

function terminatedReason({ reason, signal = 0, exitCode = 0 }: NonNullable<ContainerState['terminated']>): string {
  if (reason) return reason
  return signal !== 0 ? `Signal:${signal}` : `ExitCode:${exitCode}`
}

function finishedMs(state: ContainerState | undefined): number | undefined {
  const at = state?.terminated?.finishedAt
  return at === undefined ? undefined : Date.parse(at)
}

function later(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Math.max(a, b)
}

function setRestarts(summary: Summary, restarts: number, atMs: number | undefined): void {
  summary.restarts = restarts
  if (atMs === undefined) delete summary.restartedAtMs
  else summary.restartedAtMs = atMs
}
