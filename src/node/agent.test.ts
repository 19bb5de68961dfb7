// The whole agent against a simulated runtime, in virtual time: what users see of a pod.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodes } from '../api/core/node/node.ts'
import { isPodReady } from '../api/core/pod/readiness.ts'
import { SimulatedNode } from '../testing/simulated-node.ts'

const mainOf = (pod: Awaited<ReturnType<SimulatedNode['until']>>) => pod?.status?.containerStatuses?.[0]

test('the node registers, is ready, and renews its lease', async (t) => {
  const node = await SimulatedNode.start(t)
  await node.cluster.advance('1s')
  const found = await node.cluster.get(nodes, { name: 'node1' })
  assert.equal(found?.status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'True')
  assert.equal(found?.metadata.labels?.['kubernetes.io/hostname'], 'node1')
  assert.deepEqual(found?.status?.addresses, [
    { type: 'InternalIP', address: '192.0.2.1' },
    { type: 'Hostname', address: 'node1' },
  ])
})

test('a pod becomes ready and says so in events', async (t) => {
  const node = await SimulatedNode.start(t)
  await node.create('web')
  const pod = await node.until('web', (p) => p !== undefined && isPodReady(p))
  assert.equal(pod?.status?.phase, 'Running')
  assert.match(pod?.status?.podIP ?? '', /^10\./)
  await node.idle()
  assert.deepEqual((await node.events('web')).map(({ reason }) => reason).sort(), ['Created', 'Pulled', 'Started'])
})

test('a container that keeps ending is started again after 10 s, then 20 s', async (t) => {
  const node = await SimulatedNode.start(t, { script: () => ({ exitAfterMs: 1000, exitCode: 2 }) })
  await node.create('web')
  await node.until('web', (p) => mainOf(p)?.state?.running !== undefined)
  await node.idle()
  await node.cluster.advance('1s')
  // The first restart comes at once.
  await node.until('web', (p) => mainOf(p)?.restartCount === 1)
  await node.idle()
  await node.cluster.advance('1s')
  const waiting = await node.until('web', (p) => mainOf(p)?.state?.waiting?.reason === 'CrashLoopBackOff')
  const { uid = '' } = waiting?.metadata ?? {}
  assert.equal(
    mainOf(waiting)?.state?.waiting?.message,
    `back-off 10s restarting failed container=main pod=web_default(${uid})`,
  )
  assert.equal(mainOf(waiting)?.lastState?.terminated?.exitCode, 2)
  await node.idle()
  await node.cluster.advance('9s')
  await node.idle()
  assert.equal(mainOf(await node.until('web', () => true))?.restartCount, 1)
  await node.cluster.advance('1s')
  await node.until('web', (p) => mainOf(p)?.restartCount === 2)
  await node.idle()
  await node.cluster.advance('1s')
  await node.until('web', (p) => mainOf(p)?.state?.waiting?.message?.startsWith('back-off 20s') ?? false)
})

test('a pod that is not to restart succeeds or fails', async (t) => {
  for (const [exitCode, phase] of [
    [0, 'Succeeded'],
    [3, 'Failed'],
  ] as const) {
    const node = await SimulatedNode.start(t, { script: () => ({ exitAfterMs: 1000, exitCode }) })
    await node.create('job', { restartPolicy: 'Never' })
    await node.until('job', (p) => mainOf(p)?.state?.running !== undefined)
    await node.idle()
    await node.cluster.advance('1s')
    const pod = await node.until('job', (p) => p?.status?.phase !== 'Running' && p?.status?.phase !== 'Pending')
    assert.equal(pod?.status?.phase, phase)
    assert.equal(mainOf(pod)?.state?.terminated?.exitCode, exitCode)
  }
})

test('an image that cannot be pulled is waited for', async (t) => {
  const node = await SimulatedNode.start(t, { registry: () => false })
  await node.create('web', { containers: [{ name: 'main', image: 'nowhere:1' }] })
  await node.until('web', (p) => mainOf(p)?.state?.waiting?.reason === 'ErrImagePull')
  await node.idle()
  await node.cluster.advance('10s')
  await node.until('web', (p) => ['ErrImagePull', 'ImagePullBackOff'].includes(mainOf(p)?.state?.waiting?.reason ?? ''))
})

