// Reads a cluster's configuration file: `apiVersion: drover.dev/v1alpha1, kind: Cluster`, with the field names that kind uses.

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
}

export const CONFIG_API_VERSION = 'drover.dev/v1alpha1'
const CIDR = /^(\d{1,3}\.){3}\d{1,3}\/\d{1,2}$/

type Fields = Record<string, unknown>

export async function loadClusterConfig(text: string): Promise<ClusterConfig> {
  const { parse } = await import('yaml')
  let value: unknown
  try {
    value = parse(text, { maxAliasCount: 100 })
  } catch (error) {
    throw wrong(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error))
  }
  const fields = mapping(value, 'the file', ['apiVersion', 'kind', 'name', 'store', 'dataDir', 'nodes', 'networking'])
  if (fields['apiVersion'] !== CONFIG_API_VERSION || fields['kind'] !== 'Cluster')
    throw wrong(`it must begin with "apiVersion: ${CONFIG_API_VERSION}" and "kind: Cluster"`)
  const networking = mapping(fields['networking'] ?? {}, 'networking', ['apiServerPort', 'podSubnet', 'serviceSubnet'])
  const { name, dataDir, store } = fields
  const { apiServerPort: port, podSubnet, serviceSubnet } = networking
  if (store !== undefined && store !== 'lmdb' && store !== 'memory') throw wrong('store must be "lmdb" or "memory"')
  if (port !== undefined && !(Number.isInteger(port) && Number(port) > 0 && Number(port) < 65536))
    throw wrong('networking.apiServerPort must be a port')
  return {
    name: plainText(name, 'name'),
    dataDirectory: plainText(dataDir, 'dataDir'),
    store,
    port: port === undefined ? undefined : Number(port),
    clusterCIDR: subnet(podSubnet, 'networking.podSubnet'),
    serviceCIDR: subnet(serviceSubnet, 'networking.serviceSubnet'),
    nodes: nodeCount(fields['nodes']),
  }
}

function wrong(what: string): UserError {
  return new UserError(`The configuration cannot be used: ${what}`, {
    remedy: 'fields: name, store, dataDir, nodes, networking.{apiServerPort,podSubnet,serviceSubnet}',
    exitCode: 2,
  })
}

/** A list of nodes, as kind has it, or their number. */
function nodeCount(value: unknown): number | undefined {
  if (value === undefined || typeof value === 'number') return value
  if (!Array.isArray(value)) throw wrong('nodes must be a number or a list')
  for (const node of value) {
    const { role } = mapping(node, 'nodes[]', ['role'])
    if (role !== undefined && role !== 'control-plane' && role !== 'worker')
      throw wrong('nodes[].role must be "control-plane" or "worker"')
  }
  return value.length
}

function mapping(value: unknown, what: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${what} must be a mapping`)
  const unknown = Object.keys(value).filter((key) => !known.includes(key))
  if (unknown.length > 0) throw wrong(`${what} has unknown fields: ${unknown.join(', ')}`)
  return value as Fields
}

function plainText(value: unknown, what: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw wrong(`${what} must be text`)
}

function subnet(value: unknown, what: string): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && CIDR.test(value)) return value
  throw wrong(`${what} must be an IPv4 network such as 10.244.0.0/16`)
}
