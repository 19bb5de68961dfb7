// ServiceCIDR: a range that services get their addresses from.

import { condition } from '../../apimachinery/metadata.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, ref, required, string, struct } from '../../apimachinery/schema.ts'
import { checkValue, IMMUTABLE } from '../../apimachinery/validation.ts'
import { checkCanonicalCIDR, parseCIDR } from '../core/cidr.ts'

export const serviceCIDRSpec = struct('io.k8s.api.networking.v1.ServiceCIDRSpec', {
  cidrs: list(1, string(), { list: 'atomic' }),
})
export interface ServiceCIDRSpec extends TypeOf<typeof serviceCIDRSpec> {}

export const serviceCIDRStatus = struct('io.k8s.api.networking.v1.ServiceCIDRStatus', {
  conditions: list(1, condition, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
})
export interface ServiceCIDRStatus extends TypeOf<typeof serviceCIDRStatus> {}

const serviceCIDRFields = {
  spec: required(ref(2, serviceCIDRSpec, { default: {} })),
  status: ref(3, serviceCIDRStatus, { default: {} }),
}
export interface ServiceCIDR extends ObjectWith<typeof serviceCIDRFields> {}

const MAX_CIDRS = 2

export const serviceCIDRs = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  scope: 'Cluster',
  generation: false,
  subresources: { status: true },
  model: 'io.k8s.api.networking.v1.ServiceCIDR',
  views: [{ version: 'v1beta1', deprecated: { since: '1.34', removed: '1.37' } }],
  fields: serviceCIDRFields,
  columns: [{ name: 'CIDRs', description: 'The ranges.', cell: ({ spec }) => (spec.cidrs ?? []).join(',') }],
  validate({ spec }, issues) {
    const { cidrs = [] } = spec
    const at = 'spec.cidrs'
    if (cidrs.length === 0) {
      issues.required(at, 'at least one CIDR required')
      return
    }
    if (cidrs.length > MAX_CIDRS) {
      issues.invalid(at, spec, 'may only hold up to 2 values')
      return
    }
    const families = cidrs.map((cidr) => parseCIDR(cidr)?.address.family)
    if (cidrs.length === MAX_CIDRS && (families.includes(undefined) || families[0] === families[1])) {
      const detail = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'
      issues.invalid(at, spec, detail)
      return
    }
    cidrs.forEach((cidr, i) => {
      checkValue(cidr, checkCanonicalCIDR, `${at}[${i}]`, issues)
    })
  },
  // A second family may be added; nothing else may change.
  validateUpdate(next, previous, issues) {
    const cidrs = next.spec.cidrs ?? []
    const before = previous.spec.cidrs ?? []
    if (cidrs.length !== before.length && !(before.length === 1 && cidrs.length === MAX_CIDRS)) {
      issues.invalid('spec.cidrs', cidrs, IMMUTABLE)
      return
    }
    before.forEach((cidr, i) => {
      if (cidrs[i] !== cidr) issues.invalid(`spec.cidrs[${i}]`, cidrs[i], IMMUTABLE)
    })
  },
})
