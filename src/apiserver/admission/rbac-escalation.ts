// Nobody grants more than they have: roles with rules, and bindings to roles, that go beyond the asker's own rights are refused.

import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Identity } from '../../client/door.ts'
import { type AuthorizationRequest, type Authorizer, authorize } from '../authz/authorizer.ts'
import { type PolicyRule, type RbacSource, rulesFor } from '../authz/rbac.ts'
import type { AdmissionPlugin, Attributes } from './admission.ts'

const GROUP = 'rbac.authorization.k8s.io'

export function rbacEscalation(source: RbacSource, authorizers: readonly Authorizer[]): AdmissionPlugin {
  return {
    name: 'RBACEscalation',
    validate(attributes) {
      const { operation, resource, object, namespace, context } = attributes
      if (resource.group !== GROUP || !object || (operation !== 'CREATE' && operation !== 'UPDATE')) return
      if (context.identity.groups.includes('system:masters')) return
      const isRole = resource.kind === 'Role' || resource.kind === 'ClusterRole'
      if (allowed(attributes, isRole ? 'escalate' : 'bind', authorizers)) return
      const rules = isRole
        ? ((object as { rules?: PolicyRule[] }).rules ?? [])
        : rulesOfBinding(source, object, namespace)
      const missing = beyond(source, context.identity, namespace, rules)
      if (missing.length === 0) return
      const list = missing.map((r) => `\n${ruleText(r)}`).join('')
      const { username, groups } = context.identity
      throw errors.forbidden(
        resource,
        attributes.name,
        `user ${JSON.stringify(username)} (groups=[${groups.map((g) => JSON.stringify(g)).join(' ')}]) is attempting to grant RBAC permissions not currently held:${list}`,
      )
    },
  }
}

/** Who may `escalate` a role, or `bind` the role that is bound, needs no rights of their own. */
function allowed(
  { resource, object, namespace, context }: Attributes,
  verb: string,
  authorizers: readonly Authorizer[],
): boolean {
  const roleRef = (object as { roleRef?: { kind: string; name: string } }).roleRef
  const request: AuthorizationRequest = {
    identity: context.identity,
    verb,
    group: GROUP,
    version: 'v1',
    resource: roleRef ? (roleRef.kind === 'Role' ? 'roles' : 'clusterroles') : resource.plural,
    subresource: '',
    namespace,
    name: roleRef ? roleRef.name : (object?.metadata.name ?? ''),
  }
  return authorize(authorizers, request).verdict === 'allow'
}

function rulesOfBinding(source: RbacSource, object: AnyObject, namespace: string): readonly PolicyRule[] {
  const { roleRef } = object as unknown as { roleRef?: { kind: 'Role' | 'ClusterRole'; name: string } }
  return (roleRef && source.rules(roleRef.kind, namespace, roleRef.name)) ?? []
}

/** The single rights in `rules` that the identity does not hold. */
function beyond(source: RbacSource, identity: Identity, namespace: string, rules: readonly PolicyRule[]): PolicyRule[] {
  const own = [...rulesFor(source, identity, namespace)].map((g) => g.rule)
  return rules.flatMap((rule) => [...single(rule)]).filter((wanted) => !own.some((rule) => covers(rule, wanted)))
}

/** One rule for every combination of verb, group, resource and name. */
function* single(rule: PolicyRule): Generator<PolicyRule> {
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) yield { verbs: [verb], nonResourceURLs: [url] }
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const names = rule.resourceNames?.length ? rule.resourceNames.map((n) => [n]) : [undefined]
        for (const name of names)
          yield { verbs: [verb], apiGroups: [group], resources: [resource], ...(name ? { resourceNames: name } : {}) }
      }
    }
  }
}

function covers(
  rule: PolicyRule,
  { verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule,
): boolean {
  const has = (list: readonly string[] | undefined, value = ''): boolean =>
    list?.includes('*') === true || list?.includes(value) === true
  if (!has(rule.verbs, verbs[0])) return false
  const [url] = nonResourceURLs ?? []
  if (url !== undefined)
    return rule.nonResourceURLs?.some((u) => u === url || (u.endsWith('*') && url.startsWith(u.slice(0, -1)))) === true
  const [resource = ''] = resources ?? []
  const slash = resource.indexOf('/')
  const any = slash > 0 && rule.resources?.includes(`*${resource.slice(slash)}`) === true
  if (!has(rule.apiGroups, apiGroups?.[0]) || !(has(rule.resources, resource) || any)) return false
  return (
    !rule.resourceNames?.length || (resourceNames !== undefined && rule.resourceNames.includes(resourceNames[0] ?? ''))
  )
}

function ruleText({ apiGroups, resources, resourceNames, nonResourceURLs, verbs }: PolicyRule): string {
  const list = (values: readonly string[]): string => `[${values.map((v) => JSON.stringify(v)).join(' ')}]`
  const parts = nonResourceURLs
    ? [`NonResourceURLs:${list(nonResourceURLs)}`]
    : [`APIGroups:${list(apiGroups ?? [])}`, `Resources:${list(resources ?? [])}`]
  if (resourceNames) parts.push(`ResourceNames:${list(resourceNames)}`)
  return `{${[...parts, `Verbs:${list(verbs)}`].join(', ')}}`
}
