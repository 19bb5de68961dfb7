// A container as CRI wants it: command, environment, mounts, powers, limits, and the marks by which it is recognised again. Pure.

import { qosClass } from '../../api/core/pod/requests.ts'
import { containerResources } from '../cgroup/resources.ts'
import type { ContainerConfig, Image, Mount, Signal } from '../cri/cri.ts'
import { expand } from './expansion.ts'
import { ANNOTATIONS, containerHash, LABELS, type NodeContainer, type NodePod, uidOf } from './model.ts'
import { containerLogPath } from './paths.ts'
import { containerAmounts } from './resources.ts'
import { containerSecurity, type ImageUser } from './security.ts'

export interface ContainerConfigInput {
  readonly pod: NodePod
  readonly container: NodeContainer
  readonly attempt: number
  readonly image: Image
  readonly environment: ReadonlyMap<string, string>
  readonly mounts: readonly Mount[]
  readonly nodeMemoryBytes: number
  readonly seccompRoot: string
  /** Ephemeral containers: whose process namespace to join. */
  readonly targetId?: string
}

/** Pods without which the node or the cluster does not work are killed last. */
const CRITICAL_PRIORITY = 2_000_000_000

export function containerConfig(input: ContainerConfigInput): ContainerConfig {
  const { pod, container, attempt, image, environment } = input
  const { name, namespace = '' } = pod.metadata
  const lookup = (key: string): string | undefined => environment.get(key)
  const stopSignal = container.lifecycle?.stopSignal
  return {
    metadata: { name: container.name, attempt },
    image: { image: image.id, userSpecifiedImage: container.image ?? '' },
    command: (container.command ?? []).map((text) => expand(text, lookup)),
    args: (container.args ?? []).map((text) => expand(text, lookup)),
    workingDir: container.workingDir ?? '',
    envs: [...environment].map(([key, value]) => ({ key, value: Buffer.from(value) })),
    mounts: input.mounts,
    labels: {
      [LABELS.containerName]: container.name,
      [LABELS.podName]: name,
      [LABELS.podNamespace]: namespace,
      [LABELS.podUid]: uidOf(pod),
    },
    annotations: {
      [ANNOTATIONS.hash]: containerHash(container),
      [ANNOTATIONS.restartCount]: String(attempt),
      [ANNOTATIONS.terminationMessagePath]: container.terminationMessagePath ?? '',
      [ANNOTATIONS.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File',
      [ANNOTATIONS.gracePeriod]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
    },
    logPath: containerLogPath(container.name, attempt),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    ...(stopSignal === undefined ? {} : { stopSignal: stopSignal as Signal }),
    linux: {
      resources: containerResources(containerAmounts(container), {
        qos: qosClass(pod.spec),
        nodeMemoryBytes: input.nodeMemoryBytes,
        critical: (pod.spec.priority ?? 0) >= CRITICAL_PRIORITY,
      }),
      securityContext: containerSecurity(pod, container, {
        imageUser: imageUser(image),
        seccompRoot: input.seccompRoot,
        ...(input.targetId === undefined ? {} : { targetId: input.targetId }),
      }),
    },
  }
}

function imageUser({ uid, username }: Image): ImageUser {
  // An image that names nobody runs as root; CRI then says neither a number nor a name.
  return uid === undefined ? { username } : { uid, username: '' }
}
