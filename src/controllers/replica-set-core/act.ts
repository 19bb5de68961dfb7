// Creates and deletes the pods of a set: slowly at first, so that a set whose pods are refused does not storm the server.

import { isNotFound } from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { controllerReference } from '../../api/core/owners.ts'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import type { PodTemplateSpec } from '../../api/core/pod/template.ts'
import type { ReconcileContext } from '../controller.ts'
import { keyOf } from '../keys.ts'
import { isNamespaceTerminating, messageOf } from '../refusals.ts'

const SLOW_START_INITIAL_BATCH = 1

type Owner = DeepReadonly<AnyObject>

/** Runs `count` calls in batches that double while all goes well. Returns what went wrong first. */
export async function slowStart(count: number, call: (index: number) => Promise<void>): Promise<unknown> {
  let left = count
  for (let size = Math.min(SLOW_START_INITIAL_BATCH, left); size > 0; size = Math.min(size * 2, left)) {
    const done = count - left
    const results = await Promise.allSettled(Array.from({ length: size }, (_, i) => call(done + i)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) return failed.reason
    left -= size
  }
  return undefined
}

export interface PodBlank {
  readonly template: DeepReadonly<PodTemplateSpec>
  /** Instead of the owner's name and a dash. */
  readonly generateName?: string
}

/** Creates a pod from each blank. Returns the first failure, if any. */
export function createPods(context: ReconcileContext, owner: Owner, blanks: readonly PodBlank[]): Promise<unknown> {
  const { api, events, writes, signal } = context
  return slowStart(blanks.length, async (index) => {
    const blank = blanks[index]
    if (blank === undefined) return
    try {
      const pod = await api.create(pods, podFrom(owner, blank), { signal })
      writes.wrote(keyOf(owner), pods, pod)
      events.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)
    } catch (error) {
      // Everything in the namespace goes; so does the owner, and no pod is missed.
      if (isNamespaceTerminating(error)) return
      events.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
      throw error
    }
  })
}

export async function deletePods(
  context: ReconcileContext,
  owner: Owner,
  doomed: readonly DeepReadonly<Pod>[],
): Promise<unknown> {
  const { api, events, writes, signal } = context
  const results = await Promise.allSettled(
    doomed.map(async (pod) => {
      const { name, uid } = pod.metadata
      try {
        await api.delete(pods, keyOf(pod), { signal, ...(uid === undefined ? {} : { preconditions: { uid } }) })
      } catch (error) {
        if (isNotFound(error)) return
        events.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
        throw error
      }
      writes.deleted(keyOf(owner), pods, pod)
      events.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
    }),
  )
  return results.find((result) => result.status === 'rejected')?.reason
}

function podFrom(owner: Owner, { template, generateName }: PodBlank): Pod {
  const { metadata, spec } = cloneJson(template) as PodTemplateSpec
  const { namespace, name } = owner.metadata
  // The server makes the name.
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: generateName ?? `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      ...(metadata?.labels ? { labels: metadata.labels } : {}),
      ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
      ...(metadata?.finalizers ? { finalizers: metadata.finalizers } : {}),
      ownerReferences: [controllerReference(owner)],
    },
    ...(spec === undefined ? {} : { spec }),
  } as Pod
}
