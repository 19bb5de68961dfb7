// Checks what a driver offers: where it is, which devices, and what they share.

import type { Issues } from '../../apimachinery/issues.ts'
import { addQuantities, compareQuantities, quantityValue } from '../../apimachinery/quantity.ts'
import { isQuantity } from '../../apimachinery/scalars.ts'
import {
  checkLabelValue,
  checkQualifiedName,
  checkSubdomain,
  checkValue,
  sameJson,
} from '../../apimachinery/validation.ts'
import type { NodeSelector } from '../core/pod/affinity.ts'
import { validateDriverName } from '../core/driver-name.ts'
import { validateNodeTerm } from '../core/pod/validate.ts'
import {
  validateAttributeName,
  validateBinding,
  validateItems,
  validateLabelName,
  validatePoolName,
  validateSet,
} from './checks.ts'
import type {
  CapacityRequestPolicy,
  CapacityRequestPolicyRange,
  Counter,
  Device,
  DeviceAttribute,
  DeviceCapacity,
  ResourceSliceSpec,
} from './slice-fields.ts'

const MAX_DEVICES = 128
/** With what makes a device costly to look at. */
const MAX_COSTLY_DEVICES = 64
const MAX_COUNTER_SETS = 8
const MAX_COUNTERS = 32

export function validateSlice(spec: ResourceSliceSpec, previous: ResourceSliceSpec | undefined, issues: Issues): void {
  const { pool, devices = [], sharedCounters } = spec
  validateDriverName(spec.driver, 'spec.driver', issues)
  validatePoolName(pool.name, 'spec.pool.name', issues)
  if (pool.resourceSliceCount <= 0) {
    issues.invalid('spec.pool.resourceSliceCount', pool.resourceSliceCount, 'must be greater than zero')
  }
  if (pool.generation < 0) {
    issues.invalid('spec.pool.generation', pool.generation, 'must be greater than or equal to zero')
  }
  validateSlicePlace(spec, issues)
  if (sharedCounters !== undefined && spec.devices !== undefined) {
    issues.invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed')
  }
  const costly = devices.some(({ taints = [], consumesCounters = [] }) => taints.length + consumesCounters.length > 0)
  const old = new Map(previous?.devices?.map((device) => [device.name, device]))
  validateSet(spec.devices, costly ? MAX_COSTLY_DEVICES : MAX_DEVICES, 'spec.devices', issues, {
    keyOf: ({ name }) => name,
    each: (device, at) => {
      validateDevice(device, old.get(device.name), at, issues)
      validateDevicePlace(device, spec.perDeviceNodeSelection === true, at, issues)
    },
  })
  validateSet(sharedCounters, MAX_COUNTER_SETS, 'spec.sharedCounters', issues, {
    keyOf: ({ name }) => name,
    each: ({ name, counters }, at) => {
      validateCounters(name, counters, `${at}.name`, `${at}.counters`, issues)
    },
  })
}

function validateNodeSelector({ nodeSelectorTerms: terms = [] }: NodeSelector, at: string, issues: Issues): void {
  if (terms.length === 0) issues.required(`${at}.nodeSelectorTerms`, 'must have at least one node selector term')
  terms.forEach((term, i) => {
    validateNodeTerm(term, `${at}.nodeSelectorTerms[${i}]`, issues)
  })
}

function validateSlicePlace(spec: ResourceSliceSpec, issues: Issues): void {
  const set: string[] = []
  const { nodeName, nodeSelector } = spec
  if (nodeName === '') issues.invalid('spec.nodeName', '', 'must be either unset or set to a non-empty string')
  else if (nodeName !== undefined) {
    set.push('`nodeName`')
    checkValue(nodeName, checkSubdomain, 'spec.nodeName', issues)
  }
  if (nodeSelector !== undefined) {
    set.push('`nodeSelector`')
    validateNodeSelector(nodeSelector, 'spec.nodeSelector', issues)
    const { nodeSelectorTerms: terms } = nodeSelector
    if (terms?.length !== 1) {
      issues.invalid('spec.nodeSelector.nodeSelectorTerms', terms, 'must have exactly one node selector term')
    }
  }
  for (const field of ['allNodes', 'perDeviceNodeSelection'] as const) {
    if (spec[field] === true) set.push(`\`${field}\``)
    else if (spec[field] === false) issues.invalid(`spec.${field}`, false, 'must be either unset or set to true')
  }
  const one = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
  if (set.length === 0) issues.required('spec', one)
  else if (set.length > 1) issues.invalid('spec', `{${set.join(', ')}}`, `${one}, but multiple fields are set`)
}

