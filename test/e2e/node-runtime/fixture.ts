// A private containerd in a temporary directory with two busybox images, and a look at what it leaves on the host.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { systemClock as clock } from '../../../src/base/clock.ts'
import { createLogger } from '../../../src/base/log.ts'
import { Cgroups } from '../../../src/node/cgroup/cgroups.ts'
import { parseHierarchy } from '../../../src/node/cgroup/hierarchy.ts'
import { processesBelow } from '../../../src/node/cgroup/removal.ts'
import {
  type ContainerdOptions,
  type RunningContainerd,
  startContainerd,
} from '../../../src/node/containerd/containerd.ts'
import { listProcesses } from '../../../src/node/cgroup/processes.ts'
import { stopContainerd } from '../../../src/node/containerd/stop.ts'
import type { PodSandboxConfig, RuntimeEvent } from '../../../src/node/cri/cri.ts'
import { CriClient } from '../../../src/node/cri/cri-client.ts'
import { writeImageArchive } from './oci-archive.ts'

export const PAUSE = 'drover.internal/pause:1'
export const BUSYBOX = 'drover.internal/busybox:1'
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }

/** One node's runtime, with a name of its own, so that tests can run beside each other. */
export class Fixture {
  readonly directory: string
  readonly name: string
  readonly lines: string[] = []
  readonly hierarchy = parseHierarchy(readFileSync('/proc/self/mountinfo', 'utf8'))
  readonly cgroups: Cgroups
  readonly options: ContainerdOptions
  readonly #abort = new AbortController()

  constructor(t: TestContext, overrides: Partial<ContainerdOptions> = {}) {
    this.directory = mkdtempSync('/tmp/dr-')
    this.name = this.directory.slice('/tmp/'.length)
    this.cgroups = new Cgroups({ hierarchy: this.hierarchy, root: this.cgroupRoot, clock })
    this.options = {
      paths: { root: join(this.directory, 'root'), state: join(this.directory, 'state') },
      cniBinDir: '/usr/lib/cni',
      cniConfDir: join(this.directory, 'cni'),
      registryConfigDir: join(this.directory, 'certs.d'),
      environment: ENVIRONMENT,
      ...overrides,
    }
    t.after(async () => {
      await this.stop()
      this.#abort.abort()
      rmSync(this.directory, { recursive: true, force: true })
    })
  }

  get cgroupRoot(): string {
    return `/drover-${this.name}`
  }

  get context() {
    const log = createLogger({ clock, level: 'debug', write: (line) => this.lines.push(line) })
    return { clock, log, signal: this.#abort.signal }
  }

  start(overrides: Partial<ContainerdOptions> = {}): Promise<RunningContainerd> {
    return startContainerd({ ...this.options, ...overrides }, this.context)
  }

  client(socket: string): CriClient {
    return new CriClient({ socket, clock, log: this.context.log })
  }

  stop({ keepData = false, force = false } = {}): Promise<void> {
    const { paths, environment } = this.options
    return stopContainerd(
      { paths, environment, hierarchy: this.hierarchy, cgroupRoot: this.cgroupRoot, keepData, force },
      this.context,
    )
  }

  async importImages(socket: string): Promise<void> {
    const archive = join(this.directory, 'images.tar')
    await writeImageArchive(archive, { [PAUSE]: ['/bin/sleep', '1000000'], [BUSYBOX]: ['/bin/sh'] })
    const snapshotter = existsSync(join(this.options.paths.root, 'io.containerd.snapshotter.v1.native'))
      ? 'native'
      : 'overlayfs'
    const argv = ['-a', socket, '-n', 'k8s.io', 'images', 'import', '--snapshotter', snapshotter, archive]
    execFileSync('ctr', argv, { stdio: 'pipe' })
  }

  sandboxConfig(name: string, network: 'NODE' | 'POD' = 'NODE'): PodSandboxConfig {
    return {
      metadata: { name, namespace: 'default', uid: `uid-${name}` },
      logDirectory: join(this.directory, 'logs', name),
      labels: { app: name },
      linux: {
        cgroupParent: this.cgroups.podPath({ uid: `uid-${name}`, qos: 'Burstable' }),
        securityContext: { namespaceOptions: { network } },
      },
    }
  }

  /** Every process in the node's cgroups. */
  processes(): number[] {
    return [...new Set(this.hierarchy.trees.flatMap((tree) => processesBelow(join(tree, this.cgroupRoot))))]
  }

  /** What of this node is on the host: mounts, processes, cgroups, network namespaces, sockets. Only names this node's own marks. */
  traces(pids: readonly number[] = []): string[] {
    const mine = (text: string): boolean => text.includes(this.directory)
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter(mine)
    const processes = listProcesses().filter(({ pid, argv }) => pids.includes(pid) || argv.some(mine))
    const groups = this.hierarchy.trees.map((tree) => join(tree, this.cgroupRoot)).filter((path) => existsSync(path))
    const { root, state } = this.options.paths
    return [
      ...mounts.map((line) => `mount ${line}`),
      ...processes.map(({ pid, argv }) => `process ${pid} ${argv.join(' ')}`),
      ...groups.map((path) => `cgroup ${path}`),
      ...[root, state].filter((path) => existsSync(path)).map((path) => `directory ${path}`),
      ...this.shimSockets().map((path) => `socket ${path}`),
    ]
  }

  #knownSockets = new Set<string>()

  /** The sockets of this node's shims that are still there. */
  shimSockets(): string[] {
    const bundles = join(this.options.paths.state, 'run/io.containerd.runtime.v2.task/k8s.io')
    for (const id of existsSync(bundles) ? readdirSync(bundles) : []) {
      const address = join(bundles, id, 'address')
      if (existsSync(address)) this.#knownSockets.add(readFileSync(address, 'utf8').replace('unix://', ''))
    }
    return [...this.#knownSockets].filter((path) => existsSync(path))
  }
}

/** Collects events until one satisfies `last`. */
export async function eventsUntil(
  events: AsyncIterable<RuntimeEvent>,
  last: (event: RuntimeEvent) => boolean,
): Promise<RuntimeEvent[]> {
  const seen: RuntimeEvent[] = []
  for await (const event of events) {
    seen.push(event)
    if (last(event)) break
  }
  return seen
}
