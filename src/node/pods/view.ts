// Reads from the runtime what it holds of pods.

import { type Container, type ContainerStatus, isNotFound, type PodSandbox, type RuntimeClient } from '../cri/cri.ts'
import { ANNOTATIONS, type ContainerView, LABELS, type PodView, type SandboxView } from './model.ts'

/** Everything the runtime holds of one pod, newest first. */
export async function viewPod(
  runtime: RuntimeClient,
  pod: { uid: string; name: string; namespace: string },
  signal?: AbortSignal,
): Promise<PodView> {
  const filter = { labelSelector: { [LABELS.podUid]: pod.uid } }
  const options = { signal }
  const [sandboxes, containers] = await Promise.all([
    runtime.listPodSandboxes(filter, options),
    runtime.listContainers(filter, options),
  ])
  const [sandboxViews, containerViews] = await Promise.all([
    Promise.all(sandboxes.map((sandbox) => viewSandbox(runtime, sandbox, signal))),
    Promise.all(containers.map((container) => viewContainer(runtime, container, signal))),
  ])
  return {
    ...pod,
    sandboxes: sandboxViews.sort((a, b) => b.createdAt - a.createdAt || b.attempt - a.attempt),
    containers: containerViews
      .filter((view) => view !== undefined)
      .sort((a, b) => b.attempt - a.attempt || b.createdAt - a.createdAt),
  }
}

async function viewSandbox(runtime: RuntimeClient, sandbox: PodSandbox, signal?: AbortSignal): Promise<SandboxView> {
  const { id, state, createdAt } = sandbox
  const attempt = sandbox.metadata?.attempt ?? 0
  if (state !== 'SANDBOX_READY') return { id, state, attempt, createdAt, ips: [] }
  try {
    const { network, state: now } = await runtime.podSandboxStatus(id, { signal })
    const more = network?.additionalIps.map(({ ip }) => ip) ?? []
    return { id, state: now, attempt, createdAt, ips: [network?.ip ?? '', ...more].filter((ip) => ip !== '') }
  } catch (error) {
    if (!isNotFound(error)) throw error
    return { id, state: 'SANDBOX_NOTREADY', attempt, createdAt, ips: [] }
  }
}

async function viewContainer(
  runtime: RuntimeClient,
  container: Container,
  signal?: AbortSignal,
): Promise<ContainerView | undefined> {
  try {
    return viewOf(await runtime.containerStatus(container.id, { signal }), container)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

function viewOf(status: ContainerStatus, { podSandboxId, labels }: Container): ContainerView {
  const { annotations } = status
  const grace = Number(annotations[ANNOTATIONS.gracePeriod] ?? Number.NaN)
  const user = status.user?.linux
  return {
    id: status.id,
    name: labels[LABELS.containerName] ?? status.metadata?.name ?? '',
    sandboxId: podSandboxId,
    state: status.state,
    attempt: Number(annotations[ANNOTATIONS.restartCount] ?? status.metadata?.attempt ?? 0),
    hash: annotations[ANNOTATIONS.hash] ?? '',
    createdAt: status.createdAt,
    startedAt: status.startedAt,
    finishedAt: status.finishedAt,
    exitCode: status.exitCode,
    reason: status.reason,
    message: status.message,
    image: status.image?.image ?? '',
    imageRef: status.imageRef,
    logPath: status.logPath,
    ...(Number.isNaN(grace) ? {} : { graceSeconds: grace }),
    ...(user === undefined ? {} : { user }),
  }
}

/** The pods that the runtime knows, by uid; what carries no pod's labels is not ours. */
export async function listRuntimePods(
  runtime: RuntimeClient,
  signal?: AbortSignal,
): Promise<Map<string, { uid: string; name: string; namespace: string; ids: string[] }>> {
  const [sandboxes, containers] = await Promise.all([
    runtime.listPodSandboxes({}, { signal }),
    runtime.listContainers({}, { signal }),
  ])
  const pods = new Map<string, { uid: string; name: string; namespace: string; ids: string[] }>()
  for (const { id, labels } of [...sandboxes, ...containers]) {
    const uid = labels[LABELS.podUid]
    if (uid === undefined || uid === '') continue
    const known = pods.get(uid)
    if (known !== undefined) known.ids.push(id)
    else
      pods.set(uid, {
        uid,
        name: labels[LABELS.podName] ?? '',
        namespace: labels[LABELS.podNamespace] ?? '',
        ids: [id],
      })
  }
  return pods
}
