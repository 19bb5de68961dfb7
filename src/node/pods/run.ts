// One look at a pod that is to run: volumes, sandbox, containers, probes, report.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errorText } from '../../base/log.ts'
import { qosClass } from '../../api/core/pod/requests.ts'
import type { PodSandboxConfig } from '../cri/cri.ts'
import type { ProbeKeeper } from '../probes/probe-keeper.ts'
import { computePodStatus, rejectedStatus } from '../status/pod-status.ts'
import type { Waiting } from '../status/container-status.ts'
import type { StatusWriter } from '../status/writer.ts'
import type { ObjectWatch } from '../volumes/object-watch.ts'
import { type PodVolumes, VolumeError, type VolumePlan } from '../volumes/pod-volumes.ts'
import { decide, type KillReason, type Plan } from './decide.ts'
import type { ConfigObjects } from './environment.ts'
import { WaitingError } from './images.ts'
import { killAll, killContainer } from './kill.ts'
import { lastWords } from './last-words.ts'
import { allContainers, findContainer, type NodePod, podReference, type PodView, readySandbox, uidOf } from './model.ts'
import { pathElement, podDirectory, podLogDirectory } from './paths.ts'
import { podCgroupSettings } from './resources.ts'
import { sandboxConfig } from './sandbox-config.ts'
import { criText, startContainer, type StartParts } from './start.ts'
import { viewPod } from './view.ts'
import type { PodRef } from './worker.ts'

export interface WorkerParts extends StartParts {
  readonly volumes: PodVolumes
  readonly objects: ObjectWatch
  readonly probes: ProbeKeeper
  readonly status: StatusWriter
  readonly oomKilled: ReadonlySet<string>
  /** Nothing of the pod is to be left: runtime records, logs, memories. */
  cleanUp(ref: PodRef): Promise<void>
}

/** Why the agent itself ends a pod, or does not begin it. */
export interface Failure {
  readonly reason: string
  readonly message: string
  /** Nothing of it ever ran: the node did not take it. */
  readonly rejected?: true
  /** Instead of the pod's own grace period. */
  readonly graceSeconds?: number
  /** Its disruption is told as a condition. */
  readonly disruption?: true
}

export interface RunState {
  /** Why containers wait, by name. */
  waiting: Map<string, Waiting>
  /** Last words, by container id. */
  messages: Map<string, string>
  failure: Failure | undefined
  /** It has ended, or must: what is left is to stop and to tidy up. */
  over: boolean
  /** Whether what ran before this agent has been taken over. */
  adopted: boolean
  /** The cgroup's settings in force, as text. */
  cgroup: string
}

const KILL_MESSAGES: Readonly<Record<KillReason, (name: string) => string>> = {
  liveness: (name) => `Container ${name} failed liveness probe, will be restarted`,
  startup: (name) => `Container ${name} failed startup probe, will be restarted`,
  changed: (name) => `Container ${name} definition changed, will be restarted`,
  initRunning: (name) => `Init container ${name} is still running`,
}

/** Resolves to when to look again at the latest; undefined: when something happens. Sets `run.over` when the pod has ended. */
export async function lookAtPod(
  parts: WorkerParts,
  pod: NodePod,
  run: RunState,
  signal: AbortSignal,
): Promise<number | undefined> {
  const deadline = deadlineOf(parts, pod)
  if (deadline !== undefined && deadline <= 0) {
    run.failure = {
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    }
    parts.context.events.event(podReference(pod), 'Normal', 'DeadlineExceeded', run.failure.message)
    run.over = true
    return undefined
  }
  const [objects, first] = await Promise.all([parts.objects.use(pod, signal), look(parts, pod, run, signal)])
  let view = first
  const plan = decide({ pod, view, probes: parts.probes })
  if (plan.killPod && !plan.createSandbox) {
    run.over = true
    return undefined
  }
  if (isIdle(plan)) {
    await refreshVolumes(parts, pod, objects, view, signal)
    await report(parts, pod, view, run, signal)
    return soonest([deadline, renewal(parts, pod)])
  }
  const waits = await act(parts, { pod, view, plan, objects, run, signal })
  view = await look(parts, pod, run, signal)
  await report(parts, pod, view, run, signal)
  await dropOld(parts, view, signal)
  // What was started may have opened the way for the next: a sidecar that runs, say.
  if (waits.length === 0 && !isIdle(decide({ pod, view, probes: parts.probes }))) return 0
  return soonest([deadline, renewal(parts, pod), ...waits])
}

const isIdle = ({ createSandbox, killPod, kill, start }: Plan): boolean =>
  !createSandbox && !killPod && kill.length === 0 && start.length === 0

interface ActInput {
  pod: NodePod
  view: PodView
  plan: Plan
  objects: ConfigObjects
  run: RunState
  signal: AbortSignal
}

