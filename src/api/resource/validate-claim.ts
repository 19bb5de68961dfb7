// Checks what a claim asks for, and what is said to have been given to it.

import type { Issues } from '../../apimachinery/issues.ts'
import { checkSubdomain, checkValue, sameJson, validateImmutable } from '../../apimachinery/validation.ts'
import { validateConditions } from '../conditions.ts'
import { validateDriverName } from '../core/driver-name.ts'
import { isIPv4, isIPv6 } from '../core/ip.ts'
import { validateNodeTerm } from '../core/pod/validate.ts'
import {
  MAX_CONFIGS,
  validateBinding,
  validateConfiguration,
  validateFullAttributeName,
  validateItems,
  validateLabelName,
  validatePoolName,
  validateRaw,
  validateSelectors,
  validateSet,
  validateShareId,
  validateTolerations,
} from './checks.ts'
import type { DeviceClaim, DeviceConstraint, DeviceRequest, ExactDeviceRequest } from './claim-fields.ts'
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  NetworkDeviceData,
  ResourceClaimStatus,
} from './status-fields.ts'

const MAX_REQUESTS = 32
const MAX_CONSTRAINTS = 32
const MAX_ALTERNATIVES = 8

/** By the name of a request, the names of its alternatives. */
type RequestNames = ReadonlyMap<string, ReadonlySet<string>>

function requestNames({ requests = [] }: DeviceClaim): RequestNames {
  return new Map(
    requests.map(({ name, firstAvailable = [] }) => [name, new Set(firstAvailable.map((sub) => sub.name))]),
  )
}

const named = { keyOf: ({ name }: { name: string }): string => name }
const plain = { keyOf: (name: string): string => name }

export function validateDeviceClaim(claim: DeviceClaim, at: string, issues: Issues): void {
  const names = requestNames(claim)
  validateSet(claim.requests, MAX_REQUESTS, `${at}.requests`, issues, {
    ...named,
    each: (request, here) => {
      validateRequest(request, here, issues)
    },
  })
  validateItems(claim.constraints, MAX_CONSTRAINTS, `${at}.constraints`, issues, (constraint, here) => {
    validateConstraint(constraint, names, here, issues)
  })
  validateItems(claim.config, MAX_CONFIGS, `${at}.config`, issues, (config, here) => {
    validateRequestRefs(config.requests, names, `${here}.requests`, issues)
    validateConfiguration(config, here, issues)
  })
}

function validateRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, at: string, issues: Issues): void {
  validateLabelName(name, `${at}.name`, issues)
  const one = 'exactly one of `exactly` or `firstAvailable` is required'
  if (exactly === undefined && firstAvailable.length === 0) issues.required(at, one)
  else if (exactly !== undefined && firstAvailable.length > 0) {
    issues.invalid(at, null, `${one}, but multiple fields are set`)
  } else if (exactly !== undefined) validateDevices(exactly, `${at}.exactly`, issues)
  else {
    validateSet(firstAvailable, MAX_ALTERNATIVES, `${at}.firstAvailable`, issues, {
      ...named,
      each: (request, here) => {
        validateLabelName(request.name, `${here}.name`, issues)
        validateDevices(request, here, issues)
      },
    })
  }
}

function validateDevices(
  { deviceClassName: className, selectors, allocationMode: mode = '', count = 0, tolerations }: ExactDeviceRequest,
  at: string,
  issues: Issues,
): void {
  if (className === '') issues.required(`${at}.deviceClassName`)
  else checkValue(className, checkSubdomain, `${at}.deviceClassName`, issues)
  validateSelectors(selectors, `${at}.selectors`, issues)
  if (mode === 'All') {
    if (count !== 0) issues.invalid(`${at}.count`, count, "must not be specified when allocationMode is 'All'")
  } else if (mode !== 'ExactCount') issues.notSupported(`${at}.allocationMode`, mode, ['All', 'ExactCount'])
  else if (count <= 0) issues.invalid(`${at}.count`, count, 'must be greater than zero')
  validateTolerations(tolerations, `${at}.tolerations`, issues)
}

function validateConstraint(constraint: DeviceConstraint, names: RequestNames, at: string, issues: Issues): void {
  const { matchAttribute, distinctAttribute } = constraint
  validateRequestRefs(constraint.requests, names, `${at}.requests`, issues)
  if (matchAttribute !== undefined) validateFullAttributeName(matchAttribute, `${at}.matchAttribute`, issues)
  else if (distinctAttribute !== undefined) {
    validateFullAttributeName(distinctAttribute, `${at}.distinctAttribute`, issues)
  } else {
    const one = 'exactly one of "matchAttribute" or "distinctAttribute" is required'
    issues.required(at, `${one}, but multiple fields are set`)
  }
}

function validateRequestRefs(
  refs: readonly string[] | undefined,
  names: RequestNames,
  at: string,
  issues: Issues,
): void {
  validateSet(refs, MAX_REQUESTS, at, issues, {
    ...plain,
    each: (ref, here) => {
      validateRequestRef(ref, names, here, issues)
    },
  })
}

/** `request` or `request/alternative` */
function validateRequestRef(ref: string, names: RequestNames, at: string, issues: Issues): void {
  const why = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
  const parts = ref.split('/')
  const [request = '', alternative] = parts
  if (parts.length > 2) {
    issues.invalid(at, ref, why)
    return
  }
  for (const part of parts) validateLabelName(part, at, issues)
  const known = names.get(request)
  if (known === undefined || (alternative !== undefined && !known.has(alternative))) issues.invalid(at, ref, why)
}

