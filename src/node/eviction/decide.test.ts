// What the node is short of, who goes first, and what is said of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../api/core/pod/pod.ts'
import {
  evictionMessage,
  exceededLimit,
  type MetThreshold,
  type Observations,
  type PodUsage,
  rankPods,
  THRESHOLDS,
  thresholdsMet,
  parseThresholds,
} from './decide.ts'

const MIB = 2 ** 20
const full: Observations = {
  'memory.available': { available: 99 * MIB, capacity: 1000 * MIB },
  'nodefs.available': { available: 9, capacity: 100 },
  'nodefs.inodesFree': { available: 4, capacity: 100 },
  'imagefs.available': { available: 14, capacity: 100 },
  'imagefs.inodesFree': { available: 5, capacity: 100 },
}

test('a threshold is met below it, not at it; memory comes first', () => {
  assert.deepEqual(
    thresholdsMet(full, [...THRESHOLDS].reverse()).map(({ signal, condition }) => [signal, condition]),
    [
      ['memory.available', 'MemoryPressure'],
      ['imagefs.available', 'DiskPressure'],
      ['nodefs.inodesFree', 'DiskPressure'],
      ['nodefs.available', 'DiskPressure'],
    ],
  )
  assert.deepEqual(thresholdsMet({}, THRESHOLDS), [])
})

interface Shape {
  name: string
  memory?: number
  request?: string
  priority?: number
  disk?: number
  processes?: number
}
function usage({ name, memory = 0, request, priority, disk = 0, processes = 0 }: Shape): PodUsage {
  const requests = request === undefined ? {} : { memory: request }
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      ...(priority === undefined ? {} : { priority }),
      containers: [{ name: 'c', image: 'i', resources: { requests } }],
    },
  }
  return {
    pod,
    memoryBytes: memory * MIB,
    processes,
    inodes: 0,
    containers: [{ name: 'c', memoryBytes: memory * MIB, diskBytes: disk }],
    emptyDirs: new Map(),
  }
}
const names = (usages: readonly PodUsage[]) => usages.map(({ pod }) => pod.metadata.name)

test('who uses more memory than requested goes first, then the lower priority, then the larger use beyond', () => {
  const pods = [
    usage({ name: 'within', memory: 500, request: '600Mi' }),
    usage({ name: 'critical', memory: 900, priority: 2_000_000_000 }),
    usage({ name: 'important', memory: 300, request: '1Mi', priority: 10 }),
    usage({ name: 'little', memory: 110, request: '100Mi' }),
    usage({ name: 'much', memory: 200, request: '100Mi' }),
    usage({ name: 'within-low', memory: 10, request: '600Mi', priority: -1 }),
  ]
  assert.deepEqual(names(rankPods(pods, 'memory')), ['much', 'little', 'important', 'within-low', 'within'])
})

test('for processes and disk the same holds of what they use of those', () => {
  const pods = [
    usage({ name: 'few', processes: 5, disk: 9 }),
    usage({ name: 'many', processes: 50, disk: 1 }),
    usage({ name: 'low', processes: 1, disk: 0, priority: -5 }),
  ]
  assert.deepEqual(names(rankPods(pods, 'pids')), ['low', 'many', 'few'])
  assert.deepEqual(names(rankPods(pods, 'ephemeral-storage')), ['few', 'many', 'low'])
})

test('the message tells of the node, the threshold, and each container beyond its request', () => {
  const met: MetThreshold = {
    signal: 'memory.available',
    condition: 'MemoryPressure',
    resource: 'memory',
    quantity: 100 * MIB,
    available: 50 * MIB + 1024,
  }
  assert.equal(
    evictionMessage(usage({ name: 'p', memory: 200, request: '100Mi' }), met),
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 51201Ki. ' +
      'Container c was using 200Mi, request is 100Mi, has larger consumption of memory. ',
  )
  assert.equal(
    evictionMessage(usage({ name: 'p', memory: 1, request: '100Mi' }), {
      ...met,
      resource: 'pids',
      quantity: 7,
      available: 3,
    }),
    'The node was low on resource: pids. Threshold quantity: 7, available: 3. ',
  )
})

test('a pod goes for a full emptyDir, for its own limit, or for one container', () => {
  const base = usage({ name: 'p', disk: 10 })
  const limited = (limit: string): Pod['spec'] => ({
    containers: [{ name: 'c', image: 'i', resources: { limits: { 'ephemeral-storage': limit } } }],
  })
  const volumes = [{ name: 'v', emptyDir: { sizeLimit: '1Ki' } }]
  const rows: [PodUsage, string | undefined][] = [
    [base, undefined],
    [
      { ...base, pod: { ...base.pod, spec: { ...base.pod.spec, volumes } }, emptyDirs: new Map([['v', 1024]]) },
      undefined,
    ],
    [
      { ...base, pod: { ...base.pod, spec: { ...base.pod.spec, volumes } }, emptyDirs: new Map([['v', 1025]]) },
      'Usage of EmptyDir volume "v" exceeds the limit "1Ki". ',
    ],
    [{ ...base, pod: { ...base.pod, spec: limited('10') } }, undefined],
    [
      { ...base, pod: { ...base.pod, spec: limited('9') } },
      'Pod ephemeral local storage usage exceeds the total limit of containers 9. ',
    ],
  ]
  assert.deepEqual(
    rows.map(([input]) => exceededLimit(input)),
    rows.map(([, expected]) => expected),
  )
  const two: Pod['spec'] = {
    containers: [
      ...limited('9').containers,
      { ...(limited('100').containers[0] ?? { name: '', image: '' }), name: 'd' },
    ],
  }
  assert.equal(
    exceededLimit({ ...base, pod: { ...base.pod, spec: two } }),
    'Container c exceeded its local ephemeral storage limit "9". ',
  )
})

const forms: readonly [text: string, expected: unknown][] = [
  [
    'memory.available<100Mi, nodefs.available<10%',
    [
      { signal: 'memory.available', amount: 104_857_600 },
      { signal: 'nodefs.available', percent: 10 },
    ],
  ],
  ['imagefs.inodesFree<0.5%', [{ signal: 'imagefs.inodesFree', percent: 0.5 }]],
  ['memory.available>1', undefined],
  ['memory.free<1Mi', undefined],
  ['nodefs.available<101%', undefined],
  ['nodefs.available<1Q', undefined],
  ['toString<1', undefined],
  ['', undefined],
]
for (const [text, expected] of forms)
  test(`thresholds as a kubelet reads them: "${text}"`, () => assert.deepEqual(parseThresholds(text), expected))
