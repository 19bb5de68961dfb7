// A node in a network namespace of its own: a bridge on the machine, a cable from it to each node, the way out for all of them.

import type { RunCommand } from './command.ts'
import { inNamespace } from './command.ts'
import { createVeth, deleteLink, ensureBridge, setAddress, setRoute } from './links.ts'
import { clusterTag, linkName, namespaceName, tableName } from './names.ts'
import { createNamespace, deleteNamespace } from './namespaces.ts'
import type { Table } from './nft/model.ts'
import { PRIORITY } from './nft/model.ts'
import { ipv4Range, ipv4Text } from './nft/ranges.ts'
import { appliedTables } from './nft/tables.ts'
import { writeSetting } from './sysctl.ts'

/** The interface a node in a namespace sees. */
export const NODE_LINK = 'eth0'

export interface NodeNetworkOptions {
  readonly cluster: string
  /** The machine's address on the bridge and the prefix of all nodes: `172.29.0.1/24`. */
  readonly address: string
}

export interface NodeNamespaceOptions {
  readonly cluster: string
  readonly node: string
  /** The node's address with its prefix length: `172.29.0.2/24`. */
  readonly address: string
  /** The machine's address on the bridge, the node's way out. */
  readonly gateway: string
}

/** The network of all addresses like this one: `172.29.0.1/24` → `172.29.0.0/24`. */
function networkOf(address: string): string {
  const range = ipv4Range(address)
  if (range === undefined)
    throw new Error(`Cannot make node network: ${JSON.stringify(address)} is not an IPv4 address with a prefix length`)
  return `${ipv4Text(range.first)}/${address.split('/')[1] ?? ''}`
}

/** What leaves the nodes' own network takes the machine's address: nobody outside knows theirs. Pure. */
export function compileNodeNetwork({ cluster, address }: NodeNetworkOptions): Table {
  const network = networkOf(address)
  return {
    family: 'ip',
    name: nodeTableName(cluster),
    sets: new Map(),
    chains: new Map([
      [
        'nat-postrouting',
        {
          hook: { type: 'nat', hook: 'postrouting', priority: PRIORITY.srcnat },
          rules: [
            {
              statements: [
                { kind: 'match', key: ['ip saddr'], values: [network] },
                { kind: 'match', key: ['oifname'], values: [linkName('nodes', { cluster })], not: true },
                { kind: 'match', key: ['oifname'], values: [`drb-${clusterTag(cluster)}-*`], not: true },
                { kind: 'match', key: ['fib daddr type'], values: ['local'], not: true },
                { kind: 'masquerade' },
              ],
              comment: 'nodes to the outside',
            },
          ],
        },
      ],
    ]),
  }
}

const nodeTableName = (cluster: string): string => `${tableName(cluster)}/nodes`

/** The bridge that nodes in namespaces are joined by. May be repeated. */
export async function ensureNodeNetwork(run: RunCommand, options: NodeNetworkOptions): Promise<void> {
  await ensureBridge(run, { name: linkName('nodes', options), address: options.address })
  await writeSetting(run, 'net/ipv4/ip_forward', 1)
  await appliedTables(run).apply(compileNodeNetwork(options))
}

export async function deleteNodeNetwork(run: RunCommand, { cluster }: { cluster: string }): Promise<void> {
  await appliedTables(run).remove({ family: 'ip', name: nodeTableName(cluster) })
  await deleteLink(run, linkName('nodes', { cluster }))
}

/** Makes the node's namespace anew and returns its name; `ip netns exec NAME …` runs a process as if on that node. */
export async function createNodeNamespace(run: RunCommand, options: NodeNamespaceOptions): Promise<string> {
  const { address, gateway, cluster } = options
  networkOf(address)
  const name = namespaceName(options)
  const uplink = linkName('uplink', options)
  await deleteNodeNamespace(run, options)
  await createNamespace(run, name)
  await createVeth(run, { name: uplink, peer: NODE_LINK, peerNamespace: name, master: linkName('nodes', { cluster }) })
  const inside = inNamespace(run, name)
  await setAddress(inside, { link: NODE_LINK, address })
  await setRoute(inside, { to: 'default', via: gateway })
  await writeSetting(inside, 'net/ipv4/ip_forward', 1)
  return name
}

export async function deleteNodeNamespace(run: RunCommand, names: { cluster: string; node: string }): Promise<void> {
  // The cable first: a namespace that still has processes keeps its end alive.
  await deleteLink(run, linkName('uplink', names))
  await deleteNamespace(run, namespaceName(names))
}
