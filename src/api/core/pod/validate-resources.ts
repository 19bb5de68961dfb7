// Checks amounts: known names, nothing negative, requests within limits.

import type { Issues } from '../../../apimachinery/issues.ts'
import { compareQuantities, parseQuantity } from '../../../apimachinery/quantity.ts'
import { isQuantity } from '../../../apimachinery/scalars.ts'
import { checkQualifiedName, checkValue, NEGATIVE } from '../../../apimachinery/validation.ts'
import type { ResourceRequirements } from '../resource-requirements.ts'

const STANDARD = new Set(['cpu', 'memory', 'ephemeral-storage'])
const isHugePages = (name: string): boolean => name.startsWith('hugepages-')

export function validateResources({ limits, requests }: ResourceRequirements, at: string, issues: Issues): void {
  validateAmounts(limits ?? {}, `${at}.limits`, issues)
  validateAmounts(requests ?? {}, `${at}.requests`, issues)
  for (const [name, request] of Object.entries(requests ?? {})) {
    const limit = limits?.[name]
    if (limit === undefined) {
      // What cannot be given twice must be limited to what is asked for.
      if (!STANDARD.has(name) && checkQualifiedName(name).length === 0) {
        issues.required(`${at}.limits`, `Limit must be set for non overcommitable resources`)
      }
    } else if (isQuantity(limit) && isQuantity(request) && compareQuantities(request, limit) > 0) {
      issues.invalid(`${at}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`)
    } else if (
      !STANDARD.has(name) &&
      isQuantity(limit) &&
      isQuantity(request) &&
      compareQuantities(request, limit) < 0
    ) {
      issues.invalid(`${at}.requests`, request, `must be equal to ${name} limit of ${limit}`)
    }
  }
}

function validateAmounts(amounts: Readonly<Record<string, string>>, at: string, issues: Issues): void {
  for (const [name, amount] of Object.entries(amounts)) {
    const here = `${at}[${name}]`
    checkValue(name, checkQualifiedName, here, issues)
    if (!name.includes('/') && !STANDARD.has(name) && !isHugePages(name)) {
      issues.invalid(here, name, 'must be a standard resource type or fully qualified')
      issues.invalid(here, name, 'must be a standard resource for containers')
    }
    if (!isQuantity(amount)) continue
    const { nanos } = parseQuantity(amount)
    if (nanos < 0n) issues.invalid(here, amount, NEGATIVE)
    if (name.includes('/') && nanos % 1_000_000_000n !== 0n) issues.invalid(here, amount, 'must be an integer')
  }
}
