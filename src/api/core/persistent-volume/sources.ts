// Where a persistent volume's bytes are. As for pods' volumes, but secrets are named with their namespace: volumes have none.

import type { TypeOf } from '../../../apimachinery/schema.ts'
import { bool, int32, list, mapOf, ref, required, string, struct } from '../../../apimachinery/schema.ts'
import {
  awsElasticBlockStoreVolumeSource,
  azureDiskVolumeSource,
  fcVolumeSource,
  flockerVolumeSource,
  gcePersistentDiskVolumeSource,
  nfsVolumeSource,
  photonPersistentDiskVolumeSource,
  portworxVolumeSource,
  quobyteVolumeSource,
  vsphereVirtualDiskVolumeSource,
} from '../pod/network-volumes.ts'
import { hostPathVolumeSource } from '../pod/volumes.ts'
import { objectReference } from '../references.ts'

export const secretReference = struct(
  'io.k8s.api.core.v1.SecretReference',
  { name: string(1), namespace: string(2) },
  { atomic: true },
)
export interface SecretReference extends TypeOf<typeof secretReference> {}

export const glusterfsPersistentVolumeSource = struct('io.k8s.api.core.v1.GlusterfsPersistentVolumeSource', {
  endpoints: required(string(1)),
  path: required(string(2)),
  readOnly: bool(3),
  endpointsNamespace: string(4),
})
export interface GlusterfsPersistentVolumeSource extends TypeOf<typeof glusterfsPersistentVolumeSource> {}

export const rbdPersistentVolumeSource = struct('io.k8s.api.core.v1.RBDPersistentVolumeSource', {
  monitors: required(list(1, string(), { list: 'atomic', default: [] })),
  image: required(string(2)),
  fsType: string(3),
  pool: string(4, { default: 'rbd' }),
  user: string(5, { default: 'admin' }),
  keyring: string(6, { default: '/etc/ceph/keyring' }),
  secretRef: ref(7, secretReference),
  readOnly: bool(8),
})
export interface RBDPersistentVolumeSource extends TypeOf<typeof rbdPersistentVolumeSource> {}

export const iscsiPersistentVolumeSource = struct('io.k8s.api.core.v1.ISCSIPersistentVolumeSource', {
  targetPortal: required(string(1)),
  iqn: required(string(2)),
  lun: required(int32(3, { default: 0, min: 0, max: 255 })),
  iscsiInterface: string(4, { default: 'default' }),
  fsType: string(5),
  readOnly: bool(6),
  portals: list(7, string(), { list: 'atomic' }),
  chapAuthDiscovery: bool(8),
  chapAuthSession: bool(11),
  secretRef: ref(10, secretReference),
  initiatorName: string(12),
})
export interface ISCSIPersistentVolumeSource extends TypeOf<typeof iscsiPersistentVolumeSource> {}

export const cinderPersistentVolumeSource = struct('io.k8s.api.core.v1.CinderPersistentVolumeSource', {
  volumeID: required(string(1)),
  fsType: string(2),
  readOnly: bool(3),
  secretRef: ref(4, secretReference),
})
export interface CinderPersistentVolumeSource extends TypeOf<typeof cinderPersistentVolumeSource> {}

export const cephFSPersistentVolumeSource = struct('io.k8s.api.core.v1.CephFSPersistentVolumeSource', {
  monitors: required(list(1, string(), { list: 'atomic', default: [] })),
  path: string(2),
  user: string(3),
  secretFile: string(4),
  secretRef: ref(5, secretReference),
  readOnly: bool(6),
})
export interface CephFSPersistentVolumeSource extends TypeOf<typeof cephFSPersistentVolumeSource> {}

export const flexPersistentVolumeSource = struct('io.k8s.api.core.v1.FlexPersistentVolumeSource', {
  driver: required(string(1)),
  fsType: string(2),
  secretRef: ref(3, secretReference),
  readOnly: bool(4),
  options: mapOf(5, string()),
})
export interface FlexPersistentVolumeSource extends TypeOf<typeof flexPersistentVolumeSource> {}

