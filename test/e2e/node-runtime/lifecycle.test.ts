// A private containerd from start to stop, with a pod in it, as root on the real host.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isRunning, readProcess } from '../../../src/node/cgroup/processes.ts'
import { isNotFound } from '../../../src/node/cri/cri.ts'
import { BUSYBOX, eventsUntil, Fixture } from './fixture.ts'

test('a pod runs in a private containerd, which then stops without a trace', async (t) => {
  const fixture = new Fixture(t)
  const started = await fixture.start()
  t.diagnostic(`containerd: ${fixture.lines.find((line) => line.includes('Started containerd'))}`)
  t.diagnostic(`containerd: ${/VmRSS.*/.exec(readFileSync(`/proc/${started.pid}/status`, 'utf8'))?.[0]}`)
  await fixture.importImages(started.socket)
  await using client = fixture.client(started.socket)
  const pod = { uid: 'uid-web', qos: 'Burstable' } as const
  fixture.cgroups.setUp({ cpuMilli: 2000, memoryBytes: 2 ** 33, pids: 1000 })
  fixture.cgroups.applyPod(pod, { cpuShares: 256, memoryLimitBytes: 64 * 2 ** 20 })

  const controller = new AbortController()
  const events = client.events(controller.signal)[Symbol.asyncIterator]()
  assert.deepEqual((await events.next()).value, { type: 'resync' })

  const sandboxConfig = fixture.sandboxConfig('web')
  const sandbox = await client.runPodSandbox(sandboxConfig)
  const container = await client.createContainer(
    sandbox,
    {
      metadata: { name: 'main' },
      image: { image: BUSYBOX },
      command: ['sh', '-c', 'echo hello; echo trouble >&2; while [ ! -e /tmp/end ]; do sleep 0.05; done; exit 7'],
      envs: [{ key: 'GREETING', value: Buffer.from('grüß dich') }],
      logPath: 'main.log',
      labels: { app: 'web' },
      linux: { resources: { cpuShares: 128, cpuPeriod: 100_000, cpuQuota: 50_000, memoryLimitInBytes: 32 * 2 ** 20 } },
    },
    sandboxConfig,
  )
  await client.startContainer(container)
  assert.equal((await client.podSandboxStatus(sandbox)).state, 'SANDBOX_READY')
  assert.deepEqual(
    (await client.listContainers({ labelSelector: { app: 'web' } })).map(({ id }) => id),
    [container],
  )

  await t.test('its limits are in the cgroups', () => {
    const parent = fixture.cgroups.podPath(pod)
    const read = (controllerName: string, file: string): string =>
      readFileSync(
        join(fixture.hierarchy.mounts.get(fixture.hierarchy.version === 2 ? '' : controllerName) ?? '', file),
        'utf8',
      ).trim()
    const [podFile, containerFile] =
      fixture.hierarchy.version === 1
        ? ['memory.limit_in_bytes', 'memory.limit_in_bytes']
        : ['memory.max', 'memory.max']
    assert.equal(read('memory', `${parent}/${podFile}`), String(64 * 2 ** 20))
    assert.equal(read('memory', `${parent}/${container}/${containerFile}`), String(32 * 2 ** 20))
    const quota = fixture.hierarchy.version === 1 ? 'cpu.cfs_quota_us' : 'cpu.max'
    assert.match(read('cpu', `${parent}/${container}/${quota}`), /^50000/)
    assert.deepEqual(fixture.cgroups.listPods(), [pod])
    const stats = fixture.cgroups.containerStats(pod, container)
    assert.ok(stats !== undefined && stats.cpuNanoseconds > 0 && stats.memoryWorkingSetBytes > 0)
    assert.ok((fixture.cgroups.podStats(pod)?.cpuNanoseconds ?? 0) >= stats.cpuNanoseconds)
  })

  await t.test('commands run in it', async () => {
    const { stdout, stderr, exitCode } = await client.execSync(
      container,
      ['sh', '-c', 'echo $GREETING; echo bad >&2; exit 4'],
      10,
    )
    assert.deepEqual([stdout.toString(), stderr.toString(), exitCode], ['grüß dich\n', 'bad\n', 4])
    await assert.rejects(client.execSync(container, ['sleep', '100'], 1), { code: 'DEADLINE_EXCEEDED' })
    assert.match(
      await client.exec({ containerId: container, cmd: ['sh'], stdin: true, stdout: true, tty: true }),
      /^http:\/\/127\.0\.0\.1:\d+\/exec\//,
    )
  })

  await t.test('its limits can be changed while it runs', async () => {
    await client.updateContainerResources(container, { memoryLimitInBytes: 48 * 2 ** 20 })
    assert.equal((await client.containerStatus(container)).resources?.linux?.memoryLimitInBytes, 48 * 2 ** 20)
  })

  await t.test('its exit is told at once, and the status knows it by then', async () => {
    await client.execSync(container, ['sh', '-c', 'echo > /tmp/end'], 10)
    const seen = await eventsUntil(
      { [Symbol.asyncIterator]: () => events },
      (e) => e.type === 'exit' && e.containerId === container,
    )
    const exit = seen.at(-1)
    const { state, exitCode, finishedAt } = await client.containerStatus(container)
    assert.deepEqual([state, exitCode, exit?.type === 'exit' && exit.exitCode], ['CONTAINER_EXITED', 7, 7])
    assert.ok(finishedAt > 0)
  })

  await t.test('its log is a file in CRI form', () => {
    const log = readFileSync(join(fixture.directory, 'logs/web/main.log'), 'utf8').trim().split('\n').sort()
    const entry = (stream: string, text: string): RegExp =>
      new RegExp(`^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+\\S+ ${stream} F ${text}$`)
    assert.equal(log.length, 2)
    assert.ok(
      log.some((line) => entry('stdout', 'hello').test(line)) &&
        log.some((line) => entry('stderr', 'trouble').test(line)),
      log.join('\n'),
    )
  })

  await t.test('what is removed is not found, and removing it again is no error', async () => {
    await client.removeContainer(container)
    await client.removeContainer(container)
    await assert.rejects(client.containerStatus(container), isNotFound)
    await client.stopPodSandbox(sandbox)
    await client.removePodSandbox(sandbox)
    await client.removePodSandbox(sandbox)
    await fixture.cgroups.deletePod(pod)
    assert.deepEqual([await client.listPodSandboxes(), fixture.cgroups.listPods()], [[], []])
  })

  await t.test('a pod that still runs is stopped with it', async () => {
    const other = fixture.sandboxConfig('other')
    await client.runPodSandbox(other)
    const pids = fixture.processes()
    assert.ok(pids.length > 0)
    assert.notDeepEqual(fixture.traces(pids), [])
    controller.abort()
    await fixture.stop()
    assert.deepEqual(fixture.traces(pids), [])
  })
})

