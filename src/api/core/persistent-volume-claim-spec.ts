// The wish for a volume: the spec of a claim, and the template that ephemeral volumes make claims from.

import { labelSelector, objectMeta } from '../../apimachinery/metadata.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, oneOf, ref, required, string, struct } from '../../apimachinery/schema.ts'
import { typedLocalObjectReference, typedObjectReference } from './references.ts'
import { volumeResourceRequirements } from './resource-requirements.ts'

export const persistentVolumeClaimSpec = struct('io.k8s.api.core.v1.PersistentVolumeClaimSpec', {
  accessModes: list(1, oneOf(0, ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod']), {
    list: 'atomic',
  }),
  selector: ref(4, labelSelector),
  resources: ref(2, volumeResourceRequirements, { default: {} }),
  volumeName: string(3),
  storageClassName: string(5),
  volumeMode: oneOf(6, ['Block', 'Filesystem'], { default: 'Filesystem' }),
  dataSource: ref(7, typedLocalObjectReference),
  dataSourceRef: ref(8, typedObjectReference),
  volumeAttributesClassName: string(9),
})
export interface PersistentVolumeClaimSpec extends TypeOf<typeof persistentVolumeClaimSpec> {}

export const persistentVolumeClaimTemplate = struct('io.k8s.api.core.v1.PersistentVolumeClaimTemplate', {
  metadata: ref(1, objectMeta, { default: {} }),
  spec: required(ref(2, persistentVolumeClaimSpec, { default: {} })),
})
export interface PersistentVolumeClaimTemplate extends TypeOf<typeof persistentVolumeClaimTemplate> {}
