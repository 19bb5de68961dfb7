// Chooses a cluster's networks so that clusters live side by side on one machine, and with what else the machine is connected to.

import type { NetworkInterfaceInfo } from 'node:os'
import { UserError } from '../base/node/user-error.ts'
import type { ClusterState } from './state.ts'

export type Networks = Pick<ClusterState, 'clusterCIDR' | 'serviceCIDR' | 'nodeNetwork'>

/** The first network of each sort is the one that Kubernetes' tools use, the next cluster takes the next. */
const CLUSTERS = 100

export interface TakenNetworks {
  /** The states of the other clusters here. */
  readonly clusters: readonly (Networks & Pick<ClusterState, 'name'>)[]
  readonly interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>
}

export function networksOf(index: number): Networks {
  // 10.244 … 10.255, then 10.200 … 10.243, and so on downwards, past the services at 10.96 … 10.195.
  const pods = index < 12 ? 244 + index : index < 56 ? 188 + index : index - 56
  return {
    clusterCIDR: `10.${pods}.0.0/16`,
    serviceCIDR: `10.${96 + index}.0.0/16`,
    nodeNetwork: `172.29.${index}.1/24`,
  }
}

/** `wanted`: what the user named; it is taken as it is, or refused. */
export function chooseNetworks(
  { clusters, interfaces }: TakenNetworks,
  wanted: { clusterCIDR?: string | undefined; serviceCIDR?: string | undefined } = {},
): Networks {
  const links = Object.entries(interfaces).flatMap(([link, infos]) =>
    (infos ?? []).flatMap(({ family, cidr }) =>
      family === 'IPv4' && cidr ? [{ network: cidr, by: `interface ${link}` }] : [],
    ),
  )
  const others = clusters.flatMap(({ name, clusterCIDR, serviceCIDR, nodeNetwork }) =>
    [clusterCIDR, serviceCIDR, nodeNetwork].map((network) => ({ network, by: `cluster "${name}"` })),
  )
  const named = [
    { network: wanted.clusterCIDR, by: 'the pods' },
    { network: wanted.serviceCIDR, by: 'the services' },
  ].flatMap(({ network, by }) => (network === undefined ? [] : [{ network, by }]))
  for (const [index, { network }] of named.entries()) {
    const other = [...links, ...others, ...named.slice(0, index)].find((used) => overlap(network, used.network))
    if (other)
      throw new UserError(`The network ${network} meets ${other.network} of ${other.by}`, {
        remedy: 'name another one, or none: a free one is chosen then',
      })
  }
  const chosen = chooseFree([...links, ...others, ...named].map(({ network }) => network))
  return {
    ...chosen,
    clusterCIDR: wanted.clusterCIDR ?? chosen.clusterCIDR,
    serviceCIDR: wanted.serviceCIDR ?? chosen.serviceCIDR,
  }
}

function chooseFree(taken: readonly string[]): Networks {
  for (let index = 0; index < CLUSTERS - 4; index++) {
    const networks = networksOf(index)
    const wanted = [networks.clusterCIDR, networks.serviceCIDR, networks.nodeNetwork]
    if (wanted.every((network) => !taken.some((other) => overlap(network, other)))) return networks
  }
  throw new UserError('Every network that a new cluster could take is taken', {
    remedy: 'delete a cluster that is not needed any more: drover ls',
  })
}

/** Whether two IPv4 networks share an address. */
export function overlap(a: string, b: string): boolean {
  const [first, second] = [parse(a), parse(b)]
  const bits = Math.min(first.bits, second.bits)
  const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0
  return (first.address & mask) >>> 0 === (second.address & mask) >>> 0
}

function parse(cidr: string): { address: number; bits: number } {
  const [address = '', bits = '32'] = cidr.split('/')
  return { address: address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0), bits: Number(bits) }
}
