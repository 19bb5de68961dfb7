// Endpoints: the addresses behind a service, in the old form.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { int32, list, oneOf, ref, required, string, struct } from '../../apimachinery/schema.ts'
import { objectReference } from './references.ts'

export const endpointAddress = struct(
  'io.k8s.api.core.v1.EndpointAddress',
  {
    ip: required(string(1)),
    hostname: string(3),
    nodeName: string(4),
    targetRef: ref(2, objectReference),
  },
  { atomic: true },
)
export interface EndpointAddress extends TypeOf<typeof endpointAddress> {}

export const endpointPort = struct(
  'io.k8s.api.core.v1.EndpointPort',
  {
    name: string(1),
    port: required(int32(2, { default: 0 })),
    protocol: oneOf(3, ['TCP', 'UDP', 'SCTP'], { default: 'TCP' }),
    appProtocol: string(4),
  },
  { atomic: true },
)
export interface EndpointPort extends TypeOf<typeof endpointPort> {}

export const endpointSubset = struct('io.k8s.api.core.v1.EndpointSubset', {
  addresses: list(1, endpointAddress, { list: 'atomic' }),
  notReadyAddresses: list(2, endpointAddress, { list: 'atomic' }),
  ports: list(3, endpointPort, { list: 'atomic' }),
})
export interface EndpointSubset extends TypeOf<typeof endpointSubset> {}

export const endpoints = defineResource({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  scope: 'Namespaced',
  shortNames: ['ep'],
  createOnUpdate: true,
  model: 'io.k8s.api.core.v1.Endpoints',
  fields: {
    subsets: list(2, endpointSubset, { list: 'atomic' }),
  },
})
export interface Endpoints extends ObjectOf<typeof endpoints> {}