/** Carries out the plan; gives the times after which what did not succeed is to be tried again. */
async function act(parts: WorkerParts, input: ActInput): Promise<number[]> {
  const { pod, plan, run, signal, objects } = input
  const { context } = parts
  await prepareDirectories(parts, pod)
  applyCgroup(parts, pod, run)
  let view = input.view
  if (plan.killPod) {
    context.events.event(
      podReference(pod),
      'Normal',
      'SandboxChanged',
      'Pod sandbox changed, it will be killed and re-created.',
    )
    await killAll(parts, pod, view, {
      graceSeconds: pod.spec.terminationGracePeriodSeconds ?? 30,
      preStop: true,
      signal,
    })
    for (const { id } of view.sandboxes) await context.runtime.stopPodSandbox(id, { signal })
  }
  await killPlanned(parts, input)
  if (plan.kill.length > 0) view = await look(parts, pod, run, signal)
  const volumes = await planVolumes(parts, pod, objects, view, signal).catch(async (error: unknown) => {
    await report(parts, pod, view, run, signal)
    throw error
  })
  const config = sandboxConfig(pod, plan.sandboxAttempt, context, context.hostFiles.resolvConf)
  // Nothing in a sandbox needs a volume before the first container: mounts are made while it starts.
  await allDone([
    volumes.make(),
    ...(plan.createSandbox ? [startSandbox(parts, pod, config, signal), report(parts, pod, view, run, signal)] : []),
  ])
  if (plan.createSandbox) view = await look(parts, pod, run, signal)
  const names = plan.createSandbox ? decide({ pod, view, probes: parts.probes }).start : plan.start
  const sandbox = readySandbox(view, pod.spec.hostNetwork === true)
  if (sandbox === undefined) throw new Error('The sandbox is not ready')
  const waits: number[] = []
  for (const name of names) {
    const place = placeOf(parts, pod, view)
    try {
      // Sidecars and containers started by this very loop are seen by those that come after them.
      await startContainer(parts, {
        pod,
        name,
        view,
        sandboxId: sandbox.id,
        sandbox: config,
        place,
        objects,
        volumes: volumes.paths,
        signal,
      })
      run.waiting.delete(name)
    } catch (error) {
      if (signal.aborted || !(error instanceof WaitingError)) throw error
      run.waiting.set(name, { reason: error.reason, message: error.message })
      waits.push(error.afterMs ?? RETRY_MS)
    }
  }
  return waits
}

/** A container that cannot be configured or started is tried again so often. */
const RETRY_MS = 10_000

async function killPlanned(parts: WorkerParts, { pod, view, plan, signal }: ActInput): Promise<void> {
  const podIP = readySandbox(view, pod.spec.hostNetwork === true)?.ips[0] ?? ''
  await Promise.all(
    plan.kill.map(({ container, reason }) => {
      const spec = findContainer(pod, container.name)
      const probe = reason === 'liveness' ? spec?.livenessProbe : reason === 'startup' ? spec?.startupProbe : undefined
      const graceSeconds = probe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
      const message = KILL_MESSAGES[reason](container.name)
      return killContainer(parts, pod, container, podIP, { graceSeconds, message, preStop: true, signal })
    }),
  )
}

async function prepareDirectories({ context: { directories } }: WorkerParts, pod: NodePod): Promise<void> {
  const { name, namespace = '' } = pod.metadata
  const logs = podLogDirectory(directories, { name, namespace, uid: uidOf(pod) })
  await mkdir(podDirectory(directories, uidOf(pod)), { recursive: true, mode: 0o750 })
  for (const { container } of allContainers(pod))
    await mkdir(join(logs, pathElement(container.name)), { recursive: true, mode: 0o755 })
}

function applyCgroup({ context: { cgroups } }: WorkerParts, pod: NodePod, run: RunState): void {
  const settings = podCgroupSettings(pod)
  const text = JSON.stringify(settings)
  if (run.cgroup === text) return
  cgroups.applyPod({ uid: uidOf(pod), qos: qosClass(pod.spec) }, settings)
  run.cgroup = text
}

/** `make` of the plan tells of failures as the plan itself does. */
async function planVolumes(
  parts: WorkerParts,
  pod: NodePod,
  objects: ConfigObjects,
  view: PodView,
  signal: AbortSignal,
): Promise<VolumePlan> {
  const telling = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      if (!signal.aborted && error instanceof VolumeError)
        parts.context.events.event(podReference(pod), 'Warning', 'FailedMount', error.message)
      throw error
    }
  }
  const plan = await telling(parts.volumes.plan(pod, { objects, place: placeOf(parts, pod, view), signal }))
  return { paths: plan.paths, make: () => telling(plan.make()) }
}

/** Running containers go on with what they have while a volume cannot be brought up to date. */
async function refreshVolumes(...[parts, pod, objects, view, signal]: Parameters<typeof planVolumes>): Promise<void> {
  try {
    const plan = await planVolumes(parts, pod, objects, view, signal)
    await plan.make()
  } catch (error) {
    signal.throwIfAborted()
    parts.context.log.debug('Failed to update volumes', { pod: pod.metadata.name, reason: errorText(error) })
  }
}

