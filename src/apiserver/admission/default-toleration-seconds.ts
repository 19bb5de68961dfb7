// DefaultTolerationSeconds: how long every pod bears a node that is not ready or not reachable.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Toleration } from '../../api/core/pod/placement.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import type { AdmissionPlugin, Attributes } from './admission.ts'

function newPod({ operation, resource, subresource, object }: Attributes): (AnyObject & Pod) | undefined {
  return operation === 'CREATE' && resource.groupResource === 'pods' && subresource === ''
    ? (object as AnyObject & Pod)
    : undefined
}

/** How long a pod stays bound to a node that is not ready or not reachable, unless it says itself. */
const TOLERATION_SECONDS = 300

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate(attributes) {
    const spec = newPod(attributes)?.spec
    if (!spec) return
    tolerateForAWhile(spec, 'node.kubernetes.io/not-ready')
    tolerateForAWhile(spec, 'node.kubernetes.io/unreachable')
  },
}

function tolerateForAWhile(spec: Pod['spec'], key: string): void {
  const { tolerations } = spec
  if (tolerations?.some((t) => (!t.key || t.key === key) && (!t.effect || t.effect === 'NoExecute'))) return
  const added: Toleration = { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: TOLERATION_SECONDS }
  spec.tolerations = tolerations?.concat(added) ?? [added]
}
