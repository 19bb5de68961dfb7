// Brings the default roles and bindings to this version's state whenever the server starts: creates what is missing, adds what is lacking.

import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject, ObjectKey } from '../../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../../apimachinery/resource.ts'
import { type ClusterRole, clusterRoles } from '../../api/rbac/cluster-role.ts'
import { type ClusterRoleBinding, clusterRoleBindings } from '../../api/rbac/cluster-role-binding.ts'
import { roleBindings } from '../../api/rbac/role-binding.ts'
import { roles } from '../../api/rbac/role.ts'
import type { Client } from '../../client/client.ts'
import { BOOTSTRAP_CLUSTER_ROLE_BINDINGS, BOOTSTRAP_CLUSTER_ROLES } from './bootstrap-roles.ts'
import { AUTOUPDATE, reconciledBinding, reconciledRole } from './reconcile-role.ts'

const GROUP = 'rbac.authorization.k8s.io'
const apiVersion = `${GROUP}/v1`
const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }
const ANNOTATIONS = { [AUTOUPDATE]: 'true' }

/** Another server of the same store may be at it too. */
const ATTEMPTS = 3

export async function reconcileDefaultRoles(client: Client): Promise<void> {
  const existingRoles = await byName(client, clusterRoles)
  const existingBindings = await byName(client, clusterRoleBindings)
  const namespace = 'kube-public'
  // Anybody may read cluster-info, from before they have credentials.
  const signer = { name: 'system:controller:bootstrap-signer', namespace, labels: LABELS, annotations: ANNOTATIONS }
  // API servers that are aggregated read there whose word to trust.
  const reader = {
    name: 'extension-apiserver-authentication-reader',
    namespace: 'kube-system',
    labels: LABELS,
    annotations: ANNOTATIONS,
  }
  await Promise.all([
    ensureRole(client, roles, {
      apiVersion,
      kind: 'Role',
      metadata: reader,
      rules: [
        {
          apiGroups: [''],
          resourceNames: ['extension-apiserver-authentication'],
          resources: ['configmaps'],
          verbs: ['get', 'list', 'watch'],
        },
      ],
    }),
    ...BOOTSTRAP_CLUSTER_ROLES.map(({ name, rules, labels, aggregates }) => {
      const metadata = { name, labels: { ...LABELS, ...labels }, annotations: ANNOTATIONS }
      const aggregationRule = aggregates && { clusterRoleSelectors: [{ matchLabels: aggregates }] }
      const role = { apiVersion, kind: 'ClusterRole', metadata, rules, ...(aggregationRule && { aggregationRule }) }
      return ensureRole(client, clusterRoles, role, existingRoles.get(name))
    }),
    ...BOOTSTRAP_CLUSTER_ROLE_BINDINGS.map(({ name, role, subjects }) => {
      const metadata = { name, labels: LABELS, annotations: ANNOTATIONS }
      const roleRef = { apiGroup: GROUP, kind: 'ClusterRole', name: role }
      const binding = { apiVersion, kind: 'ClusterRoleBinding', metadata, roleRef, subjects }
      return ensureBinding(client, clusterRoleBindings, binding, existingBindings.get(name))
    }),
    ensureRole(client, roles, {
      apiVersion,
      kind: 'Role',
      metadata: signer,
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] }],
    }),
    ensureBinding(client, roleBindings, {
      apiVersion,
      kind: 'RoleBinding',
      metadata: signer,
      roleRef: { apiGroup: GROUP, kind: 'Role', name: signer.name },
      subjects: [{ kind: 'ServiceAccount', name: 'bootstrap-signer', namespace: 'kube-system' }],
    }),
  ])
}

async function byName<T>(client: Client, resource: Resource<T>): Promise<Map<string, DeepReadonly<T>>> {
  const { items } = await client.list(resource)
  return new Map(items.map((item) => [(item as DeepReadonly<AnyObject>).metadata.name, item]))
}

/** Roles of a namespace and of the cluster have the same shape. */
function ensureRole(
  client: Client,
  resource: Resource<ClusterRole>,
  expected: DeepReadonly<ClusterRole>,
  known?: DeepReadonly<ClusterRole>,
): Promise<void> {
  return ensure(client, resource, expected, known, async (existing) => {
    const next = reconciledRole(existing, expected)
    if (next !== undefined) await client.update(resource, next)
  })
}

function ensureBinding(
  client: Client,
  resource: Resource<ClusterRoleBinding>,
  expected: DeepReadonly<ClusterRoleBinding>,
  known?: DeepReadonly<ClusterRoleBinding>,
): Promise<void> {
  return ensure(client, resource, expected, known, async (existing) => {
    const verdict = reconciledBinding(existing, expected)
    if (verdict.do === 'update') await client.update(resource, verdict.binding)
    if (verdict.do !== 'recreate') return
    const { uid = '' } = existing.metadata
    await client.delete(resource, keyOf(existing), { preconditions: { uid } })
    await client.create(resource, expected)
  })
}

async function ensure<T extends { metadata: AnyObject['metadata'] }>(
  client: Client,
  resource: Resource<T>,
  expected: DeepReadonly<T>,
  known: DeepReadonly<T> | undefined,
  reconcile: (existing: DeepReadonly<T>) => Promise<void>,
): Promise<void> {
  let existing = known
  for (let attempt = 1; ; attempt++) {
    try {
      if (existing === undefined) await client.create(resource, expected)
      else await reconcile(existing)
      return
    } catch (error) {
      const isPassing = errors.isAlreadyExists(error) || errors.isConflict(error) || errors.isNotFound(error)
      if (!isPassing || attempt === ATTEMPTS) throw error
      existing = await current(client, resource, keyOf(expected))
    }
  }
}

async function current<T>(client: Client, resource: Resource<T>, key: ObjectKey): Promise<DeepReadonly<T> | undefined> {
  try {
    return await client.get(resource, key)
  } catch (error) {
    if (errors.isNotFound(error)) return undefined
    throw error
  }
}

function keyOf({
  metadata: { namespace, name },
}: {
  readonly metadata: DeepReadonly<AnyObject['metadata']>
}): ObjectKey {
  return namespace === undefined ? { name } : { namespace, name }
}
