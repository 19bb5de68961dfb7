// The least object of every stored kind, with one change that counts and one status: what the conformance loop makes its objects from.

import type { AnyObject } from '../apimachinery/metadata.ts'
import type { AnyResource } from '../api/all.ts'

export interface Sample {
  /** Everything but apiVersion, kind and metadata. */
  body: Record<string, unknown>
  /** A merge patch of the body that is allowed. */
  change: Record<string, unknown>
  /** A status that a controller could write. */
  status?: Record<string, unknown>
  /** The name, where it is not free: it gets one that is unique in the test. */
  name?: (unique: string) => string
  /** Fields that follow from the name. */
  named?: (unique: string) => Record<string, unknown>
  /** What the generation of a new object is, where the kind does not count. */
  generation?: number
  /** Stays after its deletion until somebody finalizes it (namespaces), or takes away a finalizer that deletion itself sets (definitions). */
  lingers?: 'finalize' | 'finalizer'
}

const container = { name: 'c', image: 'image' }
const podSpec = { containers: [container], automountServiceAccountToken: false }
const labels = { app: 'sample' }
const podTemplate = { metadata: { labels }, spec: { containers: [container] } }
const jobTemplate = { spec: { restartPolicy: 'Never', containers: [container] } }
const workload = { spec: { replicas: 1, selector: { matchLabels: labels }, template: podTemplate } }
const role = { apiGroup: 'rbac.authorization.k8s.io', name: 'view' }
const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'somebody' }]
const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }]
const moreRules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }]
const structural = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }

const webhook = {
  name: 'a.example.com',
  clientConfig: { url: 'https://example.com' },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
}
const matchConstraints = {
  resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
}
const deviceClaim = { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } }
/** Asks for a certificate for jane of dev. */
const certificateRequest = [
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIWE1IOENBUUF3SFRFTU1Bb0dBMVVFQ2d3RFpHVjJNUTB3Q3dZ',
  'RFZRUUREQVJxWVc1bE1Ga3dFd1lIS29aSQp6ajBDQVFZSUtvWkl6ajBEQVFjRFFnQUVYa1htK2poWlN2SGpqZUZrMUo1dVdDUE82',
  'VHZCVHIyNXo3MkRNZkFtCnhENEdndVJobCtxQjNDQ3JjMnc3WlFiU1NhMTcxSGdUakhJbWZZS0o2Q0dRazZBQU1Bb0dDQ3FHU000',
  'OUJBTUMKQTBnQU1FVUNJQ0xHc1ZhS3V6azNuMnNEMnJWdkZCbmpnVDk1akY3d1kzMHRwQ3NBWVBVeUFpRUFwU3VpSmlCTApEbDlu',
  'V2xMZU5xZ3dEdmlsL3NyOGdFR2Q4VWNvLzc3UDRJZz0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==',
].join('')

