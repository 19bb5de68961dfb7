// PersistentVolumeClaim: a wish for storage, bound to a volume that fulfils it.

import { quantityMillis } from '../../../apimachinery/quantity.ts'
import type { ObjectWith } from '../../../apimachinery/resource.ts'
import { defineResource } from '../../../apimachinery/resource.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import { list, mapOf, oneOf, quantity, ref, required, string, struct, time } from '../../../apimachinery/schema.ts'
import { ageColumn } from '../../columns.ts'
import { isQuantity } from '../../../apimachinery/scalars.ts'
import { accessModes, accessModesText } from './access-modes.ts'
import { keepSources, normalizeSources } from './data-sources.ts'
import { persistentVolumeClaimSpec } from './spec.ts'
import { CLASS_ANNOTATION, validateClaimStatus, validateClaimUpdate } from './validate.ts'

export const persistentVolumeClaimCondition = struct('io.k8s.api.core.v1.PersistentVolumeClaimCondition', {
  type: required(string(1)),
  status: required(string(2)),
  lastProbeTime: time(3),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
})
export interface PersistentVolumeClaimCondition extends TypeOf<typeof persistentVolumeClaimCondition> {}

export const modifyVolumeStatus = struct('io.k8s.api.core.v1.ModifyVolumeStatus', {
  targetVolumeAttributesClassName: string(1),
  status: required(oneOf(2, ['Pending', 'InProgress', 'Infeasible'])),
})
export interface ModifyVolumeStatus extends TypeOf<typeof modifyVolumeStatus> {}

export const persistentVolumeClaimStatus = struct('io.k8s.api.core.v1.PersistentVolumeClaimStatus', {
  phase: oneOf(1, ['Pending', 'Bound', 'Lost'], { default: 'Pending' }),
  accessModes: accessModes(2),
  capacity: mapOf(3, quantity()),
  conditions: list(4, persistentVolumeClaimCondition, {
    list: 'map',
    keys: ['type'],
    mergeKey: 'type',
    strategy: 'merge',
  }),
  allocatedResources: mapOf(5, quantity()),
  allocatedResourceStatuses: mapOf(7, string()),
  currentVolumeAttributesClassName: string(8),
  modifyVolumeStatus: ref(9, modifyVolumeStatus),
})
export interface PersistentVolumeClaimStatus extends TypeOf<typeof persistentVolumeClaimStatus> {}

const persistentVolumeClaimFields = {
  spec: required(ref(2, persistentVolumeClaimSpec, { default: {} })),
  status: ref(3, persistentVolumeClaimStatus, { default: {} }),
}
export interface PersistentVolumeClaim extends ObjectWith<typeof persistentVolumeClaimFields> {}

export const persistentVolumeClaims = defineResource({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  scope: 'Namespaced',
  shortNames: ['pvc'],
  generation: false,
  returnsDeleted: true,
  subresources: { status: true },
  model: 'io.k8s.api.core.v1.PersistentVolumeClaim',
  fields: persistentVolumeClaimFields,
  columns: [
    {
      name: 'Status',
      description: 'Whether a volume was found.',
      cell: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')),
    },
    { name: 'Volume', description: 'The volume that was found.', cell: ({ spec }) => spec.volumeName ?? '' },
    {
      name: 'Capacity',
      description: 'The size of the volume.',
      cell: ({ spec, status }) => (spec.volumeName ? (status?.capacity?.['storage'] ?? '0') : ''),
    },
    {
      name: 'Access Modes',
      description: 'How the volume may be mounted.',
      cell: ({ spec, status }) => (spec.volumeName ? accessModesText(status?.accessModes) : ''),
    },
    {
      name: 'StorageClass',
      description: 'The class that makes the volume.',
      cell: ({ metadata, spec }) => metadata.annotations?.[CLASS_ANNOTATION] ?? spec.storageClassName ?? '',
    },
    {
      name: 'VolumeAttributesClass',
      description: 'The class of the attributes of the volume.',
      cell: ({ spec }) => spec.volumeAttributesClassName ?? '<unset>',
    },
    ageColumn,
    {
      name: 'VolumeMode',
      priority: 1,
      description: 'A file system or a raw device.',
      cell: ({ spec }) => spec.volumeMode ?? '<unset>',
    },
  ],
  age: false,
  prepareCreate({ spec }) {
    keepSources(spec)
    normalizeSources(spec)
  },
  prepareUpdate({ spec }, previous) {
    keepSources(spec, previous.spec)
  },
  validateUpdate(next, previous, issues) {
    validateClaimUpdate(next, previous, issues)
  },
  validateStatusUpdate(next, _previous, issues) {
    validateClaimStatus(next, issues)
  },
  warnings({ metadata, spec }) {
    const warnings: string[] = []
    if (metadata.annotations?.[CLASS_ANNOTATION] !== undefined) {
      warnings.push(
        `metadata.annotations[${CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead`,
      )
    }
    for (const key of ['requests', 'limits'] as const) {
      const size = spec.resources?.[key]?.['storage']
      if (size === undefined || !isQuantity(size) || quantityMillis(size) % 1000 === 0) continue
      warnings.push(`spec.resources.${key}[storage]: fractional byte value "${size}" is invalid, must be an integer`)
    }
    return warnings
  },
})
