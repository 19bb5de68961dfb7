// Lease: who holds something, and until when.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { int32, microTime, ref, string, struct } from '../../apimachinery/schema.ts'

export const leaseSpec = struct('io.k8s.api.coordination.v1.LeaseSpec', {
  holderIdentity: string(1),
  leaseDurationSeconds: int32(2),
  acquireTime: microTime(3),
  renewTime: microTime(4),
  leaseTransitions: int32(5),
  strategy: string(6),
  preferredHolder: string(7),
})
export interface LeaseSpec extends TypeOf<typeof leaseSpec> {}

export const leases = defineResource({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  scope: 'Namespaced',
  generation: false,
  createOnUpdate: true,
  unconditionalUpdate: false,
  history: 'window',
  model: 'io.k8s.api.coordination.v1.Lease',
  views: [{ version: 'v1beta1', deprecated: { since: '1.19', removed: '1.22' } }],
  fields: {
    spec: ref(2, leaseSpec, { default: {} }),
  },
  columns: [{ name: 'Holder', description: 'Who holds the lease.', cell: ({ spec }) => spec?.holderIdentity ?? '' }],
  validate({ spec }, issues) {
    const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec ?? {}
    if (duration !== undefined && duration <= 0)
      issues.invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0')
    if (transitions !== undefined && transitions < 0)
      issues.invalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0')
  },
})
export interface Lease extends ObjectOf<typeof leases> {}
