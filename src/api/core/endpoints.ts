// Endpoints: the addresses behind a service, in the old form.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { int32, list, oneOf, ref, required, string, struct } from '../../apimachinery/schema.ts'
import { objectReference } from './references.ts'
import { fewText } from '../columns.ts'
import { checkLabel, checkPort, checkValue } from '../../apimachinery/validation.ts'
import { checkIP } from './ip.ts'

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

const endpointsFields = {
  subsets: list(2, endpointSubset, { list: 'atomic' }),
}
export interface Endpoints extends ObjectWith<typeof endpointsFields> {}

export const endpoints = defineResource({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  plural: 'endpoints',
  scope: 'Namespaced',
  shortNames: ['ep'],
  createOnUpdate: true,
  model: 'io.k8s.api.core.v1.Endpoints',
  fields: endpointsFields,
  validate({ subsets = [] }, issues) {
    subsets.forEach(({ addresses = [], notReadyAddresses = [], ports = [] }, i) => {
      const at = `subsets[${i}]`
      if (addresses.length + notReadyAddresses.length === 0) {
        issues.required(at, 'must specify `addresses` or `notReadyAddresses`')
      }
      addresses.forEach(({ ip }, j) => {
        if (ip !== undefined) checkValue(ip, checkIP, `${at}.addresses[${j}].ip`, issues)
      })
      notReadyAddresses.forEach(({ ip }, j) => {
        if (ip !== undefined) checkValue(ip, checkIP, `${at}.notReadyAddresses[${j}].ip`, issues)
      })
      ports.forEach(({ name = '', port }, j) => {
        const here = `${at}.ports[${j}]`
        if (name === '' && ports.length > 1) issues.required(`${here}.name`)
        if (name !== '') checkValue(name, checkLabel, `${here}.name`, issues)
        for (const problem of checkPort(port)) issues.invalid(`${here}.port`, port, problem)
      })
    })
  },
  columns: [
    { name: 'Endpoints', description: 'The addresses and ports.', cell: ({ subsets }) => endpointsText(subsets ?? []) },
  ],
})

/** Everything beyond is counted. */
const MAX_SHOWN = 3

function endpointsText(subsets: readonly EndpointSubset[]): string {
  if (subsets.length === 0) return '<none>'
  const all = subsets.flatMap(({ addresses = [], ports = [] }) => {
    if (ports.length === 0) return addresses.map(({ ip }) => hostPort(ip))
    return ports.flatMap(({ port }) => addresses.map(({ ip }) => hostPort(ip, port)))
  })
  return fewText(all, MAX_SHOWN)
}

function hostPort(ip = '', port?: number): string {
  if (port === undefined) return ip
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}