test('a liveness probe that fails three times restarts the container', async (t) => {
  const node = await SimulatedNode.start(t)
  node.probe = () => ({ ok: false, output: 'HTTP probe failed with statuscode: 500' })
  await node.create('web', {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'main',
        image: 'web:1',
        livenessProbe: { httpGet: { port: 80 }, periodSeconds: 10, failureThreshold: 3 },
      },
    ],
  })
  await node.until('web', (p) => mainOf(p)?.state?.running !== undefined)
  await node.idle()
  await node.cluster.advance('20s')
  await node.until('web', (p) => mainOf(p)?.restartCount === 1)
  await node.idle()
  const events = await node.events('web')
  assert.ok(events.some(({ message }) => message === 'Container main failed liveness probe, will be restarted'))
  // The next container may have been asked once by now.
  assert.ok(
    events.some(
      ({ message, count = 0 }) =>
        message === 'Liveness probe failed: HTTP probe failed with statuscode: 500' && count >= 3,
    ),
  )
})

test('a probe that cannot be carried out is told of, and is no verdict', async (t) => {
  const node = await SimulatedNode.start(t)
  node.probe = () => ({ ok: false, output: 'no such container', errored: true })
  await node.create('web', {
    containers: [
      {
        name: 'main',
        image: 'web:1',
        livenessProbe: { exec: { command: ['true'] }, periodSeconds: 1, failureThreshold: 1 },
      },
    ],
  })
  await node.until('web', (p) => mainOf(p)?.state?.running !== undefined)
  await node.idle()
  await node.cluster.advance('5s')
  await node.idle()
  const messages = (await node.events('web')).filter(({ reason }) => reason === 'Unhealthy').map((e) => e.message)
  assert.deepEqual(messages, ['Liveness probe errored and resulted in unknown state: no such container'])
  assert.equal(mainOf(await node.until('web', () => true))?.restartCount, 0)
})

test('deletion waits for the grace period, and a shorter one cuts it short', async (t) => {
  const node = await SimulatedNode.start(t, { script: () => ({ stopTakesMs: 'ignore' }) })
  await node.create('web', { terminationGracePeriodSeconds: 30 })
  await node.until('web', (p) => p !== undefined && isPodReady(p))
  await node.idle()
  await node.delete('web')
  await node.cluster.advance('10s')
  assert.notEqual((await node.until('web', () => true))?.metadata.deletionTimestamp, undefined)
  await node.delete('web', 2)
  await node.cluster.advance('2s')
  await node.until('web', (p) => p === undefined)
  await node.idle()
  assert.deepEqual(await node.runtime.listPodSandboxes(), [])
})

test('an agent that comes back restarts nothing, and ends what was deleted meanwhile', async (t) => {
  const node = await SimulatedNode.start(t)
  await node.create('stays')
  await node.create('goes')
  const before = await node.until('stays', (p) => p !== undefined && isPodReady(p))
  await node.until('goes', (p) => p !== undefined && isPodReady(p))
  await node.idle()
  await node.stopAgent()
  await node.delete('goes', 0)
  await node.startAgent()
  await node.idle()
  const after = await node.until('stays', () => true)
  assert.equal(mainOf(after)?.containerID, mainOf(before)?.containerID)
  assert.equal(after !== undefined && isPodReady(after), true)
  assert.equal((await node.runtime.listPodSandboxes()).length, 1)
})

test('init containers run in order, a sidecar before the container, and it ends with it', async (t) => {
  const node = await SimulatedNode.start(t, {
    script: ({ metadata }) =>
      metadata?.name === 'first' ? { exitAfterMs: 1000 } : metadata?.name === 'main' ? { exitAfterMs: 5000 } : {},
  })
  await node.create('web', {
    restartPolicy: 'Never',
    initContainers: [
      { name: 'first', image: 'web:1' },
      { name: 'side', image: 'web:1', restartPolicy: 'Always' },
    ],
  })
  const early = await node.until('web', (p) => p?.status?.initContainerStatuses?.[0]?.state?.running !== undefined)
  assert.equal(early?.status?.phase, 'Pending')
  assert.equal(mainOf(early)?.state?.waiting?.reason, 'PodInitializing')
  await node.idle()
  await node.cluster.advance('1s')
  await node.until('web', (p) => p !== undefined && isPodReady(p))
  await node.idle()
  await node.cluster.advance('5s')
  await node.until('web', (p) => p?.status?.phase === 'Succeeded')
})

