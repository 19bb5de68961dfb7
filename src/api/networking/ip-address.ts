// IPAddress: an address of the cluster that is taken, and by whom. Its name is the address.

import type { Issues } from '../../apimachinery/issues.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { ref, required, string, struct } from '../../apimachinery/schema.ts'
import { checkPathSegment, checkSubdomain, checkValue, validateImmutable } from '../../apimachinery/validation.ts'
import { checkCanonicalAddress } from '../core/cidr.ts'

export const parentReference = struct('io.k8s.api.networking.v1.ParentReference', {
  group: string(1),
  resource: required(string(2)),
  namespace: string(3),
  name: required(string(4)),
})
export interface ParentReference extends TypeOf<typeof parentReference> {}

export const ipAddressSpec = struct('io.k8s.api.networking.v1.IPAddressSpec', {
  parentRef: required(ref(1, parentReference)),
})
export interface IPAddressSpec extends TypeOf<typeof ipAddressSpec> {}

const ipAddressFields = { spec: required(ref(2, ipAddressSpec, { default: {} })) }
export interface IPAddress extends ObjectWith<typeof ipAddressFields> {}

export const ipAddresses = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  scope: 'Cluster',
  shortNames: ['ip'],
  names: 'path-segment',
  model: 'io.k8s.api.networking.v1.IPAddress',
  views: [{ version: 'v1beta1', deprecated: { since: '1.34', removed: '1.37' } }],
  fields: ipAddressFields,
  columns: [{ name: 'ParentRef', description: 'Who has the address.', cell: ({ spec }) => parentText(spec.parentRef) }],
  age: false,
  validate({ metadata, spec }, issues) {
    checkValue(metadata.name, checkCanonicalAddress, 'metadata.name', issues)
    if (spec.parentRef !== undefined) validateParent(spec.parentRef, 'spec.parentRef', issues)
  },
  validateUpdate(next, previous, issues) {
    validateImmutable(next.spec.parentRef, previous.spec.parentRef, 'spec.parentRef', issues)
  },
})

function validateParent(
  { group = '', resource, namespace = '', name }: ParentReference,
  at: string,
  issues: Issues,
): void {
  // Services are of the group without a name.
  if (group !== '') checkValue(group, checkSubdomain, `${at}.group`, issues)
  for (const [key, value] of [['resource', resource] as const, ['name', name] as const]) {
    if (value === '') issues.required(`${at}.${key}`)
    else if (value !== undefined) checkValue(value, checkPathSegment, `${at}.${key}`, issues)
  }
  if (namespace !== '') checkValue(namespace, checkPathSegment, `${at}.namespace`, issues)
}

/** `services/default/kubernetes` */
function parentText(parent: ParentReference | undefined): string {
  if (parent === undefined) return '<none>'
  const { group = '', resource = '', namespace = '', name = '' } = parent
  const kind = `${resource}${group === '' ? '' : `.${group}`}`.toLowerCase()
  return [kind, ...(namespace === '' ? [] : [namespace]), name].join('/')
}
