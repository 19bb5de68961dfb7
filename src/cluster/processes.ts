// The long-running processes of a cluster: started detached, found by pid file or, when that is lost, by what they were started with.

import { uptime } from 'node:os'
import { join } from 'node:path'
import { findDetached, lastLine, startDetached, stopDetached } from '../base/node/detached.ts'
import {
  ended,
  isRunning,
  listProcesses,
  type ProcessIdentity,
  type ProcessInfo,
  signalProcess,
} from '../base/node/processes.ts'
import { UserError } from '../base/node/user-error.ts'
import { findContainerd } from '../node/containerd/containerd.ts'
import type { Host } from './host.ts'
import {
  cgroupOf,
  containerdPathsOf,
  imagesOf,
  logFileOf,
  nodeDataOf,
  nodeRunOf,
  type Places,
  pidFileOf,
} from './places.ts'
import { type ClusterState, machineAddressOf, type NodeState } from './state.ts'
import { namespaceName } from '../netlink/names.ts'

export const SERVER = 'server'
export const agentOf = (node: string): string => `agent-${node}`

export interface Started {
  readonly process: ProcessIdentity
  /** False: it ran already. */
  readonly fresh: boolean
  /** When it was started; 0 when it ran already. */
  readonly atMs: number
}

export async function startServerProcess(host: Host, places: Places, state: ClusterState): Promise<Started> {
  const argv: string[] = [
    'server',
    ...['--data-dir', places.data],
    ...['--port', String(state.port)],
    ...['--advertise-address', machineAddressOf(state)],
    ...['--cluster-cidr', state.clusterCIDR],
    ...['--service-cidr', state.serviceCIDR],
    ...['--store', state.store],
    ...['--log-file', logFileOf(places, SERVER)],
  ]
  return start(host, places, { name: SERVER, argv, prefix: [] })
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
    ...['--log-file', logFileOf(places, agentOf(node.name))],
  ]
  const namespace = namespaceName({ cluster: state.name, node: node.name })
  const prefix = node.namespace ? ['nsenter', `--net=/run/netns/${namespace}`] : []
  return start(host, places, { name: agentOf(node.name), argv, prefix })
}

async function start(
  host: Host,
  places: Places,
  { name, argv, prefix }: { name: string; argv: readonly string[]; prefix: readonly string[] },
): Promise<Started> {
  const running = findDetached(pidFileOf(places, name))
  if (running) return { process: running, fresh: false, atMs: 0 }
  const [program, ...rest] = [...prefix, ...host.program, ...argv]
  const process = await startDetached({
    argv: [program ?? '', ...rest],
    environment: host.environment,
    logFile: logFileOf(places, `${name}.out`),
    pidFile: pidFileOf(places, name),
  })
  return { process, fresh: true, atMs: host.clock.now() }
}

/** Throws when a process that was started has ended, with what it said last. */
export function checkAlive(places: Places, name: string, started: Started): void {
  if (isRunning(started.process)) return
  const said = lastLine(logFileOf(places, `${name}.out`))
  throw new UserError(`The ${name} ended: ${said}`, {
    remedy: `its log is ${logFileOf(places, name)}`,
  })
}

/** Stops a process, also one whose pid file is gone. */
export async function stopProcess(host: Host, places: Places, name: string): Promise<void> {
  await stopDetached(pidFileOf(places, name), host)
}

/** Ends whatever of this program still works for the cluster: processes whose pid file was lost. */
export async function endStrays(host: Host, places: Places): Promise<void> {
  const entry = host.program.at(-1) ?? ''
  const strays = listProcesses().filter(({ pid, argv }) => {
    const at = argv.indexOf(entry)
    const data = argv[argv.indexOf('--data-dir') + 1] ?? ''
    return (
      pid !== process.pid &&
      at >= 0 &&
      (argv[at + 1] === 'server' || argv[at + 1] === 'agent') &&
      (data === places.data || data.startsWith(`${places.data}/`))
    )
  })
  for (const stray of strays) signalProcess(stray, 'SIGKILL')
  await ended(strays, { timeoutMs: 5_000, clock: host.clock, signal: host.signal })
}

export interface ProcessStatus {
  readonly name: string
  readonly node?: string
  readonly pid: number
  readonly rssBytes: number
  readonly cpuSeconds: number
  readonly startedAt: string
}

/** Every process of the cluster, with those that keep its containers. */
export function clusterProcesses(places: Places, state: ClusterState, clock: Host['clock']): ProcessStatus[] {
  const all = listProcesses()
  const found: ProcessStatus[] = []
  const add = (name: string, info: ProcessInfo | undefined, node?: string): void => {
    if (info === undefined) return
    const { pid, rssBytes, cpuSeconds } = info
    const startedAt = new Date(clock.now() - ageMs(info)).toISOString()
    found.push({ name, ...(node === undefined ? {} : { node }), pid, rssBytes, cpuSeconds, startedAt })
  }
  const byPid = (pid: number): ProcessInfo | undefined => all.find((info) => info.pid === pid)
  add(SERVER, findDetached(pidFileOf(places, SERVER)))
  for (const node of state.nodes) {
    add('agent', findDetached(pidFileOf(places, agentOf(node.name))), node.name)
    const paths = containerdPathsOf(places, node.name)
    const containerd = findContainerd(paths)
    if (containerd) add('containerd', byPid(containerd.pid), node.name)
    const socket = join(paths.state, 'containerd.sock')
    for (const info of all) {
      const address = info.argv.indexOf('-address')
      if (info.argv[0]?.includes('containerd-shim') && address > 0 && info.argv[address + 1] === socket)
        add('shim', info, node.name)
    }
  }
  return found
}

/** From the boot-relative start time. */
function ageMs({ startTime }: ProcessIdentity): number {
  return Math.max(0, uptime() * 1000 - Number(startTime) * 10)
}
