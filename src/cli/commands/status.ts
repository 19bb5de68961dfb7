// `drover ls`, `drover status`, `drover get …`: which clusters there are, and what runs of them.

import { sleep } from '../../base/clock.ts'
import type { Found } from '../clusters.ts'
import { type Command, NAME_OPTION, nameOf, OUTPUT_OPTION } from '../command.ts'
import { wantsJSON } from '../inputs.ts'
import { bytesText, type Session, table } from '../session.ts'

interface Listed {
  readonly name: string
  /** `joined`: the node of a cluster elsewhere. */
  readonly status: 'running' | 'partly running' | 'stopped' | 'joined' | 'unusable'
  readonly server: string
  readonly nodes: number
  readonly dataDirectory: string
}

export const ls: Command = {
  use: 'ls',
  short: 'List the clusters of this machine',
  options: [OUTPUT_OPTION],
  async run(session, given) {
    const clusters = await listClusters(session)
    if (wantsJSON(given)) return session.out(`${JSON.stringify({ schemaVersion: 1, clusters }, undefined, 2)}\n`)
    if (clusters.length === 0) return session.err('No clusters. Start one: drover up\n')
    const rows = clusters.map(({ name, status, server, nodes }) => [name, status, server, String(nodes)])
    session.out(table(['NAME', 'STATUS', 'SERVER', 'NODES'], rows))
  },
}

export const getClusters: Command = {
  use: 'get clusters',
  short: 'List the names of the clusters',
  async run(session) {
    const { clusterNames } = await import('../../cluster/places.ts')
    const names = clusterNames(session.roots)
    if (names.length === 0) session.err('No clusters. Start one: drover up\n')
    for (const name of names) session.out(`${name}\n`)
  },
}

export const getNodes: Command = {
  use: 'get nodes',
  short: 'List the names of the nodes of a cluster',
  options: [NAME_OPTION, { flags: '-A, --all', about: 'of every cluster' }],
  async run(session, given) {
    const { clusterNames } = await import('../../cluster/places.ts')
    const { findNamed } = await import('../clusters.ts')
    const names = given.flag('all') ? clusterNames(session.roots) : [nameOf(session, given)]
    for (const name of names) for (const node of findNamed(session, name).state.nodes) session.out(`${node.name}\n`)
  },
}

const WATCH_MS = 1000
const CLEAR = '\x1b[2J\x1b[H'

export const status: Command = {
  use: 'status',
  short: 'Show every process of a cluster, and whether it is ready',
  options: [NAME_OPTION, OUTPUT_OPTION, { flags: '-w, --watch', about: 'go on, and show it again when it changes' }],
  async run(session, given) {
    const { findCluster } = await import('../clusters.ts')
    const json = wantsJSON(given)
    if (!given.flag('watch')) {
      const shown = await look(session, findCluster(session, given))
      session.out(json ? `${JSON.stringify(shown, undefined, 2)}\n` : statusText(shown))
      return shown.ready ? 0 : 1
    }
    let last = ''
    while (!session.signal.aborted) {
      const shown = await look(session, findCluster(session, given))
      if (session.signal.aborted) break
      const changed = whatMatters(shown)
      // A terminal is kept up to date; elsewhere only what has changed is told, in JSON a line each.
      if (session.terminal && !json) session.out(CLEAR + statusText(shown))
      else if (changed !== last) session.out(json ? `${JSON.stringify(shown)}\n` : `${statusText(shown)}\n`)
      last = changed
      await sleep(session.clock, WATCH_MS, session.signal).catch(() => {})
    }
    return 0
  },
}

interface Shown {
  readonly schemaVersion: 1
  readonly name: string
  readonly version: string
  /** The server and every node. */
  readonly ready: boolean
  readonly server: { readonly url: string; readonly ready: boolean }
  readonly nodes: readonly { readonly name: string; readonly address: string; readonly ready: boolean }[]
  readonly processes: readonly ShownProcess[]
  /** Programs that ended and wait to be started again. */
  readonly failing: readonly { readonly name: string; readonly ends: number; readonly lastCode: number }[]
  readonly networks: { readonly pods: string; readonly services: string; readonly nodes: string }
  readonly dataDirectory: string
}

