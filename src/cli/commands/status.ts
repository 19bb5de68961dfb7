// `drover ls`, `drover status`, `drover get …`: which clusters there are, and what runs of them.

import { type Command, NAME_OPTION, nameOf, OUTPUT_OPTION } from '../command.ts'
import { wantsJSON } from '../inputs.ts'
import { bytesText, type Session, table } from '../session.ts'

interface Listed {
  readonly name: string
  readonly status: 'running' | 'partly running' | 'stopped' | 'unusable'
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

export const status: Command = {
  use: 'status',
  short: 'Show every process of a cluster, and whether it is ready',
  options: [NAME_OPTION, OUTPUT_OPTION],
  async run(session, given) {
    const { findCluster, administratorOf } = await import('../clusters.ts')
    const { clusterProcesses } = await import('../../cluster/processes.ts')
    const { isReady, nodesReady } = await import('../../cluster/api.ts')
    const found = findCluster(session, given)
    const { state, places } = found
    const processes = clusterProcesses(places, state, session.clock)
    const administrator = administratorOf(session, found)
    const running = processes.some(({ name }) => name === 'server')
    const ready = running && (await isReady(state, administrator, session.signal))
    const readiness = ready
      ? await nodesReady(state, administrator, { signal: session.signal })
      : new Map<string, boolean>()
    const nodes = state.nodes.map(({ name, address }) => ({ name, address, ready: readiness.get(name) ?? false }))
    const healthy = ready && nodes.every((node) => node.ready)
    if (wantsJSON(given)) {
      const document = {
        schemaVersion: 1,
        name: state.name,
        version: state.version,
        ready: healthy,
        server: { url: `https://127.0.0.1:${state.port}`, ready },
        nodes,
        processes,
        networks: { pods: state.clusterCIDR, services: state.serviceCIDR, nodes: state.nodeNetwork },
        dataDirectory: places.data,
      }
      session.out(`${JSON.stringify(document, undefined, 2)}\n`)
      return healthy ? 0 : 1
    }
    session.out(`Cluster ${state.name}: ${healthy ? 'ready' : processes.length > 0 ? 'not ready' : 'stopped'}\n`)
    session.out(`API server: https://127.0.0.1:${state.port} (${ready ? 'ready' : 'not ready'})\n`)
    for (const node of nodes)
      session.out(`Node ${node.name}: ${node.address} (${node.ready ? 'ready' : 'not ready'})\n`)
    if (processes.length > 0) {
      session.out('\n')
      session.out(
        table(['PROCESS', 'NODE', 'PID', 'MEMORY', 'CPU TIME', 'RESTARTS', 'SINCE'], processes.map(processRow)),
      )
    }
    return healthy ? 0 : 1
  },
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
  const { clusterNames, placesOf } = await import('../../cluster/places.ts')
  const { readState } = await import('../../cluster/state.ts')
  const { clusterProcesses } = await import('../../cluster/processes.ts')
  return clusterNames(session.roots).map((name) => {
    const places = placesOf(session.roots, name)
    try {
      const state = readState(places)
      if (!state) return { name, status: 'unusable', server: '', nodes: 0, dataDirectory: places.data }
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