test('a container that ends while it is being looked at for the first time is seen to have ended', async (t) => {
  const node = await SimulatedNode.start(t)
  const { runtime } = node
  const statusOf = runtime.containerStatus.bind(runtime)
  const ended = new Set<string>()
  runtime.containerStatus = async (id, options) => {
    const status = await statusOf(id, options)
    if (status.metadata?.name === 'init' && status.state === 'CONTAINER_RUNNING' && !ended.has(id)) {
      ended.add(id)
      runtime.exit(id, 0)
      // Its event is heard before the look is over.
      await new Promise((resolve) => setImmediate(resolve))
    }
    return status
  }
  // The agent's first list of everything is behind.
  await node.cluster.advance('1s')
  await node.create('web', { initContainers: [{ name: 'init', image: 'web:1' }] })
  await node.until('web', (p) => p?.status?.initContainerStatuses?.[0]?.state?.running !== undefined)
  await node.idle()
  await node.idle()
  const pod = await node.until('web', () => true)
  assert.equal(pod !== undefined && isPodReady(pod), true)
})

test('a pod for which the node has no room fails, and the others go on', async (t) => {
  const node = await SimulatedNode.start(t)
  const asks = (cpu: string) => ({ containers: [{ name: 'main', image: 'web:1', resources: { requests: { cpu } } }] })
  await node.create('fits', asks('3'))
  await node.until('fits', (p) => p !== undefined && isPodReady(p))
  await node.create('large', asks('2'))
  const pod = await node.until('large', (p) => p?.status?.phase === 'Failed')
  const message = "Node didn't have enough resource: cpu, requested: 2000, used: 3000, capacity: 4000"
  assert.deepEqual([pod?.status?.reason, pod?.status?.message], ['OutOfcpu', `Pod was rejected: ${message}`])
  assert.deepEqual(
    (await node.events('large')).map((e) => [e.type, e.reason, e.message]),
    [['Warning', 'OutOfcpu', message]],
  )
  assert.equal((await node.runtime.listPodSandboxes()).length, 1)
  // What failed takes no room, and an agent that begins anew throws nothing out.
  await node.create('small', asks('1'))
  await node.until('small', (p) => p !== undefined && isPodReady(p))
  await node.idle()
  await node.stopAgent()
  await node.startAgent()
  await node.idle()
  assert.equal((await node.until('small', () => true))?.status?.phase, 'Running')
})

test('a node that runs out of memory says so, ends one pod at a time, and takes no best-effort pod', async (t) => {
  const node = await SimulatedNode.start(t)
  const MIB = 2 ** 20
  const requests = { memory: '1Gi' }
  await node.create('important', { containers: [{ name: 'main', image: 'web:1', resources: { requests } }] })
  await node.create('minor')
  for (const name of ['important', 'minor']) await node.until(name, (p) => p !== undefined && isPodReady(p))
  await node.idle()
  node.observations = { 'memory.available': { available: 50 * MIB, capacity: 1000 * MIB } }
  await node.cluster.advance('10s')
  const pod = await node.until('minor', (p) => p?.status?.phase === 'Failed')
  const message = 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. '
  assert.deepEqual([pod?.status?.reason, pod?.status?.message], ['Evicted', message])
  const disruption = pod?.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')
  assert.deepEqual(
    [disruption?.status, disruption?.reason, disruption?.message],
    ['True', 'TerminationByKubelet', message],
  )
  assert.ok((await node.events('minor')).some((e) => e.reason === 'Evicted' && e.message === message))
  assert.ok(
    (await node.events('node1')).some(
      (e) => e.reason === 'EvictionThresholdMet' && e.message === 'Attempting to reclaim memory',
    ),
  )
  assert.equal((await node.until('important', () => true))?.status?.phase, 'Running')
  const condition = async () =>
    (await node.cluster.get(nodes, { name: 'node1' }))?.status?.conditions?.find(
      ({ type }) => type === 'MemoryPressure',
    )
  assert.equal((await condition())?.status, 'True')
  node.observations = { 'memory.available': { available: 500 * MIB, capacity: 1000 * MIB } }
  await node.create('late')
  const late = await node.until('late', (p) => p?.status?.phase === 'Failed')
  assert.equal(late?.status?.message, 'Pod was rejected: The node had condition: [MemoryPressure]. ')
  await node.cluster.advance('4m')
  assert.equal((await condition())?.status, 'True')
  await node.cluster.advance('2m')
  assert.equal((await condition())?.status, 'False')
})

test('running as root where that is forbidden is a configuration error', async (t) => {
  const node = await SimulatedNode.start(t)
  await node.create('web', { securityContext: { runAsNonRoot: true } })
  const pod = await node.until('web', (p) => mainOf(p)?.state?.waiting?.reason === 'CreateContainerConfigError')
  assert.match(
    mainOf(pod)?.state?.waiting?.message ?? '',
    /^container has runAsNonRoot and image will run as root \(pod: "web_default\(.+\)", container: main\)$/,
  )
})
