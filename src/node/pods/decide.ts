// What is to be done for a pod, from what it should be and what runs of it. Pure: no runtime, no clock.

import { isSidecar } from '../../api/core/pod/readiness.ts'
import {
  containerHash,
  type ContainerView,
  latest,
  type NodeContainer,
  type NodePod,
  type PodView,
  readySandbox,
  type SandboxView,
} from './model.ts'

export type ProbeVerdict = 'success' | 'failure' | 'unknown'

/** What probes last said of containers, by container id. */
export interface ProbeVerdicts {
  liveness(containerId: string): ProbeVerdict
  readiness(containerId: string): ProbeVerdict
  startup(containerId: string): ProbeVerdict
}

export type KillReason = 'liveness' | 'startup' | 'changed' | 'initRunning'

export interface Plan {
  /** Everything of the pod is to be stopped: it is over, or begins anew in another sandbox. */
  killPod: boolean
  createSandbox: boolean
  /** The attempt of the sandbox to create. */
  sandboxAttempt: number
  kill: readonly { container: ContainerView; reason: KillReason }[]
  /** Names, in order. The back-off of each is still to be heeded. */
  start: readonly string[]
}

export interface DecideInput {
  readonly pod: NodePod
  readonly view: PodView
  readonly probes: ProbeVerdicts
}

export function decide({ pod, view, probes }: DecideInput): Plan {
  const sandbox = readySandbox(view, pod.spec.hostNetwork === true)
  const newest = view.sandboxes[0]
  const sandboxAttempt = newest === undefined ? 0 : newest.attempt + 1
  const nothing = { createSandbox: false, sandboxAttempt, kill: [], start: [] }
  if (sandbox === undefined) return withoutSandbox(pod, view, newest, nothing)

  // Containers of an earlier sandbox tell of the past only.
  const current = { ...view, containers: view.containers.filter((c) => c.sandboxId === sandbox.id) }
  const kill: { container: ContainerView; reason: KillReason }[] = []
  const start = ephemeralToStart(pod, view)
  const init = decideInit({ pod, view: current, probes }, kill)
  if (init.failed) return { ...nothing, killPod: true }
  start.push(...init.start)
  if (!init.done) return { ...nothing, killPod: false, kill, start }

  const regular = decideRegular({ pod, view: current, probes }, kill)
  // When the last container has ended for good, sidecars and sandbox go, too.
  if (regular.keep === 0 && regular.start.length === 0 && kill.length === 0) return { ...nothing, killPod: true }
  return { ...nothing, killPod: false, kill, start: [...start, ...regular.start] }
}

function withoutSandbox(
  pod: NodePod,
  view: PodView,
  newest: SandboxView | undefined,
  nothing: Omit<Plan, 'killPod'>,
): Plan {
  const begun = view.containers.length > 0
  if (begun && newest !== undefined && pod.spec.containers.every((c) => !mayRunAgain(pod, view, c)))
    return { ...nothing, killPod: true }
  // One that is not to run again after an end must not begin anew because its sandbox died.
  if (begun && newest !== undefined && pod.spec.restartPolicy === 'Never') return { ...nothing, killPod: true }
  return { ...nothing, killPod: newest !== undefined, createSandbox: true }
}

function mayRunAgain(pod: NodePod, view: PodView, container: NodeContainer): boolean {
  const last = latest(view, container.name)
  return last === undefined || shouldRestart(pod, container, last)
}

/** Whether a container that ended is to run again. */
export function shouldRestart(pod: NodePod, container: NodeContainer, last: ContainerView): boolean {
  if (last.state !== 'CONTAINER_EXITED') return true
  const { restartPolicyRules = [], restartPolicy } = container
  for (const { action, exitCodes } of restartPolicyRules) {
    const listed = exitCodes?.values?.includes(last.exitCode) ?? false
    if (action === 'Restart' && (exitCodes?.operator === 'NotIn' ? !listed : listed)) return true
  }
  const policy = restartPolicy ?? pod.spec.restartPolicy ?? 'Always'
  if (policy === 'Always') return true
  return policy === 'OnFailure' && last.exitCode !== 0
}

