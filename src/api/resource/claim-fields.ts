// What a claim of devices asks for: requests, what must hold between them, and what drivers are to know.

import type { TypeOf } from '../../apimachinery/schema.ts'
import {
  any,
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
} from '../../apimachinery/schema.ts'

export const GROUP = 'resource.k8s.io'
export const V1 = 'io.k8s.api.resource.v1'

export const opaqueDeviceConfiguration = struct(`${V1}.OpaqueDeviceConfiguration`, {
  driver: required(string(1, { default: '' })),
  parameters: required(any(2)),
})
export interface OpaqueDeviceConfiguration extends TypeOf<typeof opaqueDeviceConfiguration> {}

export const capacityRequirements = struct(`${V1}.CapacityRequirements`, {
  requests: mapOf(1, quantity()),
})
export interface CapacityRequirements extends TypeOf<typeof capacityRequirements> {}

export const celDeviceSelector = struct(`${V1}.CELDeviceSelector`, {
  expression: required(string(1, { default: '' })),
})
export interface CELDeviceSelector extends TypeOf<typeof celDeviceSelector> {}

export const deviceSelector = struct(`${V1}.DeviceSelector`, {
  cel: ref(1, celDeviceSelector),
})
export interface DeviceSelector extends TypeOf<typeof deviceSelector> {}

export const deviceToleration = struct(`${V1}.DeviceToleration`, {
  key: string(1),
  operator: oneOf(2, ['Exists', 'Equal'], { default: 'Equal' }),
  value: string(3),
  effect: oneOf(4, ['None', 'NoSchedule', 'NoExecute']),
  tolerationSeconds: int64(5),
})
export interface DeviceToleration extends TypeOf<typeof deviceToleration> {}

interface Counted {
  allocationMode?: string
  count?: number
}

/** One device, unless the request says otherwise. */
function countOne(request: Counted): void {
  request.allocationMode ??= 'ExactCount'
  if (request.allocationMode === 'ExactCount') request.count ||= 1
}

export const exactDeviceRequest = struct(
  `${V1}.ExactDeviceRequest`,
  {
    deviceClassName: required(string(1, { default: '' })),
    selectors: list(2, deviceSelector, { list: 'atomic' }),
    allocationMode: string(3),
    count: int64(4),
    adminAccess: bool(5),
    tolerations: list(6, deviceToleration, { list: 'atomic' }),
    capacity: ref(7, capacityRequirements),
  },
  { defaults: countOne },
)
export interface ExactDeviceRequest extends TypeOf<typeof exactDeviceRequest> {}

export const deviceSubRequest = struct(
  `${V1}.DeviceSubRequest`,
  {
    name: required(string(1, { default: '' })),
    deviceClassName: required(string(2, { default: '' })),
    selectors: list(3, deviceSelector, { list: 'atomic' }),
    allocationMode: string(4),
    count: int64(5),
    tolerations: list(6, deviceToleration, { list: 'atomic' }),
    capacity: ref(7, capacityRequirements),
  },
  { defaults: countOne },
)
export interface DeviceSubRequest extends TypeOf<typeof deviceSubRequest> {}

export const deviceRequest = struct(`${V1}.DeviceRequest`, {
  name: required(string(1, { default: '' })),
  exactly: ref(2, exactDeviceRequest),
  firstAvailable: list(3, deviceSubRequest, { list: 'atomic' }),
})
export interface DeviceRequest extends TypeOf<typeof deviceRequest> {}

export const deviceConstraint = struct(`${V1}.DeviceConstraint`, {
  requests: list(1, string(), { list: 'atomic' }),
  matchAttribute: string(2),
  distinctAttribute: string(3),
})
export interface DeviceConstraint extends TypeOf<typeof deviceConstraint> {}

export const deviceClaimConfiguration = struct(`${V1}.DeviceClaimConfiguration`, {
  requests: list(1, string(), { list: 'atomic' }),
  opaque: ref(1, opaqueDeviceConfiguration),
})
export interface DeviceClaimConfiguration extends TypeOf<typeof deviceClaimConfiguration> {}

export const deviceClaim = struct(`${V1}.DeviceClaim`, {
  requests: list(1, deviceRequest, { list: 'atomic' }),
  constraints: list(2, deviceConstraint, { list: 'atomic' }),
  config: list(3, deviceClaimConfiguration, { list: 'atomic' }),
})
export interface DeviceClaim extends TypeOf<typeof deviceClaim> {}

export const resourceClaimSpec = struct(`${V1}.ResourceClaimSpec`, {
  devices: ref(1, deviceClaim, { default: {} }),
})
export interface ResourceClaimSpec extends TypeOf<typeof resourceClaimSpec> {}
