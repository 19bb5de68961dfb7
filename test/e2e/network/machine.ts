// A whole machine in network namespaces for tests: two nodes joined by a bridge, pods made by the real CNI plugin, an outsider.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { AnyObject, ObjectKey } from '../../../src/apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../../../src/apimachinery/resource.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { createLogger } from '../../../src/base/log.ts'
import type { Informer, InformerChange } from '../../../src/client/informer.ts'
import type { RunCommand } from '../../../src/netlink/command.ts'
import { inNamespace, runCommand, succeed } from '../../../src/netlink/command.ts'
import { createNamespace, deleteNamespace, namespacePath } from '../../../src/netlink/namespaces.ts'

export const log = createLogger({ clock: systemClock, level: 'warn', write: (line) => process.stderr.write(line) })

/** Enters the namespace but keeps the mounts, so that namespaces made inside are seen outside. */
export const within =
  (namespace: string): RunCommand =>
  (argv, options) =>
    runCommand(['nsenter', `--net=${namespacePath(namespace)}`, ...argv], options)

/** A peer process; `ask` has it talk to somebody. */
export interface Peer {
  ask(protocol: 'tcp' | 'udp', to: string, sourcePort?: number): Promise<string>
}

export class Machine implements AsyncDisposable {
  readonly namespace: string
  readonly directory: string
  readonly #cleanups = new AsyncDisposableStack()

  private constructor(namespace: string, directory: string) {
    this.namespace = namespace
    this.directory = directory
  }

  static async create(name: string): Promise<Machine> {
    const machine = new Machine(name, await mkdtemp(join(tmpdir(), 'drover-network-')))
    machine.onEnd(() => rm(machine.directory, { recursive: true, force: true }))
    await createNamespace(runCommand, name)
    machine.onEnd(() => deleteNamespace(runCommand, name))
    return machine
  }

  onEnd(act: () => Promise<void>): void {
    this.#cleanups.defer(act)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanups.disposeAsync()
  }

  /** A process in the namespace that answers on port 8080. */
  async peer(namespace: string, name: string): Promise<Peer> {
    const script = fileURLToPath(new URL('peer.ts', import.meta.url))
    const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, script, name], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const closed = new Promise<void>((resolve) => child.on('close', () => resolve()))
    this.onEnd(async () => {
      child.kill('SIGKILL')
      await closed
    })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const next = async (): Promise<string> => {
      const line = await lines.next()
      if (line.done) throw new Error(`Peer "${name}" ended`)
      return line.value
    }
    await next()
    return {
      ask(protocol, to, sourcePort = 0) {
        child.stdin.write(`${protocol} ${to.replace(':', ' ')} ${sourcePort}\n`)
        return next()
      },
    }
  }

  /** A pod: a namespace plugged into the node's network by the CNI plugin, as a container runtime does it. */
  async pod(node: string, name: string, conflist: string): Promise<{ ip: string; peer: Peer }> {
    const namespace = `${this.namespace}-${name}`
    await createNamespace(runCommand, namespace)
    this.onEnd(() => deleteNamespace(runCommand, namespace))
    const { cniVersion, name: network, plugins } = JSON.parse(conflist)
    const input = JSON.stringify({ cniVersion, name: network, ...plugins[0] })
    const call = (command: string): Promise<string> =>
      succeed(inNamespace(runCommand, node), ['/usr/lib/cni/bridge'], {
        input,
        env: {
          CNI_COMMAND: command,
          CNI_CONTAINERID: name,
          CNI_NETNS: namespacePath(namespace),
          CNI_IFNAME: 'eth0',
          CNI_PATH: '/usr/lib/cni',
        },
      })
    const result = JSON.parse(await call('ADD'))
    this.onEnd(async () => {
      await call('DEL')
    })
    return { ip: String(result.ips[0].address).split('/')[0] ?? '', peer: await this.peer(namespace, name) }
  }
}

/** An informer whose world is what the test says. */
export class Told<T extends DeepReadonly<Pick<AnyObject, 'metadata'>>> implements Informer<T> {
  readonly resource: Resource<T>
  readonly synced = Promise.resolve()
  readonly hasSynced = true
  #objects: DeepReadonly<T>[] = []
  readonly #handlers: ((change: InformerChange<T>) => void)[] = []

  constructor(resource: Resource<T>) {
    this.resource = resource
  }

  tell(...objects: DeepReadonly<T>[]): void {
    const before = this.#objects
    this.#objects = objects
    for (const object of before) for (const handler of this.#handlers) handler({ type: 'deleted', object })
    for (const object of objects) for (const handler of this.#handlers) handler({ type: 'added', object })
  }

  get({ name }: ObjectKey): DeepReadonly<T> | undefined {
    return this.#objects.find((object) => nameOf(object) === name)
  }
  list(): DeepReadonly<T>[] {
    return this.#objects
  }
  by(): DeepReadonly<T>[] {
    return []
  }
  onChange(handler: (change: InformerChange<T>) => void): void {
    this.#handlers.push(handler)
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}

const nameOf = (object: unknown): string | undefined => (object as { metadata: { name?: string } }).metadata.name
