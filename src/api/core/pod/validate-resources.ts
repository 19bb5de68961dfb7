// Checks amounts: known names, nothing negative, requests within limits.

import type { Issues } from '../../../apimachinery/issues.ts'
import { compareQuantities, parseQuantity } from '../../../apimachinery/quantity.ts'
import { isQuantity } from '../../../apimachinery/scalars.ts'
import { checkQualifiedName, checkValue, NEGATIVE } from '../../../apimachinery/validation.ts'
import type { ResourceRequirements } from '../resource-requirements.ts'

const STANDARD = new Set(['cpu', 'memory', 'ephemeral-storage'])
const isHugePages = (name: string): boolean => name.startsWith('hugepages-')

export function validateResources({ limits, requests }: ResourceRequirements, at: string, issues: Issues): void {
  if (limits !== undefined) validateAmounts(limits, `${at}.limits`, issues)
  if (requests === undefined) return
  validateAmounts(requests, `${at}.requests`, issues)
  for (const name in requests) {
    const request = requests[name] ?? ''
    const limit = limits?.[name]
    if (limit === undefined) {
      // What cannot be given twice must be limited to what is asked for.
      if (!STANDARD.has(name) && checkQualifiedName(name).length === 0) {
        issues.required(`${at}.limits`, `Limit must be set for non overcommitable resources`)
      }
      continue
    }
    const order = isQuantity(limit) && isQuantity(request) ? compareQuantities(request, limit) : 0
    if (order > 0) {
      issues.invalid(`${at}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`)
    } else if (order < 0 && !STANDARD.has(name)) {
      issues.invalid(`${at}.requests`, request, `must be equal to ${name} limit of ${limit}`)
    }
  }
}

function validateAmounts(amounts: Readonly<Record<string, string>>, at: string, issues: Issues): void {
  for (const name in amounts) {
    const amount = amounts[name] ?? ''
    if (!STANDARD.has(name)) validateName(name, `${at}[${name}]`, issues)
    if (!isQuantity(amount)) continue
    const { nanos } = parseQuantity(amount)
    if (nanos < 0n) issues.invalid(`${at}[${name}]`, amount, NEGATIVE)
    if (name.includes('/') && nanos % 1_000_000_000n !== 0n) {
      issues.invalid(`${at}[${name}]`, amount, 'must be an integer')
    }
  }
}

function validateName(name: string, at: string, issues: Issues): void {
  checkValue(name, checkQualifiedName, at, issues)
  if (name.includes('/') || isHugePages(name)) return
  issues.invalid(at, name, 'must be a standard resource type or fully qualified')
  issues.invalid(at, name, 'must be a standard resource for containers')
}
