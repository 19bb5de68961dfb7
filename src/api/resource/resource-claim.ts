// ResourceClaim: asks for devices, and says which were given and who uses them.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { ref, required } from '../../apimachinery/schema.ts'
import { validateImmutable } from '../../apimachinery/validation.ts'
import { GROUP, resourceClaimSpec, V1 } from './claim-fields.ts'
import { resourceClaimStatus } from './status-fields.ts'
import { validateClaimStatus, validateDeviceClaim } from './validate-claim.ts'

const resourceClaimFields = {
  spec: required(ref(2, resourceClaimSpec, { default: {} })),
  status: ref(3, resourceClaimStatus, { default: {} }),
}
export interface ResourceClaim extends ObjectWith<typeof resourceClaimFields> {}

/** `allocated,reserved` */
function stateOf({ metadata, status }: ResourceClaim): string {
  const deleted = metadata.deletionTimestamp !== undefined
  const allocated = status?.allocation !== undefined
  const states = [
    ...(deleted ? ['deleted'] : []),
    ...(allocated ? ['allocated'] : deleted ? [] : ['pending']),
    ...(allocated && (status.reservedFor ?? []).length > 0 ? ['reserved'] : []),
  ]
  return states.join(',')
}

export const resourceClaims = defineResource({
  group: GROUP,
  version: 'v1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  scope: 'Namespaced',
  generation: false,
  subresources: { status: true },
  model: `${V1}.ResourceClaim`,
  fields: resourceClaimFields,
  columns: [{ name: 'State', description: 'What has become of it.', cell: stateOf }],
  validate({ spec }, issues) {
    if (spec.devices !== undefined) validateDeviceClaim(spec.devices, 'spec.devices', issues)
  },
  validateUpdate(next, previous, issues) {
    validateImmutable(next.spec, previous.spec, 'spec', issues)
  },
  validateStatusUpdate(next, previous, issues) {
    const deleting = next.metadata.deletionTimestamp !== undefined
    const claim = next.spec.devices ?? {}
    validateClaimStatus({ next: next.status ?? {}, previous: previous.status ?? {}, claim, deleting }, issues)
  },
})
