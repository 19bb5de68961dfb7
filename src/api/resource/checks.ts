// Checks that claims, classes and slices of devices share: limits, names, selectors, configuration.

import type { Issues } from '../../apimachinery/issues.ts'
import {
  checkCIdentifier,
  checkLabel,
  checkLabelValue,
  checkQualifiedName,
  checkSubdomain,
  checkValue,
} from '../../apimachinery/validation.ts'
import { validateDriverName } from '../core/driver-name.ts'
import type { DeviceSelector, DeviceToleration, OpaqueDeviceConfiguration } from './claim-fields.ts'

type Each<T> = (item: T, at: string) => void

/** Too many items are not looked at one by one. */
export function validateItems<T>(
  items: readonly T[] | undefined,
  max: number,
  at: string,
  issues: Issues,
  each: Each<T>,
): void {
  if (items === undefined) return
  if (items.length > max) issues.tooMany(at, items.length, max)
  else
    items.forEach((item, i) => {
      each(item, `${at}[${i}]`)
    })
}

/** The same for items that must differ in `keyOf`. */
export function validateSet<T>(
  items: readonly T[] | undefined,
  max: number,
  at: string,
  issues: Issues,
  { each, keyOf }: { each: Each<T>; keyOf: (item: T) => string },
): void {
  validateItems(items, max, at, issues, each)
  if (items === undefined || items.length > max) return
  const seen = new Set<string>()
  items.forEach((item, i) => {
    const key = keyOf(item)
    if (seen.has(key)) issues.duplicate(`${at}[${i}]`, key)
    seen.add(key)
  })
}

export function validateLabelName(name: string, at: string, issues: Issues): void {
  checkValue(name, checkLabel, at, issues)
}

const MAX_POOL_NAME = 253

export function validatePoolName(name: string, at: string, issues: Issues): void {
  if (name === '') {
    issues.required(at)
    return
  }
  if (name.length > MAX_POOL_NAME) issues.tooLong(at, MAX_POOL_NAME)
  for (const part of name.split('/')) checkValue(part, checkSubdomain, at, issues)
}

const MAX_ID = 32

function validateIdentifier(id: string, at: string, issues: Issues): void {
  if (id.length > MAX_ID) issues.tooLong(at, MAX_ID)
  checkValue(id, checkCIdentifier, at, issues)
}

/** `name` or `domain/name`: what attributes and capacities are called. */
export function validateAttributeName(name: string, at: string, issues: Issues): void {
  const parts = name.split('/')
  const [domain = '', id = ''] = parts
  if (parts.length === 1) validateIdentifier(domain, at, issues)
  if (parts.length !== 2) return
  if (domain === '') issues.invalid(at, '', 'the domain must not be empty')
  else validateDriverName(domain, at, issues)
  if (id === '') issues.invalid(at, '', 'the name must not be empty')
  else validateIdentifier(id, at, issues)
}

export function validateFullAttributeName(name: string, at: string, issues: Issues): void {
  validateAttributeName(name, at, issues)
  if (name.includes('/')) return
  issues.invalid(at, name, 'a fully qualified name must be a domain and a name separated by a slash')
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function validateShareId(id: string | undefined, at: string, issues: Issues): void {
  if (id === undefined || UUID.test(id)) return
  const form = '`xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`'
  issues.invalid(at, id, `uid must be in RFC 4122 normalized form, ${form} with lowercase hexadecimal characters`)
}

const MAX_SELECTORS = 32
const MAX_EXPRESSION_BYTES = 10 * 1024

export function validateSelectors(selectors: readonly DeviceSelector[] | undefined, at: string, issues: Issues): void {
  validateItems(selectors, MAX_SELECTORS, at, issues, ({ cel }, here) => {
    if (cel === undefined) issues.required(`${here}.cel`)
    else if (Buffer.byteLength(cel.expression) > MAX_EXPRESSION_BYTES) {
      issues.tooLong(`${here}.cel.expression`, MAX_EXPRESSION_BYTES)
    }
  })
}

export const MAX_CONFIGS = 32
const MAX_PARAMETERS_BYTES = 10 * 1024

export function validateConfiguration(
  { opaque }: { opaque?: OpaqueDeviceConfiguration },
  at: string,
  issues: Issues,
): void {
  if (opaque === undefined) {
    issues.required(`${at}.opaque`)
    return
  }
  validateDriverName(opaque.driver, `${at}.opaque.driver`, issues)
  validateRaw(opaque.parameters, MAX_PARAMETERS_BYTES, `${at}.opaque.parameters`, issues)
}

/** Whatever a driver understands, as long as it is an object. That it is there is the schema's to say. */
export function validateRaw(value: unknown, maxBytes: number, at: string, issues: Issues): void {
  if (value === undefined) return
  if (Buffer.byteLength(JSON.stringify(value)) > maxBytes) issues.tooLong(at, maxBytes)
  else if (value === null) issues.required(at)
  else if (typeof value !== 'object' || Array.isArray(value)) {
    issues.invalid(at, '<value omitted>', 'must be a valid JSON object')
  }
}

const MAX_BINDING_CONDITIONS = 4

interface Bound {
  bindingConditions?: string[]
  bindingFailureConditions?: string[]
}

/** What must come true before the device can be used, and what says that it never will. */
export function validateBinding(bound: Bound, at: string, issues: Issues): void {
  const { bindingConditions: conditions = [], bindingFailureConditions: failures = [] } = bound
  const each: Each<string> = (condition, here) => {
    checkValue(condition, checkQualifiedName, here, issues)
  }
  const keyOf = (condition: string): string => condition
  validateSet(conditions, MAX_BINDING_CONDITIONS, `${at}.bindingConditions`, issues, { each, keyOf })
  validateSet(failures, MAX_BINDING_CONDITIONS, `${at}.bindingFailureConditions`, issues, { each, keyOf })
  failures.forEach((condition, i) => {
    if (!conditions.includes(condition)) return
    const why = 'bindingFailureConditions must not overlap with bindingConditions'
    issues.invalid(`${at}.bindingFailureConditions[${i}]`, condition, why)
  })
  if (conditions.length === 0 && failures.length > 0) {
    const why = 'bindingConditions are required to use bindingFailureConditions'
    issues.invalid(`${at}.bindingConditions`, conditions, why)
  }
  if (conditions.length > 0 && failures.length === 0) {
    const why = 'bindingFailureConditions are required to use bindingConditions'
    issues.invalid(`${at}.bindingFailureConditions`, failures, why)
  }
}

export function validateTolerations(
  tolerations: readonly DeviceToleration[] | undefined,
  at: string,
  issues: Issues,
): void {
  tolerations?.forEach(({ key = '', operator, value = '' }, i) => {
    const here = `${at}[${i}]`
    if (key !== '') checkValue(key, checkQualifiedName, `${here}.key`, issues)
    if (operator === 'Equal') checkValue(value, checkLabelValue, `${here}.value`, issues)
    else if (operator === 'Exists' && value !== '') {
      issues.invalid(`${here}.value`, value, 'must be empty for operator `Exists`')
    }
  })
}
