// From the names in a request to the container or sandbox that is meant, in upstream's words where there is none.

import { containerStatus } from '../../api/core/pod/readiness.ts'
import type { ContainerView, NodePod, PodView, SandboxView } from '../pods/model.ts'
import { findContainer, uidOf } from '../pods/model.ts'
import { viewPod } from '../pods/view.ts'
import type { RuntimeClient } from '../cri/cri.ts'

/** An answer other than success. */
export class HttpError extends Error {
  override name = 'HttpError'
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

export interface PodAccess {
  readonly runtime: RuntimeClient
  pod(namespace: string, name: string): NodePod | undefined
}

async function viewOf(
  { runtime, pod }: PodAccess,
  namespace: string,
  name: string,
): Promise<{ pod: NodePod; view: PodView }> {
  const found = pod(namespace, name)
  if (found === undefined) throw new HttpError(404, `pod "${name}" not found`)
  return { pod: found, view: await viewPod(runtime, { uid: uidOf(found), name, namespace }) }
}

/** The container whose log is asked for. */
export async function logContainer(
  access: PodAccess,
  {
    namespace,
    pod: name,
    container,
    previous,
  }: { namespace: string; pod: string; container: string; previous: boolean },
): Promise<ContainerView> {
  const { pod, view } = await viewOf(access, namespace, name)
  if (findContainer(pod, container) === undefined)
    throw new HttpError(404, `container "${container}" in pod "${name}" not found`)
  const history = view.containers.filter((c) => c.name === container && c.state !== 'CONTAINER_CREATED')
  const [last, before] = history
  if (previous) {
    // Until the next run began, the run that ended last is the previous one, too.
    const ended =
      last?.state === 'CONTAINER_EXITED' && containerStatus(pod, container)?.state?.waiting !== undefined
        ? last
        : before
    if (ended === undefined)
      throw new HttpError(400, `previous terminated container "${container}" in pod "${name}" not found`)
    return ended
  }
  if (last !== undefined) return last
  const reason = containerStatus(pod, container)?.state?.waiting?.reason ?? 'ContainerCreating'
  if (reason === 'ErrImagePull' || reason === 'ImagePullBackOff')
    throw new HttpError(
      400,
      `container "${container}" in pod "${name}" is waiting to start: trying and failing to pull image`,
    )
  throw new HttpError(400, `container "${container}" in pod "${name}" is waiting to start: ${reason}`)
}

/** The running container in which something is to be run. */
export async function runningContainer(
  access: PodAccess,
  namespace: string,
  name: string,
  container: string,
): Promise<ContainerView> {
  const { view } = await viewOf(access, namespace, name)
  const last = view.containers.find((c) => c.name === container)
  if (last?.state !== 'CONTAINER_RUNNING') throw new HttpError(404, `container not found ("${container}")`)
  return last
}

export async function runningSandbox(access: PodAccess, namespace: string, name: string): Promise<SandboxView> {
  const { view } = await viewOf(access, namespace, name)
  const sandbox = view.sandboxes.find(({ state }) => state === 'SANDBOX_READY')
  if (sandbox === undefined) throw new HttpError(404, `pod not found ("${name}_${namespace}")`)
  return sandbox
}
