// The wish for a volume: the spec of a claim, and the template that ephemeral volumes make claims from.

import { labelSelector, objectMeta } from '../../../apimachinery/metadata.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import { oneOf, ref, required, string, struct } from '../../../apimachinery/schema.ts'
import { typedLocalObjectReference, typedObjectReference } from '../references.ts'
import { volumeResourceRequirements } from '../resource-requirements.ts'
import { accessModes } from './access-modes.ts'
import { validateClaimSpec, validateClaimTemplate } from './validate.ts'

export const persistentVolumeClaimSpec = struct(
  'io.k8s.api.core.v1.PersistentVolumeClaimSpec',
  {
    accessModes: accessModes(1),
    selector: ref(4, labelSelector),
    resources: ref(2, volumeResourceRequirements, { default: {} }),
    volumeName: string(3),
    storageClassName: string(5),
    volumeMode: oneOf(6, ['Block', 'Filesystem'], { default: 'Filesystem' }),
    dataSource: ref(7, typedLocalObjectReference),
    dataSourceRef: ref(8, typedObjectReference),
    volumeAttributesClassName: string(9),
  },
  {
    validate(spec, at, issues) {
      validateClaimSpec(spec, at, issues)
    },
  },
)
export interface PersistentVolumeClaimSpec extends TypeOf<typeof persistentVolumeClaimSpec> {}

export const persistentVolumeClaimTemplate = struct(
  'io.k8s.api.core.v1.PersistentVolumeClaimTemplate',
  {
    metadata: ref(1, objectMeta, { default: {} }),
    spec: required(ref(2, persistentVolumeClaimSpec, { default: {} })),
  },
  {
    validate(template, at, issues) {
      validateClaimTemplate(template, at, issues)
    },
  },
)
export interface PersistentVolumeClaimTemplate extends TypeOf<typeof persistentVolumeClaimTemplate> {}
