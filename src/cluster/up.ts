// Brings a cluster up: what is there already stays as it is, what is missing is made, and at the end everything runs.

import { existsSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { rfc3339, sleep } from '../base/clock.ts'
import { findDetached } from '../base/node/detached.ts'
import { withLockFile } from '../base/node/lock-file.ts'
import { UserError } from '../base/node/user-error.ts'
import { runCommand } from '../netlink/command.ts'
import { namespaceName } from '../netlink/names.ts'
import { createNodeNamespace, ensureNodeNetwork } from '../netlink/node-namespace.ts'
import { listNamespaces } from '../netlink/namespaces.ts'
import { type Administrator, isReady, nodesReady } from './api.ts'
import { removeEmptyRoots, takeDown } from './down.ts'
import type { Host } from './host.ts'
import { withSettingsKept } from './host-settings.ts'
import { ensurePauseImage } from './images.ts'
import { chooseNetworks } from './networks.ts'
import { ensureNodes } from './node-pki.ts'
import { ensureAdmin, ensureServerPki, reachableNames } from './pki.ts'
import {
  clusterNames,
  holdsCluster,
  hostLockOf,
  keeperOf,
  makeDataDirectory,
  nodeRunOf,
  pidFileOf,
  pkiOf,
  type Places,
  placesOf,
} from './places.ts'
import { requireMachine, requireRoot } from './preflight.ts'
import { agentOf, checkAlive, SERVER, type Started, startAgentProcess, startServerProcess } from './processes.ts'
import {
  type ClusterState,
  type EtcdAccess,
  firstServiceIP,
  machineAddressOf,
  type NodeState,
  readState,
  type StoreKind,
  writeState,
} from './state.ts'
import { DATA_FORMAT, VERSION } from './version.ts'

export interface UpOptions {
  readonly name: string
  /** Undefined: as it is, 6443 for a new cluster. */
  readonly port?: number | undefined
  readonly nodes?: number | undefined
  readonly store?: StoreKind | undefined
  /** With a store that is an etcd. */
  readonly etcd?: EtcdAccess | undefined
  readonly dataDirectory?: string | undefined
  readonly networks?: { clusterCIDR?: string | undefined; serviceCIDR?: string | undefined }
  /** Return only when everything is ready. */
  readonly wait: boolean
  readonly timeoutMs: number
  /** Keep what there is of a new cluster that did not come up. */
  readonly retain?: boolean
}

/** When something was done, in milliseconds since `up` began. */
export interface Milestone {
  readonly what: string
  readonly atMs: number
}

export interface UpResult {
  readonly state: ClusterState
  readonly places: Places
  readonly administrator: Administrator
  /** False: nothing had to be done. */
  readonly changed: boolean
  readonly milestones: readonly Milestone[]
}

const DEFAULT_PORT = 6443
const POLL_MS = 10
const MAX_NODES = 50

/** A new cluster that fails to start is gone again when this throws; one that was stopped is stopped. */
export async function bringUp(host: Host, options: UpOptions): Promise<UpResult> {
  const places = placesOf(host.roots, options.name)
  requireRoot(host.uid)
  if (options.nodes !== 0) requireMachine({ path: host.environment['PATH'] ?? '', uid: host.uid })
  const { dataDirectory } = options
  if (readState(places) === undefined && dataDirectory !== undefined && holdsCluster(dataDirectory, places.name))
    makeDataDirectory(host.roots, places, dataDirectory)
  const isNew = readState(places) === undefined
  const ran = runsOrIsKept(places, SERVER)
  try {
    return await bringAllUp(host, places, options)
  } catch (error) {
    const untouched = !existsSync(places.data) && !existsSync(places.run)
    const stays = ran || untouched || options.retain === true || host.signal.aborted || error instanceof TooLate
    if (!stays) await takeDown(host, { name: places.name, keepData: !isNew })
    if (untouched) removeEmptyRoots(host)
    throw error
  }
}

const runsOrIsKept = (places: Places, name: string): boolean =>
  [name, keeperOf(name)].some((process) => findDetached(pidFileOf(places, process)) !== undefined)

/** What is not ready in time goes on becoming ready. */
class TooLate extends UserError {}

async function bringAllUp(host: Host, places: Places, options: UpOptions): Promise<UpResult> {
  const begin = host.clock.monotonic()
  const milestones: Milestone[] = []
  const mark = (what: string): void => {
    milestones.push({ what, atMs: Math.round(host.clock.monotonic() - begin) })
  }
  const deadline = AbortSignal.any([host.signal, expiry(host, options.timeoutMs)])
  const { state, fresh } = await withLockFile(hostLockOf(host.roots), host, () => settle(host, places, options))
  mark(fresh ? 'networks chosen, state written' : 'state read')
  const administrator = ensureCertificates(host, places, state)
  mark('certificates in place')

  const server = await startServerProcess(host, places, state)
  mark('server process started')
  const agents = await startNodes(host, places, state, mark)
  await host.step(`Starting the API server on port ${state.port}`, async () => {
    await until(
      host,
      deadline,
      `The API server is not ready; its log: drover logs server -n ${state.name}`,
      async () => {
        checkAlive(places, SERVER, server)
        return isReady(state, administrator, deadline)
      },
    )
  })
  mark('/readyz answers')
  if (options.wait && agents.size > 0) await awaitNodes(host, { places, state, administrator, agents, deadline })
  if (agents.size > 0) mark('nodes ready')
  const changed = fresh || server.fresh || [...agents.values()].some((agent) => agent.fresh)
  return { state, places, administrator, changed, milestones }
}

/** What the cluster is to be: as it was written down, or newly decided. */
async function settle(
  host: Host,
  places: Places,
  options: UpOptions,
): Promise<{ state: ClusterState; fresh: boolean }> {
  const present = readState(places)
  if (present) {
    refuseChange(present, options)
    const nodes =
      options.nodes === undefined ? present.nodes : nodesOf(present, Math.max(options.nodes, present.nodes.length))
    const state = { ...present, nodes }
    if (!runsOrIsKept(places, SERVER)) await requireFreePort(state.port)
    if (nodes.length !== present.nodes.length) writeState(places, state)
    return { state, fresh: nodes.length !== present.nodes.length }
  }
  const others = clusterNames(host.roots)
    .filter((name) => name !== places.name)
    .flatMap((name) => readState(placesOf(host.roots, name)) ?? [])
  const port = options.port ?? DEFAULT_PORT
  await requireFreePort(port)
  const networks = chooseNetworks({ clusters: others, interfaces: networkInterfaces() }, options.networks)
  makeDataDirectory(host.roots, places, options.dataDirectory)
  const base = {
    format: DATA_FORMAT,
    version: VERSION,
    name: places.name,
    createdAt: rfc3339(host.clock.now()),
    port,
    store: options.store ?? 'lmdb',
    ...(options.etcd === undefined ? {} : { etcd: options.etcd }),
    ...networks,
    nodes: [],
  } satisfies ClusterState
  const state = { ...base, nodes: nodesOf(base, options.nodes ?? 1) }
  writeState(places, state)
  return { state, fresh: true }
}

/** A running cluster is not silently turned into another. */
function refuseChange(present: ClusterState, { name, port, store, etcd, nodes, networks }: UpOptions): void {
  const network = (what: string, is: string, asked: string | undefined): string[] =>
    asked !== undefined && asked !== is ? [`${what} ${is}, not ${asked}`] : []
  const changes = [
    ...network('the pod network', present.clusterCIDR, networks?.clusterCIDR),
    ...network('the service network', present.serviceCIDR, networks?.serviceCIDR),
    ...(port !== undefined && port !== present.port ? [`port ${present.port}, not ${port}`] : []),
    ...(store !== undefined && store !== present.store ? [`store ${present.store}, not ${store}`] : []),
    ...(etcd !== undefined && present.etcd !== undefined ? etcdChanges(present.etcd, etcd) : []),
    ...(nodes !== undefined && nodes < present.nodes.length ? [`${present.nodes.length} nodes, not ${nodes}`] : []),
  ]
  if (changes.length === 0) return
  throw new UserError(`Cluster "${name}" exists with ${changes.join(', ')}`, {
    remedy: `leave that out, or delete the cluster first: drover down -n ${name}`,
  })
}

function etcdChanges(present: EtcdAccess, asked: EtcdAccess): string[] {
  return (['prefix', 'cafile', 'certfile', 'keyfile'] as const).flatMap((key) =>
    asked[key] === present[key] ? [] : [`--etcd-${key} ${present[key] ?? 'left out'}, not ${asked[key] ?? 'left out'}`],
  )
}

/** The first node is the machine; the others get the next addresses of the node network. */
export function nodesOf(state: Pick<ClusterState, 'nodeNetwork' | 'nodes'>, count: number): NodeState[] {
  if (count > MAX_NODES)
    throw new UserError(`${count} nodes are too many for one machine`, {
      remedy: `use at most ${MAX_NODES}`,
      exitCode: 2,
    })
  const nodes = [...state.nodes]
  const prefix = machineAddressOf(state).split('.').slice(0, 3).join('.')
  for (let number = 1; nodes.length < count; number++) {
    const name = `node-${number}`
    if (nodes.some((node) => node.name === name)) continue
    nodes.push({ name, address: `${prefix}.${number}`, namespace: number > 1 })
  }
  return nodes
}

async function requireFreePort(port: number): Promise<void> {
  const free = await new Promise<boolean>((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '0.0.0.0', () => probe.close(() => resolve(true)))
  })
  if (!free)
    throw new UserError(`Port ${port} is taken by another process`, { remedy: `choose another: -p ${port + 1}` })
}

