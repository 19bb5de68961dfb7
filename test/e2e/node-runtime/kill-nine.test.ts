// After SIGKILL of containerd and of every shim, stopping still leaves nothing: in a network namespace of its own, with CNI.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listProcesses } from '../../../src/node/cgroup/processes.ts'
import { BUSYBOX, Fixture } from './fixture.ts'

const network = (dataDir: string): string =>
  JSON.stringify({
    cniVersion: '0.4.0',
    name: 'e2e',
    plugins: [{ type: 'ptp', ipam: { type: 'host-local', dataDir, ranges: [[{ subnet: '10.213.0.0/24' }]] } }],
  })

for (const snapshotter of ['overlayfs', 'native'] as const)
  test(`stopContainerd leaves nothing after SIGKILL of everything (${snapshotter})`, async (t) => {
    const fixture = new Fixture(t)
    const namespace = fixture.name
    execFileSync('ip', ['netns', 'add', namespace])
    t.after(() => execFileSync('ip', ['netns', 'delete', namespace]))
    mkdirSync(fixture.options.cniConfDir)
    writeFileSync(join(fixture.options.cniConfDir, '10-e2e.conflist'), network(join(fixture.directory, 'ipam')))

    const started = await fixture.start({ networkNamespace: namespace, snapshotter })
    assert.equal(statSync(`/proc/${started.pid}/ns/net`).ino, statSync(`/run/netns/${namespace}`).ino)
    await fixture.importImages(started.socket)
    await using client = fixture.client(started.socket)
    const config = fixture.sandboxConfig('doomed', 'POD')
    const sandbox = await client.runPodSandbox(config)
    assert.match((await client.podSandboxStatus(sandbox)).network?.ip ?? '', /^10\.213\.0\.\d+$/)
    const container = await client.createContainer(
      sandbox,
      {
        metadata: { name: 'main' },
        image: { image: BUSYBOX },
        command: ['sh', '-c', 'sleep 1000 & sleep 1000'],
        logPath: 'main.log',
      },
      config,
    )
    await client.startContainer(container)
    const pids = fixture.processes()
    assert.ok(pids.length >= 2, `${pids}`)
    assert.equal(fixture.shimSockets().length, 1)
    const namespaces = readdirSync('/run/netns')

    for (const { pid, argv } of listProcesses()) {
      const ours = argv.includes(started.socket) || pid === started.pid
      if (ours) process.kill(pid, 'SIGKILL')
    }
    await fixture.stop()
    assert.deepEqual(fixture.traces(pids), [])
    assert.deepEqual(
      readdirSync('/run/netns').filter((name) => namespaces.includes(name)),
      namespaces,
    )
    await fixture.stop()
  })

test('stopContainerd with force kills at once what runs', async (t) => {
  const fixture = new Fixture(t)
  const { socket } = await fixture.start()
  await fixture.importImages(socket)
  await using client = fixture.client(socket)
  await client.runPodSandbox(fixture.sandboxConfig('victim'))
  const pids = fixture.processes()
  assert.ok(pids.length >= 1)
  assert.equal(fixture.shimSockets().length, 1)
  await fixture.stop({ force: true })
  assert.deepEqual(fixture.traces(pids), [])
})