export const azureFilePersistentVolumeSource = struct('io.k8s.api.core.v1.AzureFilePersistentVolumeSource', {
  secretName: required(string(1)),
  shareName: required(string(2)),
  readOnly: bool(3),
  secretNamespace: string(4),
})
export interface AzureFilePersistentVolumeSource extends TypeOf<typeof azureFilePersistentVolumeSource> {}

export const scaleIOPersistentVolumeSource = struct('io.k8s.api.core.v1.ScaleIOPersistentVolumeSource', {
  gateway: required(string(1)),
  system: required(string(2)),
  secretRef: required(ref(3, secretReference)),
  sslEnabled: bool(4),
  protectionDomain: string(5),
  storagePool: string(6),
  storageMode: string(7, { default: 'ThinProvisioned' }),
  volumeName: string(8),
  fsType: string(9, { default: 'xfs' }),
  readOnly: bool(10),
})
export interface ScaleIOPersistentVolumeSource extends TypeOf<typeof scaleIOPersistentVolumeSource> {}

/** A directory or a disk of one node, which pods must be placed on. */
export const localVolumeSource = struct('io.k8s.api.core.v1.LocalVolumeSource', {
  path: required(string(1)),
  fsType: string(2),
})
export interface LocalVolumeSource extends TypeOf<typeof localVolumeSource> {}

export const storageOSPersistentVolumeSource = struct('io.k8s.api.core.v1.StorageOSPersistentVolumeSource', {
  volumeName: string(1),
  volumeNamespace: string(2),
  fsType: string(3),
  readOnly: bool(4),
  secretRef: ref(5, objectReference),
})
export interface StorageOSPersistentVolumeSource extends TypeOf<typeof storageOSPersistentVolumeSource> {}

export const csiPersistentVolumeSource = struct('io.k8s.api.core.v1.CSIPersistentVolumeSource', {
  driver: required(string(1)),
  volumeHandle: required(string(2)),
  readOnly: bool(3),
  fsType: string(4),
  volumeAttributes: mapOf(5, string()),
  controllerPublishSecretRef: ref(6, secretReference),
  nodeStageSecretRef: ref(7, secretReference),
  nodePublishSecretRef: ref(8, secretReference),
  controllerExpandSecretRef: ref(9, secretReference),
  nodeExpandSecretRef: ref(10, secretReference),
})
export interface CSIPersistentVolumeSource extends TypeOf<typeof csiPersistentVolumeSource> {}

/** In the order that they are checked in: a volume has one of them. */
export const persistentVolumeSourceFields = {
  hostPath: ref(3, hostPathVolumeSource),
  gcePersistentDisk: ref(1, gcePersistentDiskVolumeSource),
  awsElasticBlockStore: ref(2, awsElasticBlockStoreVolumeSource),
  glusterfs: ref(4, glusterfsPersistentVolumeSource),
  flocker: ref(11, flockerVolumeSource),
  nfs: ref(5, nfsVolumeSource),
  rbd: ref(6, rbdPersistentVolumeSource),
  quobyte: ref(15, quobyteVolumeSource),
  cephfs: ref(9, cephFSPersistentVolumeSource),
  iscsi: ref(7, iscsiPersistentVolumeSource),
  cinder: ref(8, cinderPersistentVolumeSource),
  fc: ref(10, fcVolumeSource),
  flexVolume: ref(12, flexPersistentVolumeSource),
  azureFile: ref(13, azureFilePersistentVolumeSource),
  vsphereVolume: ref(14, vsphereVirtualDiskVolumeSource),
  photonPersistentDisk: ref(17, photonPersistentDiskVolumeSource),
  portworxVolume: ref(18, portworxVolumeSource),
  azureDisk: ref(16, azureDiskVolumeSource),
  scaleIO: ref(19, scaleIOPersistentVolumeSource),
  local: ref(20, localVolumeSource),
  storageos: ref(21, storageOSPersistentVolumeSource),
  csi: ref(22, csiPersistentVolumeSource),
}
export type SourceName = keyof typeof persistentVolumeSourceFields
export const SOURCE_NAMES = Object.keys(persistentVolumeSourceFields) as readonly SourceName[]