function ephemeralToStart(pod: NodePod, view: PodView): string[] {
  return (pod.spec.ephemeralContainers ?? [])
    .filter(({ name }) => latest(view, name) === undefined)
    .map(({ name }) => name)
}

/** Why a running container has to go; undefined: it may stay. */
function whyKill(container: NodeContainer, running: ContainerView, probes: ProbeVerdicts): KillReason | undefined {
  if (running.hash !== '' && running.hash !== containerHash(container)) return 'changed'
  if (probes.startup(running.id) === 'failure') return 'startup'
  if (probes.liveness(running.id) === 'failure') return 'liveness'
  return undefined
}

export function hasStarted(container: NodeContainer, running: ContainerView, probes: ProbeVerdicts): boolean {
  if (running.state !== 'CONTAINER_RUNNING') return false
  return container.startupProbe === undefined || probes.startup(running.id) === 'success'
}

interface InitDecision {
  done: boolean
  failed: boolean
  start: string[]
}

/** Init containers run one after the other; sidecars among them need only have started, and are kept running for ever. */
function decideInit(
  { pod, view, probes }: DecideInput,
  kill: { container: ContainerView; reason: KillReason }[],
): InitDecision {
  // Once an ordinary container was made, the ordinary init containers are history.
  const initialized = pod.spec.containers.some(({ name }) => latest(view, name) !== undefined)
  const over = initialized && pod.spec.containers.every((c) => !mayRunAgain(pod, view, c))
  const start: string[] = []
  for (const container of pod.spec.initContainers ?? []) {
    const last = latest(view, container.name)
    if (isSidecar(container)) {
      if (over) continue
      const gate = decideSidecar({ pod, view, probes }, container, last, start, kill)
      if (gate && !initialized) return { done: false, failed: false, start }
      continue
    }
    if (initialized || (last?.state === 'CONTAINER_EXITED' && last.exitCode === 0)) continue
    if (last?.state === 'CONTAINER_RUNNING') {
      if (last.hash !== '' && last.hash !== containerHash(container)) {
        kill.push({ container: last, reason: 'changed' })
        start.push(container.name)
      }
      return { done: false, failed: false, start }
    }
    if (last !== undefined && !initRestarts(pod, container, last)) return { done: false, failed: true, start }
    start.push(container.name)
    return { done: false, failed: false, start }
  }
  return { done: true, failed: false, start }
}

/** With `Always`, an init container that failed runs again; one that succeeded does not. */
function initRestarts(pod: NodePod, container: NodeContainer, last: ContainerView): boolean {
  return last.state !== 'CONTAINER_EXITED' || shouldRestart(pod, container, last)
}

/** True when the next container must wait for this one. */
function decideSidecar(
  { probes }: DecideInput,
  container: NodeContainer,
  last: ContainerView | undefined,
  start: string[],
  kill: { container: ContainerView; reason: KillReason }[],
): boolean {
  if (last?.state !== 'CONTAINER_RUNNING') {
    start.push(container.name)
    return true
  }
  const reason = whyKill(container, last, probes)
  if (reason !== undefined) {
    kill.push({ container: last, reason })
    start.push(container.name)
    return true
  }
  return !hasStarted(container, last, probes)
}

function decideRegular(
  { pod, view, probes }: DecideInput,
  kill: { container: ContainerView; reason: KillReason }[],
): { keep: number; start: string[] } {
  let keep = 0
  const start: string[] = []
  for (const container of pod.spec.containers) {
    const last = latest(view, container.name)
    if (last?.state !== 'CONTAINER_RUNNING') {
      if (last === undefined || shouldRestart(pod, container, last)) start.push(container.name)
      continue
    }
    const reason = whyKill(container, last, probes)
    if (reason === undefined) {
      keep++
      continue
    }
    kill.push({ container: last, reason })
    if (reason === 'changed' || (container.restartPolicy ?? pod.spec.restartPolicy) !== 'Never')
      start.push(container.name)
  }
  return { keep, start }
}
