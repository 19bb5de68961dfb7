// The long-running processes of a cluster: started detached, found by pid file or, when that is lost, by what they were started with.

import { statfsSync } from 'node:fs'
import { uptime } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findDetached, startDetached, stopDetached } from '../base/node/detached.ts'
import { readJSONIfExists, readTextIfExists } from '../base/node/files.ts'
import { ended, listProcesses, type ProcessIdentity, type ProcessInfo, signalProcess } from '../base/node/processes.ts'
import { UserError } from '../base/node/user-error.ts'
import { findContainerd } from '../node/containerd/containerd.ts'
import type { Host } from './host.ts'
import {
  cgroupOf,
  containerdPathsOf,
  imagesOf,
  keeperOf,
  logFileOf,
  nodeDataOf,
  nodeRunOf,
  type Places,
  pidFileOf,
} from './places.ts'
import { type ClusterState, machineAddressOf, type NodeState } from './state.ts'
import { namespaceName } from '../netlink/names.ts'

export const SERVER = 'server'
/** Starts a program again when it ends: docs/decisions/008. */
const KEEPER = fileURLToPath(new URL('keep.sh', import.meta.url))
export const agentOf = (node: string): string => `agent-${node}`

export interface Started {
  /** False: it ran already. */
  readonly fresh: boolean
  /** When the program that runs was started. */
  readonly atMs: number
  /** How often it had ended until then; once more is a failure. */
  readonly ends: number
}

export async function startServerProcess(host: Host, places: Places, state: ClusterState): Promise<Started> {
  return start(host, places, { name: SERVER, argv: serverArguments(places, state), prefix: [] })
}

export function serverArguments(places: Places, state: ClusterState): string[] {
  return [
    'server',
    ...['--data-dir', places.data],
    ...['--port', String(state.port)],
    ...['--advertise-address', machineAddressOf(state)],
    ...['--cluster-cidr', state.clusterCIDR],
    ...['--service-cidr', state.serviceCIDR],
    ...['--store', state.store],
    ...Object.entries(state.etcd ?? {}).flatMap(([flag, value]) => [`--etcd-${flag}`, value]),
    ...['--log-file', logFileOf(places, SERVER)],
  ]
}

export async function startAgentProcess(
  host: Host,
  places: Places,
  { state, node }: { state: ClusterState; node: NodeState },
): Promise<Started> {
  const server = node.namespace ? `https://${machineAddressOf(state)}:${state.port}` : `https://127.0.0.1:${state.port}`
  const argv: string[] = [
    'agent',
    ...['--server', server],
    ...['--cluster', state.name],
    ...['--node-name', node.name],
    ...['--node-ip', node.address],
    ...['--data-dir', nodeDataOf(places, node.name)],
    ...['--run-dir', nodeRunOf(places, node.name)],
    ...['--cgroup-root', cgroupOf(state.name, node.name)],
    ...['--cluster-cidr', state.clusterCIDR],
    ...['--service-cidr', state.serviceCIDR],
    ...['--images', imagesOf(places)],
    // The disk is the whole machine's: what else is on it must not cost a cluster for a try-out its pods, nor images that no registry gives back.
    ...['--eviction-hard', 'memory.available<100Mi'],
    ...['--image-gc-high-threshold', '100'],
    ...['--log-file', logFileOf(places, agentOf(node.name))],
  ]
  const namespace = namespaceName({ cluster: state.name, node: node.name })
  const prefix = node.namespace ? ['nsenter', `--net=/run/netns/${namespace}`] : []
  return start(host, places, { name: agentOf(node.name), argv, prefix })
}

/** Started under a keeper, which starts it again whenever it ends. */
async function start(
  host: Host,
  places: Places,
  { name, argv, prefix }: { name: string; argv: readonly string[]; prefix: readonly string[] },
): Promise<Started> {
  const running = findDetached(pidFileOf(places, name))
  if (running && findDetached(pidFileOf(places, keeperOf(name)))) {
    const atMs = host.clock.now() - ageMs(running)
    return { fresh: false, atMs, ends: readRecord(places, name)?.ends ?? 0 }
  }
  // A keeper that waits before it tries again, or a program whose keeper is gone: both begin anew. Containers do not notice.
  await stopProcess(host, places, name)
  await startDetached({
    argv: ['/bin/sh', KEEPER, pidFileOf(places, name), ...prefix, ...host.program, ...argv],
    environment: host.environment,
    logFile: logFileOf(places, `${name}.out`),
    pidFile: pidFileOf(places, keeperOf(name)),
  })
  return { fresh: true, atMs: host.clock.now(), ends: 0 }
}

interface KeeperRecord {
  /** Of programs that ended by themselves since the keeper runs. */
  readonly ends: number
  /** 128 + N when signal N ended it. */
  readonly lastCode: number
}

/** What a keeper says of its program. */
export function readRecord(places: Places, name: string): KeeperRecord | undefined {
  const value = readJSONIfExists(pidFileOf(places, name))
  if (typeof value !== 'object' || value === null || !('ends' in value) || !('lastCode' in value)) return undefined
  return { ends: Number(value.ends), lastCode: Number(value.lastCode) }
}

