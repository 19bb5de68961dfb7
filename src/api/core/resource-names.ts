// Which names of resources there are: for containers, for quotas, and those that others extend the list with.

import type { Issues } from '../../apimachinery/issues.ts'
import { parseQuantity } from '../../apimachinery/quantity.ts'
import { isQuantity } from '../../apimachinery/scalars.ts'
import { checkQualifiedName, checkValue, NEGATIVE } from '../../apimachinery/validation.ts'

export const NOT_POSITIVE = 'must be greater than zero'
const NOT_INTEGER = 'must be an integer'

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage']
/** What quotas count. */
const COUNTED = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
]
const QUOTA = new Set([
  ...COMPUTE,
  ...COMPUTE.map((name) => `requests.${name}`),
  ...COMPUTE.map((name) => `limits.${name}`),
  'requests.storage',
  ...COUNTED,
])

const isHugePages = (name: string): boolean => name.startsWith('hugepages-')
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/')

export function isQuotaResource(name: string): boolean {
  return QUOTA.has(name) || isHugePages(name) || name.startsWith('requests.hugepages-')
}

/** A device or the like that somebody else names: `example.com/gpu`. */
function isExtended(name: string): boolean {
  return !isNative(name) && !name.startsWith('requests.') && checkQualifiedName(`requests.${name}`).length === 0
}

/** Whether more may be promised than there is. */
export function isOvercommitAllowed(name: string): boolean {
  return isNative(name) && !isHugePages(name)
}

/** Answers whether the name is well formed. */
export function validateResourceName(name: string, at: string, issues: Issues): boolean {
  checkValue(name, checkQualifiedName, at, issues)
  if (checkQualifiedName(name).length > 0) return false
  const standard = isQuotaResource(name) || name === 'storage'
  if (!name.includes('/') && !standard) issues.invalid(at, name, 'must be a standard resource type or fully qualified')
  return true
}

export function validateContainerResourceName(name: string, at: string, issues: Issues): void {
  validateResourceName(name, at, issues)
  if (!name.includes('/')) {
    const known = COMPUTE.includes(name) || isHugePages(name)
    if (!known) issues.invalid(at, name, 'must be a standard resource for containers')
  } else if (!isNative(name) && !isExtended(name)) {
    issues.invalid(at, name, "doesn't follow extended resource name standard")
  }
}

export function validateQuotaResourceName(name: string, at: string, issues: Issues): void {
  validateResourceName(name, at, issues)
  if (!name.includes('/') && !isQuotaResource(name)) issues.invalid(at, name, 'must be a standard resource for quota')
}

/** Nothing negative, and no half of what is counted. */
export function validateAmount(name: string, amount: string, at: string, issues: Issues): void {
  if (!isQuantity(amount)) return
  const { nanos } = parseQuantity(amount)
  if (nanos < 0n) issues.invalid(at, amount, NEGATIVE)
  const whole = COUNTED.includes(name) || isExtended(name)
  if (whole && nanos % 1_000_000_000n !== 0n) issues.invalid(at, amount, NOT_INTEGER)
}
