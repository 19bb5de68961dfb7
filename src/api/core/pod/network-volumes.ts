// Volumes that live on storage systems, most of them served by CSI drivers today.

import type { TypeOf } from '../../../apimachinery/schema.ts'
import { bool, int32, list, mapOf, oneOf, ref, required, string, struct } from '../../../apimachinery/schema.ts'
import { localObjectReference } from '../references.ts'

export const gcePersistentDiskVolumeSource = struct('io.k8s.api.core.v1.GCEPersistentDiskVolumeSource', {
  pdName: required(string(1)),
  fsType: string(2),
  partition: int32(3),
  readOnly: bool(4),
})
export interface GCEPersistentDiskVolumeSource extends TypeOf<typeof gcePersistentDiskVolumeSource> {}

export const awsElasticBlockStoreVolumeSource = struct('io.k8s.api.core.v1.AWSElasticBlockStoreVolumeSource', {
  volumeID: required(string(1)),
  fsType: string(2),
  partition: int32(3),
  readOnly: bool(4),
})
export interface AWSElasticBlockStoreVolumeSource extends TypeOf<typeof awsElasticBlockStoreVolumeSource> {}

export const nfsVolumeSource = struct('io.k8s.api.core.v1.NFSVolumeSource', {
  server: required(string(1)),
  path: required(string(2)),
  readOnly: bool(3),
})
export interface NFSVolumeSource extends TypeOf<typeof nfsVolumeSource> {}

export const iscsiVolumeSource = struct('io.k8s.api.core.v1.ISCSIVolumeSource', {
  targetPortal: required(string(1)),
  iqn: required(string(2)),
  lun: required(int32(3, { default: 0 })),
  iscsiInterface: string(4, { default: 'default' }),
  fsType: string(5),
  readOnly: bool(6),
  portals: list(7, string(), { list: 'atomic' }),
  chapAuthDiscovery: bool(8),
  chapAuthSession: bool(11),
  secretRef: ref(10, localObjectReference),
  initiatorName: string(12),
})
export interface ISCSIVolumeSource extends TypeOf<typeof iscsiVolumeSource> {}

export const glusterfsVolumeSource = struct('io.k8s.api.core.v1.GlusterfsVolumeSource', {
  endpoints: required(string(1)),
  path: required(string(2)),
  readOnly: bool(3),
})
export interface GlusterfsVolumeSource extends TypeOf<typeof glusterfsVolumeSource> {}

export const rbdVolumeSource = struct('io.k8s.api.core.v1.RBDVolumeSource', {
  monitors: required(list(1, string(), { list: 'atomic', default: [] })),
  image: required(string(2)),
  fsType: string(3),
  pool: string(4, { default: 'rbd' }),
  user: string(5, { default: 'admin' }),
  keyring: string(6, { default: '/etc/ceph/keyring' }),
  secretRef: ref(7, localObjectReference),
  readOnly: bool(8),
})
export interface RBDVolumeSource extends TypeOf<typeof rbdVolumeSource> {}

export const flexVolumeSource = struct('io.k8s.api.core.v1.FlexVolumeSource', {
  driver: required(string(1)),
  fsType: string(2),
  secretRef: ref(3, localObjectReference),
  readOnly: bool(4),
  options: mapOf(5, string()),
})
export interface FlexVolumeSource extends TypeOf<typeof flexVolumeSource> {}

export const cinderVolumeSource = struct('io.k8s.api.core.v1.CinderVolumeSource', {
  volumeID: required(string(1)),
  fsType: string(2),
  readOnly: bool(3),
  secretRef: ref(4, localObjectReference),
})
export interface CinderVolumeSource extends TypeOf<typeof cinderVolumeSource> {}

export const cephFSVolumeSource = struct('io.k8s.api.core.v1.CephFSVolumeSource', {
  monitors: required(list(1, string(), { list: 'atomic', default: [] })),
  path: string(2),
  user: string(3),
  secretFile: string(4),
  secretRef: ref(5, localObjectReference),
  readOnly: bool(6),
})
export interface CephFSVolumeSource extends TypeOf<typeof cephFSVolumeSource> {}

