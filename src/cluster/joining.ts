// What lets machines join: anybody may read the cluster's authority, bootstrap tokens and nodes may ask for a node's certificate, and the signer answers.

import { isAlreadyExists } from '../apimachinery/errors.ts'
import { configMaps } from '../api/core/config-map.ts'
import { clusterRoleBindings } from '../api/rbac/cluster-role-binding.ts'
import { clusterRoles } from '../api/rbac/cluster-role.ts'
import { roleBindings } from '../api/rbac/role-binding.ts'
import { roles } from '../api/rbac/role.ts'
import type { Client } from '../client/client.ts'

const RBAC = 'rbac.authorization.k8s.io'
const BOOTSTRAPPER = 'system:node-bootstrapper'
const INFO = { name: 'cluster-info', namespace: 'kube-public' }
const INFO_ROLE = { name: 'kubeadm:bootstrap-signer-clusterinfo', namespace: 'kube-public' }

export interface JoiningOptions {
  readonly client: Client
  /** Where machines reach this server. */
  readonly server: string
  readonly caCertificate: string
  readonly clusterCIDR: string
}

/** Creates what is missing, under the names that kubeadm gives it. */
export async function ensureJoining({ client, server, caCertificate, clusterCIDR }: JoiningOptions): Promise<void> {
  const apiVersion = `${RBAC}/v1`
  // JSON is YAML.
  const kubeconfig = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: '', cluster: { server, 'certificate-authority-data': Buffer.from(caCertificate).toString('base64') } },
    ],
  })
  await Promise.all([
    ensure(
      client.create(configMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: INFO,
        // Besides what kubeadm knows: what a node must know of the network.
        data: { kubeconfig, clusterCIDR },
      }),
    ),
    ensure(
      client.create(roles, {
        apiVersion,
        kind: 'Role',
        metadata: INFO_ROLE,
        rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: [INFO.name], verbs: ['get'] }],
      }),
    ),
    ensure(
      client.create(roleBindings, {
        apiVersion,
        kind: 'RoleBinding',
        metadata: INFO_ROLE,
        roleRef: { apiGroup: RBAC, kind: 'Role', name: INFO_ROLE.name },
        subjects: [
          { apiGroup: RBAC, kind: 'User', name: 'system:anonymous' },
          { apiGroup: RBAC, kind: 'Group', name: 'system:nodes' },
        ],
      }),
    ),
    ensure(
      client.create(clusterRoles, {
        apiVersion,
        kind: 'ClusterRole',
        metadata: { name: BOOTSTRAPPER },
        rules: [
          {
            apiGroups: ['certificates.k8s.io'],
            resources: ['certificatesigningrequests'],
            verbs: ['create', 'get', 'list', 'watch'],
          },
        ],
      }),
    ),
    ensure(
      client.create(clusterRoleBindings, {
        apiVersion,
        kind: 'ClusterRoleBinding',
        metadata: { name: 'kubeadm:kubelet-bootstrap' },
        roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: BOOTSTRAPPER },
        subjects: ['system:bootstrappers', 'system:nodes'].map((name) => ({ apiGroup: RBAC, kind: 'Group', name })),
      }),
    ),
  ])
}

async function ensure(creation: Promise<unknown>): Promise<void> {
  try {
    await creation
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}
