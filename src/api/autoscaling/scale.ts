// Scale: the body of every scale subresource.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { int32, ref, required, string, struct } from '../../apimachinery/schema.ts'

export const scaleSpec = struct('io.k8s.api.autoscaling.v1.ScaleSpec', {
  replicas: int32(1),
})
export interface ScaleSpec extends TypeOf<typeof scaleSpec> {}

export const scaleStatus = struct('io.k8s.api.autoscaling.v1.ScaleStatus', {
  replicas: required(int32(1, { default: 0 })),
  selector: string(2),
})
export interface ScaleStatus extends TypeOf<typeof scaleStatus> {}

export const scales = defineResource({
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  plural: 'scales',
  scope: 'Namespaced',
  verbs: ['create'],
  generation: false,
  model: 'io.k8s.api.autoscaling.v1.Scale',
  fields: {
    spec: ref(2, scaleSpec, { default: {} }),
    status: ref(3, scaleStatus, { default: {} }),
  },
})
export interface Scale extends ObjectOf<typeof scales> {}