async function look(session: Session, found: Found): Promise<Shown> {
  const { administratorOf } = await import('../clusters.ts')
  const { clusterProcesses, failingProcesses } = await import('../../cluster/processes.ts')
  const { isReady, nodesReady } = await import('../../cluster/api.ts')
  const { state, places } = found
  const { signal } = session
  const processes = clusterProcesses(places, state, session.clock)
  const administrator = administratorOf(session, found)
  const running = processes.some(({ name }) => name === 'server')
  const ready = running && (await isReady(state, administrator, signal))
  const readiness = ready ? await nodesReady(state, administrator, { signal }) : new Map<string, boolean>()
  // The API notices only after a while that an agent is gone.
  const runs = (node: string): boolean => processes.some(({ name, node: on }) => name === 'agent' && on === node)
  const nodes = state.nodes.map(({ name, address }) => {
    return { name, address, ready: (readiness.get(name) ?? false) && runs(name) }
  })
  return {
    schemaVersion: 1,
    name: state.name,
    version: state.version,
    ready: ready && nodes.every((node) => node.ready),
    server: { url: `https://127.0.0.1:${state.port}`, ready },
    nodes,
    processes,
    failing: failingProcesses(places, state),
    networks: { pods: state.clusterCIDR, services: state.serviceCIDR, nodes: state.nodeNetwork },
    dataDirectory: places.data,
  }
}

/** Without the figures, which change all the time. */
const whatMatters = ({ processes, ...rest }: Shown): string =>
  JSON.stringify([rest, processes.map(({ name, node, pid, restarts }) => [name, node, pid, restarts])])

function statusText({ name, ready, server, nodes, processes, failing }: Shown): string {
  const word = (is: boolean): string => (is ? 'ready' : 'not ready')
  const lines = [
    `Cluster ${name}: ${ready || processes.length > 0 ? word(ready) : 'stopped'}`,
    `API server: ${server.url} (${word(server.ready)})`,
    ...nodes.map((node) => `Node ${node.name}: ${node.address} (${word(node.ready)})`),
    ...failing.map(
      ({ name: program, ends, lastCode }) =>
        `The ${program} ended ${ends === 1 ? 'once' : `${ends} times`}, last with code ${lastCode}; it is started again. Its log: drover logs ${program.split('-')[0] ?? ''} -n ${name}`,
    ),
  ]
  const head = ['PROCESS', 'NODE', 'PID', 'MEMORY', 'CPU TIME', 'RESTARTS', 'SINCE']
  const rows = processes.length > 0 ? `\n${table(head, processes.map(processRow))}` : ''
  return `${lines.join('\n')}\n${rows}`
}

interface ShownProcess {
  readonly name: string
  readonly node?: string
  readonly pid: number
  readonly rssBytes: number
  readonly cpuSeconds: number
  readonly startedAt: string
  readonly restarts?: number
}

function processRow({ name, node, pid, rssBytes, cpuSeconds, startedAt, restarts }: ShownProcess): string[] {
  const figures = [bytesText(rssBytes), `${cpuSeconds.toFixed(2)} s`, restarts === undefined ? '-' : String(restarts)]
  return [name, node ?? '-', String(pid), ...figures, startedAt]
}

async function listClusters(session: Session): Promise<Listed[]> {
  const { clusterNames, joinedNodes, placesOf } = await import('../../cluster/places.ts')
  const { readState } = await import('../../cluster/state.ts')
  const { clusterProcesses } = await import('../../cluster/processes.ts')
  return clusterNames(session.roots).map((name) => {
    const places = placesOf(session.roots, name)
    try {
      const state = readState(places)
      if (!state) {
        const nodes = joinedNodes(places)
        const status = nodes.length > 0 ? 'joined' : 'unusable'
        return { name, status, server: '', nodes: nodes.length, dataDirectory: places.data }
      }
      const running = new Set(
        clusterProcesses(places, state, session.clock).map((process) => process.name + (process.node ?? '')),
      )
      const wanted = ['server', ...state.nodes.map((node) => `agent${node.name}`)]
      const count = wanted.filter((process) => running.has(process)).length
      return {
        name,
        status: count === wanted.length ? 'running' : count > 0 ? 'partly running' : 'stopped',
        server: `https://127.0.0.1:${state.port}`,
        nodes: state.nodes.length,
        dataDirectory: places.data,
      }
    } catch {
      return { name, status: 'unusable', server: '', nodes: 0, dataDirectory: places.data }
    }
  })
}