function ensureCertificates(host: Host, places: Places, state: ClusterState): Administrator {
  const directory = pkiOf(places)
  const reachable = reachableNames(networkInterfaces(), hostname())
  ensureServerPki(directory, [firstServiceIP(state), machineAddressOf(state), ...reachable], host)
  ensureNodes(places, state, host)
  return ensureAdmin(directory, host)
}

async function startNodes(
  host: Host,
  places: Places,
  state: ClusterState,
  mark: (what: string) => void,
): Promise<Map<string, Started>> {
  const agents = new Map<string, Started>()
  if (state.nodes.length === 0) return agents
  mkdirSync(places.run, { recursive: true, mode: 0o755 })
  const start = async (node: NodeState): Promise<void> => {
    agents.set(node.name, await startNode(host, places, { state, node }))
  }
  // The machine's own agent needs none of the others before the server answers.
  const image = ensurePauseImage(host, places)
  const network = withSettingsKept(host, () =>
    Promise.all([
      ensureNodeNetwork(runCommand, { cluster: state.name, address: state.nodeNetwork }),
      ...state.nodes.filter(({ namespace }) => !namespace).map(start),
    ]),
  )
  await Promise.all([image, network])
  mark('agent started, pause image and node network in place')
  const others = state.nodes.filter(({ namespace }) => namespace)
  for (const node of others) await start(node)
  if (others.length > 0) mark('agents of the other nodes started')
  return agents
}

