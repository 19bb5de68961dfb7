// What every RuntimeClient must do, whether containers are real or simulated: one suite, run over each implementation.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import {
  type ContainerConfig,
  isNotFound,
  type PodSandboxConfig,
  type RuntimeClient,
  type RuntimeEvent,
} from '../node/cri/cri.ts'

/** One runtime under test. Its image `image` has a shell. */
export interface RuntimeUnderTest {
  readonly client: RuntimeClient
  readonly image: string
  sandboxConfig(name: string): PodSandboxConfig
}

/** Runs until it is stopped, and ends on the stop signal. */
export const RUN_COMMAND = ['sh', '-c', 'trap "exit 143" TERM; while true; do sleep 0.02; done']
/** Ends by itself. */
/** Long enough for the runtime to note the start first: containerd stamps it when it hears of it. */
export const EXIT_COMMAND = ['sh', '-c', 'sleep 0.5; exit 3']
export const EXIT_CODE = 3

export async function runtimeConformance(
  t: TestContext,
  { client, image, sandboxConfig }: RuntimeUnderTest,
): Promise<void> {
  const container = (name: string, command: readonly string[]): ContainerConfig => ({
    metadata: { name },
    image: { image },
    command,
    labels: { name },
    annotations: { note: 'kept' },
    logPath: `${name}.log`,
  })
  const controller = new AbortController()
  t.after(() => controller.abort())
  const events = client.events(controller.signal)[Symbol.asyncIterator]()
  const nextOf = async (type: RuntimeEvent['type'], id: string): Promise<RuntimeEvent> => {
    for (;;) {
      const { value, done } = await events.next()
      assert.ok(!done, 'the event stream ended')
      if (value.type === type && 'containerId' in value && value.containerId === id) return value
    }
  }
  assert.deepEqual((await events.next()).value, { type: 'resync' })
  const pod = sandboxConfig('conform')
  const sandbox = await client.runPodSandbox(pod)

  await t.test('a sandbox is ready, listed by its labels, and its name is taken', async () => {
    assert.equal((await client.podSandboxStatus(sandbox)).state, 'SANDBOX_READY')
    const listed = await client.listPodSandboxes({
      labelSelector: { ...pod.labels },
      state: { state: 'SANDBOX_READY' },
    })
    assert.deepEqual(
      listed.map(({ id, metadata }) => [id, metadata?.name, metadata?.uid]),
      [[sandbox, pod.metadata?.name, pod.metadata?.uid]],
    )
    await assert.rejects(client.runPodSandbox(pod), /name/)
  })

  await t.test('a container goes from created through running to exited', async () => {
    const id = await client.createContainer(sandbox, container('short', EXIT_COMMAND), pod)
    const created = await client.containerStatus(id)
    assert.deepEqual([created.state, created.startedAt, created.annotations['note']], ['CONTAINER_CREATED', 0, 'kept'])
    await client.startContainer(id)
    await nextOf('start', id)
    const exit = await nextOf('exit', id)
    const { state, exitCode, reason, startedAt, finishedAt } = await client.containerStatus(id)
    assert.deepEqual([state, exitCode, reason], ['CONTAINER_EXITED', EXIT_CODE, 'Error'])
    assert.equal(exit.type === 'exit' && exit.exitCode, EXIT_CODE)
    assert.ok(finishedAt >= startedAt && startedAt >= created.createdAt)
    await nextOf('delete', id)
    await assert.rejects(client.startContainer(id))
    await assert.rejects(client.execSync(id, ['true'], 1))
    await client.removeContainer(id)
    await client.removeContainer(id)
    await assert.rejects(client.containerStatus(id), isNotFound)
  })

  await t.test('stopping lets a container end itself, or kills it without a grace period', async () => {
    for (const [grace, expected] of [
      [10, 143],
      [0, 137],
    ] as const) {
      const id = await client.createContainer(sandbox, container(`stop${grace}`, RUN_COMMAND), pod)
      await client.startContainer(id)
      assert.equal((await client.execSync(id, ['true'], 10)).exitCode, 0)
      await client.stopContainer(id, grace)
      await client.stopContainer(id, grace)
      assert.equal((await client.containerStatus(id)).exitCode, expected)
    }
  })

  await t.test('containers are found by sandbox, label, state and id', async () => {
    const id = await client.createContainer(sandbox, container('found', RUN_COMMAND), pod)
    const ids = async (filter: Parameters<RuntimeClient['listContainers']>[0]): Promise<string[]> =>
      (await client.listContainers(filter)).map((found) => found.id)
    assert.deepEqual(await ids({ podSandboxId: sandbox, labelSelector: { name: 'found' } }), [id])
    assert.deepEqual(await ids({ podSandboxId: sandbox, state: { state: 'CONTAINER_CREATED' } }), [id])
    assert.deepEqual(await ids({ id }), [id])
    assert.deepEqual(await ids({ labelSelector: { name: 'absent' } }), [])
    assert.deepEqual(await ids({ podSandboxId: 'f'.repeat(64) }), [])
  })

  await t.test('an image is there or not', async () => {
    assert.ok((await client.imageStatus({ image }))?.repoTags.includes(image))
    assert.equal(await client.imageStatus({ image: 'drover.internal/absent:1' }), undefined)
    await client.removeImage({ image: 'drover.internal/absent:1' })
    await assert.rejects(
      client.createContainer(sandbox, { ...container('x', []), image: { image: 'drover.internal/absent:1' } }, pod),
      isNotFound,
    )
  })

  await t.test('stopping a sandbox ends its containers, removing it removes them, both twice', async () => {
    const id = await client.createContainer(sandbox, container('last', RUN_COMMAND), pod)
    await client.startContainer(id)
    await client.stopPodSandbox(sandbox)
    await client.stopPodSandbox(sandbox)
    assert.equal((await client.containerStatus(id)).state, 'CONTAINER_EXITED')
    assert.equal((await client.podSandboxStatus(sandbox)).state, 'SANDBOX_NOTREADY')
    await client.removePodSandbox(sandbox)
    await client.removePodSandbox(sandbox)
    await assert.rejects(client.podSandboxStatus(sandbox), isNotFound)
    assert.deepEqual(await client.listContainers({ podSandboxId: sandbox }), [])
  })
}
