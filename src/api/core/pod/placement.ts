// What else decides where and when a pod is placed: tolerations, spreading, gates.

import { labelSelector } from '../../../apimachinery/metadata.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import { int32, int64, list, oneOf, ref, required, string, struct } from '../../../apimachinery/schema.ts'

export const toleration = struct('io.k8s.api.core.v1.Toleration', {
  key: string(1),
  operator: oneOf(2, ['Exists', 'Equal', 'Lt', 'Gt']),
  value: string(3),
  effect: string(4),
  tolerationSeconds: int64(5),
})
export interface Toleration extends TypeOf<typeof toleration> {}

export const topologySpreadConstraint = struct('io.k8s.api.core.v1.TopologySpreadConstraint', {
  maxSkew: required(int32(1, { default: 0 })),
  topologyKey: required(string(2)),
  whenUnsatisfiable: required(oneOf(3, ['DoNotSchedule', 'ScheduleAnyway'])),
  labelSelector: ref(4, labelSelector),
  minDomains: int32(5),
  nodeAffinityPolicy: oneOf(6, ['Ignore', 'Honor']),
  nodeTaintsPolicy: oneOf(7, ['Ignore', 'Honor']),
  matchLabelKeys: list(8, string(), { list: 'atomic' }),
})
export interface TopologySpreadConstraint extends TypeOf<typeof topologySpreadConstraint> {}

export const podSchedulingGate = struct('io.k8s.api.core.v1.PodSchedulingGate', {
  name: required(string(1)),
})
export interface PodSchedulingGate extends TypeOf<typeof podSchedulingGate> {}
