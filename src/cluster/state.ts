// What a cluster is, written down: its networks, its port, its nodes. The one file from which everything else can be started again.

import { makeParent, readJSONIfExists, readTextIfExists, writeFileAtomic } from '../base/node/files.ts'
import { UserError } from '../base/node/user-error.ts'
import { type Places, stateFileOf } from './places.ts'
import { DATA_FORMAT, VERSION } from './version.ts'

export type StoreKind = 'lmdb' | 'memory' | `etcd=${string}`

/** How the etcd of a cluster's objects is spoken to: below which keys, with which files. */
export interface EtcdAccess {
  readonly prefix: string
  readonly cafile?: string
  readonly certfile?: string
  readonly keyfile?: string
}

export interface NodeState {
  readonly name: string
  /** Its address on the cluster's node network. */
  readonly address: string
  /** The first node is the machine itself; each further one has a network namespace. */
  readonly namespace: boolean
}

export interface ClusterState {
  readonly format: number
  readonly version: string
  readonly name: string
  readonly createdAt: string
  readonly port: number
  readonly store: StoreKind
  /** With a store that is an etcd. */
  readonly etcd?: EtcdAccess
  /** `10.244.0.0/16` */
  readonly clusterCIDR: string
  readonly serviceCIDR: string
  /** The machine's address on the node network with its prefix: `172.29.0.1/24`. */
  readonly nodeNetwork: string
  readonly nodes: readonly NodeState[]
}

/** The state of a cluster; undefined when there is none. Throws when another version of Drover wrote it. */
export function readState(places: Places): ClusterState | undefined {
  const path = stateFileOf(places)
  if (readTextIfExists(path) === undefined) return undefined
  const value = readJSONIfExists(path)
  if (typeof value !== 'object' || value === null || !('format' in value) || !('version' in value))
    throw new UserError(`Cannot read "${path}": it is not a cluster's state`, {
      remedy: `delete the cluster: drover down -n ${places.name}`,
    })
  if (value.format !== DATA_FORMAT)
    throw new UserError(
      `Cannot use "${places.data}": Drover ${String(value.version)} wrote it in form ${String(value.format)}, this is Drover ${VERSION} with form ${DATA_FORMAT}`,
      { remedy: `use that version, or delete the cluster with its data: drover down -n ${places.name}` },
    )
  return value as unknown as ClusterState
}

export function writeState(places: Places, state: ClusterState): void {
  const path = stateFileOf(places)
  makeParent(path)
  writeFileAtomic(path, `${JSON.stringify(state, undefined, 2)}\n`)
}

/** The address of the first service, which is `kubernetes`. */
export function firstServiceIP(state: Pick<ClusterState, 'serviceCIDR'>): string {
  const [network = ''] = state.serviceCIDR.split('/')
  const bytes = network.split('.').map(Number)
  return [...bytes.slice(0, 3), (bytes[3] ?? 0) + 1].join('.')
}

/** The machine's address on the node network, under which every node and pod reaches the API server. */
export function machineAddressOf(state: Pick<ClusterState, 'nodeNetwork'>): string {
  return state.nodeNetwork.split('/')[0] ?? ''
}

export function serverURLOf(state: Pick<ClusterState, 'port'>): string {
  return `https://127.0.0.1:${state.port}`
}
