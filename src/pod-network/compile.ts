// Compiles what a node's pods need to reach each other and the outside: bridge, CNI configuration, masquerade table, routes. Pure.

import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { Node } from '../api/core/node/node.ts'
import type { Route } from '../netlink/links.ts'
import { linkName, tableName } from '../netlink/names.ts'
import type { Rule, Table } from '../netlink/nft/model.ts'
import { PRIORITY } from '../netlink/nft/model.ts'
import { ipv4Range, ipv4Text, isIPv4 } from '../netlink/nft/ranges.ts'

/** Facts of this node that do not change while it lives. */
export interface PodNetworkPlace {
  readonly cluster: string
  readonly node: string
  /** The addresses of all pods of the cluster. */
  readonly clusterCIDR: string
  /** Where the CNI plugin that hands out addresses keeps its books; of this node alone. */
  readonly ipamDir: string
  /** Of the pods' interfaces and of the bridge; the kernel's choice when absent. */
  readonly mtu?: number
}

export interface PodNetworkPlan {
  readonly bridge: string
  /** The bridge's address with its prefix length: the pods' gateway. */
  readonly gateway: string
  readonly table: Table
  /** The text of the CNI configuration list. */
  readonly conflist: string
}

const CNI_VERSION = '1.0.0'
/** A prefix must have room for the network's address, the gateway, the broadcast address and a pod. */
const MAX_POD_PREFIX = 30

/** Undefined as long as the node has no (IPv4) podCIDR. */
export function compile(node: DeepReadonly<Node> | undefined, place: PodNetworkPlace): PodNetworkPlan | undefined {
  const podCIDR = podCIDROf(node)
  if (podCIDR === undefined) return undefined
  const bits = podCIDR.split('/')[1] ?? ''
  const bridge = linkName('pods', place)
  const gateway = ipv4Text((ipv4Range(podCIDR)?.first ?? 0) + 1)
  return {
    bridge,
    gateway: `${gateway}/${bits}`,
    table: masqueradeTable(podCIDR, bridge, place),
    conflist: conflist({ podCIDR, bridge, gateway }, place),
  }
}

/** The node's first IPv4 prefix for pods. */
export function podCIDROf(node: DeepReadonly<Node> | undefined): string | undefined {
  const candidates = [node?.spec?.podCIDR, ...(node?.spec?.podCIDRs ?? [])]
  return candidates.find(
    (cidr) => cidr !== undefined && ipv4Range(cidr) !== undefined && Number(cidr.split('/')[1]) <= MAX_POD_PREFIX,
  )
}

/** Nobody outside knows pods' addresses, so what goes there takes the node's. Pods among themselves keep theirs. */
function masqueradeTable(podCIDR: string, bridge: string, { cluster, clusterCIDR }: PodNetworkPlace): Table {
  const toOutside: Rule = {
    statements: [
      { kind: 'match', key: ['ip saddr'], values: [podCIDR] },
      { kind: 'match', key: ['ip daddr'], values: [clusterCIDR, '224.0.0.0/4'], not: true },
      { kind: 'match', key: ['oifname'], values: [bridge], not: true },
      { kind: 'masquerade' },
    ],
    comment: 'pods to the outside',
  }
  return {
    family: 'ip',
    name: tableName(cluster, 'pods'),
    sets: new Map(),
    chains: new Map([
      [
        'nat-postrouting',
        { hook: { type: 'nat', hook: 'postrouting', priority: PRIORITY.srcnat }, rules: [toOutside] },
      ],
    ]),
  }
}

/** Without `ipMasq` and without the portmap plugin, which would need iptables: both are ours. The runtime adds the loopback itself. */
function conflist(net: { podCIDR: string; bridge: string; gateway: string }, place: PodNetworkPlace): string {
  const bridge = {
    type: 'bridge',
    bridge: net.bridge,
    isGateway: true,
    // A pod that reaches itself through a service comes back by the port it left by.
    hairpinMode: true,
    ...(place.mtu === undefined ? {} : { mtu: place.mtu }),
    ipam: {
      type: 'host-local',
      dataDir: place.ipamDir,
      ranges: [[{ subnet: net.podCIDR, gateway: net.gateway }]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  }
  return `${JSON.stringify({ cniVersion: CNI_VERSION, name: `drover-${place.cluster}`, plugins: [bridge] }, undefined, 2)}\n`
}

/** How to reach the pods of the other nodes. A node that shares an address with us is on this very host: nothing to route. */
export function compileRoutes(nodes: readonly DeepReadonly<Node>[], self: string): Route[] {
  const mine = new Set(addressesOf(nodes.find((node) => node.metadata.name === self)))
  const routes = new Map<string, Route>()
  for (const node of nodes) {
    const podCIDR = podCIDROf(node)
    const [via] = addressesOf(node)
    if (node.metadata.name === self || podCIDR === undefined || via === undefined || mine.has(via)) continue
    const range = ipv4Range(podCIDR)
    // As the kernel writes it, so that comparing with what it has finds no difference.
    const to = `${ipv4Text(range?.first ?? 0)}/${podCIDR.split('/')[1] ?? ''}`
    routes.set(to, { to, via })
  }
  return [...routes.values()].sort((a, b) => (a.to < b.to ? -1 : 1))
}

function addressesOf(node: DeepReadonly<Node> | undefined): string[] {
  return (node?.status?.addresses ?? []).flatMap(({ type, address }) =>
    type === 'InternalIP' && isIPv4(address) ? [address] : [],
  )
}

/** What to do so that the kernel's routes become ours. Routes beyond the cluster's pods, as of another cluster here, are not looked at. */
export function routeChanges(
  want: readonly Route[],
  have: readonly Route[],
  clusterCIDR: string,
): { set: Route[]; remove: Route[] } {
  const isPods = ({ to }: Route): boolean => {
    const [all, one] = [ipv4Range(clusterCIDR), ipv4Range(to.includes('/') ? to : `${to}/32`)]
    return all !== undefined && one !== undefined && one.first >= all.first && one.last <= all.last
  }
  const isSame = (a: Route, b: Route): boolean => a.to === b.to && a.via === b.via
  return {
    set: want.filter((route) => !have.some((other) => isSame(route, other))),
    remove: have.filter((route) => isPods(route) && !want.some((other) => other.to === route.to)),
  }
}
