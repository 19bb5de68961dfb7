// Reads a cluster's configuration file, in Drover's own form, kind's or k3d's: what it asks for, and what of it is left out here.

import { isIPv4 } from 'node:net'
import { UserError } from '../base/node/user-error.ts'
import type { StoreKind } from './state.ts'

export interface ClusterConfig {
  readonly name?: string | undefined
  readonly port?: number | undefined
  readonly nodes?: number | undefined
  readonly store?: StoreKind | undefined
  readonly dataDirectory?: string | undefined
  readonly clusterCIDR?: string | undefined
  readonly serviceCIDR?: string | undefined
  readonly wait?: boolean | undefined
  /** A duration as it was written: `60s`. */
  readonly timeout?: string | undefined
  readonly keepContext?: boolean | undefined
  /** What the file asks for and does not get, a line each. */
  readonly warnings: readonly string[]
}

export const CONFIG_API_VERSION = 'drover.dev/v1alpha1'
const KIND_API_VERSION = 'kind.x-k8s.io/v1alpha4'
const K3D_API_VERSION = /^k3d\.io\/v1(alpha[2-5]|beta1)$/

type Fields = Record<string, unknown>

export async function loadClusterConfig(text: string): Promise<ClusterConfig> {
  const { parse } = await import('yaml')
  let value: unknown
  try {
    value = parse(text, { maxAliasCount: 100 })
  } catch (error) {
    throw wrong(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error))
  }
  const fields = mapping(value, 'the file')
  const { apiVersion, kind } = fields
  if (apiVersion === CONFIG_API_VERSION && kind === 'Cluster') return ownForm(fields)
  if (apiVersion === KIND_API_VERSION && kind === 'Cluster') return kindForm(fields)
  if (typeof apiVersion === 'string' && K3D_API_VERSION.test(apiVersion) && kind === 'Simple') return k3dForm(fields)
  throw wrong(`it must begin with "apiVersion: ${CONFIG_API_VERSION}" and "kind: Cluster"`)
}

function wrong(what: string): UserError {
  return new UserError(`The configuration cannot be used: ${what}`, {
    remedy: `write apiVersion: ${CONFIG_API_VERSION}, kind: Cluster, name, store, dataDir, nodes, networking.{apiServerPort,podSubnet,serviceSubnet}; or kind's or k3d's form`,
    exitCode: 2,
  })
}

/** Our own form has no fields that mean nothing. */
function ownForm(fields: Fields): ClusterConfig {
  strict(fields, 'the file', ['apiVersion', 'kind', 'name', 'store', 'dataDir', 'nodes', 'networking'])
  const networking = mapping(fields['networking'] ?? {}, 'networking')
  strict(networking, 'networking', ['apiServerPort', 'podSubnet', 'serviceSubnet'])
  const { store, nodes } = fields
  if (store !== undefined && !isStore(store))
    throw wrong('store must be "lmdb", "memory" or "etcd=https://HOST:2379,…"')
  if (Array.isArray(nodes))
    for (const [index, node] of nodes.entries()) strict(mapping(node, `nodes[${index}]`), `nodes[${index}]`, ['role'])
  return {
    name: plainText(fields['name'], 'name'),
    dataDirectory: plainText(fields['dataDir'], 'dataDir'),
    store,
    nodes: nodeCount(nodes),
    ...networks(networking),
    warnings: [],
  }
}

const isStore = (value: unknown): value is StoreKind =>
  value === 'lmdb' || value === 'memory' || (typeof value === 'string' && value.startsWith('etcd='))

const ONE_SERVER = 'there is one API server, and it is no node'
const NO_IMAGES = 'nodes have no images: they are this machine and network namespaces of it'
const NO_PATCHES = 'there is no kubeadm here, and containerd has its own configuration'