/** Throws when a process that was started has ended, with what it said last. */
export function checkAlive(places: Places, name: string, started: Started): void {
  const ends = readRecord(places, name)?.ends ?? 0
  if (ends <= started.ends && findDetached(pidFileOf(places, keeperOf(name)))) return
  // On a full disk it could not even say so, and memory that is mapped from one ends a process by a signal.
  if (freeBytes(places.data) < FULL_DISK_BYTES)
    throw new UserError(`The ${name} ended: the disk that holds "${places.data}" is full`, {
      remedy: `make room there (df -h ${places.data}), or use another: --data-dir DIR`,
    })
  const { message, remedy } = lastWords(readTextIfExists(logFileOf(places, `${name}.out`)) ?? '')
  throw new UserError(`The ${name} ended: ${message}`, {
    remedy: remedy ?? `its log: drover logs ${name.split('-')[0] ?? ''} -n ${places.name}`,
  })
}

/** A store cannot begin with less. */
const FULL_DISK_BYTES = 1024 * 1024

function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}

/** Why a program ended, by its standard error: its own last message, else the last error that the runtime reported, else the last line. */
export function lastWords(text: string): { message: string; remedy?: string } {
  const lines = text.split('\n')
  const own = lines.findLastIndex((line) => line.startsWith('drover: '))
  if (own >= 0) {
    const remedy = /^ {8}(\S.*)$/.exec(lines[own + 1] ?? '')?.[1]
    return { message: lines[own]?.slice('drover: '.length) ?? '', ...(remedy === undefined ? {} : { remedy }) }
  }
  const said = lines.filter((line) => line.trim() !== '' && !line.startsWith('keeper: '))
  return { message: said.findLast((line) => /^(\w*Error\b|Error:)/.test(line)) ?? said.at(-1) ?? 'it said nothing' }
}

/** Stops a process, its keeper first: also one whose keeper was killed. */
export async function stopProcess(host: Host, places: Places, name: string): Promise<void> {
  // The keeper passes SIGTERM on and ends when its program has.
  await stopDetached(pidFileOf(places, keeperOf(name)), host)
  await stopDetached(pidFileOf(places, name), host)
}

/** Ends whatever of this program still works for the cluster: processes whose pid file was lost. */
export async function endStrays(host: Host, places: Places): Promise<void> {
  const entry = host.program.at(-1) ?? ''
  const isStray = ({ pid, argv }: ProcessInfo): boolean => {
    const at = argv.indexOf(entry)
    const data = argv[argv.indexOf('--data-dir') + 1] ?? ''
    return (
      pid !== process.pid &&
      at >= 0 &&
      (argv[at + 1] === 'server' || argv[at + 1] === 'agent') &&
      (data === places.data || data.startsWith(`${places.data}/`))
    )
  }
  const end = async (isOne: (info: ProcessInfo) => boolean): Promise<void> => {
    const strays = listProcesses().filter(isOne)
    for (const stray of strays) signalProcess(stray, 'SIGKILL')
    await ended(strays, { timeoutMs: 5_000, clock: host.clock, signal: host.signal })
  }
  // Keepers, which have their programs' arguments, first: they would start them again.
  await end((info) => info.argv[1] === KEEPER && isStray(info))
  await end(isStray)
}

export interface ProcessStatus {
  readonly name: string
  readonly node?: string
  readonly pid: number
  readonly rssBytes: number
  readonly cpuSeconds: number
  readonly startedAt: string
  /** How often its keeper has started it again. */
  readonly restarts?: number
}

/** Every process of the cluster, with those that keep its containers. */
export function clusterProcesses(places: Places, state: ClusterState, clock: Host['clock']): ProcessStatus[] {
  const all = listProcesses()
  const found: ProcessStatus[] = []
  const add = (name: string, info: ProcessInfo | undefined, more: { node?: string; restarts?: number } = {}): void => {
    if (info === undefined) return
    const { pid, rssBytes, cpuSeconds } = info
    const startedAt = new Date(clock.now() - ageMs(info)).toISOString()
    found.push({ name, ...more, pid, rssBytes, cpuSeconds, startedAt })
  }
  const addKept = (name: string, of: string, node: { node?: string } = {}): void => {
    add(of, findDetached(pidFileOf(places, name)), { ...node, restarts: readRecord(places, name)?.ends ?? 0 })
    add('keeper', findDetached(pidFileOf(places, keeperOf(name))), node)
  }
  const byPid = (pid: number): ProcessInfo | undefined => all.find((info) => info.pid === pid)
  addKept(SERVER, SERVER)
  for (const node of state.nodes) {
    const on = { node: node.name }
    addKept(agentOf(node.name), 'agent', on)
    const paths = containerdPathsOf(places, node.name)
    const containerd = findContainerd(paths)
    if (containerd) add('containerd', byPid(containerd.pid), on)
    const socket = join(paths.state, 'containerd.sock')
    for (const info of all) {
      const address = info.argv.indexOf('-address')
      if (info.argv[0]?.includes('containerd-shim') && address > 0 && info.argv[address + 1] === socket)
        add('shim', info, on)
    }
  }
  return found
}

/** Programs whose keeper waits before it starts them again. */
export function failingProcesses(places: Places, state: ClusterState): (KeeperRecord & { readonly name: string })[] {
  return [SERVER, ...state.nodes.map(({ name }) => agentOf(name))].flatMap((name) => {
    const record = readRecord(places, name)
    const waits = record !== undefined && !findDetached(pidFileOf(places, name))
    return waits && findDetached(pidFileOf(places, keeperOf(name))) ? [{ name, ...record }] : []
  })
}

/** From the boot-relative start time. */
function ageMs({ startTime }: ProcessIdentity): number {
  return Math.max(0, uptime() * 1000 - Number(startTime) * 10)
}