const SAMPLES: Readonly<Record<string, Sample>> = {
  configmaps: { body: { data: { a: '1' } }, change: { data: { b: '2' } } },
  secrets: { body: { data: { a: 'MQ==' } }, change: { data: { b: 'Mg==' } } },
  serviceaccounts: { body: {}, change: { secrets: [{ name: 's' }] } },
  namespaces: {
    body: {},
    change: { metadata: { labels: { changed: 'yes' } } },
    status: { phase: 'Active', conditions: [{ type: 'NamespaceContentRemaining', status: 'False' }] },
    lingers: 'finalize',
  },
  nodes: {
    body: {},
    change: { spec: { unschedulable: true } },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  },
  pods: {
    body: { spec: podSpec },
    change: { spec: { activeDeadlineSeconds: 60 } },
    status: { phase: 'Running', podIP: '10.0.0.1' },
  },
  podtemplates: { body: { template: podTemplate }, change: { template: { spec: { nodeName: 'n' } } } },
  replicationcontrollers: {
    body: { spec: { replicas: 1, selector: labels, template: podTemplate } },
    change: { spec: { replicas: 2 } },
    status: { replicas: 1 },
  },
  services: {
    body: { spec: { ports: [{ port: 80 }], selector: labels } },
    change: { spec: { selector: { app: 'other' } } },
    status: { loadBalancer: {}, conditions: [condition('Ready')] },
  },
  endpoints: {
    body: { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] },
    change: { subsets: [{ addresses: [{ ip: '10.0.0.2' }], ports: [{ port: 80 }] }] },
  },
  events: {
    body: { involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'Started', type: 'Normal' },
    change: { count: 2 },
  },
  persistentvolumeclaims: {
    body: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    change: { spec: { volumeName: 'v' } },
    status: { phase: 'Bound', capacity: { storage: '1Gi' } },
  },
  controllerrevisions: { body: { data: { spec: { a: 1 } }, revision: 1 }, change: { revision: 2 } },
  daemonsets: {
    body: { spec: { selector: { matchLabels: labels }, template: podTemplate } },
    change: { spec: { minReadySeconds: 5 } },
    status: { currentNumberScheduled: 1, desiredNumberScheduled: 1, numberMisscheduled: 0, numberReady: 0 },
  },
  statefulsets: { body: workload, change: { spec: { replicas: 2 } }, status: { replicas: 1 } },
  jobs: {
    body: { spec: { template: jobTemplate } },
    change: { spec: { parallelism: 2 } },
    status: { active: 1, startTime: '2030-01-01T00:00:00Z' },
  },
  cronjobs: {
    body: { spec: { schedule: '@daily', jobTemplate: { spec: { template: jobTemplate } } } },
    change: { spec: { suspend: true } },
    status: { lastScheduleTime: '2030-01-01T00:00:00Z' },
  },
  poddisruptionbudgets: {
    body: { spec: { minAvailable: 1, selector: { matchLabels: labels } } },
    change: { spec: { minAvailable: 2 } },
    status: { disruptionsAllowed: 1, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
  },
  limitranges: {
    body: { spec: { limits: [{ type: 'Container', max: { cpu: '2' } }] } },
    change: { spec: { limits: [{ type: 'Pod', max: { cpu: '3' } }] } },
  },
  persistentvolumes: {
    body: { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/v' } } },
    change: { spec: { persistentVolumeReclaimPolicy: 'Delete' } },
    status: { phase: 'Available' },
  },
  resourcequotas: {
    body: { spec: { hard: { pods: '10' } } },
    change: { spec: { hard: { pods: '20' } } },
    status: { hard: { pods: '10' }, used: { pods: '1' } },
  },
  horizontalpodautoscalers: {
    body: { spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3 } },
    change: { spec: { maxReplicas: 4 } },
    status: { desiredReplicas: 2, currentReplicas: 1 },
  },
  ingresses: {
    body: { spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
    change: { spec: { ingressClassName: 'c' } },
    status: { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } },
  },
  ingressclasses: {
    body: { spec: { controller: 'example.com/ingress' } },
    change: { spec: { parameters: { kind: 'Settings', name: 's' } } },
  },
  networkpolicies: { body: { spec: { podSelector: {} } }, change: { spec: { ingress: [{}] } } },
  ipaddresses: {
    body: { spec: { parentRef: { resource: 'services', namespace: 'default', name: 's' } } },
    change: { metadata: { labels: { changed: 'yes' } } },
    name: addressOf,
  },
  servicecidrs: {
    body: { spec: { cidrs: ['10.0.0.0/8'] } },
    change: { spec: { cidrs: ['10.0.0.0/8', 'fd00::/108'] } },
    status: { conditions: [condition('Ready')] },
  },
  deployments: { body: workload, change: { spec: { replicas: 2 } }, status: { replicas: 1 } },
  replicasets: { body: workload, change: { spec: { replicas: 2 } }, status: { replicas: 1 } },
  endpointslices: {
    body: { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80, name: 'http' }] },
    change: { endpoints: [{ addresses: ['10.0.0.2'] }] },
  },
  leases: { body: { spec: { holderIdentity: 'a' } }, change: { spec: { holderIdentity: 'b' } } },
  clusterroles: { body: { rules }, change: { rules: moreRules } },
  roles: { body: { rules }, change: { rules: moreRules } },
  clusterrolebindings: {
    body: { roleRef: { kind: 'ClusterRole', ...role }, subjects },
    change: { subjects: null },
  },
  rolebindings: { body: { roleRef: { kind: 'ClusterRole', ...role }, subjects }, change: { subjects: null } },
  certificatesigningrequests: {
    body: {
      spec: { request: certificateRequest, signerName: 'example.com/signer', usages: ['client auth'] },
    },
    change: { metadata: { labels: { changed: 'yes' } } },
    status: { conditions: [condition('Failed')] },
  },
  priorityclasses: { body: { value: 1000 }, change: { description: 'changed' }, generation: 1 },
  runtimeclasses: { body: { handler: 'runc' }, change: { overhead: { podFixed: { cpu: '10m' } } } },
  csidrivers: { body: { spec: {} }, change: { spec: { fsGroupPolicy: 'File' } } },
  csinodes: {
    body: { spec: { drivers: [{ name: 'd.example.com', nodeID: 'n' }] } },
    change: { spec: { drivers: [{ name: 'e.example.com', nodeID: 'n' }] } },
  },
  csistoragecapacities: { body: { storageClassName: 'fast' }, change: { capacity: '1Gi' } },
  storageclasses: { body: { provisioner: 'example.com/p' }, change: { allowVolumeExpansion: true } },
  volumeattributesclasses: {
    body: { driverName: 'd.example.com', parameters: { iops: '100' } },
    change: { metadata: { annotations: { changed: 'yes' } } },
  },
  mutatingwebhookconfigurations: { body: { webhooks: [webhook] }, change: { webhooks: null } },
  validatingwebhookconfigurations: { body: { webhooks: [webhook] }, change: { webhooks: null } },
  validatingadmissionpolicies: {
    body: { spec: { matchConstraints, validations: [{ expression: 'true' }] } },
    change: { spec: { validations: [{ expression: 'false' }] } },
    status: { conditions: [condition('Ready')] },
  },
  validatingadmissionpolicybindings: {
    body: { spec: { policyName: 'p', validationActions: ['Deny'] } },
    change: { spec: { validationActions: ['Warn'] } },
  },
  mutatingadmissionpolicies: {
    body: {
      spec: {
        matchConstraints,
        reinvocationPolicy: 'Never',
        mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }],
      },
    },
    change: { spec: { reinvocationPolicy: 'IfNeeded' } },
  },
  mutatingadmissionpolicybindings: { body: { spec: { policyName: 'p' } }, change: { spec: { policyName: 'q' } } },
  apiservices: {
    body: {},
    name: (unique) => `v1.${unique}.example.com`,
    named: (unique) => ({
      spec: { group: `${unique}.example.com`, version: 'v1', groupPriorityMinimum: 1000, versionPriority: 10 },
    }),
    change: { spec: { versionPriority: 20 } },
    status: { conditions: [{ type: 'Available', status: 'False', reason: 'Sample' }] },
  },
  flowschemas: {
    body: { spec: { priorityLevelConfiguration: { name: 'global-default' } } },
    change: { spec: { matchingPrecedence: 500 } },
    status: { conditions: [condition('Dangling')] },
  },
  prioritylevelconfigurations: {
    body: { spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } },
    change: { spec: { limited: { nominalConcurrencyShares: 10 } } },
    status: { conditions: [condition('Sample')] },
  },
  volumeattachments: {
    body: { spec: { attacher: 'd.example.com', source: { persistentVolumeName: 'pv' }, nodeName: 'n' } },
    change: { metadata: { labels: { changed: 'yes' } } },
    status: { attached: true },
  },
  deviceclasses: { body: { spec: {} }, change: { spec: { extendedResourceName: 'example.com/gpu' } } },
  resourceclaims: {
    body: { spec: deviceClaim },
    change: { metadata: { labels: { changed: 'yes' } } },
    status: {
      allocation: { devices: { results: [{ request: 'r', driver: 'd.example.com', pool: 'p', device: 'x' }] } },
    },
  },
  resourceclaimtemplates: {
    body: { spec: { spec: deviceClaim } },
    change: { metadata: { labels: { changed: 'yes' } } },
  },
  resourceslices: {
    body: {
      spec: {
        driver: 'd.example.com',
        pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
        allNodes: true,
        devices: [{ name: 'x' }],
      },
    },
    change: { spec: { devices: [{ name: 'y' }] } },
  },
  customresourcedefinitions: {
    body: {},
    name: (unique) => `${unique}s.example.com`,
    named: (unique) => ({
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: {
          plural: `${unique}s`,
          singular: unique,
          kind: capitalised(unique),
          listKind: `${capitalised(unique)}List`,
        },
        versions: [{ name: 'v1', served: true, storage: true, schema: structural }],
      },
    }),
    change: { spec: { preserveUnknownFields: false, names: { categories: ['all'] } } },
    status: { conditions: [condition('Established')] },
    lingers: 'finalizer',
  },
}

