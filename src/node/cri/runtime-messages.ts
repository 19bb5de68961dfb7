// Messages about the runtime itself: version, status, configuration, events. Facts of CRI runtime/v1.

import {
  bool,
  type DecodedOf,
  type EncodableOf,
  enumeration,
  field,
  map,
  message,
  repeated,
  string,
} from '../../base/protobuf/protobuf.ts'
import { containerStatus } from './container-messages.ts'
import { podSandboxStatus } from './sandbox-messages.ts'
import { timestamp } from './values.ts'

export const versionResponse = message({
  version: field(1, string),
  runtimeName: field(2, string),
  runtimeVersion: field(3, string),
  runtimeApiVersion: field(4, string),
})
export interface VersionResponse extends DecodedOf<typeof versionResponse> {}

export const networkConfig = message({
  podCidr: field(1, string),
})
export interface NetworkConfig extends EncodableOf<typeof networkConfig> {}

export const runtimeConfig = message({
  networkConfig: field(1, networkConfig),
})
export interface RuntimeConfig extends EncodableOf<typeof runtimeConfig> {}

export const runtimeCondition = message({
  type: field(1, string),
  status: field(2, bool),
  reason: field(3, string),
  message: field(4, string),
})
export interface RuntimeCondition extends DecodedOf<typeof runtimeCondition> {}

export const runtimeStatus = message({
  conditions: repeated(1, runtimeCondition),
})
export interface RuntimeStatus extends DecodedOf<typeof runtimeStatus> {}

export const runtimeHandlerFeatures = message({
  recursiveReadOnlyMounts: field(1, bool),
  userNamespaces: field(2, bool),
})
export interface RuntimeHandlerFeatures extends DecodedOf<typeof runtimeHandlerFeatures> {}

export const runtimeHandler = message({
  name: field(1, string),
  features: field(2, runtimeHandlerFeatures),
})
export interface RuntimeHandler extends DecodedOf<typeof runtimeHandler> {}

export const runtimeFeatures = message({
  supplementalGroupsPolicy: field(1, bool),
  userNamespacesHostNetwork: field(2, bool),
})
export interface RuntimeFeatures extends DecodedOf<typeof runtimeFeatures> {}

export const statusResponse = message({
  status: field(1, runtimeStatus),
  info: map(2, string, string),
  runtimeHandlers: repeated(3, runtimeHandler),
  features: field(4, runtimeFeatures),
})
export interface StatusResponse extends DecodedOf<typeof statusResponse> {}

export const containerEventType = enumeration({
  CONTAINER_CREATED_EVENT: 0,
  CONTAINER_STARTED_EVENT: 1,
  CONTAINER_STOPPED_EVENT: 2,
  CONTAINER_DELETED_EVENT: 3,
})
export type ContainerEventType = ReturnType<typeof containerEventType.zero>

export const containerEventResponse = message({
  containerId: field(1, string),
  containerEventType: field(2, containerEventType),
  createdAt: field(3, timestamp),
  podSandboxStatus: field(4, podSandboxStatus),
  containersStatuses: repeated(5, containerStatus),
})
export interface ContainerEventResponse extends DecodedOf<typeof containerEventResponse> {}
