// The flow schemas and priority levels that every cluster is born with (upstream pkg/apis/flowcontrol/bootstrap).

import { type FlowSchema, flowSchemas } from '../api/flowcontrol/flow-schema.ts'
import type { FlowSchemaSpec, PolicyRulesWithSubjects, Subject } from '../api/flowcontrol/flow-schema-fields.ts'
import { anything, groups, MANDATORY_FLOW_SCHEMAS, MANDATORY_PRIORITY_LEVELS } from '../api/flowcontrol/mandatory.ts'
import {
  type PriorityLevelConfiguration,
  priorityLevelConfigurations,
} from '../api/flowcontrol/priority-level-configuration.ts'
import type { PriorityLevelConfigurationSpec } from '../api/flowcontrol/priority-level-fields.ts'

/** Says that the server keeps the object's spec as it should be. */
const AUTOUPDATE = { 'apf.kubernetes.io/autoupdate-spec': 'true' }

const EVERYBODY = groups('system:unauthenticated', 'system:authenticated')
const NODES = groups('system:nodes')
const users = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'User', user: { name } }))
const SYSTEM_ACCOUNTS: Subject[] = [{ kind: 'ServiceAccount', serviceAccount: { name: '*', namespace: 'kube-system' } }]
const LEASES = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] }

type Method = 'ByUser' | 'ByNamespace'

function schema(level: string, precedence: number, method: Method | '', rule: PolicyRulesWithSubjects): FlowSchemaSpec {
  return {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence: precedence,
    ...(method === '' ? {} : { distinguisherMethod: { type: method } }),
    rules: [rule],
  }
}

const SUGGESTED_FLOW_SCHEMAS: Readonly<Record<string, FlowSchemaSpec>> = {
  probes: schema('exempt', 2, '', {
    subjects: EVERYBODY,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  'system-leader-election': schema('leader-election', 100, 'ByUser', {
    subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), ...SYSTEM_ACCOUNTS],
    resourceRules: [{ verbs: ['get', 'create', 'update'], ...LEASES }],
  }),
  'system-node-high': schema('node-high', 400, 'ByUser', {
    subjects: NODES,
    resourceRules: [
      { verbs: ['*'], apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: ['*'] },
      { verbs: ['*'], ...LEASES },
    ],
  }),
  'system-nodes': schema('system', 500, 'ByUser', anything(NODES)),
  'kube-controller-manager': schema(
    'workload-high',
    800,
    'ByNamespace',
    anything(users('system:kube-controller-manager')),
  ),
  'kube-scheduler': schema('workload-high', 800, 'ByNamespace', anything(users('system:kube-scheduler'))),
  'kube-system-service-accounts': schema('workload-high', 900, 'ByNamespace', anything(SYSTEM_ACCOUNTS)),
  'service-accounts': schema('workload-low', 9000, 'ByUser', anything(groups('system:serviceaccounts'))),
  'global-default': schema('global-default', 9900, 'ByUser', anything(EVERYBODY)),
}

function queued(
  shares: number,
  lendablePercent: number,
  queues: number,
  handSize: number,
): PriorityLevelConfigurationSpec {
  const queuing = { queues, handSize, queueLengthLimit: 50 }
  const limitResponse = { type: 'Queue' as const, queuing }
  return { type: 'Limited', limited: { nominalConcurrencyShares: shares, limitResponse, lendablePercent } }
}

const SUGGESTED_PRIORITY_LEVELS: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  system: queued(30, 33, 64, 6),
  'node-high': queued(40, 25, 64, 6),
  'leader-election': queued(10, 0, 16, 4),
  'workload-high': queued(40, 50, 128, 6),
  'workload-low': queued(100, 90, 128, 6),
  'global-default': queued(20, 50, 128, 6),
}

export const BOOTSTRAP_FLOW_SCHEMAS: readonly FlowSchema[] = Object.entries({
  ...MANDATORY_FLOW_SCHEMAS,
  ...SUGGESTED_FLOW_SCHEMAS,
}).map(([name, spec]) => ({
  apiVersion: flowSchemas.apiVersion,
  kind: flowSchemas.kind,
  metadata: { name, annotations: AUTOUPDATE },
  spec,
}))

export const BOOTSTRAP_PRIORITY_LEVELS: readonly PriorityLevelConfiguration[] = Object.entries({
  ...MANDATORY_PRIORITY_LEVELS,
  ...SUGGESTED_PRIORITY_LEVELS,
}).map(([name, spec]) => ({
  apiVersion: priorityLevelConfigurations.apiVersion,
  kind: priorityLevelConfigurations.kind,
  metadata: { name, annotations: AUTOUPDATE },
  spec,
}))
