// Names for what is made in the kernel: each says whose it is, so that clean-up finds it even after everything was killed.

import { createHash } from 'node:crypto'

/** What an interface is for. */
export type LinkRole =
  /** The bridge that a node's pods are plugged into. */
  | 'pods'
  /** The bridge that joins the nodes of a cluster on one machine. */
  | 'nodes'
  /** A node's cable to that bridge, at the bridge's end. */
  | 'uplink'

const LETTER: Record<LinkRole, string> = { pods: 'b', nodes: 'n', uplink: 'u' }
const CLUSTER = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const NODE = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/
const TAG_LENGTH = 6
const NODE_TAG_LENGTH = 4

function checkCluster(cluster: string): string {
  if (!CLUSTER.test(cluster))
    throw new Error(`Cannot name network of cluster: ${JSON.stringify(cluster)} is not a DNS label`)
  return cluster
}

function checkNode(node: string): string {
  if (!NODE.test(node)) throw new Error(`Cannot name network of node: ${JSON.stringify(node)} is not a DNS subdomain`)
  return node
}

/** `length` letters and digits made from the text. */
function digest(text: string, length: number): string {
  const number = createHash('sha256').update(text).digest().readBigUInt64BE()
  return number.toString(36).slice(-length).padStart(length, '0')
}

/** The cluster in at most six characters. A long name is cut and hashed behind an underscore, which no cluster's own name can have. */
export function clusterTag(cluster: string): string {
  checkCluster(cluster)
  return cluster.length <= TAG_LENGTH ? cluster : `${cluster.slice(0, 2)}_${digest(cluster, 3)}`
}

/** The beginning of every interface of a cluster: `dr?-TAG-`. */
const linkPattern = (cluster: string): RegExp =>
  new RegExp(`^dr[bnu]-${clusterTag(cluster)}-[0-9a-z]{${NODE_TAG_LENGTH}}$`)

/** At most 15 characters, the kernel's limit: `drb-mine-k3f9`. */
export function linkName(role: LinkRole, { cluster, node }: { cluster: string; node?: string }): string {
  const tag = node === undefined ? '0'.repeat(NODE_TAG_LENGTH) : digest(checkNode(node), NODE_TAG_LENGTH)
  return `dr${LETTER[role]}-${clusterTag(cluster)}-${tag}`
}

export const isLinkOf = (cluster: string, name: string): boolean => linkPattern(cluster).test(name)

/** `drover-CLUSTER.NODE`: a cluster's name has no dot, so no cluster's names begin with those of another. */
export const namespaceName = ({ cluster, node }: { cluster: string; node: string }): string =>
  `drover-${checkCluster(cluster)}.${checkNode(node)}`

export const isNamespaceOf = (cluster: string, name: string): boolean =>
  name.startsWith(`drover-${checkCluster(cluster)}.`)

/** `drover-CLUSTER` for services, `drover-CLUSTER/PART` for the other parts. */
export function tableName(cluster: string, part?: 'pods' | 'policy'): string {
  return `drover-${checkCluster(cluster)}${part === undefined ? '' : `/${part}`}`
}

export const isTableOf = (cluster: string, name: string): boolean =>
  name === tableName(cluster) || name.startsWith(`${tableName(cluster)}/`)
