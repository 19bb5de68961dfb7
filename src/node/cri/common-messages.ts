// Messages that sandboxes and containers share: metadata, namespaces, resources, security profiles. Facts of CRI runtime/v1.

import {
  type EncodableOf,
  enumeration,
  field,
  int64,
  int64Rounded,
  map,
  message,
  repeated,
  string,
  uint32,
  uint64Rounded,
} from '../../base/protobuf/protobuf.ts'

export const namespaceMode = enumeration({ POD: 0, CONTAINER: 1, NODE: 2, TARGET: 3 })
export type NamespaceMode = ReturnType<typeof namespaceMode.zero>

export const idMapping = message({
  hostId: field(1, uint32),
  containerId: field(2, uint32),
  length: field(3, uint32),
})
export interface IDMapping extends EncodableOf<typeof idMapping> {}

export const userNamespace = message({
  mode: field(1, namespaceMode),
  uids: repeated(2, idMapping),
  gids: repeated(3, idMapping),
})
export interface UserNamespace extends EncodableOf<typeof userNamespace> {}

export const namespaceOption = message({
  network: field(1, namespaceMode),
  pid: field(2, namespaceMode),
  ipc: field(3, namespaceMode),
  targetId: field(4, string),
  usernsOptions: field(5, userNamespace),
})
export interface NamespaceOption extends EncodableOf<typeof namespaceOption> {}

export const supplementalGroupsPolicy = enumeration({ Merge: 0, Strict: 1 })
export type SupplementalGroupsPolicy = ReturnType<typeof supplementalGroupsPolicy.zero>

export const seLinuxOption = message({
  user: field(1, string),
  role: field(2, string),
  type: field(3, string),
  level: field(4, string),
})
export interface SELinuxOption extends EncodableOf<typeof seLinuxOption> {}

export const profileType = enumeration({ RuntimeDefault: 0, Unconfined: 1, Localhost: 2 })
export type ProfileType = ReturnType<typeof profileType.zero>

export const securityProfile = message({
  profileType: field(1, profileType),
  localhostRef: field(2, string),
})
export interface SecurityProfile extends EncodableOf<typeof securityProfile> {}

export const hugepageLimit = message({
  pageSize: field(1, string),
  limit: field(2, uint64Rounded),
})
export interface HugepageLimit extends EncodableOf<typeof hugepageLimit> {}

export const linuxContainerResources = message({
  cpuPeriod: field(1, int64),
  cpuQuota: field(2, int64),
  cpuShares: field(3, int64),
  memoryLimitInBytes: field(4, int64Rounded),
  oomScoreAdj: field(5, int64),
  cpusetCpus: field(6, string),
  cpusetMems: field(7, string),
  hugepageLimits: repeated(8, hugepageLimit),
  unified: map(9, string, string),
  memorySwapLimitInBytes: field(10, int64Rounded),
})
export interface LinuxContainerResources extends EncodableOf<typeof linuxContainerResources> {}

export const podSandboxMetadata = message({
  name: field(1, string),
  uid: field(2, string),
  namespace: field(3, string),
  attempt: field(4, uint32),
})
export interface PodSandboxMetadata extends EncodableOf<typeof podSandboxMetadata> {}

export const containerMetadata = message({
  name: field(1, string),
  attempt: field(2, uint32),
})
export interface ContainerMetadata extends EncodableOf<typeof containerMetadata> {}

export const imageSpec = message({
  image: field(1, string),
  annotations: map(2, string, string),
  userSpecifiedImage: field(18, string),
  runtimeHandler: field(19, string),
  imageRef: field(20, string),
})
export interface ImageSpec extends EncodableOf<typeof imageSpec> {}
