// Pod: containers that share an address and volumes, and live and die on one node.

import type { ObjectWith } from '../../../apimachinery/resource.ts'
import { defineResource } from '../../../apimachinery/resource.ts'
import { ref, required } from '../../../apimachinery/schema.ts'
import { podSpec } from './spec.ts'
import { podStatus } from './status.ts'
import { ageColumn } from '../../columns.ts'
import { podColumns, podWideColumns } from './columns.ts'
import { defaultPod } from './defaults.ts'
import { isPodTerminal } from './readiness.ts'
import { qosClass } from './requests.ts'
import { validatePodUpdate } from './update.ts'

const podFields = {
  spec: required(ref(2, podSpec, { default: {} })),
  status: ref(3, podStatus, { default: {} }),
}
export interface Pod extends ObjectWith<typeof podFields> {}

export const pods = defineResource({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  scope: 'Namespaced',
  shortNames: ['po'],
  categories: ['all'],
  returnsDeleted: true,
  subresources: {
    status: true,
    others: [
      { name: 'log', kind: 'Pod', verbs: ['get'] },
      { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
      { name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
      { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
      { name: 'proxy', kind: 'PodProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
      { name: 'binding', kind: 'Binding', verbs: ['create'] },
      { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
      { name: 'ephemeralcontainers', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    ],
  },
  model: 'io.k8s.api.core.v1.Pod',
  fields: podFields,
  selectable: {
    'spec.nodeName': (pod) => pod.spec.nodeName ?? '',
    'spec.restartPolicy': (pod) => pod.spec.restartPolicy ?? '',
    'spec.schedulerName': (pod) => pod.spec.schedulerName ?? '',
    'spec.serviceAccountName': (pod) => pod.spec.serviceAccountName ?? '',
    'spec.hostNetwork': (pod) => String(pod.spec.hostNetwork ?? false),
    'status.phase': (pod) => pod.status?.phase ?? '',
    'status.podIP': (pod) => pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? '',
    'status.podIPs': (pod) => pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? '',
    'status.nominatedNodeName': (pod) => pod.status?.nominatedNodeName ?? '',
  },
  // A pod that never reached a node, or is over, has nobody to wait for.
  gracePeriodSeconds(pod) {
    if ((pod.spec.nodeName ?? '') === '' || isPodTerminal(pod)) return 0
    const seconds = pod.spec.terminationGracePeriodSeconds ?? 30
    return seconds < 0 ? 1 : seconds
  },
  defaults(pod) {
    defaultPod(pod)
  },
  prepareCreate(pod) {
    pod.status = { phase: 'Pending', qosClass: qosClass(pod.spec) }
  },
  columns: [...podColumns, ageColumn, ...podWideColumns],
  age: false,
  validateUpdate(next, previous, issues) {
    validatePodUpdate(next, previous, issues)
  },
})
