// What is known of a node.

import type { TypeOf } from '../../../apimachinery/schema.ts'
import {
  bool,
  int32,
  int64,
  list,
  mapOf,
  quantity,
  ref,
  required,
  string,
  struct,
  time,
} from '../../../apimachinery/schema.ts'
import { nodeConfigSource } from './spec.ts'

export const nodeCondition = struct('io.k8s.api.core.v1.NodeCondition', {
  type: required(string(1, { default: '' })),
  status: required(string(2, { default: '' })),
  lastHeartbeatTime: time(3),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
})
export interface NodeCondition extends TypeOf<typeof nodeCondition> {}

export const nodeAddress = struct('io.k8s.api.core.v1.NodeAddress', {
  type: required(string(1, { default: '' })),
  address: required(string(2, { default: '' })),
})
export interface NodeAddress extends TypeOf<typeof nodeAddress> {}

export const daemonEndpoint = struct('io.k8s.api.core.v1.DaemonEndpoint', {
  Port: required(int32(1, { default: 0 })),
})
export interface DaemonEndpoint extends TypeOf<typeof daemonEndpoint> {}

export const nodeDaemonEndpoints = struct('io.k8s.api.core.v1.NodeDaemonEndpoints', {
  kubeletEndpoint: ref(1, daemonEndpoint, { default: {} }),
})
export interface NodeDaemonEndpoints extends TypeOf<typeof nodeDaemonEndpoints> {}

export const nodeSwapStatus = struct('io.k8s.api.core.v1.NodeSwapStatus', {
  capacity: int64(1),
})
export interface NodeSwapStatus extends TypeOf<typeof nodeSwapStatus> {}

export const nodeSystemInfo = struct('io.k8s.api.core.v1.NodeSystemInfo', {
  machineID: required(string(1, { default: '' })),
  systemUUID: required(string(2, { default: '' })),
  bootID: required(string(3, { default: '' })),
  kernelVersion: required(string(4, { default: '' })),
  osImage: required(string(5, { default: '' })),
  containerRuntimeVersion: required(string(6, { default: '' })),
  kubeletVersion: required(string(7, { default: '' })),
  kubeProxyVersion: required(string(8, { default: '' })),
  operatingSystem: required(string(9, { default: '' })),
  architecture: required(string(10, { default: '' })),
  swap: ref(11, nodeSwapStatus),
})
export interface NodeSystemInfo extends TypeOf<typeof nodeSystemInfo> {}

export const containerImage = struct('io.k8s.api.core.v1.ContainerImage', {
  names: list(1, string(), { list: 'atomic' }),
  sizeBytes: int64(2),
})
export interface ContainerImage extends TypeOf<typeof containerImage> {}

export const attachedVolume = struct('io.k8s.api.core.v1.AttachedVolume', {
  name: required(string(1, { default: '' })),
  devicePath: required(string(2, { default: '' })),
})
export interface AttachedVolume extends TypeOf<typeof attachedVolume> {}

export const nodeConfigStatus = struct('io.k8s.api.core.v1.NodeConfigStatus', {
  assigned: ref(1, nodeConfigSource),
  active: ref(2, nodeConfigSource),
  lastKnownGood: ref(3, nodeConfigSource),
  error: string(4),
})
export interface NodeConfigStatus extends TypeOf<typeof nodeConfigStatus> {}

export const nodeRuntimeHandlerFeatures = struct('io.k8s.api.core.v1.NodeRuntimeHandlerFeatures', {
  recursiveReadOnlyMounts: bool(1),
  userNamespaces: bool(2),
})
export interface NodeRuntimeHandlerFeatures extends TypeOf<typeof nodeRuntimeHandlerFeatures> {}

export const nodeRuntimeHandler = struct('io.k8s.api.core.v1.NodeRuntimeHandler', {
  name: string(1, { always: true }),
  features: ref(2, nodeRuntimeHandlerFeatures),
})
export interface NodeRuntimeHandler extends TypeOf<typeof nodeRuntimeHandler> {}

export const nodeFeatures = struct('io.k8s.api.core.v1.NodeFeatures', {
  supplementalGroupsPolicy: bool(1),
})
export interface NodeFeatures extends TypeOf<typeof nodeFeatures> {}

export const nodeStatus = struct(
  'io.k8s.api.core.v1.NodeStatus',
  {
    capacity: mapOf(1, quantity()),
    allocatable: mapOf(2, quantity()),
    phase: string(3),
    conditions: list(4, nodeCondition, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
    addresses: list(5, nodeAddress, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
    daemonEndpoints: ref(6, nodeDaemonEndpoints, { default: {} }),
    nodeInfo: ref(7, nodeSystemInfo, { default: {} }),
    images: list(8, containerImage, { list: 'atomic' }),
    volumesInUse: list(9, string(), { list: 'atomic' }),
    volumesAttached: list(10, attachedVolume, { list: 'atomic' }),
    config: ref(11, nodeConfigStatus),
    runtimeHandlers: list(12, nodeRuntimeHandler, { list: 'atomic' }),
    features: ref(13, nodeFeatures),
    declaredFeatures: list(14, string(), { list: 'atomic' }),
  },
  {
    // What is there can be given out until somebody says less.
    defaults(status) {
      if (status.capacity !== undefined) status.allocatable ??= { ...status.capacity }
    },
  },
)
export interface NodeStatus extends TypeOf<typeof nodeStatus> {}
