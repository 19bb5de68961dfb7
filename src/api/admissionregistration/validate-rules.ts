// Checks which requests webhooks and policies ask to see.

import type { Issues } from '../../apimachinery/issues.ts'
import {
  checkLabel1035,
  checkPathSegment,
  checkQualifiedName,
  checkSubdomain,
  checkValue,
  validateLabelSelector,
} from '../../apimachinery/validation.ts'
import type {
  MatchCondition,
  MatchResources,
  NamedRuleWithOperations,
  ParamKind,
  RuleWithOperations,
} from './fields.ts'

export function validateRule(rule: RuleWithOperations, at: string, issues: Issues): void {
  validateAlternatives(rule.operations ?? [], 'operations', `${at}.operations`, issues)
  validateAlternatives(rule.apiGroups ?? [], 'API groups', `${at}.apiGroups`, issues)
  validateAlternatives(rule.apiVersions ?? [], 'API versions', `${at}.apiVersions`, issues)
  rule.apiVersions?.forEach((version, i) => {
    if (version === '') issues.required(`${at}.apiVersions[${i}]`)
  })
  validateResources(rule.resources ?? [], `${at}.resources`, issues)
}

function validateAlternatives(values: readonly string[], what: string, at: string, issues: Issues): void {
  if (values.length === 0) issues.required(at)
  if (values.length > 1 && values.includes('*')) {
    issues.invalid(at, values, `if '*' is present, must not specify other ${what}`)
  }
}

/** `pods`, `pods/status`, `pods/*`, or all of a part. What one says, no other may say again. */
function validateResources(resources: readonly string[], at: string, issues: Issues): void {
  if (resources.length === 0) issues.required(at)
  const whole = new Set<string>()
  const subresources = new Set<string>()
  let plain = false
  resources.forEach((resource, i) => {
    const here = `${at}[${i}]`
    if (resource === '') {
      issues.required(here)
      return
    }
    const slash = resource.indexOf('/')
    if (slash < 0) {
      plain = resource !== '*'
      return
    }
    const [main, sub] = [resource.slice(0, slash), resource.slice(slash + 1)]
    if (whole.has(main)) issues.invalid(here, resource, `if '${main}/*' is present, must not specify ${resource}`)
    if (subresources.has(sub)) issues.invalid(here, resource, `if '*/${sub}' is present, must not specify ${resource}`)
    if (sub === '*') whole.add(main)
    if (main === '*') subresources.add(sub)
  })
  if (resources.length > 1 && resources.includes('*/*')) {
    issues.invalid(at, resources, "if '*/*' is present, must not specify other resources")
  }
  if (plain && resources.includes('*')) {
    issues.invalid(at, resources, "if '*' is present, must not specify other resources without subresources")
  }
}

function validateNamedRules(rules: readonly NamedRuleWithOperations[], at: string, issues: Issues): void {
  rules.forEach((rule, i) => {
    rule.resourceNames?.forEach((name, j) => {
      checkValue(name, checkPathSegment, `${at}[${i}].resourceNames[${j}]`, issues)
    })
    validateRule(rule, `${at}[${i}]`, issues)
  })
}

export function validateMatchResources(resources: MatchResources, at: string, issues: Issues): void {
  validateLabelSelector(resources.namespaceSelector, `${at}.namespaceSelector`, issues)
  validateLabelSelector(resources.objectSelector, `${at}.objectSelector`, issues)
  validateNamedRules(resources.resourceRules ?? [], `${at}.resourceRules`, issues)
  validateNamedRules(resources.excludeResourceRules ?? [], `${at}.excludeResourceRules`, issues)
}

export function validateMatchConditions(conditions: readonly MatchCondition[], at: string, issues: Issues): void {
  conditions.forEach(({ name, expression }, i) => {
    if (expression.trim() === '') issues.required(`${at}[${i}].expression`)
    if (name === '') issues.required(`${at}[${i}].name`)
    else checkValue(name, checkQualifiedName, `${at}[${i}].name`, issues)
  })
}

export function validateParamKind({ apiVersion = '', kind = '' }: ParamKind, at: string, issues: Issues): void {
  const here = `${at}.apiVersion`
  const parts = apiVersion === '/' ? [''] : apiVersion.split('/')
  const group = parts.length === 2 ? (parts[0] ?? '') : ''
  const version = parts.at(-1) ?? ''
  if (apiVersion === '') issues.required(here)
  else if (parts.length > 2) issues.invalid(here, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)
  else {
    if (group !== '') validateJoined(group, checkSubdomain(group), here, issues)
    if (version === '') issues.invalid(here, apiVersion, 'version must be specified')
    else validateJoined(version, checkLabel1035(version), here, issues)
  }
  if (kind === '') issues.required(`${at}.kind`)
  else {
    const problems = checkLabel1035(kind.toLowerCase())
    if (problems.length === 0) return
    const why = `may have mixed case, but should otherwise match: ${problems.join(',')}`
    issues.invalid(`${at}.kind`, kind, why)
  }
}

/** Several problems in one issue. */
function validateJoined(value: string, problems: readonly string[], at: string, issues: Issues): void {
  if (problems.length > 0) issues.invalid(at, value, problems.join(','))
}