function condition(type: string): Record<string, unknown> {
  return { type, status: 'True', reason: 'Sample', message: 'm', lastTransitionTime: '2030-01-01T00:00:00Z' }
}

/** An address that no other name leads to, in the order of names that differ behind their last dash. */
function addressOf(unique: string): string {
  const dash = unique.lastIndexOf('-')
  const sum = [...unique.slice(0, dash)].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % 0xf000, 7)
  return `fd00::${(sum + 0x1000).toString(16)}:${(unique.charCodeAt(dash + 1) + 0x1000).toString(16)}`
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).replaceAll('-', '')

export function sampleOf(resource: AnyResource): Sample {
  const sample = SAMPLES[resource.plural]
  if (!sample) throw new Error(`${resource.plural} has no sample: add one to src/testing/resource-samples.ts`)
  return sample
}

export const NAMESPACE = 'default'

/** A new object of the kind. */
export function sampleObject(resource: AnyResource, unique: string, metadata: object = {}): AnyObject {
  const sample = sampleOf(resource)
  return structuredClone({
    apiVersion: resource.apiVersion,
    kind: resource.kind,
    metadata: {
      name: sample.name?.(unique) ?? unique,
      ...(resource.scope === 'Namespaced' ? { namespace: NAMESPACE } : {}),
      ...metadata,
    },
    ...sample.body,
    ...sample.named?.(unique),
  })
}
