// PersistentVolume: storage of the cluster, which a claim is bound to.

import type { ObjectWith } from '../../../apimachinery/resource.ts'
import { defineResource } from '../../../apimachinery/resource.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import { list, mapOf, oneOf, quantity, ref, required, string, struct, time } from '../../../apimachinery/schema.ts'
import { ageColumn } from '../../columns.ts'
import { accessModes, accessModesText } from '../persistent-volume-claim/access-modes.ts'
import { CLASS_ANNOTATION } from '../persistent-volume-claim/validate.ts'
import { nodeSelector } from '../pod/affinity.ts'
import { objectReference } from '../references.ts'
import { persistentVolumeSourceFields } from './sources.ts'
import { validatePersistentVolume, validatePersistentVolumeUpdate } from './validate.ts'
import { volumeWarnings } from './warnings.ts'

export const volumeNodeAffinity = struct('io.k8s.api.core.v1.VolumeNodeAffinity', { required: ref(1, nodeSelector) })
export interface VolumeNodeAffinity extends TypeOf<typeof volumeNodeAffinity> {}

export const persistentVolumeSpec = struct('io.k8s.api.core.v1.PersistentVolumeSpec', {
  capacity: mapOf(1, quantity()),
  ...persistentVolumeSourceFields,
  accessModes: accessModes(3),
  claimRef: ref(4, objectReference, { atomic: false }),
  persistentVolumeReclaimPolicy: oneOf(5, ['Retain', 'Recycle', 'Delete'], { default: 'Retain' }),
  storageClassName: string(6),
  mountOptions: list(7, string(), { list: 'atomic' }),
  volumeMode: oneOf(8, ['Block', 'Filesystem'], { default: 'Filesystem' }),
  nodeAffinity: ref(9, volumeNodeAffinity),
  volumeAttributesClassName: string(10),
})
export interface PersistentVolumeSpec extends TypeOf<typeof persistentVolumeSpec> {}

export const persistentVolumeStatus = struct('io.k8s.api.core.v1.PersistentVolumeStatus', {
  phase: oneOf(1, ['Pending', 'Available', 'Bound', 'Released', 'Failed'], { default: 'Pending' }),
  message: string(2),
  reason: string(3),
  lastPhaseTransitionTime: time(4),
})
export interface PersistentVolumeStatus extends TypeOf<typeof persistentVolumeStatus> {}

const persistentVolumeFields = {
  spec: required(ref(2, persistentVolumeSpec, { default: {} })),
  status: ref(3, persistentVolumeStatus, { default: {} }),
}
export interface PersistentVolume extends ObjectWith<typeof persistentVolumeFields> {}

export const persistentVolumes = defineResource({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  scope: 'Cluster',
  shortNames: ['pv'],
  generation: false,
  returnsDeleted: true,
  subresources: { status: true },
  model: 'io.k8s.api.core.v1.PersistentVolume',
  fields: persistentVolumeFields,
  columns: [
    {
      name: 'Capacity',
      description: 'The size of the volume.',
      cell: ({ spec }) => spec.capacity?.['storage'] ?? '0',
    },
    {
      name: 'Access Modes',
      description: 'How the volume may be mounted.',
      cell: ({ spec }) => accessModesText(spec.accessModes),
    },
    {
      name: 'Reclaim Policy',
      description: 'What becomes of the volume when its claim is gone.',
      cell: ({ spec }) => spec.persistentVolumeReclaimPolicy ?? '',
    },
    {
      name: 'Status',
      description: 'Whether the volume is free, bound or given back.',
      cell: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')),
    },
    {
      name: 'Claim',
      description: 'The claim that the volume is bound to.',
      cell: ({ spec: { claimRef } }) =>
        claimRef === undefined ? '' : `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`,
    },
    {
      name: 'StorageClass',
      description: 'The class of the volume.',
      cell: ({ metadata, spec }) => metadata.annotations?.[CLASS_ANNOTATION] ?? spec.storageClassName ?? '',
    },
    {
      name: 'VolumeAttributesClass',
      description: 'The class of the attributes of the volume.',
      cell: ({ spec }) => spec.volumeAttributesClassName ?? '<unset>',
    },
    { name: 'Reason', description: 'Why the volume is where it is.', cell: ({ status }) => status?.reason ?? '' },
    ageColumn,
    {
      name: 'VolumeMode',
      priority: 1,
      description: 'A file system or a raw device.',
      cell: ({ spec }) => spec.volumeMode ?? '<unset>',
    },
  ],
  age: false,
  prepareCreate(volume) {
    const { creationTimestamp } = volume.metadata
    volume.status = {
      phase: 'Pending',
      ...(creationTimestamp === undefined ? {} : { lastPhaseTransitionTime: creationTimestamp }),
    }
  },
  validate(volume, issues) {
    validatePersistentVolume(volume, issues)
  },
  validateUpdate(next, previous, issues) {
    validatePersistentVolumeUpdate(next, previous, issues)
  },
  warnings(volume) {
    return volumeWarnings(volume)
  },
})