function kindForm(fields: Fields): ClusterConfig {
  const warnings: string[] = []
  const left = leftOut(warnings)
  const networking = mapping(fields['networking'] ?? {}, 'networking')
  const { nodes } = fields
  left(fields, '', ['apiVersion', 'kind', 'name', 'nodes', 'networking'], {
    kubeadmConfigPatches: NO_PATCHES,
    kubeadmConfigPatchesJSON6902: NO_PATCHES,
    containerdConfigPatches: NO_PATCHES,
    featureGates: 'features are as they are here',
    runtimeConfig: 'the API serves what it has',
  })
  left(networking, 'networking.', ['apiServerPort', 'podSubnet', 'serviceSubnet', 'ipFamily', 'kubeProxyMode'], {
    apiServerAddress: 'the API server listens on every address',
    disableDefaultCNI: 'the network of the pods is part of the node',
  })
  if (networking['ipFamily'] !== undefined && networking['ipFamily'] !== 'ipv4')
    throw wrong('networking.ipFamily can only be "ipv4"')
  if (networking['kubeProxyMode'] === 'none') warnings.push('networking.kubeProxyMode: services are part of the node')
  const list = nodes === undefined ? [] : sequence(nodes, 'nodes')
  for (const [index, node] of list.entries()) kindNode(mapping(node, `nodes[${index}]`), index, warnings)
  const servers = list.filter((node) => mapping(node, 'nodes').role !== 'worker').length
  if (servers > 1) warnings.push(`nodes: ${ONE_SERVER}; ${list.length} nodes are started`)
  return {
    name: plainText(fields['name'], 'name'),
    nodes: list.length === 0 ? undefined : nodeCount(list),
    ...networks(networking),
    warnings,
  }
}

function kindNode(node: Fields, index: number, warnings: string[]): void {
  const at = `nodes[${index}].`
  leftOut(warnings)(node, at, ['role', 'extraPortMappings'], {
    image: NO_IMAGES,
    extraMounts: 'the first node is this machine, and sees its files by hostPath',
    labels: 'set them with kubectl label node',
    kubeadmConfigPatches: NO_PATCHES,
    kubeadmConfigPatchesJSON6902: NO_PATCHES,
  })
  for (const [which, entry] of sequence(node['extraPortMappings'] ?? [], `${at}extraPortMappings`).entries()) {
    const { containerPort, hostPort } = mapping(entry, `${at}extraPortMappings[${which}]`)
    const from = portOf(containerPort, `${at}extraPortMappings[${which}].containerPort`)
    // The first node is the machine: a node port and a host port are open on it as they are.
    if (index === 0 && (hostPort === undefined || hostPort === from)) continue
    const where = index === 0 ? `the node is this machine: use its port ${from}` : 'only the first node is this machine'
    warnings.push(`${at}extraPortMappings[${which}]: not mapped: ${where}`)
  }
}

function k3dForm(fields: Fields): ClusterConfig {
  const warnings: string[] = []
  const left = leftOut(warnings)
  const at = (value: unknown, what: string): Fields => mapping(value ?? {}, what)
  const metadata = at(fields['metadata'], 'metadata')
  const api = at(fields['kubeAPI'], 'kubeAPI')
  const options = at(fields['options'], 'options')
  const [k3d, k3s, kubeconfig] = ['k3d', 'k3s', 'kubeconfig'].map((part) => at(options[part], `options.${part}`))
  left(fields, '', ['apiVersion', 'kind', 'metadata', 'name', 'servers', 'agents', 'kubeAPI', 'options'], {
    image: NO_IMAGES,
    ports: 'node ports and load balancers are open on this machine as they are',
    volumes: 'the first node is this machine, and sees its files by hostPath',
    registries: 'images are loaded: drover image load',
    token: 'make one for machines that join: drover token create',
  })
  left(api, 'kubeAPI.', ['hostPort'], {})
  left(options, 'options.', ['k3d', 'k3s', 'kubeconfig'], { runtime: NO_IMAGES })
  left(k3d ?? {}, 'options.k3d.', ['wait', 'timeout'], { disableLoadbalancer: ONE_SERVER })
  left(k3s ?? {}, 'options.k3s.', ['extraArgs'], { nodeLabels: 'set them with kubectl label node' })
  left(kubeconfig ?? {}, 'options.kubeconfig.', ['switchCurrentContext', 'updateDefaultKubeconfig'], {})
  const servers = nodeCount(fields['servers'] ?? 1, 'servers') ?? 1
  const agents = nodeCount(fields['agents'] ?? 0, 'agents') ?? 0
  if (servers > 1) warnings.push(`servers: ${ONE_SERVER}; ${servers + agents} nodes are started`)
  const { hostPort } = api
  const cidrs = k3sArguments(sequence(k3s?.['extraArgs'] ?? [], 'options.k3s.extraArgs'), warnings)
  return {
    name: plainText(metadata['name'] ?? fields['name'], 'metadata.name'),
    nodes: servers + agents,
    // k3d has ports as text.
    ...networks(
      { ...cidrs, apiServerPort: typeof hostPort === 'string' ? Number(hostPort) : hostPort },
      'kubeAPI.hostPort',
    ),
    wait: flag(k3d?.['wait'], 'options.k3d.wait'),
    timeout: plainText(k3d?.['timeout'], 'options.k3d.timeout'),
    keepContext: flag(kubeconfig?.['switchCurrentContext'], 'options.kubeconfig.switchCurrentContext') === false,
    warnings,
  }
}

