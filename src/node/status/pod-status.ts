// The status of a pod: phase, conditions, addresses, its containers' statuses. Pure.

import { rfc3339 } from '../../base/clock.ts'
import type { ContainerStatus } from '../../api/core/pod/container-status.ts'
import { isSidecar, podCondition } from '../../api/core/pod/readiness.ts'
import { qosClass } from '../../api/core/pod/requests.ts'
import type { PodCondition, PodStatus } from '../../api/core/pod/status.ts'
import type { ProbeVerdicts } from '../pods/decide.ts'
import type { Failure } from '../pods/run.ts'
import { allContainers, type ContainerSort, type NodePod, type PodView, readySandbox } from '../pods/model.ts'
import { computeContainerStatus, type Waiting } from './container-status.ts'

export interface PodStatusInput {
  readonly pod: NodePod
  readonly view: PodView
  readonly probes: ProbeVerdicts
  /** Why containers wait, by name. */
  readonly waiting: ReadonlyMap<string, Waiting>
  readonly messages: ReadonlyMap<string, string>
  readonly oomKilled: ReadonlySet<string>
  readonly hostIPs: readonly string[]
  readonly now: number
  /** Ended by the agent itself (a deadline, an eviction): the phase is then Failed. */
  readonly failure: Failure | undefined
  /** All containers of it have been stopped for good. */
  readonly over: boolean
}

type Phase = NonNullable<PodStatus['phase']>

export function computePodStatus(input: PodStatusInput): PodStatus {
  const { pod, view, now, hostIPs, failure } = input
  const initialized = isInitialized(pod, view)
  const statuses: Record<ContainerSort, ContainerStatus[]> = { init: [], container: [], ephemeral: [] }
  for (const { container, sort } of allContainers(pod))
    statuses[sort].push(
      computeContainerStatus({ ...input, container, sort, initialized, waiting: input.waiting.get(container.name) }),
    )
  const previous = pod.status?.phase
  const ended = previous === 'Succeeded' || previous === 'Failed'
  const phase = ended ? previous : failure !== undefined ? 'Failed' : phaseOf(pod, statuses, initialized, input.over)
  const sandbox = readySandbox(view, pod.spec.hostNetwork === true)
  const ips = pod.spec.hostNetwork ? hostIPs : (sandbox?.ips ?? pod.status?.podIPs?.map(({ ip }) => ip) ?? [])
  const generation = pod.metadata.generation
  const conditions = conditionsOf(input, statuses, phase, sandbox !== undefined, initialized)
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    ...(failure === undefined
      ? ended && pod.status?.reason !== undefined
        ? { reason: pod.status.reason, ...(pod.status.message === undefined ? {} : { message: pod.status.message }) }
        : {}
      : { reason: failure.reason, message: failure.message }),
    conditions: withTimes(pod, conditions, now, generation),
    hostIP: hostIPs[0] ?? '',
    hostIPs: hostIPs.map((ip) => ({ ip })),
    ...(ips.length === 0 ? {} : { podIP: ips[0] ?? '', podIPs: ips.map((ip) => ({ ip })) }),
    startTime: pod.status?.startTime ?? rfc3339(now),
    ...(statuses.init.length === 0 ? {} : { initContainerStatuses: statuses.init }),
    containerStatuses: statuses.container,
    ...(statuses.ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: statuses.ephemeral }),
    qosClass: pod.status?.qosClass ?? qosClass(pod.spec),
  }
}

/** Of a pod that the node did not take: nothing is known of its containers, and nothing will be. */
export function rejectedStatus(pod: NodePod, { reason, message }: Failure): PodStatus {
  const { generation } = pod.metadata
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase: 'Failed',
    reason,
    message: `Pod was rejected: ${message}`,
    qosClass: pod.status?.qosClass ?? qosClass(pod.spec),
  }
}

/** All ordinary init containers are through: an ordinary container was made, or each has succeeded. */
export function isInitialized(pod: NodePod, view: PodView): boolean {
  const has = (name: string): boolean => view.containers.some((c) => c.name === name)
  if (pod.spec.containers.some(({ name }) => has(name))) return true
  return (pod.spec.initContainers ?? []).every((container) => {
    const last = view.containers.find(({ name }) => name === container.name)
    if (isSidecar(container)) return last?.state === 'CONTAINER_RUNNING'
    return last?.state === 'CONTAINER_EXITED' && last.exitCode === 0
  })
}

