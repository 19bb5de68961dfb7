// Where a request has to go: the kubelet of a node, a pod's port, an endpoint of a service. Everything comes from the server's cache.

import { isIP } from 'node:net'
import type { Random } from '../../base/random.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Node } from '../../api/core/node/node.ts'
import type { Pod } from '../../api/core/pod/pod.ts'
import type { Service } from '../../api/core/service/service.ts'
import type { EndpointSlice } from '../../api/discovery/endpoint-slice.ts'
import type { Registry } from '../registry/registry.ts'
import { mustGet, type Served } from '../registry/served.ts'

export const DEFAULT_KUBELET_PORT = 10250
/** Which of a node's addresses the server uses (upstream, as kubeadm sets it). */
const PREFERRED_ADDRESSES = ['InternalIP', 'ExternalIP', 'Hostname']

/** Kubelets are asked with the server's own certificate; anything else with nothing of ours. */
export interface Target {
  kind: 'kubelet' | 'plain'
  protocol: 'http:' | 'https:'
  host: string
  port: number
}

export function originOf({ protocol, host, port }: Target): string {
  return `${protocol}//${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

function served(registry: Registry, group: string, plural: string): Served {
  const found = registry.get(group, 'v1', plural)
  if (!found) throw errors.unknownPath()
  return found
}

export function podOf(registry: Registry, namespace: string, name: string): DeepReadonly<Pod> {
  return mustGet(served(registry, '', 'pods'), { namespace, name }).object as unknown as DeepReadonly<Pod>
}

export function kubeletOf(registry: Registry, name: string): Target {
  const node = mustGet(served(registry, '', 'nodes'), { name }).object as unknown as DeepReadonly<Node>
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port || DEFAULT_KUBELET_PORT
  return { kind: 'kubelet', protocol: 'https:', host: addressOf(node), port }
}

function addressOf(node: DeepReadonly<Node>): string {
  const addresses = node.status?.addresses ?? []
  for (const type of PREFERRED_ADDRESSES) {
    const found = addresses.find((a) => a.type === type)?.address
    if (found) return found
  }
  throw errors.internalError(`no preferred addresses found; known addresses: ${JSON.stringify(addresses)}`)
}

interface Reference {
  scheme: string
  name: string
  port: string
}

/** `name`, `name:port`, `scheme:name:port` with either end empty, as the name of a proxied object is written. */
export function parseReference(text: string, kind: string): Reference {
  const parts = text.split(':')
  const [a = '', b = '', c = ''] = parts
  const found =
    parts.length === 1
      ? { scheme: '', name: a, port: '' }
      : parts.length === 2
        ? { scheme: '', name: a, port: b }
        : { scheme: a, name: b, port: c }
  const legal = parts.length <= 3 && found.name !== '' && ['', 'http', 'https'].includes(found.scheme)
  if (!legal) throw errors.badRequest(`invalid ${kind} request ${JSON.stringify(text)}`)
  return found
}

function portNumber(text: string, reference: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535)
    throw errors.badRequest(`invalid port in ${JSON.stringify(reference)}`)
  return port
}

const schemeOf = (scheme: string): Target['protocol'] => (scheme === 'https' ? 'https:' : 'http:')

/** Addresses of this machine and of its link are nobody's business behind the proxy (upstream IsProxyableIP). */
function checkProxyable(address: string): void {
  const local =
    isIP(address) === 0 ||
    address === '0.0.0.0' ||
    address === '::' ||
    address === '::1' ||
    /^(127\.|169\.254\.|22[4-9]\.|23\d\.|255\.255\.255\.255$)/.test(address) ||
    /^(fe[89ab]|ff|::ffff:)/i.test(address)
  if (local) throw errors.badRequest('address not allowed')
}

/** A node's kubelet, or another port of the node. */
export function nodeTarget(registry: Registry, text: string): Target {
  const { scheme, name, port } = parseReference(text, 'node')
  const kubelet = kubeletOf(registry, name)
  if (port === '' || port === String(kubelet.port)) return kubelet
  checkProxyable(kubelet.host)
  return { kind: 'plain', protocol: schemeOf(scheme), host: kubelet.host, port: portNumber(port, text) }
}

export function podTarget(registry: Registry, namespace: string, text: string): Target {
  const { scheme, name, port } = parseReference(text, 'pod')
  const pod = podOf(registry, namespace, name)
  const declared = pod.spec.containers.flatMap((c) => c.ports ?? [])[0]?.containerPort
  const host = pod.status?.podIP ?? ''
  checkProxyable(host)
  const fallback = declared ?? (scheme === 'https' ? 443 : 80)
  return { kind: 'plain', protocol: schemeOf(scheme), host, port: port === '' ? fallback : portNumber(port, text) }
}

/** One of the ready endpoints behind a service's port, by chance. */
export function serviceTarget(registry: Registry, namespace: string, text: string, random: Random | undefined): Target {
  const { scheme, name, port } = parseReference(text, 'service')
  const services = served(registry, '', 'services')
  const service = mustGet(services, { namespace, name }).object as unknown as DeepReadonly<Service>
  const portName = servicePortName(service, port)
  const found: { host: string; port: number }[] = []
  const slices = registry.get('discovery.k8s.io', 'v1', 'endpointslices')?.cache.list({
    namespace,
    matches: (slice) => slice.labels['kubernetes.io/service-name'] === name,
  })
  for (const { object } of slices?.items ?? []) {
    const slice = object as unknown as DeepReadonly<EndpointSlice>
    const target = slice.ports?.find((p) => (p.name ?? '') === portName)?.port
    if (target === undefined) continue
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false) continue
      for (const host of endpoint.addresses) found.push({ host, port: target })
    }
  }
  const chosen = found[Math.floor((random?.next() ?? 0) * found.length)]
  if (!chosen) throw errors.serviceUnavailable(`no endpoints available for service ${JSON.stringify(text)}`)
  checkProxyable(chosen.host)
  return { kind: 'plain', protocol: schemeOf(scheme), ...chosen }
}

function servicePortName(service: DeepReadonly<Service>, port: string): string {
  const ports = service.spec.ports ?? []
  const found = port === '' ? ports[0] : ports.find((p) => p.name === port || String(p.port) === port)
  if (port === '' && ports.length !== 1 && ports.every((p) => p.name)) return ''
  if (!found && port !== '') {
    throw errors.serviceUnavailable(
      `no service port ${JSON.stringify(port)} found for service ${JSON.stringify(service.metadata.name)}`,
    )
  }
  return found?.name ?? ''
}
