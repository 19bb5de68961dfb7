// One node for tests: a real containerd, a real API server in this process, and an agent between them.

import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { request, type RequestOptions } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { WebSocket } from 'ws'
import type { DeepReadonly } from '../../../src/apimachinery/resource.ts'
import { type ApiServer, startApiServer } from '../../../src/apiserver/api-server.ts'
import { configMaps } from '../../../src/api/core/config-map.ts'
import { namespaces } from '../../../src/api/core/namespace.ts'
import { type Pod, pods } from '../../../src/api/core/pod/pod.ts'
import { serviceAccounts } from '../../../src/api/core/service-account.ts'
import { isAlreadyExists } from '../../../src/apimachinery/errors.ts'
import { systemClock as clock } from '../../../src/base/clock.ts'
import { createLogger } from '../../../src/base/log.ts'
import { createAuthority, type Credentials, issueCertificate } from '../../../src/base/node/certificates.ts'
import { systemRandom as random } from '../../../src/base/random.ts'
import type { Client } from '../../../src/client/client.ts'
import { type Agent, type AgentOptions, startAgent } from '../../../src/node/agent.ts'
import type { CriClient } from '../../../src/node/cri/cri-client.ts'
import { systemMounter } from '../../../src/node/volumes/mounter.ts'
import { openMemoryStore } from '../../../src/store/memory/memory.ts'
import { ADMIN, testAccountKey } from '../../../src/testing/cluster.ts'
import { BUSYBOX, Fixture, PAUSE } from '../node-runtime/fixture.ts'

export { BUSYBOX }
export const NODE = 'node1'
/** Many pods start at the same time in these tests: only what hangs is to fail here. */
const UNTIL_LIMIT_MS = 240_000

interface Answer {
  readonly status: number
  readonly body: string
}

export class NodeFixture {
  readonly runtime: Fixture
  readonly lines: string[] = []
  readonly log = createLogger({ clock, level: 'debug', write: (line) => this.lines.push(line) })
  #server: ApiServer | undefined
  #socket = ''
  #agent: Agent | undefined
  #cri: CriClient | undefined

  get cri(): CriClient {
    if (this.#cri === undefined) throw new Error('No agent has been started')
    return this.#cri
  }

  readonly #authority = createAuthority('test', { clock, random })
  readonly #serving = this.#issue('node1', ['server'], ['127.0.0.1'])
  readonly #caller = this.#issue('kube-apiserver-kubelet-client', ['client'])
  readonly stranger = this.#issue('somebody', ['client'])

  private constructor(t: TestContext) {
    // Hooks run in the order in which they are registered: what pods have mounted goes before the directories do.
    t.after(async () => {
      await this.#end()
    })
    this.runtime = new Fixture(t, { sandboxImage: PAUSE })
  }

  #issue(commonName: string, usages: readonly ('server' | 'client')[], names: readonly string[] = []): Credentials {
    return issueCertificate(this.#authority, { commonName, usages, names }, { clock, random })
  }

  readonly #ends: (() => Promise<void>)[] = []

  async #end(): Promise<void> {
    for (const end of this.#ends.reverse()) await end()
    await this.runtime.stop()
    const mounter = systemMounter()
    for (const target of mounter.below(this.agentDirectory)) await mounter.unmount(target)
  }

  /** A GET of the agent's own API. */
  async get(port: number, path: string, credentials = this.#caller): Promise<Answer> {
    const { key, certificate: cert } = credentials
    return await this.#ask({ port, path, key, cert })
  }

  /** The same without a certificate. */
  async getWithToken(port: number, path: string, token: string | undefined): Promise<Answer> {
    return await this.#ask({ port, path, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
  }

  async #ask(options: RequestOptions): Promise<Answer> {
    const all = { host: '127.0.0.1', ca: this.#authority.certificate, agent: false as const, ...options }
    return await new Promise((resolve, reject) => {
      const asked = request(all, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
      })
      asked.once('error', reject)
      asked.end()
    })
  }

  static async start(t: TestContext): Promise<NodeFixture> {
    const fixture = new NodeFixture(t)
    await fixture.#begin()
    return fixture
  }