/** A node that was stopped runs again, and is ready when this resolves. */
export async function startStoppedNode(
  host: Host,
  cluster: { places: Places; state: ClusterState; administrator: Administrator },
  { name, timeoutMs }: { name: string; timeoutMs: number },
): Promise<void> {
  const { places, state } = cluster
  requireRoot(host.uid)
  const node = state.nodes.find((known) => known.name === name)
  if (node === undefined) return
  mkdirSync(nodeRunOf(places, name), { recursive: true, mode: 0o755 })
  const agents = new Map([[name, await startNode(host, places, { state, node })]])
  await awaitNodes(host, { ...cluster, agents, deadline: AbortSignal.any([host.signal, expiry(host, timeoutMs)]) })
}

async function startNode(
  host: Host,
  places: Places,
  { state, node }: { state: ClusterState; node: NodeState },
): Promise<Started> {
  if (node.namespace && !findDetached(pidFileOf(places, agentOf(node.name)))) await ensureNamespace(state, node)
  return startAgentProcess(host, places, { state, node })
}

/** A namespace that is there is kept: containers may be running in it. */
async function ensureNamespace(state: ClusterState, node: NodeState): Promise<void> {
  const names = { cluster: state.name, node: node.name }
  const name = namespaceName(names)
  if ((await listNamespaces(runCommand)).includes(name) && existsSync(`/run/netns/${name}`)) return
  const bits = state.nodeNetwork.split('/')[1] ?? '24'
  const gateway = machineAddressOf(state)
  await createNodeNamespace(runCommand, { ...names, address: `${node.address}/${bits}`, gateway })
}

interface Awaited {
  readonly places: Places
  readonly state: ClusterState
  readonly administrator: Administrator
  readonly agents: ReadonlyMap<string, Started>
  readonly deadline: AbortSignal
}

async function awaitNodes(host: Host, { places, state, administrator, agents, deadline }: Awaited): Promise<void> {
  const names = [...agents.keys()]
  const text = names.length === 1 ? `Starting node ${names[0]}` : `Starting ${names.length} nodes`
  await host.step(text, () =>
    until(host, deadline, `Not every node is ready; their logs: drover logs agent -n ${state.name}`, async () => {
      for (const [name, started] of agents) checkAlive(places, agentOf(name), started)
      // The API has whole seconds.
      const sinceMs = new Map([...agents].map(([name, { atMs }]) => [name, Math.floor(atMs / 1000) * 1000]))
      const ready = await nodesReady(state, administrator, { signal: deadline, sinceMs })
      return names.every((name) => ready.get(name))
    }),
  )
}

async function until(
  host: Host,
  signal: AbortSignal,
  failure: string,
  condition: () => Promise<boolean>,
): Promise<void> {
  try {
    while (!(await condition())) await sleep(host.clock, POLL_MS, signal)
  } catch (error) {
    if (host.signal.aborted || !signal.aborted) throw error
    throw new TooLate(failure, { remedy: 'give it longer with --timeout, or look into the log' })
  }
}

function expiry(host: Host, ms: number): AbortSignal {
  const late = new AbortController()
  host.clock.after(ms, () => late.abort(new Error('the time for it is over')))
  return late.signal
}