async function startSandbox(
  { context, track }: WorkerParts,
  pod: NodePod,
  config: PodSandboxConfig,
  signal: AbortSignal,
): Promise<void> {
  try {
    track(uidOf(pod), [await context.runtime.runPodSandbox(config, { signal })])
  } catch (error) {
    if (!signal.aborted)
      context.events.event(
        podReference(pod),
        'Warning',
        'FailedCreatePodSandBox',
        `Failed to create pod sandbox: ${criText(error)}`,
      )
    throw error
  }
}

/** Waits for all of them; throws what failed first. */
async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) if (outcome.status === 'rejected') throw outcome.reason
}

function placeOf({ context }: WorkerParts, pod: NodePod, view: PodView) {
  const { nodeName, nodeIPs, allocatable } = context
  const podIPs = pod.spec.hostNetwork ? nodeIPs : (readySandbox(view, false)?.ips ?? [])
  return { nodeName, hostIPs: nodeIPs, podIPs, allocatable }
}

/** Reads the state of the runtime, lets probes follow it, and hears last words. */
export async function look(parts: WorkerParts, pod: NodePod, run: RunState, signal: AbortSignal): Promise<PodView> {
  const { name, namespace = '' } = pod.metadata
  const uid = uidOf(pod)
  const view = await viewPod(parts.context.runtime, { uid, name, namespace }, signal)
  parts.track(
    uid,
    [...view.sandboxes, ...view.containers].map(({ id }) => id),
  )
  for (const container of view.containers) {
    if (container.state !== 'CONTAINER_EXITED' || run.messages.has(container.id)) continue
    run.messages.set(container.id, await lastWords(parts.context, pod, container))
  }
  for (const id of run.messages.keys()) if (!view.containers.some((c) => c.id === id)) run.messages.delete(id)
  if (run.over) return view
  parts.probes.sync(pod, view, placeOf(parts, pod, view).podIPs[0] ?? '')
  if (!run.adopted) adopt(parts, pod)
  run.adopted = true
  return view
}

/** What the last agent found ready stays so until its probe says otherwise: a restart of the agent is no outage. */
function adopt({ probes }: WorkerParts, pod: NodePod): void {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
  for (const { containerID = '', started = false, ready } of [...containerStatuses, ...initContainerStatuses])
    probes.assumeReady(containerID.replace('containerd://', ''), started, ready)
}

export async function report(
  parts: WorkerParts,
  pod: NodePod,
  view: PodView,
  run: RunState,
  signal: AbortSignal,
): Promise<void> {
  const { context, probes, status, oomKilled } = parts
  const told = status.lastWritten(uidOf(pod))
  const others = (pod.status?.conditions ?? []).filter(({ type }) => !told?.conditions?.some((c) => c.type === type))
  const known =
    told === undefined ? pod : { ...pod, status: { ...told, conditions: [...(told.conditions ?? []), ...others] } }
  const { waiting, messages, failure, over } = run
  if (failure?.rejected) return await status.write(pod, rejectedStatus(pod, failure), signal)
  const input = { pod: known, view, probes, waiting, messages, failure, over, oomKilled }
  await status.write(pod, computePodStatus({ ...input, hostIPs: context.nodeIPs, now: context.clock.now() }), signal)
}

/** Of each container the newest and the one before it are kept, for `lastState` and `logs --previous`; sandboxes as long as they have any. */
async function dropOld({ context: { runtime } }: WorkerParts, view: PodView, signal: AbortSignal): Promise<void> {
  const seen = new Map<string, number>()
  const used = new Set<string>()
  for (const { id, name, sandboxId, state } of view.containers) {
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    if (count > 2 && state !== 'CONTAINER_RUNNING') await runtime.removeContainer(id, { signal })
    else used.add(sandboxId)
  }
  for (const { id, state } of view.sandboxes.slice(1))
    if (!used.has(id) && state !== 'SANDBOX_READY') await runtime.removePodSandbox(id, { signal })
}

/** Milliseconds until the pod has run longer than it may. */
function deadlineOf({ context, status }: WorkerParts, pod: NodePod): number | undefined {
  const { activeDeadlineSeconds } = pod.spec
  const startTime = status.lastWritten(uidOf(pod))?.startTime ?? pod.status?.startTime
  if (activeDeadlineSeconds === undefined) return undefined
  if (startTime === undefined) return activeDeadlineSeconds * 1000
  return Date.parse(startTime) + activeDeadlineSeconds * 1000 - context.clock.now()
}

function renewal({ volumes, context }: WorkerParts, pod: NodePod): number | undefined {
  const at = volumes.nextRenewal(uidOf(pod))
  return at === undefined ? undefined : at - context.clock.now()
}

function soonest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}