export const flockerVolumeSource = struct('io.k8s.api.core.v1.FlockerVolumeSource', {
  datasetName: string(1),
  datasetUUID: string(2),
})
export interface FlockerVolumeSource extends TypeOf<typeof flockerVolumeSource> {}

export const fcVolumeSource = struct('io.k8s.api.core.v1.FCVolumeSource', {
  targetWWNs: list(1, string(), { list: 'atomic' }),
  lun: int32(2),
  fsType: string(3),
  readOnly: bool(4),
  wwids: list(5, string(), { list: 'atomic' }),
})
export interface FCVolumeSource extends TypeOf<typeof fcVolumeSource> {}

export const azureFileVolumeSource = struct('io.k8s.api.core.v1.AzureFileVolumeSource', {
  secretName: required(string(1)),
  shareName: required(string(2)),
  readOnly: bool(3),
})
export interface AzureFileVolumeSource extends TypeOf<typeof azureFileVolumeSource> {}

export const vsphereVirtualDiskVolumeSource = struct('io.k8s.api.core.v1.VsphereVirtualDiskVolumeSource', {
  volumePath: required(string(1)),
  fsType: string(2),
  storagePolicyName: string(3),
  storagePolicyID: string(4),
})
export interface VsphereVirtualDiskVolumeSource extends TypeOf<typeof vsphereVirtualDiskVolumeSource> {}

export const quobyteVolumeSource = struct('io.k8s.api.core.v1.QuobyteVolumeSource', {
  registry: required(string(1)),
  volume: required(string(2)),
  readOnly: bool(3),
  user: string(4),
  group: string(5),
  tenant: string(6),
})
export interface QuobyteVolumeSource extends TypeOf<typeof quobyteVolumeSource> {}

export const azureDiskVolumeSource = struct('io.k8s.api.core.v1.AzureDiskVolumeSource', {
  diskName: required(string(1)),
  diskURI: required(string(2)),
  cachingMode: oneOf(3, ['None', 'ReadOnly', 'ReadWrite'], { default: 'ReadWrite' }),
  fsType: string(4, { default: 'ext4' }),
  readOnly: bool(5),
  kind: oneOf(6, ['Shared', 'Dedicated', 'Managed'], { default: 'Shared' }),
})
export interface AzureDiskVolumeSource extends TypeOf<typeof azureDiskVolumeSource> {}

export const photonPersistentDiskVolumeSource = struct('io.k8s.api.core.v1.PhotonPersistentDiskVolumeSource', {
  pdID: required(string(1)),
  fsType: string(2),
})
export interface PhotonPersistentDiskVolumeSource extends TypeOf<typeof photonPersistentDiskVolumeSource> {}

export const portworxVolumeSource = struct('io.k8s.api.core.v1.PortworxVolumeSource', {
  volumeID: required(string(1)),
  fsType: string(2),
  readOnly: bool(3),
})
export interface PortworxVolumeSource extends TypeOf<typeof portworxVolumeSource> {}

export const scaleIOVolumeSource = struct('io.k8s.api.core.v1.ScaleIOVolumeSource', {
  gateway: required(string(1)),
  system: required(string(2)),
  secretRef: required(ref(3, localObjectReference)),
  sslEnabled: bool(4),
  protectionDomain: string(5),
  storagePool: string(6),
  storageMode: string(7, { default: 'ThinProvisioned' }),
  volumeName: string(8),
  fsType: string(9, { default: 'xfs' }),
  readOnly: bool(10),
})
export interface ScaleIOVolumeSource extends TypeOf<typeof scaleIOVolumeSource> {}

export const storageOSVolumeSource = struct('io.k8s.api.core.v1.StorageOSVolumeSource', {
  volumeName: string(1),
  volumeNamespace: string(2),
  fsType: string(3),
  readOnly: bool(4),
  secretRef: ref(5, localObjectReference),
})
export interface StorageOSVolumeSource extends TypeOf<typeof storageOSVolumeSource> {}

export const csiVolumeSource = struct('io.k8s.api.core.v1.CSIVolumeSource', {
  driver: required(string(1)),
  readOnly: bool(2),
  fsType: string(3),
  volumeAttributes: mapOf(4, string()),
  nodePublishSecretRef: ref(5, localObjectReference),
})
export interface CSIVolumeSource extends TypeOf<typeof csiVolumeSource> {}
