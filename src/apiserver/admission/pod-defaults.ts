// Priority and DefaultTolerationSeconds: what every pod gets on its way in.

import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import type { AdmissionPlugin, Attributes } from './admission.ts'

/** The classes that exist in every cluster. */
const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
}

function newPod({ operation, resource, subresource, object }: Attributes): (AnyObject & Pod) | undefined {
  return operation === 'CREATE' && resource.groupResource === 'pods' && subresource === ''
    ? (object as AnyObject & Pod)
    : undefined
}

export const priority: AdmissionPlugin = {
  name: 'Priority',
  mutate(attributes) {
    const spec = newPod(attributes)?.spec
    if (!spec) return
    const { resource, name } = attributes
    const className = spec.priorityClassName
    const value = className ? SYSTEM_PRIORITIES[className] : 0
    if (value === undefined) throw errors.forbidden(resource, name, `no PriorityClass with name ${className} was found`)
    if (spec.priority !== undefined && spec.priority !== value) {
      throw errors.forbidden(
        resource,
        name,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      )
    }
    spec.priority = value
    spec.preemptionPolicy ??= 'PreemptLowerPriority'
  },
}

/** How long a pod stays bound to a node that is not ready or not reachable, unless it says itself. */
const TOLERATION_SECONDS = 300

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate(attributes) {
    const spec = newPod(attributes)?.spec
    if (!spec) return
    for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
      const tolerated = spec.tolerations?.some(
        (t) => (!t.key || t.key === key) && (!t.effect || t.effect === 'NoExecute'),
      )
      if (tolerated) continue
      spec.tolerations = [
        ...(spec.tolerations ?? []),
        { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: TOLERATION_SECONDS },
      ]
    }
  },
}
