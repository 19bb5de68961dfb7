// Stops containers: preStop hook, stop signal, grace period, SIGKILL.

import { isSidecar } from '../../api/core/pod/readiness.ts'
import { isDeadlineExceeded } from '../cri/cri.ts'
import type { NodeContext } from '../context.ts'
import type { Prober } from '../probes/prober.ts'
import { runHook } from './hooks.ts'
import {
  containerReference,
  type ContainerView,
  findContainer,
  type NodePod,
  type PodView,
  readySandbox,
} from './model.ts'

/** What is left for the stop signal after a preStop hook that used up the grace period. */
const LEAST_GRACE_SECONDS = 2

export interface KillOptions {
  readonly graceSeconds: number
  /** The text of the event `Killing`; empty: none. */
  readonly message: string
  /** False when the hook ran already, and only the grace period was shortened. */
  readonly preStop: boolean
  readonly signal: AbortSignal
}

export async function killContainer(
  parts: { context: NodeContext; prober: Prober },
  pod: NodePod | undefined,
  container: Pick<ContainerView, 'id' | 'name'>,
  podIP: string,
  { graceSeconds, message, preStop, signal }: KillOptions,
): Promise<void> {
  const { runtime, events, clock, log } = parts.context
  if (pod !== undefined && message !== '')
    events.event(containerReference(pod, container.name), 'Normal', 'Killing', message)
  const began = clock.monotonic()
  const spec = pod === undefined ? undefined : findContainer(pod, container.name)
  const hook = spec?.lifecycle?.preStop
  let left = graceSeconds
  if (pod !== undefined && spec !== undefined && hook !== undefined && preStop && graceSeconds > 0) {
    const target = { container: spec, containerId: container.id, podIP }
    try {
      await runHook(parts.context, parts.prober, hook, target, graceSeconds * 1000, signal)
    } catch (error) {
      signal.throwIfAborted()
      const text = `PreStopHook failed`
      events.event(containerReference(pod, container.name), 'Warning', 'FailedPreStopHook', text)
      log.debug('A preStop hook failed', { container: container.name, error })
    }
    left = Math.max(LEAST_GRACE_SECONDS, graceSeconds - Math.floor((clock.monotonic() - began) / 1000))
  }
  try {
    await runtime.stopContainer(container.id, left, { signal })
  } catch (error) {
    // The runtime did not manage in time: the next look decides again.
    if (!isDeadlineExceeded(error)) throw error
    await runtime.stopContainer(container.id, 0, { signal })
  }
}

/** Stops all that runs of a pod: ordinary containers together, then sidecars, the last one first. */
export async function killAll(
  parts: { context: NodeContext; prober: Prober },
  pod: NodePod | undefined,
  view: PodView,
  options: Omit<KillOptions, 'message'>,
): Promise<void> {
  const began = parts.context.clock.monotonic()
  const podIP = readySandbox(view, pod?.spec.hostNetwork === true)?.ips[0] ?? ''
  const running = view.containers.filter(({ state }) => state === 'CONTAINER_RUNNING' || state === 'CONTAINER_CREATED')
  const sidecars = (pod?.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name)
  const kill = (container: ContainerView, graceSeconds: number): Promise<void> =>
    killContainer(parts, pod, container, podIP, {
      ...options,
      graceSeconds,
      message: `Stopping container ${container.name}`,
    })
  await Promise.all(running.filter(({ name }) => !sidecars.includes(name)).map((c) => kill(c, options.graceSeconds)))
  for (const name of sidecars.reverse()) {
    const spent = Math.floor((parts.context.clock.monotonic() - began) / 1000)
    for (const container of running.filter((c) => c.name === name))
      await kill(container, Math.max(Math.min(LEAST_GRACE_SECONDS, options.graceSeconds), options.graceSeconds - spent))
  }
}
