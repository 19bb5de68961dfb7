// Checks what a quota bounds and for which objects: some scopes go with some resources only, and some exclude each other.

import type { Issues } from '../../../apimachinery/issues.ts'
import { IMMUTABLE } from '../../../apimachinery/validation.ts'
import { isQuotaResource, validateAmount, validateQuotaResourceName } from '../resource-names.ts'
import type { ResourceQuotaSpec, ResourceQuotaStatus, ScopedResourceSelectorRequirement } from './resource-quota.ts'

export const SCOPES = [
  'Terminating',
  'NotTerminating',
  'BestEffort',
  'NotBestEffort',
  'PriorityClass',
  'CrossNamespacePodAffinity',
  'VolumeAttributesClass',
] as const

const EXCLUDING = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const
/** Scopes that an object is in or is not: there is nothing to compare. */
const PLAIN = new Set(['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'])

const COMPUTE = ['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory']
const PODS = new Set(['pods', ...COMPUTE])
const CLAIMS = new Set(['persistentvolumeclaims', 'requests.storage'])

function appliesTo(scope: string, resource: string): boolean {
  switch (scope) {
    case 'BestEffort':
      return resource === 'pods'
    case 'VolumeAttributesClass':
      return CLAIMS.has(resource)
    case 'Terminating':
    case 'NotTerminating':
    case 'NotBestEffort':
    case 'PriorityClass':
    case 'CrossNamespacePodAffinity':
      return PODS.has(resource)
    default:
      return true
  }
}

export function validateQuotaSpec(spec: ResourceQuotaSpec, at: string, issues: Issues): void {
  const { hard = {}, scopes = [], scopeSelector } = spec
  validateAmounts(hard, `${at}.hard`, issues)
  const misfits = (scope: string): number =>
    Object.keys(hard).filter((name) => isQuotaResource(name) && !appliesTo(scope, name)).length
  const scopesAt = `${at}.scopes`
  for (const scope of scopes) {
    if (!(SCOPES as readonly string[]).includes(scope)) issues.invalid(scopesAt, scopes, 'unsupported scope')
    for (let i = misfits(scope); i > 0; i--) {
      issues.invalid(scopesAt, scopes, 'unsupported scope applied to resource')
    }
  }
  validateExcluding(scopes, scopes, scopesAt, issues)
  const expressions = scopeSelector?.matchExpressions ?? []
  const selectorAt = `${at}.scopeSelector.matchExpressions`
  for (const expression of expressions) {
    const scope = expression.scopeName ?? ''
    if (!(SCOPES as readonly string[]).includes(scope)) {
      issues.invalid(`${selectorAt}.scopeName`, scope, 'unsupported scope')
    }
    for (let i = misfits(scope); i > 0; i--) {
      issues.invalid(selectorAt, scopeSelector, 'unsupported scope applied to resource')
    }
    validateExpression(expression, selectorAt, issues)
  }
  const selected = expressions.map(({ scopeName }) => scopeName)
  validateExcluding(selected, scopes, selectorAt, issues)
}

function validateExcluding(scopes: readonly string[], shown: readonly string[], at: string, issues: Issues): void {
  for (const [one, other] of EXCLUDING) {
    if (scopes.includes(one) && scopes.includes(other)) issues.invalid(at, shown, 'conflicting scopes')
  }
}

function validateExpression(expression: ScopedResourceSelectorRequirement, at: string, issues: Issues): void {
  const { scopeName, operator, values = [] } = expression
  if (PLAIN.has(scopeName) && operator !== 'Exists') {
    issues.invalid(
      `${at}.operator`,
      operator ?? '',
      "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
    )
  }
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length > 0) return
      issues.required(
        `${at}.values`,
        "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      )
      return
    case 'Exists':
    case 'DoesNotExist':
      if (values.length === 0) return
      issues.invalid(
        `${at}.values`,
        values,
        "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
      )
      return
    default:
      issues.invalid(`${at}.operator`, operator ?? '', 'not a valid selector operator')
  }
}

export function validateQuotaStatus({ hard = {}, used = {} }: ResourceQuotaStatus, at: string, issues: Issues): void {
  validateAmounts(hard, `${at}.hard`, issues)
  validateAmounts(used, `${at}.used`, issues)
}

function validateAmounts(amounts: Readonly<Record<string, string>>, at: string, issues: Issues): void {
  for (const [name, amount] of Object.entries(amounts)) {
    validateQuotaResourceName(name, `${at}[${name}]`, issues)
    validateAmount(name, amount, `${at}[${name}]`, issues)
  }
}

export function validateQuotaUpdate(next: ResourceQuotaSpec, previous: ResourceQuotaSpec, issues: Issues): void {
  const [now, before] = [new Set(next.scopes), new Set(previous.scopes)]
  if (now.symmetricDifference(before).size > 0) issues.invalid('spec.scopes', next.scopes, IMMUTABLE)
}
