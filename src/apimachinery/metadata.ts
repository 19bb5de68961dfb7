// The metadata that every object carries: ObjectMeta, ListMeta, owner references and label selectors.

import type { TypeOf } from './schema.ts'
import { any, bool, int64, list, mapOf, oneOf, ref, required, string, struct, time } from './schema.ts'

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'

export const ownerReference = struct(
  `${META}.OwnerReference`,
  {
    apiVersion: required(string(5)),
    kind: required(string(1)),
    name: required(string(3)),
    uid: required(string(4)),
    controller: bool(6),
    blockOwnerDeletion: bool(7),
  },
  { atomic: true },
)
export interface OwnerReference extends TypeOf<typeof ownerReference> {}

export const managedFieldsEntry = struct(`${META}.ManagedFieldsEntry`, {
  manager: string(1),
  operation: string(2),
  apiVersion: string(3),
  time: time(4),
  fieldsType: string(6),
  fieldsV1: any(7),
  subresource: string(8),
})
export interface ManagedFieldsEntry extends TypeOf<typeof managedFieldsEntry> {}

export const objectMeta = struct(`${META}.ObjectMeta`, {
  name: string(1),
  generateName: string(2),
  namespace: string(3),
  selfLink: string(4),
  uid: string(5),
  resourceVersion: string(6),
  generation: int64(7),
  creationTimestamp: time(8),
  deletionTimestamp: time(9),
  deletionGracePeriodSeconds: int64(10),
  labels: mapOf(11, string()),
  annotations: mapOf(12, string()),
  ownerReferences: list(13, ownerReference, { list: 'map', keys: ['uid'], mergeKey: 'uid', strategy: 'merge' }),
  finalizers: list(14, string(), { list: 'set', strategy: 'merge' }),
  managedFields: list(17, managedFieldsEntry, { list: 'atomic' }),
})
export interface ObjectMeta extends TypeOf<typeof objectMeta> {}

export const listMeta = struct(`${META}.ListMeta`, {
  selfLink: string(1),
  resourceVersion: string(2),
  continue: string(3),
  remainingItemCount: int64(4),
})
export interface ListMeta extends TypeOf<typeof listMeta> {}

export const labelSelectorRequirement = struct(`${META}.LabelSelectorRequirement`, {
  key: required(string(1)),
  operator: required(oneOf(2, ['In', 'NotIn', 'Exists', 'DoesNotExist'])),
  values: list(3, string(), { list: 'atomic' }),
})
export interface LabelSelectorRequirement extends TypeOf<typeof labelSelectorRequirement> {}

export const labelSelector = struct(
  `${META}.LabelSelector`,
  {
    matchLabels: mapOf(1, string()),
    matchExpressions: list(2, labelSelectorRequirement, { list: 'atomic' }),
  },
  { atomic: true },
)
export interface LabelSelector extends TypeOf<typeof labelSelector> {}

export const condition = struct(`${META}.Condition`, {
  type: required(string(1)),
  status: required(string(2)),
  observedGeneration: int64(3),
  lastTransitionTime: required(time(4)),
  reason: required(string(5)),
  message: required(string(6)),
})
export interface Condition extends TypeOf<typeof condition> {}

/** The field every kind gets as its first: `metadata`. */
export const metadataField = ref(1, objectMeta)

/** What any object has, whatever its kind. */
export interface AnyObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta & { name: string }
  [field: string]: unknown
}

/** Which object: its namespace (absent for cluster-scoped ones) and its name. */
export interface ObjectKey {
  namespace?: string
  name: string
}
