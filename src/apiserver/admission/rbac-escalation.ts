// Nobody grants more than they have: roles with rules, and bindings to roles, that go beyond the asker's own rights are refused.

import { isDeepStrictEqual } from 'node:util'
import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Identity } from '../../client/door.ts'
import { type AuthorizationRequest, type Authorizer, authorize } from '../authz/authorizer.ts'
import { type PolicyRule, type RbacSource, rulesFor } from '../authz/rbac.ts'
import { uncovered } from '../authz/rule-coverage.ts'
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
      if (onlyReleases(attributes)) return
      refuseBeyond(source, attributes, rules)
      // Such a role gathers whatever others are labelled for: only who holds everything may make or change it.
      if (aggregates(attributes))
        refuseBeyond(source, attributes, EVERYTHING, 'must have cluster-admin privileges to use the aggregationRule: ')
    },
  }
}

function refuseBeyond(
  source: RbacSource,
  { resource, name, namespace, context: { identity } }: Attributes,
  rules: readonly PolicyRule[],
  why = '',
): void {
  const missing = beyond(source, identity, namespace, rules)
  if (missing.length === 0) return
  const list = missing.map((r) => `\n${ruleText(r)}`).join('')
  const groups = identity.groups.map((g) => JSON.stringify(g)).join(' ')
  throw errors.forbidden(
    resource,
    name,
    `${why}user ${JSON.stringify(identity.username)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:${list}`,
  )
}

const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/** Also what did so far: taking the rule away would keep the rules it gathered. */
function aggregates({ resource, object, previous }: Attributes): boolean {
  if (resource.kind !== 'ClusterRole') return false
  return [object, previous].some((role) => {
    const { aggregationRule } = (role ?? {}) as { aggregationRule?: { clusterRoleSelectors?: readonly unknown[] } }
    return (aggregationRule?.clusterRoleSelectors ?? []).length > 0
  })
}

/** Owners and finalizers alone change: garbage collection must be able to let go of roles whose rights it does not hold. */
function onlyReleases({ operation, object, previous }: Attributes): boolean {
  if (operation !== 'UPDATE' || object === undefined || previous === undefined) return false
  return isDeepStrictEqual(granted(object), granted(previous))
}

const RELEASED = new Set(['ownerReferences', 'finalizers', 'managedFields', 'resourceVersion'])

function granted(object: DeepReadonly<AnyObject>): unknown {
  const metadata = Object.fromEntries(Object.entries(object.metadata).filter(([field]) => !RELEASED.has(field)))
  return cloneJson({ ...object, metadata })
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
  return uncovered(
    [...rulesFor(source, identity, namespace)].map(({ rule }) => rule),
    rules,
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
