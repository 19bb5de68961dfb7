// Whether a node suits a pod by its labels and taints: tolerations, node selectors, node affinity.

import type { DeepReadonly } from '../../../apimachinery/resource.ts'
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '../pod/affinity.ts'
import type { Toleration } from '../pod/placement.ts'
import type { PodSpec } from '../pod/spec.ts'
import type { Node } from './node.ts'
import type { Taint } from './spec.ts'

type ReadonlyNode = DeepReadonly<Pick<Node, 'metadata'>>
type ReadonlyTaint = DeepReadonly<Taint>
type ReadonlyToleration = DeepReadonly<Toleration>

export function tolerates(toleration: ReadonlyToleration, taint: ReadonlyTaint): boolean {
  const { key = '', operator = 'Equal', value = '', effect = '' } = toleration
  if (effect !== '' && effect !== taint.effect) return false
  if (key !== '' && key !== taint.key) return false
  switch (operator) {
    case 'Exists':
      return true
    case 'Equal':
      return value === (taint.value ?? '')
    case 'Lt':
    case 'Gt':
      return compareIntegers(taint.value ?? '', operator, value)
  }
}

const INTEGER = /^[+-]?\d{1,19}$/

function compareIntegers(left: string, operator: 'Lt' | 'Gt', right: string): boolean {
  if (!INTEGER.test(left) || !INTEGER.test(right)) return false
  const difference = BigInt(left) - BigInt(right)
  return operator === 'Lt' ? difference < 0n : difference > 0n
}

/** The first taint with one of `effects` that no toleration tolerates. */
export function untoleratedTaint(
  taints: readonly ReadonlyTaint[] | undefined,
  tolerations: readonly ReadonlyToleration[] | undefined,
  effects: readonly string[] = ['NoSchedule', 'NoExecute'],
): ReadonlyTaint | undefined {
  return taints?.find(
    (taint) => effects.includes(taint.effect ?? '') && !tolerations?.some((toleration) => tolerates(toleration, taint)),
  )
}

/** `spec.nodeSelector` and the required part of `spec.affinity.nodeAffinity`: both must hold. */
export function matchesNodeSelection(spec: DeepReadonly<PodSpec>, node: ReadonlyNode): boolean {
  const labels = node.metadata.labels ?? {}
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) if (labels[key] !== value) return false
  const needed = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return needed === undefined || matchesNodeSelector(needed, node)
}

/** One of the terms must hold. */
export function matchesNodeSelector(selector: DeepReadonly<NodeSelector>, node: ReadonlyNode): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node))
}

/** All requirements of a term must hold; a term without any matches nothing. */
export function matchesNodeSelectorTerm(term: DeepReadonly<NodeSelectorTerm>, node: ReadonlyNode): boolean {
  const { matchExpressions = [], matchFields = [] } = term
  if (matchExpressions.length === 0 && matchFields.length === 0) return false
  const labels = node.metadata.labels ?? {}
  return (
    matchExpressions.every((requirement) => holds(requirement, labels[requirement.key])) &&
    matchFields.every((requirement) =>
      holds(requirement, requirement.key === 'metadata.name' ? node.metadata.name : undefined),
    )
  )
}

function holds(requirement: DeepReadonly<NodeSelectorRequirement>, value: string | undefined): boolean {
  const { operator, values = [] } = requirement
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
    case 'Lt':
      return value !== undefined && values.length === 1 && compareIntegers(value, operator, values[0] ?? '')
  }
}

/** The condition `Ready` is True. */
export function isNodeReady(node: DeepReadonly<Node>): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

/** The address of a type, as `InternalIP`. */
export function nodeAddress(node: DeepReadonly<Node>, type: string): string | undefined {
  return node.status?.addresses?.find((address) => address.type === type)?.address
}