test('an agent that is killed leaves its containerd to the next one', async (t) => {
  const fixture = new Fixture(t)
  const agent = spawn(
    process.execPath,
    [fileURLToPath(new URL('start-and-wait.ts', import.meta.url)), JSON.stringify(fixture.options)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const [output] = await once(agent.stdout, 'data')
  agent.kill('SIGKILL')
  await once(agent, 'exit')

  const first = await fixture.start()
  assert.deepEqual([first.pid, first.reused], [Number(String(output)), true])
  await fixture.importImages(first.socket)
  await using client = fixture.client(first.socket)
  const config = fixture.sandboxConfig('kept')
  const sandbox = await client.runPodSandbox(config)
  const container = await client.createContainer(
    sandbox,
    { metadata: { name: 'main' }, image: { image: BUSYBOX }, command: ['sleep', '1000'], logPath: 'main.log' },
    config,
  )
  const controller = new AbortController()
  const events = client.events(controller.signal)[Symbol.asyncIterator]()
  const started = eventsUntil(
    { [Symbol.asyncIterator]: () => events },
    (e) => e.type === 'start' && e.containerId === container,
  )
  await client.startContainer(container)
  const start = (await started).at(-1)
  const before = readProcess(start?.type === 'start' ? start.pid : 0)
  assert.ok(before !== undefined)

  const stream = client.events(controller.signal)[Symbol.asyncIterator]()
  assert.deepEqual((await stream.next()).value, { type: 'resync' })

  // Another configuration means another containerd; the container does not notice, and the event stream begins anew.
  const second = await fixture.start({ maxLogLineBytes: 4096 })
  assert.deepEqual([second.reused, second.pid === first.pid], [false, false])
  assert.ok(isRunning(before))
  assert.deepEqual((await stream.next()).value, { type: 'resync' })
  await using again = fixture.client(second.socket)
  assert.equal((await again.containerStatus(container)).state, 'CONTAINER_RUNNING')
  controller.abort()

  // Stopped but kept: the images are there at the next start, nothing runs meanwhile.
  await fixture.stop({ keepData: true })
  assert.equal(isRunning(before), false)
  assert.deepEqual(fixture.traces(), [`directory ${fixture.options.paths.root}`])
  const third = await fixture.start()
  await using last = fixture.client(third.socket)
  assert.equal((await last.imageStatus({ image: BUSYBOX }))?.repoTags[0], BUSYBOX)
})

test('a container that outgrows its memory limit is reported as killed for it', async (t) => {
  const fixture = new Fixture(t)
  const { socket } = await fixture.start()
  await fixture.importImages(socket)
  await using client = fixture.client(socket)
  const controller = new AbortController()
  const events = client.events(controller.signal)[Symbol.asyncIterator]()
  await events.next()
  const config = fixture.sandboxConfig('greedy')
  const sandbox = await client.runPodSandbox(config)
  const container = await client.createContainer(
    sandbox,
    {
      metadata: { name: 'main' },
      image: { image: BUSYBOX },
      command: ['sh', '-c', 'exec dd if=/dev/zero of=/dev/null bs=200M'],
      logPath: 'main.log',
      linux: { resources: { memoryLimitInBytes: 16 * 2 ** 20, memorySwapLimitInBytes: 16 * 2 ** 20 } },
    },
    config,
  )
  await client.startContainer(container)
  const seen = await eventsUntil(
    { [Symbol.asyncIterator]: () => events },
    (e) => e.type === 'delete' && e.containerId === container,
  )
  controller.abort()
  assert.ok(
    seen.some((event) => event.type === 'oom' && event.containerId === container),
    JSON.stringify(seen),
  )
  const { exitCode, reason } = await client.containerStatus(container)
  assert.deepEqual([exitCode, reason], [137, 'OOMKilled'])
})

test("a broken configuration is reported with containerd's own words, and nothing is left", async (t) => {
  const fixture = new Fixture(t)
  await assert.rejects(fixture.start({ environment: { PATH: '/nonexistent' } }), /Cannot/)
  await assert.rejects(fixture.start({ networkNamespace: 'no/such' }), /not a valid name/)
  await fixture.stop()
  assert.deepEqual(fixture.traces(), [])
  assert.equal(existsSync(fixture.options.paths.state), false)
})
