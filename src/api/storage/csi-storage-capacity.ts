// CSIStorageCapacity: how much room a class of storage has left in a part of the cluster.

import { parseQuantity } from '../../apimachinery/quantity.ts'
import { labelSelector } from '../../apimachinery/metadata.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { isQuantity } from '../../apimachinery/scalars.ts'
import { quantity, ref, required, string } from '../../apimachinery/schema.ts'
import {
  checkSubdomain,
  checkValue,
  NEGATIVE,
  validateImmutable,
  validateLabelSelector,
} from '../../apimachinery/validation.ts'
import { deprecatedLabelWarnings } from '../core/node/deprecated-labels.ts'

const csiStorageCapacityFields = {
  nodeTopology: ref(2, labelSelector),
  storageClassName: required(string(3, { default: '' })),
  capacity: quantity(4),
  maximumVolumeSize: quantity(5),
}
export interface CSIStorageCapacity extends ObjectWith<typeof csiStorageCapacityFields> {}

export const csiStorageCapacities = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  scope: 'Namespaced',
  unconditionalUpdate: false,
  model: 'io.k8s.api.storage.v1.CSIStorageCapacity',
  views: [{ version: 'v1beta1', deprecated: { since: '1.24', removed: '1.27' } }],
  fields: csiStorageCapacityFields,
  columns: [
    {
      name: 'StorageClassName',
      description: 'Whose room it is.',
      cell: ({ storageClassName }) => storageClassName,
    },
    { name: 'Capacity', description: 'How much is left.', cell: ({ capacity }) => capacity ?? '<unset>' },
  ],
  age: false,
  validate({ nodeTopology, storageClassName, capacity }, issues) {
    validateLabelSelector(nodeTopology, 'nodeTopology', issues)
    checkValue(storageClassName, checkSubdomain, 'storageClassName', issues)
    if (capacity !== undefined && isQuantity(capacity) && parseQuantity(capacity).nanos < 0n) {
      issues.invalid('capacity', capacity, NEGATIVE)
    }
  },
  validateUpdate(next, previous, issues) {
    validateImmutable(next.nodeTopology, previous.nodeTopology, 'nodeTopology', issues)
    validateImmutable(next.storageClassName, previous.storageClassName, 'storageClassName', issues)
  },
  warnings: ({ nodeTopology }) => [
    ...(nodeTopology?.matchExpressions ?? []).flatMap(({ key }, i) =>
      deprecatedLabelWarnings(key, `nodeTopology.matchExpressions[${i}].key`),
    ),
    ...Object.keys(nodeTopology?.matchLabels ?? {}).flatMap((label) =>
      deprecatedLabelWarnings(label, `nodeTopology.matchLabels.${label}`),
    ),
  ],
})
