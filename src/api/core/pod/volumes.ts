// The volumes of a pod: where each gets its files from.

import { labelSelector } from '../../../apimachinery/metadata.ts'
import type { FieldsOf, TypeOf } from '../../../apimachinery/schema.ts'
import {
  bool,
  int32,
  int64,
  list,
  mapOf,
  oneOf,
  quantity,
  ref,
  required,
  string,
  struct,
} from '../../../apimachinery/schema.ts'
import { persistentVolumeClaimTemplate } from '../persistent-volume-claim/spec.ts'
import { downwardAPIVolumeFile, keyToPath } from './key-selectors.ts'
import {
  awsElasticBlockStoreVolumeSource,
  azureDiskVolumeSource,
  azureFileVolumeSource,
  cephFSVolumeSource,
  cinderVolumeSource,
  csiVolumeSource,
  fcVolumeSource,
  flexVolumeSource,
  flockerVolumeSource,
  gcePersistentDiskVolumeSource,
  glusterfsVolumeSource,
  iscsiVolumeSource,
  nfsVolumeSource,
  photonPersistentDiskVolumeSource,
  portworxVolumeSource,
  quobyteVolumeSource,
  rbdVolumeSource,
  scaleIOVolumeSource,
  storageOSVolumeSource,
  vsphereVirtualDiskVolumeSource,
} from './network-volumes.ts'
import { defaultVolume } from './defaults.ts'

export const hostPathVolumeSource = struct('io.k8s.api.core.v1.HostPathVolumeSource', {
  path: required(string(1)),
  type: oneOf(
    2,
    ['', 'DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket', 'CharDevice', 'BlockDevice'],
    {
      default: '',
    },
  ),
})
export interface HostPathVolumeSource extends TypeOf<typeof hostPathVolumeSource> {}

export const emptyDirVolumeSource = struct('io.k8s.api.core.v1.EmptyDirVolumeSource', {
  medium: string(1),
  sizeLimit: quantity(2),
})
export interface EmptyDirVolumeSource extends TypeOf<typeof emptyDirVolumeSource> {}

export const gitRepoVolumeSource = struct('io.k8s.api.core.v1.GitRepoVolumeSource', {
  repository: required(string(1)),
  revision: string(2),
  directory: string(3),
})
export interface GitRepoVolumeSource extends TypeOf<typeof gitRepoVolumeSource> {}

export const secretVolumeSource = struct('io.k8s.api.core.v1.SecretVolumeSource', {
  secretName: string(1),
  items: list(2, keyToPath, { list: 'atomic' }),
  defaultMode: int32(3, { default: 0o644 }),
  optional: bool(4),
})
export interface SecretVolumeSource extends TypeOf<typeof secretVolumeSource> {}

export const configMapVolumeSource = struct('io.k8s.api.core.v1.ConfigMapVolumeSource', {
  name: string(1),
  items: list(2, keyToPath, { list: 'atomic' }),
  defaultMode: int32(3, { default: 0o644 }),
  optional: bool(4),
})
export interface ConfigMapVolumeSource extends TypeOf<typeof configMapVolumeSource> {}

export const downwardAPIVolumeSource = struct('io.k8s.api.core.v1.DownwardAPIVolumeSource', {
  items: list(1, downwardAPIVolumeFile, { list: 'atomic' }),
  defaultMode: int32(2, { default: 0o644 }),
})
export interface DownwardAPIVolumeSource extends TypeOf<typeof downwardAPIVolumeSource> {}

export const persistentVolumeClaimVolumeSource = struct('io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource', {
  claimName: required(string(1)),
  readOnly: bool(2),
})
export interface PersistentVolumeClaimVolumeSource extends TypeOf<typeof persistentVolumeClaimVolumeSource> {}

export const ephemeralVolumeSource = struct('io.k8s.api.core.v1.EphemeralVolumeSource', {
  volumeClaimTemplate: ref(1, persistentVolumeClaimTemplate),
})
export interface EphemeralVolumeSource extends TypeOf<typeof ephemeralVolumeSource> {}

export const imageVolumeSource = struct('io.k8s.api.core.v1.ImageVolumeSource', {
  reference: string(1),
  pullPolicy: oneOf(2, ['Always', 'Never', 'IfNotPresent']),
})
export interface ImageVolumeSource extends TypeOf<typeof imageVolumeSource> {}

export const secretProjection = struct('io.k8s.api.core.v1.SecretProjection', {
  name: string(1),
  items: list(2, keyToPath, { list: 'atomic' }),
  optional: bool(4),
})
export interface SecretProjection extends TypeOf<typeof secretProjection> {}

