// What is known of a pod.

import type { TypeOf } from '../../../apimachinery/schema.ts'
import {
  int64,
  list,
  mapOf,
  oneOf,
  quantity,
  ref,
  required,
  string,
  struct,
  time,
} from '../../../apimachinery/schema.ts'
import { containerStatus } from './container-status.ts'
import { resourceRequirements } from '../resource-requirements.ts'

export const podCondition = struct('io.k8s.api.core.v1.PodCondition', {
  type: required(string(1, { default: '' })),
  observedGeneration: int64(7),
  status: required(string(2, { default: '' })),
  lastProbeTime: time(3),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
})
export interface PodCondition extends TypeOf<typeof podCondition> {}

export const hostIP = struct('io.k8s.api.core.v1.HostIP', {
  ip: required(string(1, { default: '' })),
})
export interface HostIP extends TypeOf<typeof hostIP> {}

export const podIP = struct('io.k8s.api.core.v1.PodIP', {
  ip: required(string(1, { default: '' })),
})
export interface PodIP extends TypeOf<typeof podIP> {}

export const podResourceClaimStatus = struct('io.k8s.api.core.v1.PodResourceClaimStatus', {
  name: required(string(1, { default: '' })),
  resourceClaimName: string(2),
})
export interface PodResourceClaimStatus extends TypeOf<typeof podResourceClaimStatus> {}

export const containerExtendedResourceRequest = struct('io.k8s.api.core.v1.ContainerExtendedResourceRequest', {
  containerName: required(string(1, { default: '' })),
  resourceName: required(string(2, { default: '' })),
  requestName: required(string(3, { default: '' })),
})
export interface ContainerExtendedResourceRequest extends TypeOf<typeof containerExtendedResourceRequest> {}

export const podExtendedResourceClaimStatus = struct('io.k8s.api.core.v1.PodExtendedResourceClaimStatus', {
  requestMappings: required(list(1, containerExtendedResourceRequest, { list: 'atomic', default: [] })),
  resourceClaimName: required(string(2, { default: '' })),
})
export interface PodExtendedResourceClaimStatus extends TypeOf<typeof podExtendedResourceClaimStatus> {}

export const podStatus = struct('io.k8s.api.core.v1.PodStatus', {
  observedGeneration: int64(17),
  phase: oneOf(1, ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']),
  conditions: list(2, podCondition, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
  message: string(3),
  reason: string(4),
  nominatedNodeName: string(11),
  hostIP: string(5),
  hostIPs: list(16, hostIP, { list: 'atomic', mergeKey: 'ip', strategy: 'merge' }),
  podIP: string(6),
  podIPs: list(12, podIP, { list: 'map', keys: ['ip'], mergeKey: 'ip', strategy: 'merge' }),
  startTime: time(7),
  initContainerStatuses: list(10, containerStatus, { list: 'atomic' }),
  containerStatuses: list(8, containerStatus, { list: 'atomic' }),
  qosClass: string(9),
  ephemeralContainerStatuses: list(13, containerStatus, { list: 'atomic' }),
  resize: string(14),
  resourceClaimStatuses: list(15, podResourceClaimStatus, {
    list: 'map',
    keys: ['name'],
    mergeKey: 'name',
    strategy: 'merge,retainKeys',
  }),
  extendedResourceClaimStatus: ref(18, podExtendedResourceClaimStatus),
  allocatedResources: mapOf(19, quantity()),
  resources: ref(20, resourceRequirements),
})
export interface PodStatus extends TypeOf<typeof podStatus> {}
