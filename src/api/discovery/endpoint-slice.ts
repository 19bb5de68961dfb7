// EndpointSlice: a part of the addresses behind a service.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { bool, int32, list, mapOf, oneOf, ref, required, string, struct } from '../../apimachinery/schema.ts'
import { endpointSliceViews } from './endpoint-slice-views.ts'
import { objectReference } from '../core/references.ts'
import { fewText } from '../columns.ts'
import { checkLabel, checkSubdomain, checkValue, validateImmutable } from '../../apimachinery/validation.ts'
import { checkIP } from '../core/ip.ts'

export const endpointConditions = struct('io.k8s.api.discovery.v1.EndpointConditions', {
  ready: bool(1),
  serving: bool(2),
  terminating: bool(3),
})
export interface EndpointConditions extends TypeOf<typeof endpointConditions> {}

export const forZone = struct('io.k8s.api.discovery.v1.ForZone', {
  name: required(string(1)),
})
export interface ForZone extends TypeOf<typeof forZone> {}

export const forNode = struct('io.k8s.api.discovery.v1.ForNode', {
  name: required(string(1)),
})
export interface ForNode extends TypeOf<typeof forNode> {}

export const endpointHints = struct('io.k8s.api.discovery.v1.EndpointHints', {
  forZones: list(1, forZone, { list: 'atomic' }),
  forNodes: list(2, forNode, { list: 'atomic' }),
})
export interface EndpointHints extends TypeOf<typeof endpointHints> {}

export const endpoint = struct('io.k8s.api.discovery.v1.Endpoint', {
  addresses: required(list(1, string(), { list: 'set', default: [] })),
  conditions: ref(2, endpointConditions, { default: {} }),
  hostname: string(3),
  targetRef: ref(4, objectReference),
  deprecatedTopology: mapOf(5, string()),
  nodeName: string(6),
  zone: string(7),
  hints: ref(8, endpointHints),
})
export interface Endpoint extends TypeOf<typeof endpoint> {}

export const endpointPort = struct(
  'io.k8s.api.discovery.v1.EndpointPort',
  {
    name: string(1, { default: '' }),
    protocol: oneOf(2, ['TCP', 'UDP', 'SCTP'], { default: 'TCP' }),
    port: int32(3),
    appProtocol: string(4),
  },
  { atomic: true },
)
export interface EndpointPort extends TypeOf<typeof endpointPort> {}

const MAX_ENDPOINTS = 1000
const MAX_ADDRESSES = 100

const endpointSliceFields = {
  addressType: required(oneOf(4, ['IPv4', 'IPv6', 'FQDN'])),
  endpoints: list(2, endpoint, { list: 'atomic' }),
  ports: list(3, endpointPort, { list: 'atomic' }),
}
export interface EndpointSlice extends ObjectWith<typeof endpointSliceFields> {}

export const endpointSlices = defineResource({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  scope: 'Namespaced',
  model: 'io.k8s.api.discovery.v1.EndpointSlice',
  views: endpointSliceViews(endpoint, endpointHints),
  fields: endpointSliceFields,
  columns: [
    {
      name: 'AddressType',
      description: 'What kind of addresses these are.',
      cell: ({ addressType }) => addressType ?? '',
    },
    { name: 'Ports', description: 'The ports of every endpoint.', cell: ({ ports }) => portsText(ports ?? []) },
    {
      name: 'Endpoints',
      description: 'The addresses.',
      cell: ({ endpoints }) =>
        fewText(
          (endpoints ?? []).flatMap(({ addresses }) => addresses),
          MAX_SHOWN,
        ),
    },
  ],
  generation: true,
  validate({ endpoints = [], ports, addressType }, issues) {
    const names = new Set<string>()
    ports?.forEach(({ name = '' }, i) => {
      if (names.has(name)) issues.duplicate(`ports[${i}].name`, name)
      names.add(name)
      if (name !== '') checkValue(name, checkLabel, `ports[${i}].name`, issues)
    })
    if (endpoints.length > MAX_ENDPOINTS) issues.tooMany('endpoints', endpoints.length, MAX_ENDPOINTS)
    endpoints.forEach(({ addresses }, i) => {
      const at = `endpoints[${i}].addresses`
      if (addresses.length === 0) issues.required(at, 'must contain at least 1 address')
      if (addresses.length > MAX_ADDRESSES) issues.tooMany(at, addresses.length, MAX_ADDRESSES)
      const check = addressType === 'FQDN' ? checkSubdomain : checkIP
      addresses.forEach((address, j) => {
        checkValue(address, check, `${at}[${j}]`, issues)
      })
    })
  },
  validateUpdate(next, previous, issues) {
    validateImmutable(next.addressType, previous.addressType, 'addressType', issues)
  },
})

/** Everything beyond is counted. */
const MAX_SHOWN = 3

function portsText(ports: readonly EndpointPort[]): string {
  if (ports.length === 0) return '<unset>'
  return fewText(
    ports.map(({ name, port }) => (port === undefined ? `${name ?? ''}:*` : String(port))),
    MAX_SHOWN,
  )
}
