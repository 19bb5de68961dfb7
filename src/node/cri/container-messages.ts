// Messages about containers. Facts of CRI runtime/v1.

import {
  bool,
  bytes,
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
  containerMetadata,
  idMapping,
  imageSpec,
  linuxContainerResources,
  namespaceOption,
  seLinuxOption,
  securityProfile,
  supplementalGroupsPolicy,
} from './common-messages.ts'
import { int64Value, timestamp } from './values.ts'

export const mountPropagation = enumeration({
  PROPAGATION_PRIVATE: 0,
  PROPAGATION_HOST_TO_CONTAINER: 1,
  PROPAGATION_BIDIRECTIONAL: 2,
})
export type MountPropagation = ReturnType<typeof mountPropagation.zero>

export const mount = message({
  containerPath: field(1, string),
  hostPath: field(2, string),
  readonly: field(3, bool),
  selinuxRelabel: field(4, bool),
  propagation: field(5, mountPropagation),
  uidMappings: repeated(6, idMapping),
  gidMappings: repeated(7, idMapping),
  recursiveReadOnly: field(8, bool),
  image: field(9, imageSpec),
  imageSubPath: field(10, string),
})
export interface Mount extends EncodableOf<typeof mount> {}

export const keyValue = message({
  key: field(1, string),
  value: field(2, bytes),
})
export interface KeyValue extends EncodableOf<typeof keyValue> {}

export const capability = message({
  addCapabilities: repeated(1, string),
  dropCapabilities: repeated(2, string),
  addAmbientCapabilities: repeated(3, string),
})
export interface Capability extends EncodableOf<typeof capability> {}

export const linuxContainerSecurityContext = message({
  capabilities: field(1, capability),
  privileged: field(2, bool),
  namespaceOptions: field(3, namespaceOption),
  selinuxOptions: field(4, seLinuxOption),
  runAsUser: field(5, int64Value),
  runAsGroup: field(12, int64Value),
  runAsUsername: field(6, string),
  readonlyRootfs: field(7, bool),
  supplementalGroups: repeated(8, int64),
  supplementalGroupsPolicy: field(17, supplementalGroupsPolicy),
  noNewPrivs: field(11, bool),
  maskedPaths: repeated(13, string),
  readonlyPaths: repeated(14, string),
  seccomp: field(15, securityProfile),
  apparmor: field(16, securityProfile),
})
export interface LinuxContainerSecurityContext extends EncodableOf<typeof linuxContainerSecurityContext> {}

export const linuxContainerConfig = message({
  resources: field(1, linuxContainerResources),
  securityContext: field(2, linuxContainerSecurityContext),
})
export interface LinuxContainerConfig extends EncodableOf<typeof linuxContainerConfig> {}

export const linuxContainerUser = message({
  uid: field(1, int64),
  gid: field(2, int64),
  supplementalGroups: repeated(3, int64),
})
export interface LinuxContainerUser extends DecodedOf<typeof linuxContainerUser> {}

export const device = message({
  containerPath: field(1, string),
  hostPath: field(2, string),
  permissions: field(3, string),
})
export interface Device extends EncodableOf<typeof device> {}

export const cdiDevice = message({
  name: field(1, string),
})
export interface CDIDevice extends EncodableOf<typeof cdiDevice> {}

