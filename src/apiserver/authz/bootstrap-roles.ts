// The roles and bindings that every cluster is born with (upstream plugin/pkg/auth/authorizer/rbac/bootstrappolicy), as far as their resources exist.

import { CERTIFICATE_CONTROLLER, CERTIFICATE_ROLES, NODE_CERTIFICATES } from './certificate-roles.ts'
import type { PolicyRule, Subject } from './rbac.ts'

const READ = ['get', 'list', 'watch']
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update']
const ALL = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const RBAC = 'rbac.authorization.k8s.io'
const STORAGE = 'storage.k8s.io'
const DEVICES = 'resource.k8s.io'

const rule = (
  verbs: readonly string[],
  apiGroups: readonly string[],
  resources: readonly string[],
  resourceNames?: readonly string[],
): PolicyRule => ({
  apiGroups,
  resources,
  verbs,
  ...(resourceNames ? { resourceNames } : {}),
})
const paths = (...nonResourceURLs: string[]): PolicyRule => ({ nonResourceURLs, verbs: ['get'] })
const EVENTS = rule(['create', 'patch', 'update'], ['', 'events.k8s.io'], ['events'])

export interface BootstrapRole {
  name: string
  rules: readonly PolicyRule[]
  labels?: Readonly<Record<string, string>>
  /** The rules are those of the roles with these labels; `rules` says the same, so that they count from the first moment. */
  aggregates?: Readonly<Record<string, string>>
}

