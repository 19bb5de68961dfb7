// ResourceClaimTemplate: the claim that every pod which names the template gets of its own.

import { objectMeta } from '../../apimachinery/metadata.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { ref, required, struct } from '../../apimachinery/schema.ts'
import { validateAnnotations, validateImmutable, validateLabels } from '../../apimachinery/validation.ts'
import { GROUP, resourceClaimSpec, V1 } from './claim-fields.ts'
import { validateDeviceClaim } from './validate-claim.ts'

export const resourceClaimTemplateSpec = struct(`${V1}.ResourceClaimTemplateSpec`, {
  metadata: ref(1, objectMeta, { default: {} }),
  spec: required(ref(2, resourceClaimSpec, { default: {} })),
})
export interface ResourceClaimTemplateSpec extends TypeOf<typeof resourceClaimTemplateSpec> {}

const resourceClaimTemplateFields = {
  spec: required(ref(2, resourceClaimTemplateSpec, { default: {} })),
}
export interface ResourceClaimTemplate extends ObjectWith<typeof resourceClaimTemplateFields> {}

export const resourceClaimTemplates = defineResource({
  group: GROUP,
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  scope: 'Namespaced',
  model: `${V1}.ResourceClaimTemplate`,
  fields: resourceClaimTemplateFields,
  validate({ spec }, issues) {
    validateLabels(spec.metadata?.labels, 'spec.metadata.labels', issues)
    validateAnnotations(spec.metadata?.annotations, 'spec.metadata.annotations', issues)
    if (spec.spec.devices !== undefined) validateDeviceClaim(spec.spec.devices, 'spec.spec.devices', issues)
  },
  validateUpdate(next, previous, issues) {
    validateImmutable(next.spec, previous.spec, 'spec', issues)
  },
})
