// What devices a driver offers: their attributes, capacities, shared counters and taints, and where they are.

import type { TypeOf } from '../../apimachinery/schema.ts'
import {
  bool,
  int64,
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
import { V1 } from './claim-fields.ts'

export const counter = struct(`${V1}.Counter`, {
  value: required(quantity(1)),
})
export interface Counter extends TypeOf<typeof counter> {}

export const counterSet = struct(`${V1}.CounterSet`, {
  name: required(string(1, { default: '' })),
  counters: mapOf(2, counter),
})
export interface CounterSet extends TypeOf<typeof counterSet> {}

export const resourcePool = struct(`${V1}.ResourcePool`, {
  name: required(string(1, { default: '' })),
  generation: required(int64(2, { default: 0 })),
  resourceSliceCount: required(int64(3, { default: 0 })),
})
export interface ResourcePool extends TypeOf<typeof resourcePool> {}

export const nodeAllocatableResourceMapping = struct(`${V1}.NodeAllocatableResourceMapping`, {
  capacityKey: string(1),
  allocationMultiplier: quantity(2),
})
export interface NodeAllocatableResourceMapping extends TypeOf<typeof nodeAllocatableResourceMapping> {}

export const deviceCounterConsumption = struct(`${V1}.DeviceCounterConsumption`, {
  counterSet: required(string(1, { default: '' })),
  counters: mapOf(2, counter),
})
export interface DeviceCounterConsumption extends TypeOf<typeof deviceCounterConsumption> {}

export const capacityRequestPolicyRange = struct(`${V1}.CapacityRequestPolicyRange`, {
  min: quantity(1),
  max: quantity(2),
  step: quantity(3),
})
export interface CapacityRequestPolicyRange extends TypeOf<typeof capacityRequestPolicyRange> {}

export const capacityRequestPolicy = struct(`${V1}.CapacityRequestPolicy`, {
  default: quantity(1),
  validValues: list(3, quantity(), { list: 'atomic' }),
  validRange: ref(4, capacityRequestPolicyRange),
})
export interface CapacityRequestPolicy extends TypeOf<typeof capacityRequestPolicy> {}

export const deviceCapacity = struct(`${V1}.DeviceCapacity`, {
  value: required(quantity(1)),
  requestPolicy: ref(2, capacityRequestPolicy),
})
export interface DeviceCapacity extends TypeOf<typeof deviceCapacity> {}

export const deviceAttribute = struct(`${V1}.DeviceAttribute`, {
  int: int64(2),
  bool: bool(3),
  string: string(4),
  version: string(5),
  ints: list(6, int64(), { list: 'atomic' }),
  bools: list(7, bool(), { list: 'atomic' }),
  strings: list(8, string(), { list: 'atomic' }),
  versions: list(9, string(), { list: 'atomic' }),
})
export interface DeviceAttribute extends TypeOf<typeof deviceAttribute> {}

export const deviceTaint = struct(`${V1}.DeviceTaint`, {
  key: required(string(1, { default: '' })),
  value: string(2),
  effect: required(oneOf(3, ['None', 'NoSchedule', 'NoExecute'])),
  timeAdded: time(4),
})
export interface DeviceTaint extends TypeOf<typeof deviceTaint> {}

export const device = struct(`${V1}.Device`, {
  name: required(string(1, { default: '' })),
  attributes: mapOf(2, deviceAttribute),
  capacity: mapOf(3, deviceCapacity),
  consumesCounters: list(4, deviceCounterConsumption, { list: 'atomic' }),
  nodeName: string(5),
  nodeSelector: ref(6, nodeSelector),
  allNodes: bool(7),
  taints: list(8, deviceTaint, { list: 'atomic' }),
  bindsToNode: bool(9),
  bindingConditions: list(10, string(), { list: 'atomic' }),
  bindingFailureConditions: list(11, string(), { list: 'atomic' }),
  allowMultipleAllocations: bool(12),
  nodeAllocatableResourceMappings: mapOf(13, nodeAllocatableResourceMapping),
})
export interface Device extends TypeOf<typeof device> {}

export const resourceSliceSpec = struct(`${V1}.ResourceSliceSpec`, {
  driver: required(string(1, { default: '' })),
  pool: required(ref(2, resourcePool, { default: {} })),
  nodeName: string(3),
  nodeSelector: ref(4, nodeSelector),
  allNodes: bool(5),
  devices: list(6, device, { list: 'atomic' }),
  perDeviceNodeSelection: bool(7),
  sharedCounters: list(8, counterSet, { list: 'atomic' }),
})
export interface ResourceSliceSpec extends TypeOf<typeof resourceSliceSpec> {}