function k3sArguments(list: readonly unknown[], warnings: string[]): Fields {
  const found: Fields = {}
  for (const [index, entry] of list.entries()) {
    const argument = String(mapping(entry, `options.k3s.extraArgs[${index}]`)['arg'] ?? '')
    const [, name, value] = /^--(cluster-cidr|service-cidr)=(.*)$/.exec(argument) ?? []
    if (name === 'cluster-cidr') found['podSubnet'] = value
    else if (name === 'service-cidr') found['serviceSubnet'] = value
    else warnings.push(`options.k3s.extraArgs[${index}] is left out: there is no k3s here`)
  }
  return found
}

/** Says of every field that means nothing here why, or that nobody knows it. */
function leftOut(warnings: string[]) {
  return (
    fields: Fields,
    prefix: string,
    known: readonly string[],
    reasons: Readonly<Record<string, string>>,
  ): void => {
    for (const name of Object.keys(fields)) {
      if (known.includes(name)) continue
      const reason = Object.hasOwn(reasons, name) ? reasons[name] : undefined
      warnings.push(
        reason === undefined ? `${prefix}${name} is not known and left out` : `${prefix}${name} is left out: ${reason}`,
      )
    }
  }
}

function networks(
  { apiServerPort, podSubnet, serviceSubnet }: Fields,
  portName = 'networking.apiServerPort',
): Pick<ClusterConfig, 'port' | 'clusterCIDR' | 'serviceCIDR'> {
  return {
    port: apiServerPort === undefined ? undefined : portOf(apiServerPort, portName),
    clusterCIDR: subnet(podSubnet, 'networking.podSubnet', 22),
    serviceCIDR: subnet(serviceSubnet, 'networking.serviceSubnet', 28),
  }
}

function portOf(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65536) return value
  throw wrong(`${what} must be a port`)
}

/** A list of nodes, as kind has it, or their number. */
function nodeCount(value: unknown, what = 'nodes'): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
  if (!Array.isArray(value)) throw wrong(`${what} must be a number${what === 'nodes' ? ' or a list' : ''}`)
  for (const [index, node] of value.entries()) {
    const { role } = mapping(node, `nodes[${index}]`)
    if (role !== undefined && role !== 'control-plane' && role !== 'worker')
      throw wrong(`nodes[${index}].role must be "control-plane" or "worker"`)
  }
  return value.length
}

function mapping(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${what} must be a mapping`)
  return value as Fields
}

function sequence(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(`${what} must be a list`)
  return value
}

function strict(fields: Fields, what: string, known: readonly string[]): void {
  const unknown = Object.keys(fields).filter((key) => !known.includes(key))
  if (unknown.length > 0) throw wrong(`${what} has unknown fields: ${unknown.join(', ')}`)
}

function plainText(value: unknown, what: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw wrong(`${what} must be text`)
}

function flag(value: unknown, what: string): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value
  throw wrong(`${what} must be true or false`)
}

/** At least so large that every node gets a range, or services find addresses. */
function subnet(value: unknown, what: string, maxBits: number): string | undefined {
  if (value === undefined) return undefined
  const [address = '', bits = ''] = String(value).split('/')
  const size = Number(bits)
  if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || size < 8 || size > 32)
    throw wrong(`${what} must be an IPv4 network such as 10.244.0.0/16`)
  if (size > maxBits) throw wrong(`${what} is too small: /${maxBits} or larger is needed`)
  const number = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
  if (number % 2 ** (32 - size) !== 0) throw wrong(`${what} does not begin at its first address`)
  return String(value)
}