const WHEN = '`perDeviceNodeSelection` is set to true in the ResourceSlice spec'

function validateDevicePlace(device: Device, perDevice: boolean, at: string, issues: Issues): void {
  const { nodeName, nodeSelector, allNodes } = device
  if (!perDevice) {
    if (nodeName === undefined && nodeSelector === undefined && allNodes === undefined) return
    issues.invalid(at, null, `\`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if ${WHEN}`)
    return
  }
  const set: string[] = []
  if (nodeName === '') issues.invalid(`${at}.nodeName`, '', 'must not be empty')
  else if (nodeName !== undefined) {
    set.push('`nodeName`')
    checkValue(nodeName, checkSubdomain, `${at}.nodeName`, issues)
  }
  if (nodeSelector !== undefined) {
    set.push('`nodeSelector`')
    validateNodeSelector(nodeSelector, `${at}.nodeSelector`, issues)
  }
  if (allNodes === true) set.push('`allNodes`')
  else if (allNodes === false) issues.invalid(`${at}.allNodes`, false, 'must be either unset or set to true')
  const one = `exactly one of \`nodeName\`, \`nodeSelector\`, or \`allNodes\` is required when ${WHEN}`
  if (set.length === 0) issues.required(at, one)
  else if (set.length > 1) issues.invalid(at, `{${set.join(', ')}}`, one)
}

const MAX_ATTRIBUTES = 32
const MAX_TAINTS = 16
const MAX_CONSUMPTIONS = 2

function validateDevice(device: Device, previous: Device | undefined, at: string, issues: Issues): void {
  const { attributes = {}, capacity = {}, taints } = device
  validateLabelName(device.name, `${at}.name`, issues)
  const total = Object.keys(attributes).length + Object.keys(capacity).length
  if (total > MAX_ATTRIBUTES) {
    issues.invalid(at, total, `the total number of attributes and capacities must not exceed ${MAX_ATTRIBUTES}`)
  }
  for (const [name, attribute] of Object.entries(attributes)) {
    validateAttributeName(name, `${at}.attributes[${name}]`, issues)
    validateAttribute(attribute, `${at}.attributes[${name}]`, issues)
  }
  for (const [name, amount] of Object.entries(capacity)) {
    validateAttributeName(name, `${at}.capacity[${name}]`, issues)
    validateCapacity(amount, device.allowMultipleAllocations === true, `${at}.capacity[${name}].requestPolicy`, issues)
  }
  if (previous === undefined || !sameJson(previous.taints, taints)) {
    validateItems(taints, MAX_TAINTS, `${at}.taints`, issues, ({ key, value = '' }, here) => {
      checkValue(key, checkQualifiedName, `${here}.key`, issues)
      if (value !== '') checkValue(value, checkLabelValue, `${here}.value`, issues)
    })
  }
  validateSet(device.consumesCounters, MAX_CONSUMPTIONS, `${at}.consumesCounters`, issues, {
    keyOf: ({ counterSet }) => counterSet,
    each: ({ counterSet, counters }, here) => {
      validateCounters(counterSet, counters, `${here}.counterSet`, `${here}.counters`, issues)
    },
  })
  validateBinding(device, at, issues)
}

/** A set of counters by name. */
function validateCounters(
  set: string,
  counters: Readonly<Record<string, Counter>> | undefined,
  nameAt: string,
  at: string,
  issues: Issues,
): void {
  if (set === '') issues.required(nameAt)
  else validateLabelName(set, nameAt, issues)
  const names = Object.keys(counters ?? {})
  if (names.length === 0) issues.required(at)
  else if (names.length > MAX_COUNTERS) issues.tooMany(at, names.length, MAX_COUNTERS)
  else for (const name of names) validateLabelName(name, `${at}[${name}]`, issues)
}