export const signal = enumeration({
  RUNTIME_DEFAULT: 0,
  SIGABRT: 1,
  SIGALRM: 2,
  SIGBUS: 3,
  SIGCHLD: 4,
  SIGCLD: 5,
  SIGCONT: 6,
  SIGFPE: 7,
  SIGHUP: 8,
  SIGILL: 9,
  SIGINT: 10,
  SIGIO: 11,
  SIGIOT: 12,
  SIGKILL: 13,
  SIGPIPE: 14,
  SIGPOLL: 15,
  SIGPROF: 16,
  SIGPWR: 17,
  SIGQUIT: 18,
  SIGSEGV: 19,
  SIGSTKFLT: 20,
  SIGSTOP: 21,
  SIGSYS: 22,
  SIGTERM: 23,
  SIGTRAP: 24,
  SIGTSTP: 25,
  SIGTTIN: 26,
  SIGTTOU: 27,
  SIGURG: 28,
  SIGUSR1: 29,
  SIGUSR2: 30,
  SIGVTALRM: 31,
  SIGWINCH: 32,
  SIGXCPU: 33,
  SIGXFSZ: 34,
  SIGRTMIN: 35,
  SIGRTMINPLUS1: 36,
  SIGRTMINPLUS2: 37,
  SIGRTMINPLUS3: 38,
  SIGRTMINPLUS4: 39,
  SIGRTMINPLUS5: 40,
  SIGRTMINPLUS6: 41,
  SIGRTMINPLUS7: 42,
  SIGRTMINPLUS8: 43,
  SIGRTMINPLUS9: 44,
  SIGRTMINPLUS10: 45,
  SIGRTMINPLUS11: 46,
  SIGRTMINPLUS12: 47,
  SIGRTMINPLUS13: 48,
  SIGRTMINPLUS14: 49,
  SIGRTMINPLUS15: 50,
  SIGRTMAXMINUS14: 51,
  SIGRTMAXMINUS13: 52,
  SIGRTMAXMINUS12: 53,
  SIGRTMAXMINUS11: 54,
  SIGRTMAXMINUS10: 55,
  SIGRTMAXMINUS9: 56,
  SIGRTMAXMINUS8: 57,
  SIGRTMAXMINUS7: 58,
  SIGRTMAXMINUS6: 59,
  SIGRTMAXMINUS5: 60,
  SIGRTMAXMINUS4: 61,
  SIGRTMAXMINUS3: 62,
  SIGRTMAXMINUS2: 63,
  SIGRTMAXMINUS1: 64,
  SIGRTMAX: 65,
})
export type Signal = ReturnType<typeof signal.zero>

export const containerConfig = message({
  metadata: field(1, containerMetadata),
  image: field(2, imageSpec),
  command: repeated(3, string),
  args: repeated(4, string),
  workingDir: field(5, string),
  envs: repeated(6, keyValue),
  mounts: repeated(7, mount),
  devices: repeated(8, device),
  labels: map(9, string, string),
  annotations: map(10, string, string),
  logPath: field(11, string),
  stdin: field(12, bool),
  stdinOnce: field(13, bool),
  tty: field(14, bool),
  linux: field(15, linuxContainerConfig),
  cdiDevices: repeated(17, cdiDevice),
  stopSignal: field(18, signal),
})
export interface ContainerConfig extends EncodableOf<typeof containerConfig> {}

export const containerState = enumeration({
  CONTAINER_CREATED: 0,
  CONTAINER_RUNNING: 1,
  CONTAINER_EXITED: 2,
  CONTAINER_UNKNOWN: 3,
})
export type ContainerState = ReturnType<typeof containerState.zero>

export const containerStateValue = message({
  state: field(1, containerState),
})
export interface ContainerStateValue extends EncodableOf<typeof containerStateValue> {}

export const containerFilter = message({
  id: field(1, string),
  state: field(2, containerStateValue),
  podSandboxId: field(3, string),
  labelSelector: map(4, string, string),
})
export interface ContainerFilter extends EncodableOf<typeof containerFilter> {}

export const container = message({
  id: field(1, string),
  podSandboxId: field(2, string),
  metadata: field(3, containerMetadata),
  image: field(4, imageSpec),
  imageRef: field(5, string),
  state: field(6, containerState),
  createdAt: field(7, timestamp),
  labels: map(8, string, string),
  annotations: map(9, string, string),
  imageId: field(10, string),
})
export interface Container extends DecodedOf<typeof container> {}

export const containerResources = message({
  linux: field(1, linuxContainerResources),
})
export interface ContainerResources extends DecodedOf<typeof containerResources> {}

export const containerUser = message({
  linux: field(1, linuxContainerUser),
})
export interface ContainerUser extends DecodedOf<typeof containerUser> {}

export const containerStatus = message({
  id: field(1, string),
  metadata: field(2, containerMetadata),
  state: field(3, containerState),
  createdAt: field(4, timestamp),
  startedAt: field(5, timestamp),
  finishedAt: field(6, timestamp),
  exitCode: field(7, int32),
  image: field(8, imageSpec),
  imageRef: field(9, string),
  reason: field(10, string),
  message: field(11, string),
  labels: map(12, string, string),
  annotations: map(13, string, string),
  mounts: repeated(14, mount),
  logPath: field(15, string),
  resources: field(16, containerResources),
  imageId: field(17, string),
  user: field(18, containerUser),
  stopSignal: field(19, signal),
})
export interface ContainerStatus extends DecodedOf<typeof containerStatus> {}

export const containerStatusResponse = message({
  status: field(1, containerStatus),
  info: map(2, string, string),
})
export interface ContainerStatusResponse extends DecodedOf<typeof containerStatusResponse> {}
