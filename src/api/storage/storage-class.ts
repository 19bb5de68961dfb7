// StorageClass: names a kind of volume, and who makes one when it is claimed.

import type { ObjectMeta } from '../../apimachinery/metadata.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { bool, list, mapOf, oneOf, required, string } from '../../apimachinery/schema.ts'
import { validateImmutable } from '../../apimachinery/validation.ts'
import { deprecatedLabelWarnings } from '../core/node/deprecated-labels.ts'
import { topologySelectorTerm, validateTopologyTerms } from '../core/node/topology-selector.ts'
import { forbidChanges, validateParameters, validateProvisioner } from './validate.ts'

const storageClassFields = {
  provisioner: required(string(2, { default: '' })),
  parameters: mapOf(3, string()),
  reclaimPolicy: oneOf(4, ['Delete', 'Retain'], { default: 'Delete' }),
  mountOptions: list(5, string(), { list: 'atomic' }),
  allowVolumeExpansion: bool(6),
  volumeBindingMode: oneOf(7, ['Immediate', 'WaitForFirstConsumer'], { default: 'Immediate' }),
  allowedTopologies: list(8, topologySelectorTerm, { list: 'atomic' }),
}
export interface StorageClass extends ObjectWith<typeof storageClassFields> {}

/** Says that claims which name no class are of this one. */
export const DEFAULT_CLASS_ANNOTATION = 'storageclass.kubernetes.io/is-default-class'
const DEFAULT_CLASS_ANNOTATIONS = [DEFAULT_CLASS_ANNOTATION, 'storageclass.beta.kubernetes.io/is-default-class']

export function isDefaultStorageClass({ annotations = {} }: Pick<ObjectMeta, 'annotations'>): boolean {
  return DEFAULT_CLASS_ANNOTATIONS.some((key) => annotations[key] === 'true')
}

export const storageClasses = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  scope: 'Cluster',
  shortNames: ['sc'],
  model: 'io.k8s.api.storage.v1.StorageClass',
  views: [{ version: 'v1beta1', deprecated: { since: '1.19', removed: '1.22' } }],
  fields: storageClassFields,
  shownName: ({ metadata }) => (isDefaultStorageClass(metadata) ? `${metadata.name} (default)` : metadata.name),
  columns: [
    { name: 'Provisioner', description: 'Who makes the volumes.', cell: ({ provisioner }) => provisioner },
    {
      name: 'ReclaimPolicy',
      description: 'What becomes of a volume that is given back.',
      cell: ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete',
    },
    {
      name: 'VolumeBindingMode',
      description: 'When a claim gets its volume.',
      cell: ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate',
    },
    {
      name: 'AllowVolumeExpansion',
      description: 'Whether volumes may grow.',
      cell: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false,
    },
  ],
  validate({ provisioner, parameters = {}, allowedTopologies = [] }, issues) {
    validateProvisioner(provisioner, 'provisioner', issues)
    validateParameters(parameters, 'parameters', issues)
    validateTopologyTerms(allowedTopologies, 'allowedTopologies', issues)
  },
  validateUpdate(next, previous, issues) {
    forbidChanges(next, previous, ['parameters', 'provisioner', 'reclaimPolicy'], issues)
    validateImmutable(next.volumeBindingMode, previous.volumeBindingMode, 'volumeBindingMode', issues)
  },
  warnings: ({ allowedTopologies = [] }) =>
    allowedTopologies.flatMap(({ matchLabelExpressions = [] }, i) =>
      matchLabelExpressions.flatMap(({ key }, j) =>
        deprecatedLabelWarnings(key, `allowedTopologies[${i}].matchLabelExpressions[${j}].key`),
      ),
    ),
})
