// What a claim got: devices, their configuration, who uses them, and what drivers say of them.

import { condition } from '../../apimachinery/metadata.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import {
  any,
  bool,
  list,
  mapOf,
  oneOf,
  quantity,
  ref,
  required,
  string,
  struct,
  time,
} from '../../apimachinery/schema.ts'
import { nodeSelector } from '../core/pod/affinity.ts'
import { deviceToleration, opaqueDeviceConfiguration, V1 } from './claim-fields.ts'

export const resourceClaimConsumerReference = struct(`${V1}.ResourceClaimConsumerReference`, {
  apiGroup: string(1),
  resource: required(string(3, { default: '' })),
  name: required(string(4, { default: '' })),
  uid: required(string(5, { default: '' })),
})
export interface ResourceClaimConsumerReference extends TypeOf<typeof resourceClaimConsumerReference> {}

export const deviceRequestAllocationResult = struct(`${V1}.DeviceRequestAllocationResult`, {
  request: required(string(1, { default: '' })),
  driver: required(string(2, { default: '' })),
  pool: required(string(3, { default: '' })),
  device: required(string(4, { default: '' })),
  adminAccess: bool(5),
  tolerations: list(6, deviceToleration, { list: 'atomic' }),
  bindingConditions: list(7, string(), { list: 'atomic' }),
  bindingFailureConditions: list(8, string(), { list: 'atomic' }),
  shareID: string(9),
  consumedCapacity: mapOf(10, quantity()),
})
export interface DeviceRequestAllocationResult extends TypeOf<typeof deviceRequestAllocationResult> {}

export const deviceAllocationConfiguration = struct(`${V1}.DeviceAllocationConfiguration`, {
  source: required(oneOf(1, ['FromClass', 'FromClaim'])),
  requests: list(2, string(), { list: 'atomic' }),
  opaque: ref(1, opaqueDeviceConfiguration),
})
export interface DeviceAllocationConfiguration extends TypeOf<typeof deviceAllocationConfiguration> {}

export const deviceAllocationResult = struct(`${V1}.DeviceAllocationResult`, {
  results: list(1, deviceRequestAllocationResult, { list: 'atomic' }),
  config: list(2, deviceAllocationConfiguration, { list: 'atomic' }),
})
export interface DeviceAllocationResult extends TypeOf<typeof deviceAllocationResult> {}

export const allocationResult = struct(`${V1}.AllocationResult`, {
  devices: ref(1, deviceAllocationResult, { default: {} }),
  nodeSelector: ref(3, nodeSelector),
  allocationTimestamp: time(5),
})
export interface AllocationResult extends TypeOf<typeof allocationResult> {}

export const networkDeviceData = struct(`${V1}.NetworkDeviceData`, {
  interfaceName: string(1),
  ips: list(2, string(), { list: 'atomic' }),
  hardwareAddress: string(3),
})
export interface NetworkDeviceData extends TypeOf<typeof networkDeviceData> {}

export const allocatedDeviceStatus = struct(`${V1}.AllocatedDeviceStatus`, {
  driver: required(string(1, { default: '' })),
  pool: required(string(2, { default: '' })),
  device: required(string(3, { default: '' })),
  shareID: string(7),
  conditions: list(4, condition, { list: 'map', keys: ['type'] }),
  data: any(5),
  networkData: ref(6, networkDeviceData),
})
export interface AllocatedDeviceStatus extends TypeOf<typeof allocatedDeviceStatus> {}

export const resourceClaimStatus = struct(`${V1}.ResourceClaimStatus`, {
  allocation: ref(1, allocationResult),
  reservedFor: list(2, resourceClaimConsumerReference, {
    list: 'map',
    keys: ['uid'],
    mergeKey: 'uid',
    strategy: 'merge',
  }),
  devices: list(4, allocatedDeviceStatus, { list: 'map', keys: ['driver', 'device', 'pool', 'shareID'] }),
})
export interface ResourceClaimStatus extends TypeOf<typeof resourceClaimStatus> {}
