// What a default role or binding lacks of what this version gives it; what was added or changed by hand stays. Pure.

import { isDeepStrictEqual } from 'node:util'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { ClusterRole } from '../../api/rbac/cluster-role.ts'
import type { ClusterRoleBinding } from '../../api/rbac/cluster-role-binding.ts'
import { uncovered } from './rule-coverage.ts'

/** On a default role or binding: "false" keeps the server from ever touching it. */
export const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate'

type Metadata = Pick<ClusterRole['metadata'], 'labels' | 'annotations'>

/** The role as it should be written; undefined when it lacks nothing. A Role is one without an aggregation rule. */
export function reconciledRole(
  existing: DeepReadonly<ClusterRole>,
  expected: DeepReadonly<ClusterRole>,
): ClusterRole | undefined {
  if (isProtected(existing)) return undefined
  const next = cloneJson(existing) as ClusterRole
  addMetadata(next.metadata, expected.metadata)
  if (expected.aggregationRule === undefined) {
    const missing = uncovered(existing.rules ?? [], expected.rules ?? [])
    if (missing.length > 0)
      next.rules = [...(next.rules ?? []), ...(cloneJson(missing) as ClusterRole['rules'] & object)]
  } else {
    // The rules are the aggregation controller's to gather.
    const known = next.aggregationRule?.clusterRoleSelectors ?? []
    const lacking = (expected.aggregationRule.clusterRoleSelectors ?? []).filter(
      (selector) => !known.some((k) => isDeepStrictEqual(k, cloneJson(selector))),
    )
    if (lacking.length > 0)
      next.aggregationRule = { clusterRoleSelectors: [...known, ...(cloneJson(lacking) as typeof known)] }
  }
  return isDeepStrictEqual(next, cloneJson(existing)) ? undefined : next
}

export type BindingVerdict = { do: 'nothing' } | { do: 'update'; binding: ClusterRoleBinding } | { do: 'recreate' }

export function reconciledBinding(
  existing: DeepReadonly<ClusterRoleBinding>,
  expected: DeepReadonly<ClusterRoleBinding>,
): BindingVerdict {
  if (isProtected(existing)) return { do: 'nothing' }
  // A binding's role cannot be changed, only replaced with the binding.
  if (!isDeepStrictEqual(cloneJson(existing.roleRef), cloneJson(expected.roleRef))) return { do: 'recreate' }
  const binding = cloneJson(existing) as ClusterRoleBinding
  addMetadata(binding.metadata, expected.metadata)
  const known = binding.subjects ?? []
  const missing = (cloneJson(expected.subjects ?? []) as typeof known).filter(
    (subject) => !known.some((k) => isDeepStrictEqual(k, subject)),
  )
  if (missing.length > 0) binding.subjects = [...known, ...missing]
  return isDeepStrictEqual(binding, cloneJson(existing)) ? { do: 'nothing' } : { do: 'update', binding }
}

const isProtected = ({ metadata }: DeepReadonly<{ metadata: Metadata }>): boolean =>
  metadata.annotations?.[AUTOUPDATE] === 'false'

/** A value that was changed by hand counts. */
function addMetadata(metadata: Metadata, { labels, annotations }: DeepReadonly<Metadata>): void {
  if (labels) metadata.labels = { ...labels, ...metadata.labels }
  if (annotations) metadata.annotations = { ...annotations, ...metadata.annotations }
}
