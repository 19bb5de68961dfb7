// Tests of the simulated runtime: it must behave as a real one where pod logic looks.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, systemClock, type Timer } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { CriError, isNotFound, type RuntimeEvent } from '../node/cri/cri.ts'
import { EXIT_CODE, EXIT_COMMAND, runtimeConformance } from './runtime-conformance.ts'
import { SimulatedRuntime } from './simulated-runtime.ts'
import type { SimulatedRuntimeOptions } from './simulated-runtime-options.ts'

/** Time that moves only when told to. */
class ManualClock implements Clock {
  #now = 1_000_000
  #timers: { at: number; fire: () => void }[] = []
  now = (): number => this.#now
  monotonic = (): number => this.#now

  after(ms: number, fire: () => void): Timer {
    const timer = { at: this.#now + ms, fire }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  advance(ms: number): void {
    this.#now += ms
    const due = this.#timers.filter(({ at }) => at <= this.#now).sort((a, b) => a.at - b.at)
    this.#timers = this.#timers.filter(({ at }) => at > this.#now)
    for (const { fire } of due) fire()
  }
}

const sandboxConfig = { metadata: { name: 'web', namespace: 'default', uid: 'u1' }, labels: { app: 'web' } }
const containerConfig = { metadata: { name: 'main' }, image: { image: 'busybox' }, labels: { app: 'web' } }

async function startOne(options: Partial<SimulatedRuntimeOptions> = {}) {
  const clock = new ManualClock()
  const runtime = new SimulatedRuntime({ clock, random: seededRandom(1), images: ['busybox'], ...options })
  const sandbox = await runtime.runPodSandbox(sandboxConfig)
  const container = await runtime.createContainer(sandbox, containerConfig, sandboxConfig)
  await runtime.startContainer(container)
  return { clock, runtime, sandbox, container }
}

test('SimulatedRuntime is a conforming runtime', async (t) => {
  const client = new SimulatedRuntime({
    clock: systemClock,
    random: seededRandom(7),
    images: ['busybox'],
    script: ({ command }) => (command === EXIT_COMMAND ? { exitAfterMs: 1, exitCode: EXIT_CODE } : {}),
  })
  await runtimeConformance(t, {
    client,
    image: 'busybox',
    sandboxConfig: (name) => ({ metadata: { name, uid: 'u1' }, labels: { app: name } }),
  })
})

test('SimulatedRuntime runs a container until its script ends it', async () => {
  const { clock, runtime, container } = await startOne({ script: () => ({ exitAfterMs: 500, exitCode: 3 }) })
  clock.advance(499)
  assert.equal((await runtime.containerStatus(container)).state, 'CONTAINER_RUNNING')
  clock.advance(1)
  const { state, exitCode, reason, startedAt, finishedAt } = await runtime.containerStatus(container)
  assert.deepEqual(
    { state, exitCode, reason, ran: finishedAt - startedAt },
    { state: 'CONTAINER_EXITED', exitCode: 3, reason: 'Error', ran: 500 },
  )
})

test('SimulatedRuntime kills a container that ignores its stop signal when the grace period ends', async () => {
  const { clock, runtime, container } = await startOne({ script: () => ({ stopTakesMs: 'ignore' }) })
  const stopped = runtime.stopContainer(container, 30)
  clock.advance(29_999)
  assert.equal((await runtime.containerStatus(container)).state, 'CONTAINER_RUNNING')
  clock.advance(1)
  await stopped
  assert.equal((await runtime.containerStatus(container)).exitCode, 137)
})

test('SimulatedRuntime tells events in order, beginning with resync', async () => {
  const { runtime, sandbox, container } = await startOne()
  const controller = new AbortController()
  const events = runtime.events(controller.signal)
  runtime.exit(container, 1)
  runtime.killSandbox(sandbox)
  const seen: [string, string][] = []
  for await (const event of events) {
    seen.push([event.type, idOf(event)])
    if (seen.length === 5) controller.abort()
  }
  assert.deepEqual(seen, [
    ['resync', ''],
    ['exit', container],
    ['delete', container],
    ['exit', sandbox],
    ['delete', sandbox],
  ])
})

test('SimulatedRuntime lists by labels, state and sandbox', async () => {
  const { runtime, sandbox, container } = await startOne()
  const ids = async (filter: Parameters<typeof runtime.listContainers>[0]) =>
    (await runtime.listContainers(filter)).map((c) => c.id)
  assert.deepEqual(await ids({ labelSelector: { app: 'web' }, podSandboxId: sandbox }), [container])
  assert.deepEqual(await ids({ labelSelector: { app: 'other' } }), [])
  assert.deepEqual(await ids({ state: { state: 'CONTAINER_EXITED' } }), [])
})

test('SimulatedRuntime answers with the errors of a real runtime', async () => {
  const { runtime, sandbox } = await startOne({ registry: () => false })
  await assert.rejects(runtime.containerStatus('absent'), isNotFound)
  await assert.rejects(runtime.pullImage({ image: 'absent' }), isNotFound)
  await assert.rejects(runtime.createContainer(sandbox, { image: { image: 'absent' } }, sandboxConfig), isNotFound)
  await assert.rejects(runtime.runPodSandbox(sandboxConfig), /name is reserved/)
  runtime.failNext(new CriError('UNAVAILABLE', 'down', 'ListImages'))
  await assert.rejects(runtime.listImages(), { code: 'UNAVAILABLE', message: 'down' })
  assert.equal((await runtime.listImages()).length, 1)
})

test('SimulatedRuntime forgets a sandbox and its containers when it is removed, twice without complaint', async () => {
  const { runtime, sandbox } = await startOne()
  await runtime.removePodSandbox(sandbox)
  await runtime.removePodSandbox(sandbox)
  assert.deepEqual([await runtime.listPodSandboxes(), await runtime.listContainers()], [[], []])
})

function idOf(event: RuntimeEvent): string {
  return 'containerId' in event ? event.containerId : ''
}
