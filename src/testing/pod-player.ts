// Plays scheduler and node agent for controllers' tests: pods are placed, run, end as the test says, and go when they are asked to.

import { rfc3339 } from '../base/clock.ts'
import { isConflict, isNotFound } from '../apimachinery/errors.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import { type Pod, pods } from '../api/core/pod/pod.ts'
import type { TestCluster } from './cluster.ts'

/** What becomes of a pod: `stuck` ones are never ready, and do not go. */
export type Fate = 'ready' | 'unready' | 'stuck' | 'succeeded' | { exitCode: number }

export interface Playing {
  /** By default every pod becomes ready. */
  fate?(pod: DeepReadonly<Pod>): Fate
  /** Rounds of a second each; 1 unless said. */
  rounds?: number
  /** Where pods go that are not bound to one node. */
  node?: string
}

export async function playPods(cluster: TestCluster, playing: Playing = {}): Promise<void> {
  for (let round = 0; round < (playing.rounds ?? 1); round++) {
    for (const { metadata } of (await cluster.client.list(pods)).items) {
      // What happened to the pods before it may have been its end.
      const pod = await cluster.get(pods, { namespace: metadata.namespace ?? 'default', name: metadata.name })
      if (pod) await play(cluster, pod, playing)
    }
    await cluster.advance('1s')
  }
}

async function play(cluster: TestCluster, pod: DeepReadonly<Pod>, playing: Playing): Promise<void> {
  const { client } = cluster
  const { name, namespace = 'default', deletionTimestamp } = pod.metadata
  const key = { namespace, name }
  const fate = playing.fate?.(pod) ?? 'ready'
  if (!pod.spec?.nodeName && deletionTimestamp === undefined) {
    const target = { apiVersion: 'v1', kind: 'Node', name: pinnedTo(pod) ?? playing.node ?? 'n1' }
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: key, target }
    try {
      await client.post(pods, key, 'binding', binding)
    } catch (error) {
      // A controller that answers what happened to another pod was quicker.
      if (isConflict(error) || isNotFound(error)) return
      throw error
    }
  }
  if (deletionTimestamp !== undefined) {
    if (fate === 'stuck') return
    if (pod.metadata.finalizers === undefined) await client.delete(pods, key, { gracePeriodSeconds: 0 })
    else await end(cluster, pod, fate === 'succeeded' ? 'succeeded' : { exitCode: 137 })
    return
  }
  await end(cluster, pod, fate)
}

async function end({ client, clock }: TestCluster, pod: DeepReadonly<Pod>, fate: Fate): Promise<void> {
  const { name, namespace = 'default' } = pod.metadata
  const { phase } = pod.status ?? {}
  if (phase === 'Succeeded' || phase === 'Failed') return
  const status = statusOf(pod, fate, rfc3339(clock.now()))
  const isReady = pod.status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')
  if (phase === status.phase && status.phase === 'Running' && isReady === (fate === 'ready')) return
  await client.patch(pods, { namespace, name }, { type: 'strategic', body: { status } }, { subresource: 'status' })
}

function statusOf(pod: DeepReadonly<Pod>, fate: Fate, now: string): { phase: string } & Record<string, unknown> {
  const isReady = fate === 'ready'
  const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: now }]
  if (fate !== 'succeeded' && typeof fate === 'string') return { phase: 'Running', startTime: now, conditions }
  const exitCode = fate === 'succeeded' ? 0 : (fate as { exitCode: number }).exitCode
  const containerStatuses = (pod.spec?.containers ?? []).map((container) => ({
    name: container.name,
    image: container.image ?? '',
    imageID: '',
    ready: false,
    restartCount: 0,
    state: {
      terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt: now, finishedAt: now },
    },
  }))
  return { phase: exitCode === 0 ? 'Succeeded' : 'Failed', startTime: now, conditions, containerStatuses }
}

function pinnedTo({ spec }: DeepReadonly<Pod>): string | undefined {
  const needed = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return needed?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0]
}
