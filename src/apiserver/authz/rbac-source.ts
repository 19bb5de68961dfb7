// The RBAC objects out of the watch cache, in the shape that the authorizer reads, recomputed only when one of them has changed.

import type { Resource } from '../../apimachinery/resource.ts'
import type { ClusterRole } from '../../api/rbac/cluster-role.ts'
import type { ClusterRoleBinding } from '../../api/rbac/cluster-role-binding.ts'
import type { Role } from '../../api/rbac/role.ts'
import type { RoleBinding } from '../../api/rbac/role-binding.ts'
import type { ResourceCache } from '../cache/resource-cache.ts'
import type { Registry } from '../registry/registry.ts'
import type { Binding, PolicyRule, RbacSource } from './rbac.ts'

const GROUP = 'rbac.authorization.k8s.io'
const NONE: readonly Binding[] = []

/** A value computed from a cache, until the cache changes. */
function memo<T>(cache: () => ResourceCache | undefined, compute: (cache: ResourceCache) => T, empty: T): () => T {
  let at = -1
  let size = -1
  let value = empty
  return () => {
    const source = cache()
    if (!source) return empty
    if (source.changedAt !== at || source.size !== size) {
      at = source.changedAt
      size = source.size
      value = compute(source)
    }
    return value
  }
}

export function rbacSource(registry: Registry): RbacSource {
  const cacheOf = (plural: Resource['plural']) => (): ResourceCache | undefined =>
    registry.get(GROUP, 'v1', plural)?.cache
  const clusterBindings = memo(
    cacheOf('clusterrolebindings'),
    (cache) => [...cache.values()].map((o) => bindingOf(o.object as unknown as ClusterRoleBinding)),
    NONE,
  )
  const bindings = memo(
    cacheOf('rolebindings'),
    (cache) =>
      Map.groupBy(
        [...cache.values()].map((o) => bindingOf(o.object as unknown as RoleBinding)),
        (b) => b.namespace,
      ),
    new Map<string, Binding[]>(),
  )
  const clusterRoles = memo(
    cacheOf('clusterroles'),
    (cache) => rulesByKey(cache),
    new Map<string, readonly PolicyRule[]>(),
  )
  const roles = memo(cacheOf('roles'), (cache) => rulesByKey(cache), new Map<string, readonly PolicyRule[]>())
  return {
    clusterBindings,
    bindings: (namespace) => bindings().get(namespace) ?? NONE,
    rules: (kind, namespace, name) =>
      kind === 'ClusterRole' ? clusterRoles().get(name) : roles().get(`${namespace}/${name}`),
  }
}

function bindingOf({ metadata, subjects = [], roleRef }: ClusterRoleBinding | RoleBinding): Binding {
  const role = { kind: roleRef.kind === 'Role' ? ('Role' as const) : ('ClusterRole' as const), name: roleRef.name }
  return { namespace: metadata.namespace ?? '', name: metadata.name, subjects, role }
}

function rulesByKey(cache: ResourceCache): Map<string, readonly PolicyRule[]> {
  const rules = new Map<string, readonly PolicyRule[]>()
  for (const { object } of cache.values()) {
    const role = object as unknown as Role | ClusterRole
    const { namespace, name } = role.metadata
    rules.set(namespace ? `${namespace}/${name}` : name, role.rules ?? [])
  }
  return rules
}
