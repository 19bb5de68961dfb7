// Checks which requests a flow schema sorts out, and the conditions of both kinds.

import type { Issues } from '../../apimachinery/issues.ts'
import { checkLabel, checkSubdomain, checkValue } from '../../apimachinery/validation.ts'
import type {
  FlowSchemaCondition,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from './flow-schema-fields.ts'

export function validateFlowRule(rule: PolicyRulesWithSubjects, at: string, issues: Issues): void {
  if (rule.subjects.length === 0) issues.required(`${at}.subjects`, 'subjects must contain at least one value')
  rule.subjects.forEach((subject, i) => {
    validateSubject(subject, `${at}.subjects[${i}]`, issues)
  })
  const { resourceRules = [], nonResourceRules = [] } = rule
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    issues.required(at, 'at least one of resourceRules and nonResourceRules has to be non-empty')
  }
  resourceRules.forEach((item, i) => {
    validateResourceRule(item, `${at}.resourceRules[${i}]`, issues)
  })
  nonResourceRules.forEach((item, i) => {
    validateNonResourceRule(item, `${at}.nonResourceRules[${i}]`, issues)
  })
}

/** The field that each kind of subject fills in. */
const SUBJECT_FIELDS = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const
type SubjectKind = keyof typeof SUBJECT_FIELDS
const SUBJECT_KINDS = Object.keys(SUBJECT_FIELDS) as SubjectKind[]

function validateSubject(subject: Subject, at: string, issues: Issues): void {
  const kind = SUBJECT_KINDS.find((known) => known === subject.kind)
  if (kind === undefined) {
    issues.notSupported(`${at}.kind`, subject.kind, SUBJECT_KINDS)
    return
  }
  const own = SUBJECT_FIELDS[kind]
  if (subject[own] === undefined) issues.required(`${at}.${own}`, `${own} is required when subject kind is '${kind}'`)
  else if (own === 'serviceAccount') validateAccount(subject.serviceAccount, `${at}.${own}`, issues)
  else if (subject[own]?.name === '') issues.required(`${at}.${own}.name`)
  for (const other of SUBJECT_KINDS) {
    const field = SUBJECT_FIELDS[other]
    if (other === kind || subject[field] === undefined) continue
    issues.forbidden(`${at}.${field}`, `${field} is forbidden when subject kind is not '${other}'`)
  }
}

function validateAccount(account: Subject['serviceAccount'], at: string, issues: Issues): void {
  const { name = '', namespace = '' } = account ?? {}
  if (name === '') issues.required(`${at}.name`)
  else if (name !== '*') checkValue(name, checkSubdomain, `${at}.name`, issues)
  if (namespace === '') issues.required(`${at}.namespace`, 'must specify namespace for service account')
  else checkValue(namespace, checkLabel, `${at}.namespace`, issues)
}

const VERBS = ['get', 'list', 'create', 'update', 'delete', 'deletecollection', 'patch', 'watch', 'proxy']

function validateVerbs(verbs: readonly string[], at: string, issues: Issues): void {
  if (verbs.length === 0) issues.required(at, 'verbs must contain at least one value')
  else if (!verbs.includes('*')) {
    if (!verbs.every((verb) => VERBS.includes(verb))) issues.notSupported(at, verbs, VERBS)
  } else alone(verbs, 'verbs', at, issues)
}

/** Who asks for everything asks for nothing else. */
function alone(values: readonly string[], what: string, at: string, issues: Issues): void {
  if (values.length < 2 || !values.includes('*')) return
  issues.invalid(at, values, `if '*' is present, must not specify other ${what}`)
}

function validateResourceRule(rule: ResourcePolicyRule, at: string, issues: Issues): void {
  const { verbs, apiGroups, resources, namespaces = [], clusterScope = false } = rule
  validateVerbs(verbs, `${at}.verbs`, issues)
  if (apiGroups.length === 0) issues.required(`${at}.apiGroups`, 'resource rules must supply at least one api group')
  alone(apiGroups, 'api groups', `${at}.apiGroups`, issues)
  if (resources.length === 0) issues.required(`${at}.resources`, 'resource rules must supply at least one resource')
  alone(resources, 'resources', `${at}.resources`, issues)
  if (namespaces.length === 0 && !clusterScope) {
    const why = 'resource rules that are not cluster scoped must supply at least one namespace'
    issues.required(`${at}.namespaces`, why)
  } else if (namespaces.includes('*')) alone(namespaces, 'namespaces', `${at}.namespaces`, issues)
  else {
    namespaces.forEach((namespace, i) => {
      for (const problem of checkLabel(namespace)) {
        const why = `each member of this list must be '*' or a DNS-1123 label; ${problem}`
        issues.invalid(`${at}.namespaces[${i}]`, namespace, why)
      }
    })
  }
}

function validateNonResourceRule(
  { verbs, nonResourceURLs: urls }: NonResourcePolicyRule,
  at: string,
  issues: Issues,
): void {
  validateVerbs(verbs, `${at}.verbs`, issues)
  const here = `${at}.nonResourceURLs`
  if (urls.length === 0) issues.required(here, 'nonResourceURLs must contain at least one value')
  else if (urls.includes('*')) alone(urls, 'non-resource URLs', here, issues)
  else {
    urls.forEach((url, i) => {
      const problem = urlProblem(url)
      if (problem !== undefined) issues.invalid(`${here}[${i}]`, url, problem)
    })
  }
}

function urlProblem(url: string): string | undefined {
  if (url === '') return 'must not be empty'
  if (!url.startsWith('/')) return 'must start with slash'
  if (url.includes(' ')) return 'must not contain white-space'
  if (url.includes('//')) return 'must not contain double slash'
  const wildcard = url.indexOf('*')
  return wildcard < 0 || (url.endsWith('/*') && wildcard === url.length - 1)
    ? undefined
    : 'wildcard can only do suffix matching'
}

export function validateFlowConditions(conditions: readonly FlowSchemaCondition[], issues: Issues): void {
  const types = new Set<string>()
  conditions.forEach(({ type = '' }, i) => {
    const at = `status.conditions[${i}].type`
    if (types.has(type)) issues.duplicate(at, type)
    types.add(type)
    if (type === '') issues.required(at, 'must not be empty')
  })
}
