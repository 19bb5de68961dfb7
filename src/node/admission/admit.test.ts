// Why a node does not take a pod: upstream's reasons and messages.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Node } from '../../api/core/node/node.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import { admit, type AdmissionInput } from './admit.ts'

const pod = (spec: Partial<Pod['spec']> = {}, requests: Record<string, string> = {}): DeepReadonly<Pod> => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'i', resources: { requests } }], ...spec },
})
const node: DeepReadonly<Node> = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n', labels: { disk: 'ssd' } },
  spec: {
    taints: [
      { key: 'gone', effect: 'NoExecute' },
      { key: 'busy', effect: 'NoSchedule' },
    ],
  },
}
const tolerations = [{ operator: 'Exists' as const }]
const allocatable = { cpu: '2', memory: '1Gi', 'ephemeral-storage': '10Gi', pods: '3' }
const port = (hostPort: number, hostIP = '') => ({ containerPort: 80, hostPort, hostIP, protocol: 'TCP' as const })
const withPort = (hostPort: number, hostIP?: string) =>
  pod({ tolerations, containers: [{ name: 'c', image: 'i', ports: [port(hostPort, hostIP)] }] })

const rows: readonly [name: string, input: Partial<AdmissionInput>, expected: [string, string] | undefined][] = [
  ['a pod that fits', { pod: pod({ tolerations }, { cpu: '1' }) }, undefined],
  [
    'no processor left',
    { pod: pod({}, { cpu: '1500m' }), others: [pod({}, { cpu: '1' })] },
    ['OutOfcpu', "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000"],
  ],
  [
    'no memory left',
    { pod: pod({}, { memory: '2Gi' }) },
    ['OutOfmemory', "Node didn't have enough resource: memory, requested: 2147483648, used: 0, capacity: 1073741824"],
  ],
  [
    'no place for one more pod',
    { others: [pod(), pod(), pod()] },
    ['OutOfpods', "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3"],
  ],
  [
    'huge pages that are not there',
    { pod: pod({}, { 'hugepages-2Mi': '2Mi' }) },
    ['OutOfhugepages-2Mi', "Node didn't have enough resource: hugepages-2Mi, requested: 2097152, used: 0, capacity: 0"],
  ],
  ['a device that this node does not count', { pod: pod({ tolerations }, { 'example.com/fpga': '1' }) }, undefined],
  [
    'another node is selected',
    { pod: pod({ tolerations, nodeSelector: { disk: 'hdd' } }) },
    ['NodeAffinity', "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"],
  ],
  [
    'another node is named',
    { pod: pod({ tolerations, nodeName: 'other' }) },
    ['NodeName', "Predicate NodeName failed: node(s) didn't match the requested node name"],
  ],
  [
    'a port that is taken',
    { pod: withPort(80), others: [withPort(80, '127.0.0.1')] },
    ['NodePorts', "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"],
  ],
  [
    'the same port of another address',
    { pod: withPort(80, '127.0.0.2'), others: [withPort(80, '127.0.0.1')] },
    undefined,
  ],
  [
    'a NoExecute taint',
    {},
    ['TaintToleration', "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"],
  ],
  ['an unknown node', { pod: pod({ nodeSelector: { disk: 'hdd' } }), node: undefined }, undefined],
  [
    'an unsafe kernel setting',
    { pod: pod({ tolerations, securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }) },
    ['SysctlForbidden', 'forbidden sysctl: "kernel.msgmax" not allowlisted'],
  ],
  [
    "a network setting on the host's network",
    {
      pod: pod({
        tolerations,
        hostNetwork: true,
        securityContext: { sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }] },
      }),
    },
    ['SysctlForbidden', 'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled'],
  ],
  [
    'a best-effort pod under memory pressure',
    { pressures: ['MemoryPressure'] },
    ['Evicted', 'The node had condition: [MemoryPressure]. '],
  ],
  [
    'a burstable pod under memory pressure',
    { pod: pod({ tolerations }, { cpu: '1' }), pressures: ['MemoryPressure'] },
    undefined,
  ],
  [
    'any pod under disk pressure',
    { pod: pod({ tolerations }, { cpu: '1' }), pressures: ['DiskPressure'] },
    ['Evicted', 'The node had condition: [DiskPressure]. '],
  ],
  ['a critical pod', { pod: pod({ tolerations, priority: 2_000_001_000 }), pressures: ['DiskPressure'] }, undefined],
]
for (const [name, input, expected] of rows)
  test(`admit: ${name}`, () => {
    const rejection = admit({ pod: pod(), others: [], allocatable, node, pressures: [], ...input })
    assert.deepEqual(rejection === undefined ? undefined : [rejection.reason, rejection.message], expected)
  })
