// A node for tests: the real API server and the agent in this process, a simulated runtime, virtual time; nothing is mounted.

import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import type { TestContext } from 'node:test'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import { isAlreadyExists } from '../apimachinery/errors.ts'
import { silentLogger } from '../base/log.ts'
import { configMaps } from '../api/core/config-map.ts'
import { type Event, events } from '../api/core/event.ts'
import { namespaces } from '../api/core/namespace.ts'
import { type Pod, pods } from '../api/core/pod/pod.ts'
import { serviceAccounts } from '../api/core/service-account.ts'
import { SimulatedRuntime } from './simulated-runtime.ts'
import type { SimulatedRuntimeOptions } from './simulated-runtime-options.ts'
import { startCluster, type TestCluster } from './cluster.ts'
import { type Agent, startAgent } from '../node/agent.ts'
import type { PodCgroups } from '../node/context.ts'
import type { Observations } from '../node/eviction/decide.ts'
import type { DiskUsage } from '../node/images/garbage.ts'
import type { ProbeOutcome, Prober } from '../node/probes/prober.ts'
import type { Mounter } from '../node/volumes/mounter.ts'

const noMounts: Mounter = { tmpfs: async () => {}, bind: async () => {}, unmount: async () => {}, below: () => [] }
const noCgroups: PodCgroups = {
  setUp() {},
  updateBurstable() {},
  podPath: ({ uid }) => `/drover-test/kubepods/pod${uid}`,
  applyPod() {},
  deletePod: async () => {},
  listPods: () => [],
  podStats: () => undefined,
  containerStats: () => undefined,
}
const machine = {
  cpus: 4,
  memoryBytes: 2 ** 33,
  diskBytes: 2 ** 36,
  kernelVersion: '6.1',
  osImage: 'Test',
  architecture: 'amd64',
  machineID: 'm',
  systemUUID: 's',
  bootID: 'b',
}

export class SimulatedNode {
  readonly cluster: TestCluster
  readonly runtime: SimulatedRuntime
  /** What probes and hooks find; by default all is well. */
  probe: (kind: string) => ProbeOutcome = () => ({ ok: true, output: '' })
  /** What the node sees of itself: nothing, and so no pressure. */
  observations: Observations = {}
  /** The file system of the images; without a size: no images are removed. */
  imageDisk: DiskUsage = { capacityBytes: 0, availableBytes: 0 }
  readonly #directory = mkdtempSync(join(tmpdir(), 'drover-node-'))
  #agent: Agent | undefined

  private constructor(cluster: TestCluster, options: Partial<SimulatedRuntimeOptions>) {
    this.cluster = cluster
    const { clock, random } = cluster
    this.runtime = new SimulatedRuntime({ clock, random, images: ['web:1'], ...options })
  }

  static async start(t: TestContext, options: Partial<SimulatedRuntimeOptions> = {}): Promise<SimulatedNode> {
    const node = new SimulatedNode(await startCluster(), options)
    t.after(() => node.#end())
    const { client } = node.cluster
    const namespace = 'default'
    for (const create of [
      () => client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace }, spec: {} }),
      () =>
        client.create(serviceAccounts, {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { name: 'default', namespace },
        }),
      () =>
        client.create(configMaps, {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'kube-root-ca.crt', namespace },
          data: { 'ca.crt': 'x' },
        }),
    ])
      await create().catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error
      })
    await node.startAgent()
    return node
  }

  async startAgent(): Promise<void> {
    const { client, clock, random } = this.cluster
    const prober: Prober = {
      run: async (handler) =>
        this.probe(Object.keys(handler).find((key) => ['exec', 'httpGet', 'tcpSocket', 'grpc'].includes(key)) ?? ''),
    }
    this.#agent = await startAgent({
      client,
      runtime: this.runtime,
      cgroups: noCgroups,
      nodeName: 'node1',
      nodeIPs: ['192.0.2.1'],
      clock,
      random,
      log: silentLogger,
      dataDir: this.#directory,
      dns: { servers: ['10.96.0.10'], domain: 'cluster.local' },
      version: 'v1.36.0',
      pid: process.pid,
      mounter: noMounts,
      prober,
      hostFiles: { resolvConf: 'nameserver 192.0.2.53\n', hosts: '127.0.0.1 localhost\n' },
      machine,
      observe: () => this.observations,
      imageDisk: () => this.imageDisk,
    })
    await this.#agent.settled
  }

  async stopAgent(): Promise<void> {
    await this.#agent?.[Symbol.asyncDispose]()
    this.#agent = undefined
  }

  async #end(): Promise<void> {
    await this.stopAgent()
    await this.runtime[Symbol.asyncDispose]()
    await this.cluster[Symbol.asyncDispose]()
    rmSync(this.#directory, { recursive: true })
  }

  async create(name: string, spec: Partial<Pod['spec']> = {}): Promise<DeepReadonly<Pod>> {
    return await this.cluster.client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec: { nodeName: 'node1', containers: [{ name: 'main', image: 'web:1' }], ...spec },
    })
  }

  async delete(name: string, gracePeriodSeconds?: number): Promise<void> {
    await this.cluster.client.delete(
      pods,
      { namespace: 'default', name },
      gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds },
    )
  }

  /** Resolves when the watch shows the pod (undefined: none) in a state that `holds`. */
  async until(
    name: string,
    holds: (pod: DeepReadonly<Pod> | undefined) => boolean,
  ): Promise<DeepReadonly<Pod> | undefined> {
    const { client } = this.cluster
    const query = { namespace: 'default', fieldSelector: `metadata.name=${name}` }
    const { items, resourceVersion } = await client.list(pods, query)
    if (holds(items[0])) return items[0]
    const stop = new AbortController()
    try {
      for await (const batch of client.watch(pods, { ...query, resourceVersion, signal: stop.signal }))
        for (const { type, object } of batch) {
          const state = type === 'DELETED' ? undefined : object
          if (holds(state)) return state
        }
    } finally {
      stop.abort()
    }
    throw new Error(`The watch of ${name} ended`)
  }

  /** Resolves when no pod has anything to do before something happens. */
  async idle(): Promise<void> {
    await this.#agent?.pods.idle()
  }

  async events(name: string): Promise<DeepReadonly<Event>[]> {
    await this.#agent?.flushEvents()
    const { items } = await this.cluster.client.list(events, { namespace: 'default' })
    return items.filter(({ involvedObject }) => involvedObject.name === name)
  }
}
