// The agent of one node: runs the pods that the API gives it, and keeps the node's place in the cluster.

import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import { quantityMillis, quantityValue } from '../apimachinery/quantity.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Taint } from '../api/core/node/spec.ts'
import type { Pod } from '../api/core/pod/pod.ts'
import type { Client } from '../client/client.ts'
import { createEventRecorder } from '../client/events.ts'
import type { NodeContext, PodCgroups } from './context.ts'
import type { RuntimeClient } from './cri/cri.ts'
import type { LogKeeping } from './logs/log-keeper.ts'
import { Heartbeat } from './node-status/heartbeat.ts'
import { type Machine, readMachine } from './node-status/machine.ts'
import { type Observations, type Threshold, THRESHOLDS } from './eviction/decide.ts'
import { Eviction } from './eviction/eviction.ts'
import { diskUsage, observeNode } from './eviction/observe.ts'
import { type DiskUsage, IMAGE_GARBAGE_POLICY, type ImageGarbagePolicy } from './images/garbage.ts'
import { ImageKeeper } from './images/image-keeper.ts'
import { PodSet } from './pods/pod-set.ts'
import { networkProber, type Prober } from './probes/prober.ts'
import { type AgentServerOptions, startAgentServer } from './server/server.ts'
import { type Mounter, systemMounter } from './volumes/mounter.ts'

export interface AgentOptions {
  readonly client: Client
  readonly runtime: RuntimeClient
  readonly cgroups: PodCgroups
  readonly nodeName: string
  readonly nodeIPs: readonly string[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** Pods' volumes, logs and profiles lie in it. */
  readonly dataDir: string
  /** The cluster's resolvers (none: pods use the node's) and domain. */
  readonly dns: { readonly servers: readonly string[]; readonly domain: string }
  /** As `v1.36.0`. */
  readonly version: string
  /** The agent's own process id. */
  readonly pid: number
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly Taint[]
  readonly maxPods?: number
  /** Instead of what the machine has: cpu, memory. */
  readonly capacity?: Readonly<Record<string, string>>
  /** Hears of the node's pod networks when they are known. */
  readonly onPodCIDR?: (cidrs: readonly string[]) => void
  readonly mounter?: Mounter
  readonly prober?: Prober
  readonly hostFiles?: { readonly resolvConf: string; readonly hosts: string }
  readonly machine?: Machine
  /** Absent: the agent serves no API, and so no logs and no exec. */
  readonly server?: AgentServerOptions
  /** Instead of upstream's 10 MiB in 5 files. */
  readonly logs?: LogKeeping
  /** Instead of upstream's: when the node is short of something, and when unused images go. */
  readonly evictionThresholds?: readonly Threshold[]
  readonly imageGarbage?: ImageGarbagePolicy
  /** Instead of what the machine shows. */
  readonly observe?: () => Observations
  readonly imageDisk?: () => DiskUsage
}

export interface Agent extends AsyncDisposable {
  readonly pods: PodSet
  /** The agent's view of the pods it cares for. */
  list(): DeepReadonly<Pod>[]
  /** What ran before is taken over, and what the API has is cared for. */
  readonly settled: Promise<void>
  /** Resolves when the events told so far are written. */
  flushEvents(): Promise<void>
}

const DEFAULT_MAX_PODS = 110

/** Ends without touching a container: what runs goes on, and the next agent takes it over. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { client, clock, random, log, nodeName, dataDir, runtime, cgroups } = options
  const directories = {
    pods: join(dataDir, 'pods'),
    logs: join(dataDir, 'pods-logs'),
    seccomp: join(dataDir, 'seccomp'),
  }
  // Tokens and secrets are below: nobody else looks in.
  mkdirSync(directories.pods, { recursive: true, mode: 0o750 })
  mkdirSync(directories.logs, { recursive: true, mode: 0o755 })
  mkdirSync(directories.seccomp, { recursive: true, mode: 0o750 })
  const machine = options.machine ?? readMachine(dataDir)
  const capacity = capacityOf(machine, options)
  cgroups.setUp({
    cpuMilli: quantityMillis(capacity['cpu'] ?? '0'),
    memoryBytes: quantityValue(capacity['memory'] ?? '0'),
  })
  const events = createEventRecorder({ client, component: 'kubelet', host: nodeName, clock, random, log })
  const context: NodeContext = {
    client,
    runtime,
    cgroups,
    mounter: options.mounter ?? systemMounter(),
    nodeName,
    nodeIPs: options.nodeIPs,
    clock,
    random,
    log,
    events,
    directories,
    dns: options.dns,
    hostFiles: options.hostFiles ?? { resolvConf: readOr('/etc/resolv.conf'), hosts: readOr('/etc/hosts') },
    allocatable: capacity,
    nodeMemoryBytes: machine.memoryBytes,
  }
  const prober = options.prober ?? networkProber({ runtime, clock, version: options.version })
  let eviction: Eviction | undefined
  const pressures = (): string[] => eviction?.pressures() ?? []
  const podSet = new PodSet(context, { prober, pid: options.pid, logs: options.logs, pressures })
  const server = options.server === undefined ? undefined : await startAgentServer(options.server, context, podSet)
  const heartbeat = new Heartbeat({
    context,
    machine,
    capacity,
    version: options.version,
    labels: options.labels ?? {},
    taints: options.taints ?? [],
    port: server?.port ?? 0,
    pressures,
    onPodCIDR: (cidrs) => options.onPodCIDR?.(cidrs),
  })
  // Where the runtime keeps its images is most often the same file system.
  let imageDirectory: string | undefined
  void imageDirectoryOf(runtime).then((found) => {
    imageDirectory = found
  })
  const images = new ImageKeeper({
    context,
    policy: options.imageGarbage ?? IMAGE_GARBAGE_POLICY,
    usage: options.imageDisk ?? (() => diskUsage(imageDirectory ?? dataDir)),
  })
  eviction = new Eviction({
    context,
    thresholds: options.evictionThresholds ?? THRESHOLDS,
    observe: options.observe ?? (() => observeNode(dataDir, imageDirectory)),
    images,
    pods: () => podSet.active(),
    fail: (uid, failure) => podSet.fail(uid, failure),
    onChange: () => heartbeat.wake(),
  })
  const keeper = eviction
  return {
    pods: podSet,
    list: () => podSet.list(),
    settled: podSet.settled,
    flushEvents: () => events.flush(),
    async [Symbol.asyncDispose]() {
      await server?.[Symbol.asyncDispose]()
      await keeper[Symbol.asyncDispose]()
      await Promise.all([heartbeat[Symbol.asyncDispose](), podSet[Symbol.asyncDispose]()])
      await events[Symbol.asyncDispose]()
    },
  }
}

function capacityOf(machine: Machine, { capacity = {}, maxPods = DEFAULT_MAX_PODS }: AgentOptions) {
  const pages = Object.entries(machine.hugepages ?? {}).map(([size, bytes]) => [`hugepages-${size}`, String(bytes)])
  return {
    ...(Object.fromEntries(pages) as Record<string, string>),
    cpu: String(machine.cpus),
    memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    'ephemeral-storage': `${Math.floor(machine.diskBytes / 1024)}Ki`,
    pods: String(maxPods),
    ...capacity,
  }
}

/** Undefined while the runtime does not say. */
async function imageDirectoryOf(runtime: RuntimeClient): Promise<string | undefined> {
  try {
    const { imageFilesystems } = await runtime.imageFsInfo()
    return imageFilesystems[0]?.fsId?.mountpoint
  } catch {
    return undefined
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