export const downwardAPIProjection = struct('io.k8s.api.core.v1.DownwardAPIProjection', {
  items: list(1, downwardAPIVolumeFile, { list: 'atomic' }),
})
export interface DownwardAPIProjection extends TypeOf<typeof downwardAPIProjection> {}

export const configMapProjection = struct('io.k8s.api.core.v1.ConfigMapProjection', {
  name: string(1),
  items: list(2, keyToPath, { list: 'atomic' }),
  optional: bool(4),
})
export interface ConfigMapProjection extends TypeOf<typeof configMapProjection> {}

export const serviceAccountTokenProjection = struct('io.k8s.api.core.v1.ServiceAccountTokenProjection', {
  audience: string(1),
  expirationSeconds: int64(2, { default: 3600 }),
  path: required(string(3)),
})
export interface ServiceAccountTokenProjection extends TypeOf<typeof serviceAccountTokenProjection> {}

export const clusterTrustBundleProjection = struct('io.k8s.api.core.v1.ClusterTrustBundleProjection', {
  name: string(1),
  signerName: string(2),
  labelSelector: ref(3, labelSelector),
  optional: bool(5),
  path: required(string(4)),
})
export interface ClusterTrustBundleProjection extends TypeOf<typeof clusterTrustBundleProjection> {}

export const podCertificateProjection = struct('io.k8s.api.core.v1.PodCertificateProjection', {
  signerName: string(1),
  keyType: string(2),
  maxExpirationSeconds: int32(3),
  credentialBundlePath: string(4),
  keyPath: string(5),
  certificateChainPath: string(6),
  userAnnotations: mapOf(7, string()),
})
export interface PodCertificateProjection extends TypeOf<typeof podCertificateProjection> {}

export const volumeProjection = struct('io.k8s.api.core.v1.VolumeProjection', {
  secret: ref(1, secretProjection),
  downwardAPI: ref(2, downwardAPIProjection),
  configMap: ref(3, configMapProjection),
  serviceAccountToken: ref(4, serviceAccountTokenProjection),
  clusterTrustBundle: ref(5, clusterTrustBundleProjection),
  podCertificate: ref(6, podCertificateProjection),
})
export interface VolumeProjection extends TypeOf<typeof volumeProjection> {}

export const projectedVolumeSource = struct('io.k8s.api.core.v1.ProjectedVolumeSource', {
  sources: list(1, volumeProjection, { list: 'atomic' }),
  defaultMode: int32(2, { default: 0o644 }),
})
export interface ProjectedVolumeSource extends TypeOf<typeof projectedVolumeSource> {}

export const volumeSourceFields = {
  hostPath: ref(1, hostPathVolumeSource),
  emptyDir: ref(2, emptyDirVolumeSource),
  gcePersistentDisk: ref(3, gcePersistentDiskVolumeSource),
  awsElasticBlockStore: ref(4, awsElasticBlockStoreVolumeSource),
  gitRepo: ref(5, gitRepoVolumeSource),
  secret: ref(6, secretVolumeSource),
  nfs: ref(7, nfsVolumeSource),
  iscsi: ref(8, iscsiVolumeSource),
  glusterfs: ref(9, glusterfsVolumeSource),
  persistentVolumeClaim: ref(10, persistentVolumeClaimVolumeSource),
  rbd: ref(11, rbdVolumeSource),
  flexVolume: ref(12, flexVolumeSource),
  cinder: ref(13, cinderVolumeSource),
  cephfs: ref(14, cephFSVolumeSource),
  flocker: ref(15, flockerVolumeSource),
  downwardAPI: ref(16, downwardAPIVolumeSource),
  fc: ref(17, fcVolumeSource),
  azureFile: ref(18, azureFileVolumeSource),
  configMap: ref(19, configMapVolumeSource),
  vsphereVolume: ref(20, vsphereVirtualDiskVolumeSource),
  quobyte: ref(21, quobyteVolumeSource),
  azureDisk: ref(22, azureDiskVolumeSource),
  photonPersistentDisk: ref(23, photonPersistentDiskVolumeSource),
  projected: ref(26, projectedVolumeSource),
  portworxVolume: ref(24, portworxVolumeSource),
  scaleIO: ref(25, scaleIOVolumeSource),
  storageos: ref(27, storageOSVolumeSource),
  csi: ref(28, csiVolumeSource),
  ephemeral: ref(29, ephemeralVolumeSource),
  image: ref(30, imageVolumeSource),
}
export type VolumeSource = FieldsOf<typeof volumeSourceFields>

export const volume = struct(
  'io.k8s.api.core.v1.Volume',
  {
    name: required(string(1)),
    ...volumeSourceFields,
  },
  {
    defaults(value) {
      defaultVolume(value)
    },
  },
)
export interface Volume extends TypeOf<typeof volume> {}
