// On which nodes a daemon set's pods belong, and what makes a pod be for one node. Pure.

import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { DaemonSet } from '../../api/apps/daemon-set.ts'
import type { Node } from '../../api/core/node/node.ts'
import { matchesNodeSelection, untoleratedTaint } from '../../api/core/node/placement.ts'
import type { Toleration } from '../../api/core/pod/placement.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import type { PodTemplateSpec } from '../../api/core/pod/template.ts'

export const HASH_LABEL = 'controller-revision-hash'
export const GENERATION_LABEL = 'pod-template-generation'
const GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation'
const NODE_NAME_FIELD = 'metadata.name'

/** Daemons stay where other pods leave, and start where those do not. */
const BORNE: readonly (readonly [name: string, effect: string])[] = [
  ['not-ready', 'NoExecute'],
  ['unreachable', 'NoExecute'],
  ['disk-pressure', 'NoSchedule'],
  ['memory-pressure', 'NoSchedule'],
  ['pid-pressure', 'NoSchedule'],
  ['unschedulable', 'NoSchedule'],
]

export function templateGeneration({ metadata }: DeepReadonly<DaemonSet>): string | undefined {
  return metadata.annotations?.[GENERATION_ANNOTATION]
}

/** The template as the set's pods have it, but for the node. */
export function daemonTemplate(set: DeepReadonly<DaemonSet>, hash: string): PodTemplateSpec {
  const { metadata, spec } = cloneJson(set.spec.template) as PodTemplateSpec
  const generation = templateGeneration(set)
  return {
    metadata: {
      ...metadata,
      labels: {
        ...metadata?.labels,
        ...(generation === undefined ? {} : { [GENERATION_LABEL]: generation }),
        ...(hash === '' ? {} : { [HASH_LABEL]: hash }),
      },
    },
    spec: { ...spec, tolerations: withDaemonTolerations(spec.tolerations ?? [], spec.hostNetwork === true) },
  }
}

function withDaemonTolerations(own: readonly Toleration[], hostNetwork: boolean): Toleration[] {
  const tolerations = [...own]
  for (const [name, effect] of hostNetwork ? [...BORNE, ['network-unavailable', 'NoSchedule'] as const] : BORNE) {
    const toleration: Toleration = { key: `node.kubernetes.io/${name}`, operator: 'Exists', effect }
    const same = tolerations.findIndex(
      (t) => t.key === toleration.key && t.effect === effect && t.operator === 'Exists' && !t.value,
    )
    // In its place, without the time after which the pod would go.
    if (same >= 0) tolerations[same] = toleration
    else tolerations.push(toleration)
  }
  return tolerations
}

/** The scheduler can place the pod on this node only. */
export function pinned(template: DeepReadonly<PodTemplateSpec>, node: string): PodTemplateSpec {
  const { metadata, spec } = cloneJson(template) as PodTemplateSpec
  const term = { matchFields: [{ key: NODE_NAME_FIELD, operator: 'In' as const, values: [node] }] }
  const affinity = spec.affinity ?? {}
  // The set's own requirements were checked against the node when it was chosen.
  const nodeAffinity = {
    ...affinity.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] },
  }
  return { ...(metadata ? { metadata } : {}), spec: { ...spec, affinity: { ...affinity, nodeAffinity } } }
}

/** The node that a daemon's pod is on, or for; undefined when that cannot be told. */
export function targetNode({ spec }: DeepReadonly<Pod>): string | undefined {
  if (spec?.nodeName) return spec.nodeName
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  for (const { matchFields = [] } of terms) {
    for (const { key, operator, values } of matchFields)
      if (key === NODE_NAME_FIELD && operator === 'In' && values?.length === 1) return values[0]
  }
  return undefined
}

export interface Suitability {
  shouldRun: boolean
  /** A pod that is there may stay. */
  mayStay: boolean
}

export function suitability(template: DeepReadonly<PodTemplateSpec>, node: DeepReadonly<Node>): Suitability {
  const { spec } = template
  if (spec.nodeName && spec.nodeName !== node.metadata.name) return { shouldRun: false, mayStay: false }
  if (!matchesNodeSelection(spec, node)) return { shouldRun: false, mayStay: false }
  const taints = node.spec?.taints
  if (untoleratedTaint(taints, spec.tolerations) === undefined) return { shouldRun: true, mayStay: true }
  return { shouldRun: false, mayStay: untoleratedTaint(taints, spec.tolerations, ['NoExecute']) === undefined }
}
