// Checks rules, subjects and role references.

import type { Issues } from '../../apimachinery/issues.ts'
import { checkPathSegment, checkSubdomain, checkValue, sameJson } from '../../apimachinery/validation.ts'
import { type PolicyRule, RBAC_GROUP, type RoleRef, type Subject } from './fields.ts'

export function validateRules(rules: readonly PolicyRule[], namespaced: boolean, issues: Issues): void {
  rules.forEach((rule, i) => {
    const at = `rules[${i}]`
    const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule
    if (verbs.length === 0) issues.required(`${at}.verbs`, 'verbs must contain at least one value')
    if (nonResourceURLs.length > 0) {
      if (namespaced) {
        issues.invalid(`${at}.nonResourceURLs`, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs')
      }
      if (apiGroups.length > 0 || resources.length > 0 || resourceNames.length > 0) {
        issues.invalid(
          `${at}.nonResourceURLs`,
          nonResourceURLs,
          'rules cannot apply to both regular resources and non-resource URLs',
        )
      }
      return
    }
    if (apiGroups.length === 0) {
      issues.required(`${at}.apiGroups`, 'resource rules must supply at least one api group')
    }
    if (resources.length === 0) issues.required(`${at}.resources`, 'resource rules must supply at least one resource')
  })
}

interface Binding {
  subjects?: Subject[]
  roleRef: RoleRef
}

export function validateBinding({ subjects = [], roleRef }: Binding, namespaced: boolean, issues: Issues): void {
  if (roleRef.apiGroup !== undefined && roleRef.apiGroup !== RBAC_GROUP) {
    issues.notSupported('roleRef.apiGroup', roleRef.apiGroup, [RBAC_GROUP])
  }
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole']
  if (roleRef.kind !== undefined && !kinds.includes(roleRef.kind)) {
    issues.notSupported('roleRef.kind', roleRef.kind, kinds)
  }
  if (roleRef.name === '') issues.required('roleRef.name')
  else if (roleRef.name !== undefined) checkValue(roleRef.name, checkPathSegment, 'roleRef.name', issues)
  subjects.forEach((subject, i) => {
    validateSubject(subject, namespaced, `subjects[${i}]`, issues)
  })
}

function validateSubject(subject: Subject, namespaced: boolean, at: string, issues: Issues): void {
  const { kind, name, apiGroup = '', namespace = '' } = subject
  if (name === '') issues.required(`${at}.name`)
  switch (kind) {
    case 'ServiceAccount':
      if (name !== undefined && name !== '') checkValue(name, checkSubdomain, `${at}.name`, issues)
      if (apiGroup !== '') issues.notSupported(`${at}.apiGroup`, apiGroup, [''])
      if (!namespaced && namespace === '') issues.required(`${at}.namespace`)
      break
    case 'User':
    case 'Group':
      if (apiGroup !== RBAC_GROUP) issues.notSupported(`${at}.apiGroup`, apiGroup, [RBAC_GROUP])
      break
    default:
      if (kind !== undefined) issues.notSupported(`${at}.kind`, kind, ['ServiceAccount', 'User', 'Group'])
  }
}

/** Whoever may change a binding's subjects could otherwise hand out any role. */
export function validateBindingUpdate(next: Binding, previous: Binding, issues: Issues): void {
  if (!sameJson(next.roleRef, previous.roleRef)) issues.invalid('roleRef', next.roleRef, 'cannot change roleRef')
}