interface StatusUpdate {
  next: ResourceClaimStatus
  previous: ResourceClaimStatus
  claim: DeviceClaim
  deleting: boolean
}

const MAX_RESERVED = 256
const ANY_NUMBER = Number.POSITIVE_INFINITY

export function validateClaimStatus({ next, previous, claim, deleting }: StatusUpdate, issues: Issues): void {
  const { reservedFor = [], allocation, devices } = next
  validateSet(reservedFor, MAX_RESERVED, 'status.reservedFor', issues, {
    keyOf: ({ uid }) => uid,
    each: (user, at) => {
      for (const field of ['resource', 'name', 'uid'] as const)
        if (user[field] === '') issues.required(`${at}.${field}`)
    },
  })
  const allocated = new Set(allocation?.devices?.results?.map(deviceKey))
  validateSet(devices, ANY_NUMBER, 'status.devices', issues, {
    keyOf: deviceKey,
    each: (device, at) => {
      validateDeviceStatus(device, at, issues)
      const key = deviceKey(device)
      if (!allocated.has(key)) issues.invalid(at, key, 'must be an allocated device in the claim')
    },
  })
  if (reservedFor.length > 0 && allocation === undefined) {
    issues.forbidden('status.reservedFor', 'may not be specified when `allocated` is not set')
  } else if (deleting && reservedFor.some((user) => !previous.reservedFor?.some((old) => sameJson(old, user)))) {
    const why = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'
    issues.forbidden('status.reservedFor', why)
  }
  if (allocation === undefined) return
  if (previous.allocation !== undefined) {
    validateImmutable(allocation, previous.allocation, 'status.allocation', issues)
  } else validateAllocation(allocation, requestNames(claim), 'status.allocation', issues)
}

interface Identified {
  driver: string
  pool: string
  device: string
  shareID?: string
}

function deviceKey({ driver, pool, device, shareID }: Identified): string {
  return [driver, pool, device, ...(shareID === undefined ? [] : [shareID])].join('/')
}

function validateIdentity(device: Identified, at: string, issues: Issues): void {
  validateDriverName(device.driver, `${at}.driver`, issues)
  validatePoolName(device.pool, `${at}.pool`, issues)
  validateLabelName(device.device, `${at}.device`, issues)
  validateShareId(device.shareID, `${at}.shareID`, issues)
}

const MAX_RESULTS = 32

function validateAllocation(
  { devices, nodeSelector }: AllocationResult,
  names: RequestNames,
  at: string,
  issues: Issues,
): void {
  validateItems(devices?.results, MAX_RESULTS, `${at}.devices.results`, issues, (result, here) => {
    validateRequestRef(result.request, names, `${here}.request`, issues)
    validateIdentity(result, here, issues)
    validateBinding(result, here, issues)
  })
  // Those of the class and those of the claim.
  validateItems(devices?.config, 2 * MAX_CONFIGS, `${at}.devices.config`, issues, (config, here) => {
    validateRequestRefs(config.requests, names, `${here}.requests`, issues)
    validateConfiguration(config, here, issues)
  })
  nodeSelector?.nodeSelectorTerms?.forEach((term, i) => {
    validateNodeTerm(term, `${at}.nodeSelector.nodeSelectorTerms[${i}]`, issues)
  })
}

const MAX_CONDITIONS = 8
const MAX_DATA_BYTES = 10 * 1024

function validateDeviceStatus(device: AllocatedDeviceStatus, at: string, issues: Issues): void {
  validateIdentity(device, at, issues)
  const { conditions = [], data, networkData } = device
  if (conditions.length > MAX_CONDITIONS) issues.tooMany(`${at}.conditions`, conditions.length, MAX_CONDITIONS)
  validateConditions(conditions, `${at}.conditions`, issues)
  validateRaw(data, MAX_DATA_BYTES, `${at}.data`, issues)
  if (networkData !== undefined) validateNetworkData(networkData, `${at}.networkData`, issues)
}

const MAX_INTERFACE_NAME = 256
const MAX_HARDWARE_ADDRESS = 128
const MAX_ADDRESSES = 16

function validateNetworkData(
  { interfaceName = '', hardwareAddress = '', ips }: NetworkDeviceData,
  at: string,
  issues: Issues,
): void {
  if (Buffer.byteLength(interfaceName) > MAX_INTERFACE_NAME) issues.tooLong(`${at}.interfaceName`, MAX_INTERFACE_NAME)
  if (Buffer.byteLength(hardwareAddress) > MAX_HARDWARE_ADDRESS) {
    issues.tooLong(`${at}.hardwareAddress`, MAX_HARDWARE_ADDRESS)
  }
  validateSet(ips, MAX_ADDRESSES, `${at}.ips`, issues, {
    ...plain,
    each: (address, here) => {
      validateInterfaceAddress(address, here, issues)
    },
  })
}

/** An address with the length of its network's prefix. */
function validateInterfaceAddress(text: string, at: string, issues: Issues): void {
  const [address = '', length, ...rest] = text.split('/')
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1
  const valid = rest.length === 0 && /^\d+$/.test(length ?? '') && Number(length) <= bits
  if (valid) return
  const why = 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)'
  issues.invalid(at, text, why)
}
