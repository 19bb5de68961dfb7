// Which nodes a pod wants, and which pods it wants near or far.

import { labelSelector } from '../../../apimachinery/metadata.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import { int32, list, oneOf, ref, required, string, struct } from '../../../apimachinery/schema.ts'

export const nodeSelectorRequirement = struct('io.k8s.api.core.v1.NodeSelectorRequirement', {
  key: required(string(1)),
  operator: required(oneOf(2, ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'])),
  values: list(3, string(), { list: 'atomic' }),
})
export interface NodeSelectorRequirement extends TypeOf<typeof nodeSelectorRequirement> {}

export const nodeSelectorTerm = struct(
  'io.k8s.api.core.v1.NodeSelectorTerm',
  {
    matchExpressions: list(1, nodeSelectorRequirement, { list: 'atomic' }),
    matchFields: list(2, nodeSelectorRequirement, { list: 'atomic' }),
  },
  { atomic: true },
)
export interface NodeSelectorTerm extends TypeOf<typeof nodeSelectorTerm> {}

export const nodeSelector = struct(
  'io.k8s.api.core.v1.NodeSelector',
  {
    nodeSelectorTerms: required(list(1, nodeSelectorTerm, { list: 'atomic', default: [] })),
  },
  { atomic: true },
)
export interface NodeSelector extends TypeOf<typeof nodeSelector> {}

export const preferredSchedulingTerm = struct('io.k8s.api.core.v1.PreferredSchedulingTerm', {
  weight: required(int32(1, { default: 0 })),
  preference: required(ref(2, nodeSelectorTerm, { default: {} })),
})
export interface PreferredSchedulingTerm extends TypeOf<typeof preferredSchedulingTerm> {}

export const nodeAffinity = struct('io.k8s.api.core.v1.NodeAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: ref(1, nodeSelector),
  preferredDuringSchedulingIgnoredDuringExecution: list(2, preferredSchedulingTerm, { list: 'atomic' }),
})
export interface NodeAffinity extends TypeOf<typeof nodeAffinity> {}

export const podAffinityTerm = struct('io.k8s.api.core.v1.PodAffinityTerm', {
  labelSelector: ref(1, labelSelector),
  namespaces: list(2, string(), { list: 'atomic' }),
  topologyKey: required(string(3)),
  namespaceSelector: ref(4, labelSelector),
  matchLabelKeys: list(5, string(), { list: 'atomic' }),
  mismatchLabelKeys: list(6, string(), { list: 'atomic' }),
})
export interface PodAffinityTerm extends TypeOf<typeof podAffinityTerm> {}

export const weightedPodAffinityTerm = struct('io.k8s.api.core.v1.WeightedPodAffinityTerm', {
  weight: required(int32(1, { default: 0 })),
  podAffinityTerm: required(ref(2, podAffinityTerm, { default: {} })),
})
export interface WeightedPodAffinityTerm extends TypeOf<typeof weightedPodAffinityTerm> {}

export const podAffinity = struct('io.k8s.api.core.v1.PodAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: list(1, podAffinityTerm, { list: 'atomic' }),
  preferredDuringSchedulingIgnoredDuringExecution: list(2, weightedPodAffinityTerm, { list: 'atomic' }),
})
export interface PodAffinity extends TypeOf<typeof podAffinity> {}

export const podAntiAffinity = struct('io.k8s.api.core.v1.PodAntiAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: list(1, podAffinityTerm, { list: 'atomic' }),
  preferredDuringSchedulingIgnoredDuringExecution: list(2, weightedPodAffinityTerm, { list: 'atomic' }),
})
export interface PodAntiAffinity extends TypeOf<typeof podAntiAffinity> {}

export const affinity = struct('io.k8s.api.core.v1.Affinity', {
  nodeAffinity: ref(1, nodeAffinity),
  podAffinity: ref(2, podAffinity),
  podAntiAffinity: ref(3, podAntiAffinity),
})
export interface Affinity extends TypeOf<typeof affinity> {}
