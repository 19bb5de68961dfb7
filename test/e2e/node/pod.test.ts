// A pod on a real node, from its creation until nothing of it is left.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configMaps } from '../../../src/api/core/config-map.ts'
import { nodes } from '../../../src/api/core/node/node.ts'
import { pods } from '../../../src/api/core/pod/pod.ts'
import { isPodReady } from '../../../src/api/core/pod/readiness.ts'
import { secrets } from '../../../src/api/core/secret.ts'
import { BUSYBOX, NODE, NodeFixture } from './node-fixture.ts'

const KEY = { namespace: 'default', name: 'web' }

const SCRIPT = `
trap 'echo stopping; exit 0' TERM
cat /made/by-init /config/greeting /secret/word; echo
echo "env $GREETING $POD_IP"
echo last words > /dev/termination-log
while [ ! -s /made/end ]; do sleep 0.1; done
: > /made/end; exit 7`

test('a pod has volumes, variables, probes, logs, restarts after an exit, survives its agent, and leaves nothing behind', async (t) => {
  const node = await NodeFixture.start(t)
  const agent = await node.agent()
  const { client } = node
  await client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', namespace: 'default' },
    data: { greeting: 'hello ' },
  })
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'words', namespace: 'default' },
    data: { word: Buffer.from('secret').toString('base64') },
  })
  const began = performance.now()
  await node.createPod('web', {
    terminationGracePeriodSeconds: 20,
    volumes: [
      { name: 'made', emptyDir: {} },
      { name: 'config', configMap: { name: 'settings' } },
      { name: 'secret', secret: { secretName: 'words' } },
    ],
    initContainers: [
      {
        name: 'init',
        image: BUSYBOX,
        command: ['sh', '-c', 'echo -n "init " > /made/by-init'],
        volumeMounts: [{ name: 'made', mountPath: '/made' }],
      },
    ],
    containers: [
      {
        name: 'main',
        image: BUSYBOX,
        command: ['sh', '-c', SCRIPT],
        env: [
          { name: 'GREETING', valueFrom: { configMapKeyRef: { name: 'settings', key: 'greeting' } } },
          { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        ],
        volumeMounts: [
          { name: 'made', mountPath: '/made' },
          { name: 'config', mountPath: '/config' },
          { name: 'secret', mountPath: '/secret' },
        ],
        readinessProbe: { exec: { command: ['cat', '/made/by-init'] }, periodSeconds: 1 },
        lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo pre-stop > /proc/1/fd/1'] } } },
      },
    ],
  })
  const ready = await node.until('web', (pod) => pod !== undefined && isPodReady(pod))
  t.diagnostic(`ready after ${Math.round(performance.now() - began)} ms`)
  assert.equal(ready?.status?.initContainerStatuses?.[0]?.state?.terminated?.reason, 'Completed')
  const registered = await client.get(nodes, { name: NODE })
  assert.equal(registered.status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'True')
  const port = registered.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0

  await t.test('its log is served, to the API server only', async () => {
    const path = '/containerLogs/default/web/main?tailLines=2'
    const ip = ready?.status?.podIP ?? ''
    assert.deepEqual(await node.get(port, path), { status: 200, body: `init hello secret\nenv hello  ${ip}\n` })
    assert.equal((await node.get(port, path, node.stranger)).status, 403)
    assert.deepEqual(await node.get(port, '/containerLogs/default/web/other'), {
      status: 404,
      body: 'container "other" in pod "web" not found',
    })
  })

  await t.test('a command runs in it, and tells its exit code', async () => {
    const query = 'command=sh&command=-c&command=echo%20hi%3B%20exit%203&stdout=true'
    const { output, status } = await node.exec(port, `/exec/default/web/main?${query}`)
    assert.equal(output, 'hi\n')
    assert.match(status, /"reason":"NonZeroExitCode".*"message":"3"/)
  })

  await t.test('a new agent takes its containers over', async () => {
    await agent[Symbol.asyncDispose]()
    const again = await node.agent()
    await again.settled
    const pod = await client.get(pods, KEY)
    assert.equal(pod.status?.containerStatuses?.[0]?.containerID, ready?.status?.containerStatuses?.[0]?.containerID)
    assert.equal(isPodReady(pod), true)
  })

  await t.test('it restarts after an exit, and tells how it ended', async () => {
    const id = ready?.status?.containerStatuses?.[0]?.containerID?.replace('containerd://', '') ?? ''
    await node.cri.execSync(id, ['sh', '-c', 'echo now > /made/end'], 5)
    const restarted = await node.until(
      'web',
      (pod) => pod?.status?.containerStatuses?.[0]?.restartCount === 1 && isPodReady(pod),
    )
    const ended = restarted?.status?.containerStatuses?.[0]?.lastState?.terminated
    assert.deepEqual([ended?.exitCode, ended?.reason, ended?.message], [7, 'Error', 'last words\n'])
  })

  await t.test('it ends by its hook and its signal, and nothing is left', async () => {
    const { status } = await client.get(nodes, { name: NODE })
    const follow = node.get(
      status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0,
      '/containerLogs/default/web/main?follow=true',
    )
    await client.delete(pods, KEY)
    await node.until('web', (pod) => pod === undefined)
    assert.match((await follow).body, /pre-stop\nstopping\n$/)
    await node.tidied()
    assert.deepEqual(node.leftovers(), [])
  })
})
