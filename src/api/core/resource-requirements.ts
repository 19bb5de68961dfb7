// What a container, a pod or a volume asks for and may use.

import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, mapOf, quantity, required, string, struct } from '../../apimachinery/schema.ts'

export const resourceClaim = struct('io.k8s.api.core.v1.ResourceClaim', {
  name: required(string(1)),
  request: string(2),
})
export interface ResourceClaim extends TypeOf<typeof resourceClaim> {}

export const resourceRequirements = struct('io.k8s.api.core.v1.ResourceRequirements', {
  limits: mapOf(1, quantity()),
  requests: mapOf(2, quantity()),
  claims: list(3, resourceClaim, { list: 'map', keys: ['name'] }),
})
export interface ResourceRequirements extends TypeOf<typeof resourceRequirements> {}

export const volumeResourceRequirements = struct('io.k8s.api.core.v1.VolumeResourceRequirements', {
  limits: mapOf(1, quantity()),
  requests: mapOf(2, quantity()),
})
export interface VolumeResourceRequirements extends TypeOf<typeof volumeResourceRequirements> {}
