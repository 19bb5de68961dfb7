// Messages about pod sandboxes. Facts of CRI runtime/v1.

import {
  bool,
  type DecodedOf,
  type EncodableOf,
  enumeration,
  field,
  int32,
  int64,
  map,
  message,
  repeated,
  string,
} from '../../base/protobuf/protobuf.ts'
import {
  linuxContainerResources,
  namespaceOption,
  podSandboxMetadata,
  seLinuxOption,
  securityProfile,
  supplementalGroupsPolicy,
} from './common-messages.ts'
import { int64Value, timestamp } from './values.ts'

export const dnsConfig = message({
  servers: repeated(1, string),
  searches: repeated(2, string),
  options: repeated(3, string),
})
export interface DNSConfig extends EncodableOf<typeof dnsConfig> {}

export const protocol = enumeration({ TCP: 0, UDP: 1, SCTP: 2 })
export type Protocol = ReturnType<typeof protocol.zero>

export const portMapping = message({
  protocol: field(1, protocol),
  containerPort: field(2, int32),
  hostPort: field(3, int32),
  hostIp: field(4, string),
})
export interface PortMapping extends EncodableOf<typeof portMapping> {}

export const linuxSandboxSecurityContext = message({
  namespaceOptions: field(1, namespaceOption),
  selinuxOptions: field(2, seLinuxOption),
  runAsUser: field(3, int64Value),
  runAsGroup: field(8, int64Value),
  readonlyRootfs: field(4, bool),
  supplementalGroups: repeated(5, int64),
  supplementalGroupsPolicy: field(11, supplementalGroupsPolicy),
  privileged: field(6, bool),
  seccomp: field(9, securityProfile),
  apparmor: field(10, securityProfile),
})
export interface LinuxSandboxSecurityContext extends EncodableOf<typeof linuxSandboxSecurityContext> {}

export const linuxPodSandboxConfig = message({
  cgroupParent: field(1, string),
  securityContext: field(2, linuxSandboxSecurityContext),
  sysctls: map(3, string, string),
  overhead: field(4, linuxContainerResources),
  resources: field(5, linuxContainerResources),
})
export interface LinuxPodSandboxConfig extends EncodableOf<typeof linuxPodSandboxConfig> {}

export const podSandboxConfig = message({
  metadata: field(1, podSandboxMetadata),
  hostname: field(2, string),
  logDirectory: field(3, string),
  dnsConfig: field(4, dnsConfig),
  portMappings: repeated(5, portMapping),
  labels: map(6, string, string),
  annotations: map(7, string, string),
  linux: field(8, linuxPodSandboxConfig),
})
export interface PodSandboxConfig extends EncodableOf<typeof podSandboxConfig> {}

export const podIp = message({
  ip: field(1, string),
})
export interface PodIP extends DecodedOf<typeof podIp> {}

export const podSandboxNetworkStatus = message({
  ip: field(1, string),
  additionalIps: repeated(2, podIp),
})
export interface PodSandboxNetworkStatus extends DecodedOf<typeof podSandboxNetworkStatus> {}

export const namespace = message({
  options: field(2, namespaceOption),
})
export interface Namespace extends DecodedOf<typeof namespace> {}

export const linuxPodSandboxStatus = message({
  namespaces: field(1, namespace),
})
export interface LinuxPodSandboxStatus extends DecodedOf<typeof linuxPodSandboxStatus> {}

export const podSandboxState = enumeration({ SANDBOX_READY: 0, SANDBOX_NOTREADY: 1 })
export type PodSandboxState = ReturnType<typeof podSandboxState.zero>

export const podSandboxStatus = message({
  id: field(1, string),
  metadata: field(2, podSandboxMetadata),
  state: field(3, podSandboxState),
  createdAt: field(4, timestamp),
  network: field(5, podSandboxNetworkStatus),
  linux: field(6, linuxPodSandboxStatus),
  labels: map(7, string, string),
  annotations: map(8, string, string),
  runtimeHandler: field(9, string),
})
export interface PodSandboxStatus extends DecodedOf<typeof podSandboxStatus> {}

export const podSandboxStatusResponse = message({
  status: field(1, podSandboxStatus),
  info: map(2, string, string),
})
export interface PodSandboxStatusResponse extends DecodedOf<typeof podSandboxStatusResponse> {}

export const podSandboxStateValue = message({
  state: field(1, podSandboxState),
})
export interface PodSandboxStateValue extends EncodableOf<typeof podSandboxStateValue> {}

export const podSandboxFilter = message({
  id: field(1, string),
  state: field(2, podSandboxStateValue),
  labelSelector: map(3, string, string),
})
export interface PodSandboxFilter extends EncodableOf<typeof podSandboxFilter> {}

export const podSandbox = message({
  id: field(1, string),
  metadata: field(2, podSandboxMetadata),
  state: field(3, podSandboxState),
  createdAt: field(4, timestamp),
  labels: map(5, string, string),
  annotations: map(6, string, string),
  runtimeHandler: field(7, string),
})
export interface PodSandbox extends DecodedOf<typeof podSandbox> {}
