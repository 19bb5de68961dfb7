// The status of one container, from what the runtime holds of it and why it waits. Pure.

import { rfc3339 } from '../../base/clock.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { ContainerState, ContainerStatus } from '../../api/core/pod/container-status.ts'
import { isSidecar } from '../../api/core/pod/readiness.ts'
import { hasStarted, type ProbeVerdicts } from '../pods/decide.ts'
import type { ContainerSort, ContainerView, NodeContainer, NodePod, PodView } from '../pods/model.ts'

export interface Waiting {
  readonly reason: string
  readonly message?: string
}

export interface ContainerStatusInput {
  readonly pod: NodePod
  readonly container: NodeContainer
  readonly sort: ContainerSort
  readonly view: PodView
  readonly probes: ProbeVerdicts
  /** Why it cannot run, if that is known. */
  readonly waiting: Waiting | undefined
  /** Last words, by container id. */
  readonly messages: ReadonlyMap<string, string>
  readonly initialized: boolean
  /** The whole pod has been stopped: what never ended will not any more. */
  readonly over: boolean
  /** Whose memory limit was hit, by container id. */
  readonly oomKilled: ReadonlySet<string>
}

export function computeContainerStatus(input: ContainerStatusInput): ContainerStatus {
  const { container, sort, view, probes, pod } = input
  const history = view.containers.filter(({ name }) => name === container.name)
  const [last, previous] = history
  const old = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []),
    ...(pod.status?.ephemeralContainerStatuses ?? []),
  ].find(({ name }) => name === container.name)
  if (last === undefined) return withoutContainer(input, old)

  const waits = last.state !== 'CONTAINER_RUNNING' && input.waiting !== undefined && !input.over
  const state = waits ? { waiting: { ...input.waiting } } : stateOf(last, input)
  // What waits for its next run shows how the last one ended; what runs, how the one before did.
  const past = waits && last.state === 'CONTAINER_EXITED' ? last : previous
  const running = last.state === 'CONTAINER_RUNNING'
  const started = running && hasStarted(container, last, probes)
  const plainInit = sort === 'init' && !isSidecar(container)
  return {
    name: container.name,
    state,
    lastState: past?.state === 'CONTAINER_EXITED' ? { terminated: terminatedOf(past, input) } : { ...old?.lastState },
    ready: plainInit ? last.state === 'CONTAINER_EXITED' && last.exitCode === 0 : isReady(input, last, started),
    started: !plainInit && started,
    restartCount: last.attempt,
    image: last.image.startsWith('sha256:') ? (container.image ?? last.image) : last.image || (container.image ?? ''),
    imageID: last.imageRef,
    containerID: `containerd://${last.id}`,
    ...(running ? whileRunning(container, last) : {}),
    ...volumeMountsOf(container),
  }
}

function isReady({ container, probes, sort }: ContainerStatusInput, last: ContainerView, started: boolean): boolean {
  if (!started || sort === 'ephemeral') return false
  return container.readinessProbe === undefined || probes.readiness(last.id) === 'success'
}

function whileRunning(container: NodeContainer, { user }: ContainerView): Partial<ContainerStatus> {
  const { requests, limits } = container.resources ?? {}
  return {
    ...(requests === undefined ? {} : { allocatedResources: { ...requests } }),
    resources: {
      ...(limits === undefined ? {} : { limits: { ...limits } }),
      ...(requests === undefined ? {} : { requests: { ...requests } }),
    },
    ...(user === undefined
      ? {}
      : { user: { linux: { uid: user.uid, gid: user.gid, supplementalGroups: [...user.supplementalGroups] } } }),
  }
}

function volumeMountsOf({ volumeMounts = [] }: NodeContainer): Partial<ContainerStatus> {
  if (volumeMounts.length === 0) return {}
  return {
    volumeMounts: volumeMounts.map(({ name, mountPath, readOnly }) => ({
      name,
      mountPath,
      ...(readOnly ? { readOnly: true, recursiveReadOnly: 'Disabled' } : {}),
    })),
  }
}

/** Nothing of it is in the runtime: it is yet to be made, or it was and is gone. */
function withoutContainer(
  { container, sort, initialized, waiting, over, pod }: ContainerStatusInput,
  old: DeepReadonly<ContainerStatus> | undefined,
): ContainerStatus {
  const base = {
    name: container.name,
    lastState: { ...old?.lastState } as ContainerState,
    ready: false,
    started: false,
    restartCount: old?.restartCount ?? 0,
    image: container.image ?? '',
    imageID: old?.imageID ?? '',
    ...volumeMountsOf(container),
  }
  const id = old?.containerID === undefined ? {} : { containerID: old.containerID }
  if (old?.state?.terminated !== undefined) {
    const ready = sort === 'init' && !isSidecar(container) && old.state.terminated.exitCode === 0
    return { ...base, ...id, ready, state: { terminated: { ...old.state.terminated } } }
  }
  if (old?.state?.running !== undefined && over) {
    const terminated = {
      exitCode: 137,
      reason: 'ContainerStatusUnknown',
      message: 'The container could not be located when the pod was terminated',
    }
    return { ...base, ...id, state: { terminated } }
  }
  const hasInit = (pod.spec.initContainers?.length ?? 0) > 0
  const normal = { reason: hasInit && !initialized ? 'PodInitializing' : 'ContainerCreating' }
  return { ...base, state: { waiting: { ...(waiting ?? normal) } } }
}

function stateOf(last: ContainerView, input: ContainerStatusInput): ContainerState {
  if (last.state === 'CONTAINER_RUNNING') return { running: { startedAt: rfc3339(last.startedAt) } }
  if (last.state === 'CONTAINER_EXITED') return { terminated: terminatedOf(last, input) }
  return { waiting: { reason: 'ContainerCreating' } }
}

export function terminatedOf(
  last: ContainerView,
  { messages, oomKilled }: Pick<ContainerStatusInput, 'messages' | 'oomKilled'>,
): NonNullable<ContainerState['terminated']> {
  const message = messages.get(last.id) || last.message
  const reason = oomKilled.has(last.id) ? 'OOMKilled' : last.reason || (last.exitCode === 0 ? 'Completed' : 'Error')
  return {
    exitCode: last.exitCode,
    reason,
    ...(message === '' ? {} : { message }),
    // One that could not be started has the beginning of time here, as upstream's.
    startedAt: rfc3339(Math.max(last.startedAt, 0)),
    finishedAt: rfc3339(last.finishedAt),
    containerID: `containerd://${last.id}`,
  }
}
