// The rows of pods as `kubectl get pods` shows them.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ContainerStatus } from './container-status.ts'
import { type Pod, pods } from './pod.ts'
import type { PodStatus } from './status.ts'

const NOW = Date.parse('2030-01-01T12:00:00Z')

function podWith(status: PodStatus, tweak: (pod: Pod) => void = () => {}): Pod {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', creationTimestamp: '2030-01-01T11:55:00Z' },
    spec: { containers: [{ name: 'c' }], initContainers: [{ name: 'i' }, { name: 'j' }] },
    status,
  }
  tweak(pod)
  return pod
}

const row = (pod: Pod): string =>
  (pods.columns ?? [])
    .filter(({ priority = 0 }) => priority === 0)
    .map((column) => column.cell(pod, { nowMs: NOW }))
    .join(' | ')

function container(
  name: string,
  state: ContainerStatus['state'],
  more: Partial<ContainerStatus> = {},
): ContainerStatus {
  return { name, image: 'x', imageID: 'x', ready: false, restartCount: 0, ...(state && { state }), ...more }
}
const done = container('i', { terminated: { exitCode: 0, reason: 'Completed' } })
const running = container('c', { running: {} }, { ready: true })
const initialized = [done, { ...done, name: 'j' }]
const lastState = { terminated: { exitCode: 1, finishedAt: '2030-01-01T11:59:30Z' } }

const CASES: Record<string, [Pod, string]> = {
  'waits for a node': [podWith({ phase: 'Pending' }), '0/1 | Pending | 0 | 5m'],
  'has run one of two init containers': [
    podWith({ phase: 'Pending', initContainerStatuses: [done, container('j', { running: {} })] }),
    '0/1 | Init:1/2 | 0 | 5m',
  ],
  'fails to initialize': [
    podWith({ phase: 'Pending', initContainerStatuses: [container('i', { waiting: { reason: 'CrashLoopBackOff' } })] }),
    '0/1 | Init:CrashLoopBackOff | 0 | 5m',
  ],
  runs: [
    podWith({ phase: 'Running', initContainerStatuses: initialized, containerStatuses: [running] }),
    '1/1 | Running | 0 | 5m',
  ],
  'crashes again and again': [
    podWith({
      phase: 'Running',
      initContainerStatuses: initialized,
      containerStatuses: [container('c', { waiting: { reason: 'CrashLoopBackOff' } }, { restartCount: 3, lastState })],
    }),
    '0/1 | CrashLoopBackOff | 3 (30s ago) | 5m',
  ],
  'is over': [
    podWith({
      phase: 'Succeeded',
      initContainerStatuses: initialized,
      containerStatuses: [container('c', { terminated: { exitCode: 0, reason: 'Completed' } })],
    }),
    '0/1 | Completed | 0 | 5m',
  ],
  'was killed': [
    podWith({
      phase: 'Failed',
      initContainerStatuses: initialized,
      containerStatuses: [container('c', { terminated: { exitCode: 137, signal: 9 } })],
    }),
    '0/1 | Signal:9 | 0 | 5m',
  ],
  'is being deleted': [
    podWith(
      { phase: 'Running', initContainerStatuses: initialized, containerStatuses: [running] },
      (pod) => (pod.metadata.deletionTimestamp = '2030-01-01T12:00:10Z'),
    ),
    '1/1 | Terminating | 0 | 5m',
  ],
  'is on a lost node': [
    podWith(
      { phase: 'Running', reason: 'NodeLost' },
      (pod) => (pod.metadata.deletionTimestamp = '2030-01-01T12:00:10Z'),
    ),
    '0/1 | Unknown | 0 | 5m',
  ],
}

describe('the row of a pod that', () => {
  for (const [name, [pod, want]] of Object.entries(CASES)) test(name, () => assert.equal(row(pod), want))
})