function phaseOf(
  pod: NodePod,
  { init, container }: Record<ContainerSort, ContainerStatus[]>,
  initialized: boolean,
  over: boolean,
): Phase {
  const { restartPolicy = 'Always', initContainers = [] } = pod.spec
  const initFailed = init.some(
    ({ state }, i) =>
      !isSidecar(initContainers[i] ?? {}) && state?.terminated !== undefined && state.terminated.exitCode !== 0,
  )
  if (initFailed && restartPolicy === 'Never') return 'Failed'
  const running = container.filter(({ state }) => state?.running !== undefined).length
  const ended = container.filter(
    ({ state, lastState }) => state?.terminated ?? (state?.waiting && lastState?.terminated),
  )
  const waiting = container.length - running - ended.length
  if (!initialized) return over ? 'Failed' : 'Pending'
  if (waiting > 0) return over ? 'Failed' : 'Pending'
  if (running > 0) return 'Running'
  const succeeded = ended.every(({ state }) => state?.terminated?.exitCode === 0)
  // Sidecars still run: the pod is not over before they have ended, too.
  const sidecarRuns = init.some(({ state }, i) => isSidecar(initContainers[i] ?? {}) && state?.running !== undefined)
  if (sidecarRuns && !over) return 'Running'
  if (over) return succeeded ? 'Succeeded' : 'Failed'
  if (restartPolicy === 'Always') return 'Running'
  if (succeeded) return 'Succeeded'
  return restartPolicy === 'Never' ? 'Failed' : 'Running'
}

type Verdict = Omit<PodCondition, 'lastTransitionTime' | 'lastProbeTime' | 'observedGeneration'>

function conditionsOf(
  { pod, failure }: PodStatusInput,
  { init, container }: Record<ContainerSort, ContainerStatus[]>,
  phase: Phase,
  sandboxReady: boolean,
  initialized: boolean,
): Verdict[] {
  const completed = phase === 'Succeeded' || phase === 'Failed'
  const { initContainers = [], readinessGates = [] } = pod.spec
  const unready = [
    ...init.filter(({ ready }, i) => isSidecar(initContainers[i] ?? {}) && !ready),
    ...container.filter(({ ready }) => !ready),
  ].map(({ name }) => name)
  const incomplete = init
    .filter(({ ready, state }, i) => (isSidecar(initContainers[i] ?? {}) ? state?.running === undefined : !ready))
    .map(({ name }) => name)

  const containersReady: Verdict = completed
    ? phase === 'Succeeded'
      ? { type: 'ContainersReady', status: 'False', reason: 'PodCompleted' }
      : { type: 'ContainersReady', status: 'False', reason: 'PodFailed' }
    : unready.length > 0
      ? {
          type: 'ContainersReady',
          status: 'False',
          reason: 'ContainersNotReady',
          message: `containers with unready status: [${unready.join(' ')}]`,
        }
      : { type: 'ContainersReady', status: 'True' }
  const gates = readinessGates.filter(({ conditionType }) => podCondition(pod, conditionType)?.status !== 'True')
  const ready: Verdict =
    containersReady.status !== 'True' || gates.length === 0
      ? { ...containersReady, type: 'Ready' }
      : { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: gateText(pod, gates) }
  return [
    ...(failure?.disruption
      ? [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'TerminationByKubelet',
            message: failure.message,
          } as const,
        ]
      : []),
    { type: 'PodReadyToStartContainers', status: sandboxReady ? 'True' : 'False' },
    initialized || (completed && phase === 'Succeeded')
      ? { type: 'Initialized', status: 'True', ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) }
      : {
          type: 'Initialized',
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${incomplete.join(' ')}]`,
        },
    ready,
    containersReady,
    { type: 'PodScheduled', status: 'True' },
  ]
}

function gateText(pod: NodePod, gates: readonly { readonly conditionType: string }[]): string {
  return gates
    .map(({ conditionType }) =>
      podCondition(pod, conditionType) === undefined
        ? `corresponding condition of pod readiness gate "${conditionType}" does not exist.`
        : `the status of pod readiness gate "${conditionType}" is not "True", but ${podCondition(pod, conditionType)?.status ?? ''}`,
    )
    .join(', ')
}

/** A condition keeps its time until its status changes; conditions of others stay as they are. */
function withTimes(
  pod: NodePod,
  verdicts: readonly Verdict[],
  now: number,
  generation: number | undefined,
): PodCondition[] {
  const own = verdicts.map((verdict): PodCondition => {
    const before = podCondition(pod, verdict.type)
    const since = before?.status === verdict.status ? before.lastTransitionTime : undefined
    return {
      ...verdict,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      lastTransitionTime: since ?? rfc3339(now),
    }
  })
  const others = (pod.status?.conditions ?? []).filter(({ type }) => !verdicts.some((v) => v.type === type))
  return [...own, ...others.map((condition) => ({ ...condition }))]
}
