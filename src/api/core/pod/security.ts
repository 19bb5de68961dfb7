// Under which identity and with which powers containers run.

import type { TypeOf } from '../../../apimachinery/schema.ts'
import { bool, int64, list, oneOf, ref, required, string, struct } from '../../../apimachinery/schema.ts'

export const capabilities = struct('io.k8s.api.core.v1.Capabilities', {
  add: list(1, string(), { list: 'atomic' }),
  drop: list(2, string(), { list: 'atomic' }),
})
export interface Capabilities extends TypeOf<typeof capabilities> {}

export const seLinuxOptions = struct('io.k8s.api.core.v1.SELinuxOptions', {
  user: string(1),
  role: string(2),
  type: string(3),
  level: string(4),
})
export interface SELinuxOptions extends TypeOf<typeof seLinuxOptions> {}

export const windowsSecurityContextOptions = struct('io.k8s.api.core.v1.WindowsSecurityContextOptions', {
  gmsaCredentialSpecName: string(1),
  gmsaCredentialSpec: string(2),
  runAsUserName: string(3),
  hostProcess: bool(4),
})
export interface WindowsSecurityContextOptions extends TypeOf<typeof windowsSecurityContextOptions> {}

export const seccompProfile = struct('io.k8s.api.core.v1.SeccompProfile', {
  type: required(oneOf(1, ['Unconfined', 'RuntimeDefault', 'Localhost'])),
  localhostProfile: string(2),
})
export interface SeccompProfile extends TypeOf<typeof seccompProfile> {}

export const appArmorProfile = struct('io.k8s.api.core.v1.AppArmorProfile', {
  type: required(oneOf(1, ['Unconfined', 'RuntimeDefault', 'Localhost'])),
  localhostProfile: string(2),
})
export interface AppArmorProfile extends TypeOf<typeof appArmorProfile> {}

export const securityContext = struct('io.k8s.api.core.v1.SecurityContext', {
  capabilities: ref(1, capabilities),
  privileged: bool(2),
  seLinuxOptions: ref(3, seLinuxOptions),
  windowsOptions: ref(10, windowsSecurityContextOptions),
  runAsUser: int64(4),
  runAsGroup: int64(8),
  runAsNonRoot: bool(5),
  readOnlyRootFilesystem: bool(6),
  allowPrivilegeEscalation: bool(7),
  procMount: oneOf(9, ['Default', 'Unmasked']),
  seccompProfile: ref(11, seccompProfile),
  appArmorProfile: ref(12, appArmorProfile),
})
export interface SecurityContext extends TypeOf<typeof securityContext> {}

export const sysctl = struct('io.k8s.api.core.v1.Sysctl', {
  name: required(string(1)),
  value: required(string(2)),
})
export interface Sysctl extends TypeOf<typeof sysctl> {}

export const podSecurityContext = struct('io.k8s.api.core.v1.PodSecurityContext', {
  seLinuxOptions: ref(1, seLinuxOptions),
  windowsOptions: ref(8, windowsSecurityContextOptions),
  runAsUser: int64(2),
  runAsGroup: int64(6),
  runAsNonRoot: bool(3),
  supplementalGroups: list(4, int64(), { list: 'atomic' }),
  supplementalGroupsPolicy: oneOf(12, ['Merge', 'Strict']),
  fsGroup: int64(5),
  sysctls: list(7, sysctl, { list: 'atomic' }),
  fsGroupChangePolicy: oneOf(9, ['OnRootMismatch', 'Always']),
  seccompProfile: ref(10, seccompProfile),
  appArmorProfile: ref(11, appArmorProfile),
  seLinuxChangePolicy: string(13),
})
export interface PodSecurityContext extends TypeOf<typeof podSecurityContext> {}
