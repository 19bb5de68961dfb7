// One agent on a real host, shared by many rows that each run pods of their own on it at the same time.

import { AsyncLocalStorage } from 'node:async_hooks'
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { isNotFound } from '../../../src/apimachinery/errors.ts'
import type { DeepReadonly } from '../../../src/apimachinery/resource.ts'
import { type Event, events } from '../../../src/api/core/event.ts'
import { nodes } from '../../../src/api/core/node/node.ts'
import type { Container } from '../../../src/api/core/pod/container.ts'
import { type Pod, pods } from '../../../src/api/core/pod/pod.ts'
import type { Agent, AgentOptions } from '../../../src/node/agent.ts'
import { BUSYBOX, NODE, NodeFixture } from './node-fixture.ts'

export type NodePod = DeepReadonly<Pod>
type Spec = Partial<Pod['spec']>

const EVENT_LIMIT_MS = 240_000

export class World {
  readonly node: NodeFixture
  readonly agent: Agent
  readonly port: number

  private constructor(node: NodeFixture, agent: Agent, port: number) {
    this.node = node
    this.agent = agent
    this.port = port
  }

  static async start(t: TestContext, overrides: Partial<AgentOptions> = {}): Promise<World> {
    const node = await NodeFixture.start(t)
    const agent = await node.agent(overrides)
    await agent.settled
    const signal = AbortSignal.timeout(EVENT_LIMIT_MS)
    const { items, resourceVersion } = await node.client.list(nodes, {})
    const portOf = (found: (typeof items)[number] | undefined) =>
      found?.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0
    let port = portOf(items[0])
    if (port === 0)
      for await (const batch of node.client.watch(nodes, { resourceVersion, signal })) {
        port = portOf(batch[0]?.object)
        if (port > 0) break
      }
    return new World(node, agent, port)
  }

  readonly #made = new AsyncLocalStorage<string[]>()

  /** A test that removes its pods when it is through, so that they take nothing from the others. */
  row(t: TestContext, name: string, work: () => Promise<void>): Promise<void> {
    return t.test(name, async () => {
      const made: string[] = []
      await this.#made.run(made, work)
      for (const pod of made) await this.#delete(pod)
    })
  }

  async createPod(name: string, spec: Spec, metadata: object = {}): Promise<NodePod> {
    const pod = await this.node.createPod(name, spec, metadata)
    this.#made.getStore()?.push(name)
    return pod
  }

  async #delete(name: string): Promise<void> {
    const key = { namespace: 'default', name }
    await this.node.client.delete(pods, key, { gracePeriodSeconds: 0 }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
  }

  /** A pod whose only container runs a script; `main` is laid over that container. */
  async create(name: string, script: string, spec: Spec = {}, main: Partial<Container> = {}): Promise<NodePod> {
    return await this.createPod(name, {
      terminationGracePeriodSeconds: 1,
      containers: [container('main', script, main)],
      ...spec,
    })
  }

  /** Runs a script to its end; gives what it wrote. */
  async output(name: string, script: string, spec: Spec = {}, main: Partial<Container> = {}): Promise<string> {
    await this.create(name, script, { restartPolicy: 'Never', ...spec }, main)
    const pod = await this.ended(name)
    const text = await this.log(name)
    assert.equal(pod?.status?.phase, 'Succeeded', text)
    return text
  }

  async ended(name: string): Promise<NodePod | undefined> {
    return await this.node.until(name, (p) => p?.status?.phase === 'Succeeded' || p?.status?.phase === 'Failed')
  }

  async log(name: string, query = '', container = 'main'): Promise<string> {
    return (await this.node.get(this.port, `/containerLogs/default/${name}/${container}${query}`)).body
  }

  async running(name: string, container = 'main'): Promise<NodePod> {
    const found = await this.node.until(name, (pod) => statusOf(pod, container)?.state?.running !== undefined)
    assert.ok(found)
    return found
  }

  /** What a command in a running container writes. */
  async inside(pod: NodePod, script: string, container = 'main'): Promise<string> {
    const { stdout, stderr } = await this.node.cri.execSync(idOf(pod, container), ['sh', '-c', script], 10)
    return Buffer.concat([stdout, stderr]).toString()
  }

  /** Resolves with the first event about a pod that `holds`. */
  async event(name: string, holds: (event: DeepReadonly<Event>) => boolean): Promise<DeepReadonly<Event>> {
    const query = { namespace: 'default', fieldSelector: `involvedObject.name=${name}` }
    const { client } = this.node
    const { items, resourceVersion } = await client.list(events, query)
    const found = items.find(holds)
    if (found !== undefined) return found
    const signal = AbortSignal.timeout(EVENT_LIMIT_MS)
    for await (const batch of client.watch(events, { ...query, resourceVersion, signal }))
      for (const { object } of batch) if (holds(object)) return object
    throw new Error(`No such event of ${name}`)
  }

  async waiting(name: string, reason: string, container = 'main'): Promise<string> {
    const pod = await this.node.until(name, (p) => statusOf(p, container)?.state?.waiting?.reason === reason)
    return statusOf(pod, container)?.state?.waiting?.message ?? ''
  }

  /** Deletes every pod; resolves when nothing of any is left. */
  async clear(): Promise<void> {
    const { client } = this.node
    const { items } = await client.list(pods, { namespace: 'default' })
    for (const { metadata } of items) await this.#delete(metadata.name)
    await this.node.tidied()
  }
}

export const container = (name: string, script: string, more: Partial<Container> = {}): Container => ({
  name,
  image: BUSYBOX,
  command: ['sh', '-c', script],
  ...more,
})

export function statusOf(pod: NodePod | undefined, name = 'main') {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod?.status ?? {}
  return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find((s) => s.name === name)
}

export const idOf = (pod: NodePod | undefined, name = 'main'): string =>
  statusOf(pod, name)?.containerID?.replace('containerd://', '') ?? ''

export const conditionOf = (pod: NodePod | undefined, type: string): string | undefined =>
  pod?.status?.conditions?.find((condition) => condition.type === type)?.status

export { BUSYBOX, NODE }
