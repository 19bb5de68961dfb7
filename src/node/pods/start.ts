// Starts one container of a pod: image, configuration, creation, start, postStart hook; what goes wrong becomes the reason why it waits.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { errorText } from '../../base/log.ts'
import type { Service } from '../../api/core/service/service.ts'
import { type CriError, type PodSandboxConfig, rpcErrorText } from '../cri/cri.ts'
import type { NodeContext } from '../context.ts'
import type { Prober } from '../probes/prober.ts'
import { containerMounts } from '../volumes/container-mounts.ts'
import type { BackOff } from './back-off.ts'
import { durationText } from './back-off.ts'
import { containerConfig } from './container-config.ts'
import type { PodPlace } from './downward.ts'
import { containerEnvironment, type ConfigObjects } from './environment.ts'
import { POST_START_LIMIT_MS, runHook } from './hooks.ts'
import { ensureImage, type ImagePullContext, WaitingError } from './images.ts'
import { killContainer } from './kill.ts'
import {
  containerHash,
  containerReference,
  findContainer,
  latest,
  type NodeContainer,
  type NodePod,
  podText,
  type PodView,
  uidOf,
} from './model.ts'
import { ContainerConfigError } from './security.ts'

export interface StartParts {
  readonly context: NodeContext
  readonly prober: Prober
  readonly images: ImagePullContext
  readonly crashes: BackOff
  readonly pid: number
  services(): readonly DeepReadonly<Service>[]
  /** From now on events of these ids wake the pod. */
  track(uid: string, ids: readonly string[]): void
}

export interface StartInput {
  readonly pod: NodePod
  readonly name: string
  readonly view: PodView
  readonly sandboxId: string
  readonly sandbox: PodSandboxConfig
  readonly place: PodPlace
  readonly objects: ConfigObjects
  readonly volumes: ReadonlyMap<string, string>
  readonly signal: AbortSignal
}

/** Throws a WaitingError when the container cannot run now. */
export async function startContainer(parts: StartParts, input: StartInput): Promise<void> {
  const { pod, name, view, signal } = input
  const container = findContainer(pod, name)
  if (container === undefined) return
  heedBackOff(parts, pod, container, view)
  const { runtime, events, log } = parts.context
  const about = containerReference(pod, name)
  const secrets = (pod.spec.imagePullSecrets ?? [])
    .map((reference) => input.objects.secret(reference.name ?? ''))
    .filter((secret) => secret !== undefined)
  const image = await ensureImage(parts.images, pod, container, { secrets, sandbox: input.sandbox, signal }).catch(
    (error: unknown) => {
      if (error instanceof WaitingError) events.event(about, 'Warning', 'Failed', `Error: ${error.reason}`)
      throw error
    },
  )
  const attempt = (latest(view, name)?.attempt ?? previousRestarts(pod, name) - 1) + 1
  const config = await configure(parts, input, container, attempt, image).catch((error: unknown) => {
    if (signal.aborted) throw error
    const isConfig = error instanceof ContainerConfigError
    // The cause names paths of the host: that is for the log, not for the pod's owner.
    const message = isConfig ? error.message : errorText(error)
    if (isConfig) log.debug('A container cannot be configured', { pod: podText(pod), container: name, error })
    events.event(about, 'Warning', 'Failed', `Error: ${message}`)
    throw new WaitingError(isConfig ? 'CreateContainerConfigError' : 'CreateContainerError', message)
  })
  const fail = (reason: string) => (error: unknown) => {
    if (signal.aborted) throw error
    // Of what a container suffered, the runtime's words alone are shown; of a sandbox or a pull, the whole error is.
    const message = error instanceof Error ? error.message : String(error)
    events.event(about, 'Warning', 'Failed', `Error: ${message}`)
    throw new WaitingError(reason, message)
  }
  const id = await runtime
    .createContainer(input.sandboxId, config, input.sandbox, { signal })
    .catch(fail('CreateContainerError'))
  // Before it can end: an end that nobody is known to care for would be seen a minute later.
  parts.track(uidOf(pod), [id])
  events.event(about, 'Normal', 'Created', 'Container created')
  await runtime.startContainer(id, { signal }).catch(fail('RunContainerError'))
  events.event(about, 'Normal', 'Started', 'Container started')
  await afterStart(parts, input, container, id)
}

/** Containers whose runtime record is gone go on counting from what the API remembers. */
function previousRestarts(pod: NodePod, name: string): number {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
  const old = [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name)
  if (old === undefined || (old.state?.terminated === undefined && old.state?.running === undefined))
    return old?.restartCount ?? 0
  return old.restartCount + 1
}

function heedBackOff({ crashes, context }: StartParts, pod: NodePod, container: NodeContainer, view: PodView): void {
  const last = latest(view, container.name)
  if (last?.state !== 'CONTAINER_EXITED') return
  const key = `${uidOf(pod)}/${container.name}/${containerHash(container)}`
  const left = crashes.remaining(key, last.finishedAt)
  if (left <= 0) {
    crashes.fail(key)
    return
  }
  const about = containerReference(pod, container.name)
  const message = `Back-off restarting failed container ${container.name} in pod ${podText(pod)}`
  context.events.event(about, 'Warning', 'BackOff', message)
  const wait = durationText(crashes.waitMs(key))
  throw new WaitingError(
    'CrashLoopBackOff',
    `back-off ${wait} restarting failed container=${container.name} pod=${podText(pod)}`,
    left,
  )
}

async function configure(
  parts: StartParts,
  { pod, view, place, objects, volumes }: StartInput,
  container: NodeContainer,
  attempt: number,
  image: Parameters<typeof containerConfig>[0]['image'],
) {
  const { context, pid } = parts
  const environment = containerEnvironment({ pod, container, place, objects, services: parts.services() })
  const { podIPs } = place
  const mounts = await containerMounts(context, { pod, container, attempt, volumes, environment, podIPs, pid })
  const target = 'targetContainerName' in container ? container.targetContainerName : undefined
  const targetId = target === undefined || target === '' ? undefined : latest(view, target)?.id
  return containerConfig({
    pod,
    container,
    attempt,
    image,
    environment,
    mounts,
    nodeMemoryBytes: context.nodeMemoryBytes,
    seccompRoot: context.directories.seccomp,
    ...(targetId === undefined ? {} : { targetId }),
  })
}

async function afterStart(parts: StartParts, input: StartInput, container: NodeContainer, id: string): Promise<void> {
  const hook = container.lifecycle?.postStart
  if (hook === undefined) return
  const { context, prober } = parts
  const { pod, signal, place } = input
  const target = { container, containerId: id, podIP: place.podIPs[0] ?? '' }
  try {
    await runHook(context, prober, hook, target, POST_START_LIMIT_MS, signal)
  } catch (error) {
    if (signal.aborted) throw error
    const about = containerReference(pod, container.name)
    context.events.event(about, 'Warning', 'FailedPostStartHook', 'PostStartHook failed')
    await killContainer({ context, prober }, pod, { id, name: container.name }, target.podIP, {
      graceSeconds: pod.spec.terminationGracePeriodSeconds ?? 30,
      message: 'FailedPostStartHook',
      preStop: true,
      signal,
    })
    throw new WaitingError('PostStartHookError', 'PostStartHook failed')
  }
}

export function criText(error: unknown): string {
  if (error instanceof Error && error.name === 'CriError') return rpcErrorText(error as CriError)
  return errorText(error)
}
