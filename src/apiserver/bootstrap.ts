// What a new cluster is born with: namespaces, roles and bindings, and the service that leads to the API server itself.

import * as errors from '../apimachinery/errors.ts'
import type { Client } from '../client/client.ts'
import { endpoints } from '../api/core/endpoints.ts'
import { namespaces } from '../api/core/namespace.ts'
import { configMaps } from '../api/core/config-map.ts'
import { services } from '../api/core/service/service.ts'
import { endpointSlices } from '../api/discovery/endpoint-slice.ts'
import { flowSchemas } from '../api/flowcontrol/flow-schema.ts'
import { priorityLevelConfigurations } from '../api/flowcontrol/priority-level-configuration.ts'
import { priorityClasses, SYSTEM_PRIORITY_CLASSES } from '../api/scheduling/priority-class.ts'
import { reconcileDefaultRoles } from './authz/default-roles.ts'
import { BOOTSTRAP_FLOW_SCHEMAS, BOOTSTRAP_PRIORITY_LEVELS } from './flow-control-objects.ts'

export interface BootstrapOptions {
  client: Client
  /** Where the API server is reached from pods: `kubernetes.default` leads there. Absent: no endpoints are written (tests). */
  advertise?: { address: string; port: number }
  /** The first address of the service range. */
  kubernetesIP: string
  /** PEM of the cluster's CA, published for anybody in kube-public. */
  clusterCA?: string
  /** PEM of the authority that this server's certificate as a front proxy is of. */
  frontProxyCA?: string
}

/** The name in the front proxy's certificate. */
const FRONT_PROXY_NAME = 'front-proxy-client'

/** Creates what is missing; what is there is left as it is, except the endpoints of this server and what roles and bindings lack. */
export async function bootstrap(options: BootstrapOptions): Promise<void> {
  const { client } = options
  await Promise.all(
    ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) =>
      ensure(client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    ),
  )
  await Promise.all([
    reconcileDefaultRoles(client),
    bootstrapPriorityClasses(client),
    bootstrapFlowControl(client),
    bootstrapKubernetesService(options),
    publishAuthorities(options),
  ])
}

/** What API servers that are aggregated need to know of this one: whose clients to trust, and whose word about clients. */
async function publishAuthorities({ client, clusterCA, frontProxyCA }: BootstrapOptions): Promise<void> {
  const data = {
    ...(clusterCA === undefined ? {} : { 'client-ca-file': clusterCA }),
    ...(frontProxyCA === undefined
      ? {}
      : {
          'requestheader-allowed-names': JSON.stringify([FRONT_PROXY_NAME]),
          'requestheader-client-ca-file': frontProxyCA,
          'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
          'requestheader-group-headers': '["X-Remote-Group"]',
          'requestheader-uid-headers': '["X-Remote-Uid"]',
          'requestheader-username-headers': '["X-Remote-User"]',
        }),
  }
  if (Object.keys(data).length === 0) return
  const metadata = { name: 'extension-apiserver-authentication', namespace: 'kube-system' }
  await ensure(client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data }))
  // Authorities change, and older servers published less.
  await client.patch(configMaps, metadata, { type: 'merge', body: { data } })
}

async function ensure(creation: Promise<unknown>): Promise<void> {
  try {
    await creation
  } catch (error) {
    if (!errors.isAlreadyExists(error)) throw error
  }
}

async function bootstrapPriorityClasses(client: Client): Promise<void> {
  const type = { apiVersion: priorityClasses.apiVersion, kind: priorityClasses.kind }
  await Promise.all(
    SYSTEM_PRIORITY_CLASSES.map(({ name, ...rest }) =>
      ensure(client.create(priorityClasses, { ...type, metadata: { name }, ...rest })),
    ),
  )
}

async function bootstrapFlowControl(client: Client): Promise<void> {
  await Promise.all([
    ...BOOTSTRAP_PRIORITY_LEVELS.map((level) => ensure(client.create(priorityLevelConfigurations, level))),
    ...BOOTSTRAP_FLOW_SCHEMAS.map((schema) => ensure(client.create(flowSchemas, schema))),
  ])
}

async function bootstrapKubernetesService({ client, advertise, kubernetesIP }: BootstrapOptions): Promise<void> {
  const labels = { component: 'apiserver', provider: 'kubernetes' }
  const metadata = { name: 'kubernetes', namespace: 'default', labels }
  const port = advertise?.port ?? 443
  await ensure(
    client.create(services, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        type: 'ClusterIP',
        clusterIP: kubernetesIP,
        clusterIPs: [kubernetesIP],
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
      } as never,
    }),
  )
  if (!advertise) return
  // The endpoint reconciler's part: this server's address, in both forms.
  const mirror = { ...labels, 'endpointslice.kubernetes.io/skip-mirror': 'true' }
  await client.patch(
    endpoints,
    { namespace: 'default', name: 'kubernetes' },
    {
      type: 'apply',
      force: true,
      body: {
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: {
          name: 'kubernetes',
          namespace: 'default',
          labels: { 'endpointslice.kubernetes.io/skip-mirror': mirror['endpointslice.kubernetes.io/skip-mirror'] },
        },
        subsets: [{ addresses: [{ ip: advertise.address }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
      },
    },
    { fieldManager: 'kube-apiserver' },
  )
  await client.patch(
    endpointSlices,
    { namespace: 'default', name: 'kubernetes' },
    {
      type: 'apply',
      force: true,
      body: {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [advertise.address], conditions: { ready: true } }],
        ports: [{ name: 'https', port, protocol: 'TCP' }],
      },
    },
    { fieldManager: 'kube-apiserver' },
  )
}
