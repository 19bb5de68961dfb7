// A cluster of one node whose two programs this test starts and kills itself: no command line and no supervisor between them.

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { rfc3339, systemClock } from '../../../src/base/clock.ts'
import { createLogger } from '../../../src/base/log.ts'
import { readProcess } from '../../../src/base/node/processes.ts'
import { systemRandom } from '../../../src/base/random.ts'
import type { Host } from '../../../src/cluster/host.ts'
import { ensurePauseImage, importFile } from '../../../src/cluster/images.ts'
import { chooseNetworks } from '../../../src/cluster/networks.ts'
import { ensureAuthority, ensureNodePki } from '../../../src/cluster/pki.ts'
import * as at from '../../../src/cluster/places.ts'
import { type ClusterState, machineAddressOf, writeState } from '../../../src/cluster/state.ts'
import { nodesOf } from '../../../src/cluster/up.ts'
import { DATA_FORMAT, VERSION } from '../../../src/cluster/version.ts'
import { runCommand } from '../../../src/netlink/command.ts'
import { linkName } from '../../../src/netlink/names.ts'
import { ensureNodeNetwork } from '../../../src/netlink/node-namespace.ts'
import { type Program, type ServerPlace, spawnProgram } from '../../robustness/server-process.ts'
import { freePort, makePlace, type Place } from '../cluster/fixture.ts'
import { NOTHING, traces } from '../cluster/host-traces.ts'
import { BUSYBOX } from '../node-runtime/fixture.ts'
import { writeImageArchive } from '../node-runtime/oci-archive.ts'

export const CLUSTER = 'survival'
export const NODE = 'node-1'

/** What is killed. */
export type Part = 'server' | 'agent'

export interface Machine extends Disposable {
  readonly place: Place
  readonly server: ServerPlace
  start(part: Part): Program
  /** Every container and sandbox that runs: who its first process is, by id. */
  tasks(): Map<string, string>
  /** Takes the cluster down; nothing of it may be left. */
  removed(): void
}

/** Everything that `drover up` makes before it starts anything. */
export async function makeMachine(): Promise<Machine> {
  using stack = new DisposableStack()
  const place = stack.use(makePlace())
  const host = hostOf(place)
  const places = at.placesOf(host.roots, CLUSTER)
  at.makeDataDirectory(host.roots, places, undefined)
  const networks = chooseNetworks({ clusters: [], interfaces: networkInterfaces() })
  const state: ClusterState = {
    format: DATA_FORMAT,
    version: VERSION,
    name: CLUSTER,
    createdAt: rfc3339(host.clock.now()),
    port: Number(await freePort()),
    store: 'lmdb',
    ...networks,
    nodes: nodesOf({ ...networks, nodes: [] }, 1),
  }
  writeState(places, state)
  const authority = ensureAuthority(at.pkiOf(places), host)
  const pki = join(at.nodeDataOf(places, NODE), 'pki')
  ensureNodePki({ authority, directory: pki }, { name: NODE, addresses: [machineAddressOf(state)] }, host)
  await ensureNodeNetwork(runCommand, { cluster: CLUSTER, address: state.nodeNetwork })
  await ensurePauseImage(host, places)
  const archive = join(place.data, 'busybox.tar')
  await writeImageArchive(archive, { [BUSYBOX]: ['sleep', '1000000'] })
  await importFile(host, places, { file: archive })
  mkdirSync(places.run, { recursive: true })
  const argv = { server: serverArguments(places, state), agent: agentArguments(places, state) }
  const kept = stack.move()
  return {
    place,
    server: { directory: places.data, port: state.port },
    start: (part) => spawnProgram(argv[part]),
    tasks: () => tasksOf(at.containerdPathsOf(places, NODE).state),
    removed() {
      const links = [linkName('nodes', { cluster: CLUSTER }), linkName('pods', { cluster: CLUSTER, node: NODE })]
      place.must('down', '-n', CLUSTER)
      assert.deepEqual(traces({ marks: [place.data, place.run, `drover-${CLUSTER}`, ...links] }), NOTHING)
    },
    [Symbol.dispose]: () => kept.dispose(),
  }
}

function hostOf(place: Place): Host {
  return {
    clock: systemClock,
    random: systemRandom,
    log: createLogger({ clock: systemClock, level: 'error', write: (line) => void process.stderr.write(line) }),
    environment: { PATH: process.env['PATH'] ?? '' },
    roots: { data: place.data, run: place.run },
    program: [process.execPath],
    uid: 0,
    signal: new AbortController().signal,
    step: (_text, work) => work(),
  }
}

function serverArguments(places: at.Places, state: ClusterState): string[] {
  return [
    'server',
    ...['--data-dir', places.data],
    ...['--port', String(state.port)],
    ...['--advertise-address', machineAddressOf(state)],
    ...['--cluster-cidr', state.clusterCIDR],
    ...['--service-cidr', state.serviceCIDR],
  ]
}

function agentArguments(places: at.Places, state: ClusterState): string[] {
  return [
    'agent',
    ...['--server', `https://127.0.0.1:${state.port}`],
    ...['--cluster', CLUSTER],
    ...['--node-name', NODE],
    ...['--node-ip', machineAddressOf(state)],
    ...['--data-dir', at.nodeDataOf(places, NODE)],
    ...['--run-dir', at.nodeRunOf(places, NODE)],
    ...['--cgroup-root', at.cgroupOf(CLUSTER, NODE)],
    ...['--cluster-cidr', state.clusterCIDR],
    ...['--service-cidr', state.serviceCIDR],
    ...['--images', at.imagesOf(places)],
  ]
}

/** From what the shims keep on disk, so that neither program is asked about itself. */
function tasksOf(state: string): Map<string, string> {
  const directory = join(state, 'run', 'io.containerd.runtime.v2.task', 'k8s.io')
  return new Map(
    readdirSync(directory).flatMap((id): [string, string][] => {
      try {
        const pid = Number(readFileSync(join(directory, id, 'init.pid'), 'utf8'))
        const info = readProcess(pid)
        return info === undefined ? [] : [[id, `${pid} since ${info.startTime}`]]
      } catch {
        // It is being made or removed just now.
        return []
      }
    }),
  )
}