  get client(): Client {
    if (this.#server === undefined) throw new Error('The server has not been started')
    return this.#server.client(ADMIN, 'test')
  }

  get server(): ApiServer {
    if (this.#server === undefined) throw new Error('The server has not been started')
    return this.#server
  }

  async #begin(): Promise<void> {
    const { socket } = await this.runtime.start()
    this.#socket = socket
    await this.runtime.importImages(socket)
    this.#writeNetwork()
    const store = openMemoryStore({ clock, log: this.log })
    this.#server = await startApiServer({
      store,
      clock,
      random,
      log: this.log,
      serviceAccountKey: testAccountKey(),
      serviceCIDR: '10.96.0.0/16',
    })
    const server = this.#server
    this.#ends.push(async () => {
      await server[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    })
    for (const create of [
      () =>
        this.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } } as never),
      () =>
        this.client.create(serviceAccounts, {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { name: 'default', namespace: 'default' },
        }),
      () =>
        this.client.create(configMaps, {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'kube-root-ca.crt', namespace: 'default' },
          data: { 'ca.crt': 'a certificate' },
        }),
    ])
      await create().catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error
      })
  }

  /** Pods get an address of a link to the host, and no way further. */
  #writeNetwork(): void {
    mkdirSync(join(this.runtime.directory, 'cni'), { recursive: true })
    const dataDir = join(this.runtime.directory, 'ipam')
    const config = {
      cniVersion: '0.4.0',
      name: this.runtime.name,
      plugins: [
        { type: 'ptp', ipam: { type: 'host-local', dataDir, ranges: [[{ subnet: '10.211.77.0/24' }]] } },
        { type: 'loopback' },
      ],
    }
    writeFileSync(join(this.runtime.directory, 'cni', '10-test.conflist'), JSON.stringify(config))
  }

  async agent(overrides: Partial<AgentOptions> = {}): Promise<Agent> {
    const runtime = this.runtime.client(this.#socket)
    const agent = await startAgent({
      client: this.client,
      runtime,
      cgroups: this.runtime.cgroups,
      nodeName: NODE,
      nodeIPs: ['127.0.0.1'],
      clock,
      random,
      log: this.log,
      dataDir: join(this.runtime.directory, 'agent'),
      dns: { servers: ['10.96.0.10'], domain: 'cluster.local' },
      version: 'v1.36.0',
      pid: process.pid,
      server: {
        host: '127.0.0.1',
        port: 0,
        certificate: this.#serving.certificate,
        key: this.#serving.key,
        clientCA: this.#authority.certificate,
        authorize: ({ commonName }) => commonName === 'kube-apiserver-kubelet-client',
      },
      ...overrides,
    })
    let ended = false
    const end = async (): Promise<void> => {
      if (ended) return
      ended = true
      await agent[Symbol.asyncDispose]()
      await runtime[Symbol.asyncDispose]()
    }
    this.#ends.push(end)
    this.#agent = agent
    this.#cri = runtime
    return { ...agent, [Symbol.asyncDispose]: end }
  }

  async createPod(name: string, spec: Partial<Pod['spec']>, metadata: object = {}): Promise<DeepReadonly<Pod>> {
    return await this.client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', ...metadata },
      spec: { nodeName: NODE, containers: [], ...spec },
    })
  }

  /** Resolves with the pod as soon as the watch shows it in a state that `holds`; undefined once it is gone. */
  async until(
    name: string,
    holds: (pod: DeepReadonly<Pod> | undefined) => boolean,
  ): Promise<DeepReadonly<Pod> | undefined> {
    const key = { namespace: 'default', name }
    const { items, resourceVersion } = await this.client.list(pods, {
      namespace: 'default',
      fieldSelector: `metadata.name=${name}`,
    })
    if (holds(items[0])) return items[0]
    const signal = AbortSignal.timeout(UNTIL_LIMIT_MS)
    for await (const batch of this.client.watch(pods, {
      namespace: 'default',
      fieldSelector: `metadata.name=${name}`,
      resourceVersion,
      signal,
    }))
      for (const { type, object } of batch) {
        const state = type === 'DELETED' ? undefined : object
        if (holds(state)) return state
      }
    throw new Error(`The watch of ${key.name} ended`)
  }

  /** Runs a command through the agent's API; resolves to its output and the status told at the end. */
  async exec(port: number, path: string): Promise<{ output: string; status: string }> {
    const { key, certificate: cert } = this.#caller
    const options = { key, cert, ca: this.#authority.certificate }
    const socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, ['v5.channel.k8s.io'], options)
    const texts = ['', '', '', '']
    socket.on('message', (data: Buffer) => {
      const channel = data[0] ?? 0
      texts[channel] = (texts[channel] ?? '') + data.subarray(1).toString()
    })
    await once(socket, 'close')
    return { output: texts[1] ?? '', status: texts[3] ?? '' }
  }

  /** Resolves when the agent has nothing left to do for any pod. */
  async tidied(): Promise<void> {
    await this.#agent?.pods.idle()
  }

  get agentDirectory(): string {
    return join(this.runtime.directory, 'agent')
  }

  leftovers(): string[] {
    const { directory } = this.runtime
    const mounts = systemMounter().below(`${this.agentDirectory}/pods`)
    const files = ['pods', 'pods-logs'].flatMap((name) => readdirSync(join(directory, 'agent', name)))
    return [...mounts, ...files, ...this.runtime.cgroups.listPods().map(({ uid }) => uid)]
  }
}
