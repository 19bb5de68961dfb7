// What a namespace on its way out tells of what is left in it, in upstream's words. Pure.

import { rfc3339 } from '../../base/clock.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { NamespaceCondition } from '../../api/core/namespace.ts'

export interface Leftovers {
  /** Objects by `pods.` or `deployments.apps`. */
  content: ReadonlyMap<string, number>
  /** Objects by finalizer. */
  finalizers: ReadonlyMap<string, number>
  discoveryFailures: readonly { groupVersion: string; reason: string }[]
  deletionFailures: readonly string[]
}

interface Finding {
  type: string
  bad: boolean
  reason: string
  message: string
}

export function conditionsOf(
  left: Leftovers,
  previous: readonly DeepReadonly<NamespaceCondition>[],
  nowMs: number,
): NamespaceCondition[] {
  const findings: Finding[] = [
    {
      type: 'NamespaceDeletionDiscoveryFailure',
      bad: left.discoveryFailures.length > 0,
      reason: left.discoveryFailures.length > 0 ? 'DiscoveryFailed' : 'ResourcesDiscovered',
      message:
        left.discoveryFailures.length > 0
          ? `Discovery failed for some groups, ${left.discoveryFailures.length} failing: unable to retrieve the complete list of server APIs: ${failuresText(left.discoveryFailures)}`
          : 'All resources successfully discovered',
    },
    {
      type: 'NamespaceDeletionGroupVersionParsingFailure',
      bad: false,
      reason: 'ParsedGroupVersions',
      message: 'All legacy kube types successfully parsed',
    },
    {
      type: 'NamespaceDeletionContentFailure',
      bad: left.deletionFailures.length > 0,
      reason: left.deletionFailures.length > 0 ? 'ContentDeletionFailed' : 'ContentDeleted',
      message:
        left.deletionFailures.length > 0
          ? `Failed to delete all resource types, ${left.deletionFailures.length} remaining: ${[...left.deletionFailures].sort().join(', ')}`
          : 'All content successfully deleted, may be waiting on finalization',
    },
    {
      type: 'NamespaceContentRemaining',
      bad: left.content.size > 0,
      reason: left.content.size > 0 ? 'SomeResourcesRemain' : 'ContentRemoved',
      message:
        left.content.size > 0
          ? `Some resources are remaining: ${counted(left.content, (name, n) => `${name} has ${n} resource instances`)}`
          : 'All content successfully removed',
    },
    {
      type: 'NamespaceFinalizersRemaining',
      bad: left.finalizers.size > 0,
      reason: left.finalizers.size > 0 ? 'SomeFinalizersRemain' : 'ContentHasNoFinalizers',
      message:
        left.finalizers.size > 0
          ? `Some content in the namespace has finalizers remaining: ${counted(left.finalizers, (name, n) => `${name} in ${n} resource instances`)}`
          : 'All content-preserving finalizers finished',
    },
  ]
  const others = previous.filter(({ type }) => !findings.some((f) => f.type === type)).map((c) => ({ ...c }))
  return [...others, ...findings.map((finding) => conditionOf(finding, previous, nowMs))]
}

function conditionOf(
  { type, bad, reason, message }: Finding,
  previous: readonly DeepReadonly<NamespaceCondition>[],
  nowMs: number,
): NamespaceCondition {
  const status = bad ? 'True' : 'False'
  const known = previous.find((c) => c.type === type)
  const lastTransitionTime =
    known?.status === status && known.lastTransitionTime !== undefined ? known.lastTransitionTime : rfc3339(nowMs)
  return { type, status, lastTransitionTime, reason, message }
}

const failuresText = (failures: Leftovers['discoveryFailures']): string =>
  failures
    .map(({ groupVersion, reason }) => `${groupVersion}: ${reason}`)
    .sort()
    .join(', ')

const counted = (counts: ReadonlyMap<string, number>, text: (name: string, count: number) => string): string =>
  [...counts]
    .map(([name, count]) => text(name, count))
    .sort()
    .join(', ')
