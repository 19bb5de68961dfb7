// Pods that run all the while, and the look whether anything of them was started again.

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { nodes } from '../../../src/api/core/node/node.ts'
import { type Pod, pods } from '../../../src/api/core/pod/pod.ts'
import { type ReplicationController, replicationControllers } from '../../../src/api/core/replication-controller.ts'
import type { DeepReadonly } from '../../../src/apimachinery/resource.ts'
import type { Client } from '../../../src/client/client.ts'
import { BUSYBOX } from '../node-runtime/fixture.ts'
import { type Machine, NODE } from './machine.ts'

const NAMESPACE = 'default'
const LABEL = 'steady'
/** A test that waits for longer waits for ever. */
const PATIENCE_MS = 60_000
const POLL_MS = 20

/** Ends when it is told to. */
const OBEDIENT = {
  terminationGracePeriodSeconds: 10,
  containers: [
    { name: 'c', image: BUSYBOX, command: ['sh', '-c', "trap 'exit 0' TERM; while true; do sleep 1000 & wait; done"] },
  ],
}

/** Two containers after one that has ended; asked every second whether they live, and whether they are ready. */
const PROBED = {
  initContainers: [{ name: 'first', image: BUSYBOX, command: ['true'] }],
  containers: [
    {
      name: 'web',
      image: BUSYBOX,
      command: ['busybox', 'httpd', '-f', '-p', '8080', '-h', '/bin'],
      livenessProbe: { httpGet: { path: '/echo', port: 8080 }, periodSeconds: 1 },
      readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
    },
    { name: 'beside', image: BUSYBOX },
  ],
}

const controllerOf = (name: string, replicas: number, label: string): ReplicationController => ({
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    replicas,
    selector: { [label]: name },
    template: { metadata: { labels: { [label]: name } }, spec: OBEDIENT },
  },
})

/** What must not change: pods, their containers and sandboxes as the API tells of them, and their processes. */
export interface Steady {
  readonly pods: unknown
  readonly tasks: ReadonlyMap<string, string>
  /** Since when the node is ready. */
  readonly ready: string
}

export async function startSteady(client: Client, machine: Machine): Promise<Steady> {
  const metadata = { name: 'probed', namespace: NAMESPACE, labels: { [LABEL]: 'probed' } }
  await client.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec: PROBED })
  await client.create(replicationControllers, controllerOf('kept', 2, LABEL))
  await client.create(replicationControllers, controllerOf('churn', 0, 'churn'))
  const running = await until(
    'the pods to be ready',
    () => steadyPods(client),
    (found) => found.length === 3 && found.every(isReady),
  )
  return { pods: running.map(identityOf), tasks: machine.tasks(), ready: await readySince(client) }
}

export async function checkSteady(client: Client, machine: Machine, before: Steady): Promise<void> {
  const tasks = machine.tasks()
  for (const [id, process] of before.tasks) assert.equal(tasks.get(id), process, `container ${id} was started again`)
  assert.deepEqual((await steadyPods(client)).map(identityOf), before.pods)
  assert.equal(await readySince(client), before.ready, 'the node was not ready for a while')
}

/** The controller keeps so many pods, and the node runs them. */
export async function scaleChurn(client: Client, replicas: number): Promise<void> {
  await client.patch(
    replicationControllers,
    { namespace: NAMESPACE, name: 'churn' },
    { type: 'merge', body: { spec: { replicas } } },
  )
}

export async function churnReached(client: Client, replicas: number): Promise<void> {
  await until(
    `controller "churn" to have ${replicas} pods that run`,
    async () => {
      const { items } = await client.list(pods, { namespace: NAMESPACE, labelSelector: 'churn=churn' })
      const { status } = await client.get(replicationControllers, { namespace: NAMESPACE, name: 'churn' })
      return { items, ready: status?.readyReplicas ?? 0 }
    },
    ({ items, ready }) => items.length === replicas && items.every(isReady) && ready === replicas,
  )
}

/** A pod that was made in this round runs: the whole way from the API to the runtime is open. */
export async function podRuns(client: Client, name: string): Promise<void> {
  await until(`pod "${name}" to run`, () => client.get(pods, { namespace: NAMESPACE, name }), isReady)
}

/** Everything that the rounds started is gone. */
export async function onlySteady(machine: Machine, before: Steady): Promise<void> {
  await until(
    'the containers of deleted pods to be gone',
    async () => [...machine.tasks()],
    (tasks) => tasks.length === before.tasks.size,
  )
  assert.deepEqual(machine.tasks(), before.tasks)
}

async function steadyPods(client: Client): Promise<readonly DeepReadonly<Pod>[]> {
  const { items } = await client.list(pods, { namespace: NAMESPACE, labelSelector: LABEL })
  return items
}

function isReady({ metadata, status }: DeepReadonly<Pod>): boolean {
  if (metadata.deletionTimestamp) return false
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

function identityOf({ metadata, status }: DeepReadonly<Pod>): unknown {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  return {
    name: metadata.name,
    uid: metadata.uid,
    ready: status?.conditions?.find(({ type }) => type === 'Ready'),
    ip: status?.podIP,
    containers: containers.map(({ name, containerID, restartCount, ready, state }) => ({
      ...{ name, containerID, restartCount, ready, state },
    })),
  }
}

async function readySince(client: Client): Promise<string> {
  const { status } = await client.get(nodes, { name: NODE })
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  assert.equal(ready?.status, 'True', `the node is not ready: ${ready?.message}`)
  return ready?.lastTransitionTime ?? ''
}

/** Polls; `found` looks whether what is there will do. */
async function until<T>(what: string, look: () => Promise<T>, found: (value: T) => boolean): Promise<T> {
  const begin = performance.now()
  for (;;) {
    const value = await look()
    if (found(value)) return value
    if (performance.now() - begin > PATIENCE_MS)
      throw new Error(`Waited ${PATIENCE_MS} ms in vain for ${what}; found ${JSON.stringify(value)}`)
    await pause(POLL_MS)
  }
}
