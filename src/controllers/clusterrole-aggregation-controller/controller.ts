// Fills cluster roles that are made of others: their rules are those of the roles that their aggregation rule selects.

import { isDeepStrictEqual } from 'node:util'
import { isNotFound } from '../../apimachinery/errors.ts'
import { cloneJson } from '../../apimachinery/objects.ts'
import type { LabelSelector } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { selectorOf } from '../../apimachinery/selectors/labels.ts'
import { type ClusterRole, clusterRoles } from '../../api/rbac/cluster-role.ts'
import type { PolicyRule } from '../../api/rbac/fields.ts'
import { defineController, watches } from '../controller.ts'
import { keyOf } from '../keys.ts'

type ReadonlyRole = DeepReadonly<ClusterRole>

export const clusterRoleAggregationController = defineController({
  name: 'clusterrole-aggregation-controller',
  for: clusterRoles,
  watches: [
    watches({
      resource: clusterRoles,
      toKeys: (role, cache) =>
        cache
          .list(clusterRoles)
          .filter((aggregate) => selects(aggregate, role))
          .map(keyOf),
    }),
  ],
  async reconcile({ api, cache, signal }, key) {
    const role = cache.get(clusterRoles, key)
    if (role === undefined) return undefined
    const rules = decide(role, cache.list(clusterRoles))
    if (rules === undefined) return undefined
    // Rules are one atomic list: applying them takes them over and leaves the rest of the role to others.
    const { apiVersion, kind } = clusterRoles
    const body = { apiVersion, kind, metadata: { name: key.name, uid: role.metadata.uid }, rules }
    try {
      const options = { fieldManager: 'clusterrole-aggregation-controller', signal }
      await api.patch(clusterRoles, key, { type: 'apply', force: true, body }, options)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
    return undefined
  },
})

/** The rules to write; undefined when they are right as they are, or nobody asked for them. Pure. */
export function decide(role: ReadonlyRole, all: readonly ReadonlyRole[]): PolicyRule[] | undefined {
  if (role.aggregationRule === undefined) return undefined
  const rules: DeepReadonly<PolicyRule>[] = []
  const sorted = [...all].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  for (const selector of role.aggregationRule.clusterRoleSelectors ?? []) {
    const parsed = selectorOf(selector as LabelSelector)
    for (const { metadata, rules: theirs = [] } of sorted) {
      if (metadata.name === role.metadata.name || !parsed.matches(metadata.labels)) continue
      for (const rule of theirs) if (!rules.some((known) => isDeepStrictEqual(known, rule))) rules.push(rule)
    }
  }
  return isDeepStrictEqual(role.rules ?? [], rules) ? undefined : (cloneJson(rules) as PolicyRule[])
}

function selects({ metadata: { name }, aggregationRule }: ReadonlyRole, role: ReadonlyRole): boolean {
  if (name === role.metadata.name) return false
  const selectors = aggregationRule?.clusterRoleSelectors ?? []
  return selectors.some((selector) => selectorOf(selector as LabelSelector).matches(role.metadata.labels))
}