const MAX_VALUE_BYTES = 64
const NUMBER = '(?:0|[1-9]\\d*)'
const PRERELEASE = '(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)'
const BUILD = '[0-9a-zA-Z-]+'
const SEMVER = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-${PRERELEASE}(?:\\.${PRERELEASE})*)?(?:\\+${BUILD}(?:\\.${BUILD})*)?$`,
)

function validateAttribute(attribute: DeviceAttribute, at: string, issues: Issues): void {
  const texts = (values: readonly string[], here: (i: number) => string, version: boolean): void => {
    values.forEach((value, i) => {
      if (version && !SEMVER.test(value)) {
        issues.invalid(here(i), value, 'must be a string compatible with semver.org spec 2.0.0')
      }
      if (Buffer.byteLength(value) > MAX_VALUE_BYTES) issues.tooLong(here(i), MAX_VALUE_BYTES)
    })
  }
  if (attribute.string !== undefined) texts([attribute.string], () => `${at}.string`, false)
  if (attribute.version !== undefined) texts([attribute.version], () => `${at}.version`, true)
  texts(attribute.strings ?? [], (i) => `${at}.strings[${i}]`, false)
  texts(attribute.versions ?? [], (i) => `${at}.versions[${i}]`, true)
  const set = Object.values(attribute).filter((value) => value !== undefined).length
  if (set !== 1) issues.invalid(at, set === 0 ? '' : attribute, 'exactly one value must be specified')
}

function validateCapacity(
  { value, requestPolicy: policy }: DeviceCapacity,
  shared: boolean,
  at: string,
  issues: Issues,
): void {
  if (policy === undefined) return
  if (!shared) issues.forbidden(at, 'allowMultipleAllocations must be true')
  else if ((policy.validValues ?? []).length > 0 && policy.validRange !== undefined) {
    const why = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
    issues.forbidden(at, why)
  } else validatePolicy(policy, value, at, issues)
}

function validatePolicy(policy: CapacityRequestPolicy, capacity: string, at: string, issues: Issues): void {
  const { default: usual, validValues = [], validRange } = policy
  const { min, max, step } = validRange ?? {}
  const amounts = [capacity, ...validValues, usual, min, max, step].filter((amount) => amount !== undefined)
  // What is no amount is the schema's to report.
  if (!amounts.every(isQuantity)) return
  if (validValues.length > 0) {
    if (usual === undefined) issues.required(`${at}.default`, 'required when validValues is defined')
    else validateValues(validValues, usual, capacity, `${at}.validValues`, issues)
  } else if (validRange !== undefined) {
    if (usual === undefined) issues.required(`${at}.default`, 'required when validRange is defined')
    else validateRange(validRange, usual, capacity, `${at}.validRange`, issues)
  }
}

const MAX_OPTIONS = 10

function validateValues(values: readonly string[], usual: string, capacity: string, at: string, issues: Issues): void {
  values.forEach((value, i) => {
    const before = values[i - 1]
    if (before === undefined || compareQuantities(before, value) <= 0) return
    issues.invalid(`${at}[${i}]`, value, 'values must be sorted in ascending order')
  })
  validateSet(values, MAX_OPTIONS, at, issues, {
    keyOf: (value) => String(quantityValue(value)),
    each: (value, here) => {
      if (compareQuantities(value, capacity) <= 0) return
      issues.invalid(here, value, `option is larger than capacity value: ${capacity}`)
    },
  })
  if (!values.some((value) => compareQuantities(value, usual) === 0)) {
    issues.invalid(at, usual, 'default value is not valid according to the requestPolicy')
  }
}

function validateRange(
  range: CapacityRequestPolicyRange,
  usual: string,
  capacity: string,
  at: string,
  issues: Issues,
): void {
  const { min, max, step } = range
  if (min === undefined) {
    issues.required(`${at}.min`, 'required when validRange is defined')
    return
  }
  const larger = (a: string, b: string): boolean => compareQuantities(a, b) > 0
  if (larger(min, capacity)) issues.invalid(`${at}.min`, min, `min is larger than capacity value: ${capacity}`)
  if (larger(min, usual)) issues.invalid(`${at}.min`, usual, `default is less than min: ${min}`)
  if (max !== undefined) {
    if (larger(min, max)) issues.invalid(`${at}.max`, min, `min is larger than max: ${max}`)
    if (larger(max, capacity)) issues.invalid(`${at}.max`, max, `max is larger than capacity value: ${capacity}`)
    if (larger(usual, max)) issues.invalid(`${at}.max`, usual, `default is more than max: ${max}`)
  }
  if (step === undefined) return
  const second = addQuantities(min, step)
  if (larger(second, capacity)) {
    issues.invalid(`${at}.step`, step, `one step ${second} is larger than capacity value: ${capacity}`)
  }
  for (const value of [usual, ...(max === undefined ? [] : [max])]) {
    if ((quantityValue(value) - quantityValue(min)) % quantityValue(step) === 0) continue
    issues.invalid(`${at}.step`, value, `value is not a multiple of a given step (${step}) from (${min})`)
  }
}