/** Upstream aggregates admin, edit and view from roles with these labels; so do custom resources' own roles. */
const to = (role: string): Record<string, string> => ({ [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true' })

const CORE_VIEW = [
  'configmaps',
  'endpoints',
  'persistentvolumeclaims',
  'persistentvolumeclaims/status',
  'pods',
  'replicationcontrollers',
  'replicationcontrollers/scale',
  'serviceaccounts',
  'services',
  'services/status',
]
const CORE_VIEW_STATUS = [
  'bindings',
  'events',
  'limitranges',
  'namespaces/status',
  'pods/log',
  'pods/status',
  'replicationcontrollers/status',
  'resourcequotas',
  'resourcequotas/status',
]
const APPS = [
  'daemonsets',
  'deployments',
  'deployments/scale',
  'replicasets',
  'replicasets/scale',
  'statefulsets',
  'statefulsets/scale',
]
const APPS_VIEW = [
  'controllerrevisions',
  ...APPS,
  'daemonsets/status',
  'deployments/status',
  'replicasets/status',
  'statefulsets/status',
]
const BATCH = ['cronjobs', 'jobs']
const NETWORKING = ['ingresses', 'networkpolicies']
/** What the group of extensions shows of the others, for who has its old versions in manifests. */
const EXTENSIONS = [
  'daemonsets',
  'deployments',
  'deployments/scale',
  'ingresses',
  'networkpolicies',
  'replicasets',
  'replicasets/scale',
  'replicationcontrollers/scale',
]
const EXTENSIONS_VIEW = [
  ...EXTENSIONS,
  'daemonsets/status',
  'deployments/status',
  'ingresses/status',
  'replicasets/status',
]

const VIEW: readonly PolicyRule[] = [
  rule(READ, [''], CORE_VIEW),
  rule(READ, [''], CORE_VIEW_STATUS),
  rule(READ, [''], ['namespaces']),
  rule(READ, ['discovery.k8s.io'], ['endpointslices']),
  rule(READ, ['apps'], APPS_VIEW),
  rule(READ, ['autoscaling'], ['horizontalpodautoscalers', 'horizontalpodautoscalers/status']),
  rule(READ, ['batch'], [...BATCH, 'cronjobs/status', 'jobs/status']),
  rule(READ, ['extensions'], EXTENSIONS_VIEW),
  rule(READ, ['policy'], ['poddisruptionbudgets', 'poddisruptionbudgets/status']),
  rule(READ, ['networking.k8s.io'], [...NETWORKING, 'ingresses/status']),
  rule(READ, [DEVICES], ['resourceclaims', 'resourceclaims/status', 'resourceclaimtemplates']),
]
const EDIT: readonly PolicyRule[] = [
  rule(READ, [''], ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy']),
  rule(['impersonate'], [''], ['serviceaccounts']),
  rule(WRITE, [''], ['pods', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy']),
  rule(['create'], [''], ['pods/eviction']),
  rule(
    WRITE,
    [''],
    [
      'configmaps',
      'events',
      'persistentvolumeclaims',
      'replicationcontrollers',
      'replicationcontrollers/scale',
      'secrets',
      'serviceaccounts',
      'services',
      'services/proxy',
    ],
  ),
  rule(['create'], [''], ['serviceaccounts/token']),
  rule(WRITE, ['apps'], [...APPS, 'deployments/rollback']),
  rule(WRITE, ['autoscaling'], ['horizontalpodautoscalers']),
  rule(WRITE, ['batch'], BATCH),
  rule(WRITE, ['extensions'], [...EXTENSIONS, 'deployments/rollback']),
  rule(WRITE, ['policy'], ['poddisruptionbudgets']),
  rule(WRITE, ['networking.k8s.io'], NETWORKING),
  rule(ALL, ['coordination.k8s.io'], ['leases']),
  rule(WRITE, [DEVICES], ['resourceclaims', 'resourceclaimtemplates']),
]
const ADMIN: readonly PolicyRule[] = [
  rule(['create'], ['authorization.k8s.io'], ['localsubjectaccessreviews']),
  rule(ALL, [RBAC], ['rolebindings', 'roles']),
]

const NODE: readonly PolicyRule[] = [
  rule(['create'], ['authentication.k8s.io'], ['tokenreviews']),
  rule(['create'], ['authorization.k8s.io'], ['localsubjectaccessreviews', 'subjectaccessreviews']),
  rule(READ, [''], ['services']),
  rule(['create', 'get', 'list', 'watch'], [''], ['nodes']),
  rule(['patch', 'update'], [''], ['nodes/status']),
  rule(['patch', 'update'], [''], ['nodes']),
  EVENTS,
  rule(READ, [''], ['pods']),
  rule(['create', 'delete'], [''], ['pods']),
  rule(['patch', 'update'], [''], ['pods/status']),
  rule(['create'], [''], ['pods/eviction']),
  rule(READ, [''], ['configmaps', 'secrets']),
  rule(['get'], [''], ['persistentvolumeclaims', 'persistentvolumes', 'endpoints']),
  rule(['create', 'delete', 'get', 'patch', 'update'], ['coordination.k8s.io'], ['leases']),
  rule(['create'], [''], ['serviceaccounts/token']),
  rule(READ, ['node.k8s.io'], ['runtimeclasses']),
  NODE_CERTIFICATES,
  rule(['get'], [STORAGE], ['volumeattachments']),
  rule(READ, [STORAGE], ['csidrivers']),
  rule(['create', 'delete', 'get', 'patch', 'update'], [STORAGE], ['csinodes']),
  rule(['get'], [DEVICES], ['resourceclaims']),
  rule(['deletecollection'], [DEVICES], ['resourceslices']),
]
/** Drover's agent is kubelet and service proxy in one. */
const NODE_PROXIER: readonly PolicyRule[] = [
  rule(['list', 'watch'], [''], ['endpoints', 'services']),
  rule(READ, [''], ['nodes']),
  rule(READ, ['discovery.k8s.io'], ['endpointslices']),
  rule(READ, ['networking.k8s.io'], ['networkpolicies']),
  rule(READ, [''], ['namespaces', 'pods']),
  EVENTS,
]
const SCHEDULER: readonly PolicyRule[] = [
  EVENTS,
  rule(['create', 'get', 'list', 'patch', 'update', 'watch'], ['coordination.k8s.io'], ['leases']),
  rule(READ, [''], ['namespaces', 'nodes']),
  rule(['delete', 'get', 'list', 'watch'], [''], ['pods']),
  rule(['create'], [''], ['bindings', 'pods/binding']),
  rule(['patch', 'update'], [''], ['pods/status']),
  rule(READ, [''], ['replicationcontrollers', 'services', 'persistentvolumeclaims', 'persistentvolumes']),
  rule(READ, ['apps'], ['replicasets', 'statefulsets']),
  rule(READ, ['policy'], ['poddisruptionbudgets']),
  rule(READ, [STORAGE], ['csidrivers', 'csinodes', 'csistoragecapacities', 'storageclasses', 'volumeattachments']),
  rule(READ, [DEVICES], ['deviceclasses', 'resourceclaims', 'resourceslices']),
  rule(['patch', 'update'], [DEVICES], ['resourceclaims/status']),
]

/** The Lease is what the process itself needs: each controller acts as an account of its own. */
const CONTROLLER_MANAGER: readonly PolicyRule[] = [
  EVENTS,
  rule(['create'], ['coordination.k8s.io'], ['leases']),
  rule(['get', 'update'], ['coordination.k8s.io'], ['leases'], ['kube-controller-manager']),
  rule(['create'], [''], ['secrets', 'serviceaccounts']),
  rule(['delete'], [''], ['secrets']),
  rule(['get'], [''], ['configmaps', 'namespaces', 'secrets', 'serviceaccounts']),
  rule(['update'], [''], ['secrets', 'serviceaccounts']),
  rule(['create'], ['authentication.k8s.io'], ['tokenreviews']),
  rule(['create'], ['authorization.k8s.io'], ['subjectaccessreviews']),
  rule(['list', 'watch'], ['*'], ['*']),
  rule(['create'], [''], ['serviceaccounts/token']),
]

const CONTROLLERS: Readonly<Record<string, readonly PolicyRule[]>> = {
  'cronjob-controller': [
    rule(['get', 'list', 'update', 'watch'], ['batch'], ['cronjobs']),
    rule(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'], ['batch'], ['jobs']),
    rule(['update'], ['batch'], ['cronjobs/status', 'cronjobs/finalizers']),
    rule(['delete', 'list'], [''], ['pods']),
    EVENTS,
  ],
  'daemon-set-controller': [
    rule(['get', 'list', 'watch'], ['apps'], ['daemonsets']),
    rule(['update'], ['apps'], ['daemonsets/finalizers', 'daemonsets/status']),
    rule(READ, [''], ['nodes']),
    rule(['create', 'delete', 'get', 'list', 'patch', 'watch'], [''], ['pods']),
    rule(['create'], [''], ['pods/binding']),
    rule(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'], ['apps'], ['controllerrevisions']),
    EVENTS,
  ],
  'certificate-controller': [...CERTIFICATE_CONTROLLER, EVENTS],
  'deployment-controller': [
    rule(['get', 'list', 'update', 'watch'], ['apps'], ['deployments']),
    rule(['update'], ['apps'], ['deployments/finalizers', 'deployments/status']),
    rule(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'], ['apps'], ['replicasets']),
    rule(['get', 'list', 'update', 'watch'], [''], ['pods']),
    EVENTS,
  ],
  'replicaset-controller': [
    rule(['get', 'list', 'update', 'watch'], ['apps'], ['replicasets']),
    rule(['update'], ['apps'], ['replicasets/finalizers', 'replicasets/status']),
    rule(['create', 'delete', 'list', 'patch', 'watch'], [''], ['pods']),
    EVENTS,
  ],
  'replication-controller': [
    rule(['get', 'list', 'update', 'watch'], [''], ['replicationcontrollers']),
    rule(['update'], [''], ['replicationcontrollers/finalizers', 'replicationcontrollers/status']),
    rule(['create', 'delete', 'list', 'patch', 'watch'], [''], ['pods']),
    EVENTS,
  ],
  'disruption-controller': [
    rule(READ, ['apps'], ['deployments', 'replicasets', 'statefulsets']),
    rule(READ, [''], ['replicationcontrollers']),
    rule(READ, ['policy'], ['poddisruptionbudgets']),
    rule(READ, [''], ['pods']),
    rule(['patch', 'update'], [''], ['pods/status']),
    rule(['update'], ['policy'], ['poddisruptionbudgets/status']),
    rule(['get'], ['*'], ['*/scale']),
    EVENTS,
  ],
  'endpoint-controller': [
    rule(READ, [''], ['pods', 'services']),
    rule(['create', 'delete', 'get', 'list', 'update', 'watch'], [''], ['endpoints']),
    rule(['create'], [''], ['endpoints/restricted']),
    EVENTS,
  ],
  'endpointslice-controller': [
    rule(READ, [''], ['nodes', 'pods', 'services']),
    rule(['update'], [''], ['services/finalizers']),
    rule(['create', 'delete', 'get', 'list', 'update', 'watch'], ['discovery.k8s.io'], ['endpointslices']),
    rule(['create'], ['discovery.k8s.io'], ['endpointslices/restricted']),
    EVENTS,
  ],
  'job-controller': [
    rule(['get', 'list', 'patch', 'update', 'watch'], ['batch'], ['jobs']),
    rule(['update'], ['batch'], ['jobs/finalizers', 'jobs/status']),
    rule(['create', 'delete', 'list', 'patch', 'watch'], [''], ['pods']),
    EVENTS,
  ],
  'namespace-controller': [
    rule(['delete', 'get', 'list', 'watch'], [''], ['namespaces']),
    rule(['update'], [''], ['namespaces/finalize', 'namespaces/status']),
    rule(['delete', 'deletecollection', 'get', 'list'], ['*'], ['*']),
  ],
  'statefulset-controller': [
    rule(READ, [''], ['pods']),
    rule(['get', 'list', 'watch'], ['apps'], ['statefulsets']),
    rule(['update'], ['apps'], ['statefulsets/finalizers', 'statefulsets/status']),
    rule(['create', 'delete', 'get', 'patch', 'update'], [''], ['pods']),
    rule(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'], ['apps'], ['controllerrevisions']),
    rule(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'], [''], ['persistentvolumeclaims']),
    EVENTS,
  ],
  'service-account-controller': [
    rule(READ, [''], ['namespaces']),
    rule(['create', 'get', 'list', 'watch'], [''], ['serviceaccounts']),
    EVENTS,
  ],
  'root-ca-cert-publisher': [
    rule(READ, [''], ['namespaces']),
    rule(['create', 'get', 'list', 'update', 'watch'], [''], ['configmaps']),
    EVENTS,
  ],
  'clusterrole-aggregation-controller': [
    rule(['escalate', 'get', 'list', 'patch', 'update', 'watch'], [RBAC], ['clusterroles']),
  ],
  'generic-garbage-collector': [rule(['delete', 'get', 'list', 'patch', 'update', 'watch'], ['*'], ['*']), EVENTS],
  'node-controller': [
    rule(['delete', 'get', 'list', 'patch', 'update', 'watch'], [''], ['nodes']),
    rule(['patch', 'update'], [''], ['nodes/status']),
    rule(['patch', 'update'], [''], ['pods/status']),
    rule(['delete', 'get', 'list', 'watch'], [''], ['pods']),
    rule(READ, ['coordination.k8s.io'], ['leases']),
    EVENTS,
  ],
  'service-cidr-controller': [
    rule(['get', 'list', 'patch', 'update', 'watch'], ['networking.k8s.io'], ['servicecidrs']),
    rule(['patch', 'update'], ['networking.k8s.io'], ['servicecidrs/finalizers']),
    rule(['patch', 'update'], ['networking.k8s.io'], ['servicecidrs/status']),
    rule(READ, ['networking.k8s.io'], ['ipaddresses']),
    EVENTS,
  ],
  'ttl-after-finished-controller': [rule(['delete', 'get', 'list', 'watch'], ['batch'], ['jobs']), EVENTS],
  'pod-garbage-collector': [
    rule(['delete', 'list', 'watch'], [''], ['pods']),
    rule(['get', 'list'], [''], ['nodes']),
    rule(['patch'], [''], ['pods/status']),
  ],
}

export const BOOTSTRAP_CLUSTER_ROLES: readonly BootstrapRole[] = [
  { name: 'cluster-admin', rules: [rule(['*'], ['*'], ['*']), { nonResourceURLs: ['*'], verbs: ['*'] }] },
  {
    name: 'system:discovery',
    rules: [
      paths(
        '/api',
        '/api/*',
        '/apis',
        '/apis/*',
        '/healthz',
        '/livez',
        '/openapi',
        '/openapi/*',
        '/readyz',
        '/version',
        '/version/',
      ),
    ],
  },
  {
    name: 'system:monitoring',
    rules: [paths('/healthz', '/healthz/*', '/livez', '/livez/*', '/metrics', '/metrics/slis', '/readyz', '/readyz/*')],
  },
  {
    name: 'system:basic-user',
    rules: [
      rule(['create'], ['authorization.k8s.io'], ['selfsubjectaccessreviews', 'selfsubjectrulesreviews']),
      rule(['create'], ['authentication.k8s.io'], ['selfsubjectreviews']),
    ],
  },
  { name: 'system:public-info-viewer', rules: [paths('/healthz', '/livez', '/readyz', '/version', '/version/')] },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [
      paths(
        '/.well-known/openid-configuration',
        '/.well-known/openid-configuration/',
        '/openid/v1/jwks',
        '/openid/v1/jwks/',
      ),
    ],
  },
  {
    name: 'system:auth-delegator',
    rules: [
      rule(['create'], ['authentication.k8s.io'], ['tokenreviews']),
      rule(['create'], ['authorization.k8s.io'], ['subjectaccessreviews']),
    ],
  },
  { name: 'system:aggregate-to-view', labels: to('view'), rules: VIEW },
  { name: 'system:aggregate-to-edit', labels: to('edit'), rules: EDIT },
  { name: 'system:aggregate-to-admin', labels: to('admin'), rules: ADMIN },
  { name: 'view', rules: VIEW, labels: to('edit'), aggregates: to('view') },
  { name: 'edit', rules: [...EDIT, ...VIEW], labels: to('admin'), aggregates: to('edit') },
  // In the order in which the controller finds them: "edit" comes before "system:aggregate-to-admin".
  { name: 'admin', rules: [...EDIT, ...VIEW, ...ADMIN], aggregates: to('admin') },
  { name: 'system:node', rules: NODE },
  { name: 'system:node-proxier', rules: NODE_PROXIER },
  { name: 'system:kube-scheduler', rules: SCHEDULER },
  { name: 'system:kube-controller-manager', rules: CONTROLLER_MANAGER },
  {
    name: 'system:kubelet-api-admin',
    rules: [
      rule(['*'], [''], ['nodes/log', 'nodes/metrics', 'nodes/proxy', 'nodes/stats']),
      rule(['get', 'list', 'watch'], [''], ['nodes']),
    ],
  },
  ...CERTIFICATE_ROLES,
  ...Object.entries(CONTROLLERS).map(([name, rules]) => ({ name: `system:controller:${name}`, rules })),
]

export interface BootstrapBinding {
  name: string
  role: string
  subjects: readonly Subject[]
}

const user = (name: string): Subject => ({ kind: 'User', apiGroup: RBAC, name })
const group = (name: string): Subject => ({ kind: 'Group', apiGroup: RBAC, name })
const account = (name: string): Subject => ({ kind: 'ServiceAccount', name, namespace: 'kube-system' })

export const BOOTSTRAP_CLUSTER_ROLE_BINDINGS: readonly BootstrapBinding[] = [
  { name: 'cluster-admin', role: 'cluster-admin', subjects: [group('system:masters')] },
  { name: 'system:monitoring', role: 'system:monitoring', subjects: [group('system:monitoring')] },
  { name: 'system:discovery', role: 'system:discovery', subjects: [group('system:authenticated')] },
  { name: 'system:basic-user', role: 'system:basic-user', subjects: [group('system:authenticated')] },
  {
    name: 'system:public-info-viewer',
    role: 'system:public-info-viewer',
    subjects: [group('system:authenticated'), group('system:unauthenticated')],
  },
  {
    name: 'system:service-account-issuer-discovery',
    role: 'system:service-account-issuer-discovery',
    subjects: [group('system:serviceaccounts')],
  },
  {
    name: 'system:node-proxier',
    role: 'system:node-proxier',
    subjects: [group('system:nodes'), user('system:kube-proxy')],
  },
  { name: 'system:kube-scheduler', role: 'system:kube-scheduler', subjects: [user('system:kube-scheduler')] },
  {
    name: 'system:kube-controller-manager',
    role: 'system:kube-controller-manager',
    subjects: [user('system:kube-controller-manager')],
  },
  ...Object.keys(CONTROLLERS).map((name) => ({
    name: `system:controller:${name}`,
    role: `system:controller:${name}`,
    subjects: [account(name)],
  })),
]
