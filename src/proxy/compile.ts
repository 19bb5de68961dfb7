// Compiles services, endpoints and host ports into the nftables table of one node. Pure.

import { createHash } from 'node:crypto'
import { tableName } from '../netlink/names.ts'
import type { Chain, Hook, Key, NamedSet, Rule, Statement, Table, Target, Verdict } from '../netlink/nft/model.ts'
import { concat, PRIORITY } from '../netlink/nft/model.ts'
import type { HostPort } from './host-ports.ts'
import type { ServicePort } from './service-ports.ts'

/** What the proxy must know about its node. */
export interface ProxyNode {
  readonly cluster: string
  readonly name: string
  readonly zone?: string
  /** The node's own addresses, on which node ports and host ports answer. */
  readonly addresses: readonly string[]
  /** The addresses of all pods of the cluster: traffic from elsewhere to a service has to come back through this node. */
  readonly clusterCIDR?: string
  /** The addresses of this node's pods. */
  readonly podCIDR?: string
  /** Whether traffic between ports of the pods' bridge passes netfilter (`checkNetwork`). */
  readonly bridgeNetfilter: boolean
}

/** Traffic that leaves with this node's address, so that answers come back through it; the bit that kube-proxy uses as well. */
const MASQUERADE_BIT = 0x4000
/** Clients that one endpoint with session affinity is remembered for, as a bound on the kernel's memory. */
const AFFINITY_CLIENTS = 65_535
/** Before translation: what must not come in is judged by the address it asked for. */
const FIREWALL_PRIORITY = PRIORITY.dstnat - 10

const SERVICE_KEY: Key = ['ip daddr', 'meta l4proto', 'th dport']
const PORT_KEY: Key = ['meta l4proto', 'th dport']
const SERVICE_TYPE = 'ipv4_addr . inet_proto . inet_service'
const PORT_TYPE = 'inet_proto . inet_service'
const TARGET_TYPE = 'ipv4_addr . inet_service'

/** The parts of a table while it is put together. */
interface Draft {
  readonly node: ProxyNode
  readonly chains: Map<string, Chain>
  readonly affinities: Map<string, NamedSet>
  readonly services: Map<string, string>
  readonly nodePorts: Map<string, string>
  readonly unserved: Map<string, string>
  readonly unservedNodePorts: Map<string, string>
  readonly firewall: Map<string, string>
  readonly clusterIPs: Map<string, string>
  readonly hairpins: Map<string, string>
}

export function compile(ports: readonly ServicePort[], hostPorts: readonly HostPort[], node: ProxyNode): Table {
  const draft: Draft = {
    node,
    chains: baseChains(node),
    affinities: new Map(),
    services: new Map(),
    nodePorts: new Map(),
    unserved: new Map(),
    unservedNodePorts: new Map(),
    firewall: new Map(),
    clusterIPs: new Map(),
    hairpins: new Map(),
  }
  for (const port of ports) addServicePort(draft, port)
  for (const { podIP } of hostPorts) draft.hairpins.set(concat(podIP, podIP), '')

  const onAll = new Map<string, string>()
  const onOne = new Map<string, string>()
  for (const { hostIP, protocol, hostPort, podIP, containerPort } of hostPorts)
    if (hostIP === undefined) onAll.set(concat(protocol, hostPort), concat(podIP, containerPort))
    else onOne.set(concat(hostIP, protocol, hostPort), concat(podIP, containerPort))

  const verdicts = (type: string, elements: Map<string, string>): NamedSet => ({ type, valueType: 'verdict', elements })
  return {
    family: 'ip',
    name: tableName(node.cluster),
    sets: new Map<string, NamedSet>([
      ['services', verdicts(SERVICE_TYPE, draft.services)],
      ['node-ports', verdicts(PORT_TYPE, draft.nodePorts)],
      ['unserved', verdicts(SERVICE_TYPE, draft.unserved)],
      ['unserved-node-ports', verdicts(PORT_TYPE, draft.unservedNodePorts)],
      ['firewall', verdicts(SERVICE_TYPE, draft.firewall)],
      ['host-ports', { type: PORT_TYPE, valueType: TARGET_TYPE, elements: onAll }],
      ['host-ports-by-address', { type: SERVICE_TYPE, valueType: TARGET_TYPE, elements: onOne }],
      ['cluster-ips', { type: 'ipv4_addr', elements: draft.clusterIPs }],
      ['node-addresses', { type: 'ipv4_addr', elements: new Map(node.addresses.map((address) => [address, ''])) }],
      ['hairpins', { type: 'ipv4_addr . ipv4_addr', elements: draft.hairpins }],
      ...draft.affinities,
    ]),
    chains: draft.chains,
  }
}

const rule = (...statements: Statement[]): Rule => ({ statements })
const verdict = (v: Verdict): Statement => ({ kind: 'verdict', verdict: v })
const is = (key: Key, ...values: string[]): Statement => ({ kind: 'match', key, values })
const isNot = (key: Key, ...values: string[]): Statement => ({ kind: 'match', key, values, not: true })
const inSet = (key: Key, set: string): Statement => ({ kind: 'in-set', key, set })
const verdictMap = (key: Key, map: string): Statement => ({ kind: 'verdict-map', key, map })
const markForMasquerade: Statement = { kind: 'mark-set', bits: MASQUERADE_BIT }
const masquerade: Statement = { kind: 'masquerade' }
const FIRST_PACKET = is(['ct state'], 'new')
const HAS_PORTS = is(['meta l4proto'], 'tcp', 'udp', 'sctp')

/** What every node has, whatever its services: one look-up per packet and kind of address. */
function baseChains(node: ProxyNode): Map<string, Chain> {
  const base = (type: 'nat' | 'filter', hook: Hook['hook'], priority: number, ...rules: Rule[]): Chain => ({
    hook: { type, hook, priority },
    rules,
  })
  const dispatch = rule(verdict('jump services'))
  const refuse = rule(FIRST_PACKET, verdict('jump unserved'))
  return new Map([
    ['nat-prerouting', base('nat', 'prerouting', PRIORITY.dstnat, dispatch)],
    // The node's own processes use services, too.
    ['nat-output', base('nat', 'output', PRIORITY.dstnat, dispatch)],
    ['nat-postrouting', base('nat', 'postrouting', PRIORITY.srcnat, ...masqueradeRules(node))],
    [
      'firewall-prerouting',
      base('filter', 'prerouting', FIREWALL_PRIORITY, rule(FIRST_PACKET, verdictMap(SERVICE_KEY, 'firewall'))),
    ],
    ['filter-input', base('filter', 'input', PRIORITY.filter, refuse)],
    ['filter-forward', base('filter', 'forward', PRIORITY.filter, refuse)],
    ['filter-output', base('filter', 'output', PRIORITY.filter, refuse)],
    [
      'services',
      {
        rules: [
          rule(verdictMap(SERVICE_KEY, 'services')),
          rule(inSet(['ip daddr'], 'node-addresses'), verdictMap(PORT_KEY, 'node-ports')),
          rule(HAS_PORTS, { kind: 'dnat-map', key: SERVICE_KEY, map: 'host-ports-by-address' }),
          rule(inSet(['ip daddr'], 'node-addresses'), HAS_PORTS, {
            kind: 'dnat-map',
            key: PORT_KEY,
            map: 'host-ports',
          }),
        ],
      },
    ],
    [
      'unserved',
      {
        rules: [
          rule(verdictMap(SERVICE_KEY, 'unserved')),
          rule(inSet(['ip daddr'], 'node-addresses'), verdictMap(PORT_KEY, 'unserved-node-ports')),
          // A service's address has no other ports. Anything else would wander off to the default gateway.
          rule(inSet(['ip daddr'], 'cluster-ips'), verdict('goto refuse')),
        ],
      },
    ],
    [
      'refuse',
      {
        rules: [
          rule(is(['meta l4proto'], 'tcp'), { kind: 'reject', with: 'tcp reset' }),
          rule({ kind: 'reject', with: 'port-unreachable' }),
        ],
      },
    ],
  ])
}

function masqueradeRules({ bridgeNetfilter, podCIDR }: ProxyNode): Rule[] {
  const rules = [
    rule({ kind: 'mark-has', bits: MASQUERADE_BIT }, { kind: 'mark-clear', bits: MASQUERADE_BIT }, masquerade),
    // A pod that reached itself through a service would drop a packet from its own address.
    rule(inSet(['ip saddr', 'ip daddr'], 'hairpins'), masquerade),
  ]
  if (!bridgeNetfilter && podCIDR !== undefined)
    rules.push(rule(is(['ct status'], 'dnat'), is(['ip saddr'], podCIDR), is(['ip daddr'], podCIDR), masquerade))
  return rules
}

function addServicePort(draft: Draft, port: ServicePort): void {
  const { node, services, nodePorts, unserved, unservedNodePorts } = draft
  const id = identity(port)
  const internal = port.internalPolicy === 'Local' ? port.here : port.everywhere
  const external = port.externalPolicy === 'Local' ? port.here : port.everywhere
  const clusterKey = concat(port.clusterIP, port.protocol, port.port)
  const externalKeys = port.externalIPs.map((ip) => concat(ip, port.protocol, port.port))
  const portKey = port.nodePort === undefined ? undefined : concat(port.protocol, port.nodePort)
  const isExposed = externalKeys.length > 0 || portKey !== undefined
  const noEndpoints: Verdict = port.everywhere.length === 0 && port.here.length === 0 ? 'goto refuse' : 'drop'

  draft.clusterIPs.set(port.clusterIP, '')
  for (const ip of port.hereIPs) if (!node.addresses.includes(ip)) draft.hairpins.set(concat(ip, ip), '')

  if (port.everywhere.length > 0) addBalancer(draft, `service-${id}`, port, port.everywhere)
  const usesHere = port.internalPolicy === 'Local' || (port.externalPolicy === 'Local' && isExposed)
  if (port.here.length > 0 && usesHere) addBalancer(draft, `local-${id}`, port, port.here)

  if (internal.length > 0)
    services.set(clusterKey, `goto ${port.internalPolicy === 'Local' ? 'local' : 'service'}-${id}`)
  else unserved.set(clusterKey, noEndpoints)

  if (!isExposed) return
  if (port.everywhere.length > 0) {
    draft.chains.set(`external-${id}`, { rules: externalRules(draft, id, port) })
    for (const key of externalKeys) services.set(key, `goto external-${id}`)
    if (portKey !== undefined) nodePorts.set(portKey, `goto external-${id}`)
  }
  if (external.length === 0) {
    for (const key of externalKeys) unserved.set(key, noEndpoints)
    if (portKey !== undefined) unservedNodePorts.set(portKey, noEndpoints)
  }
  if (port.loadBalancer !== undefined) addFirewall(draft, id, port, port.loadBalancer)
}

/** Traffic to an address or port that the outside knows. */
function externalRules({ node }: Draft, id: string, port: ServicePort): Rule[] {
  if (port.externalPolicy === 'Cluster') return [rule(markForMasquerade, verdict(`goto service-${id}`))]
  // The policy keeps the client's address for those outside. Pods and the node itself reach any endpoint, as by the cluster's address.
  const rules: Rule[] = []
  if (node.clusterCIDR !== undefined)
    rules.push(rule(is(['ip saddr'], node.clusterCIDR), verdict(`goto service-${id}`)))
  rules.push(rule(is(['fib saddr type'], 'local'), markForMasquerade, verdict(`goto service-${id}`)))
  if (port.here.length > 0) rules.push(rule(verdict(`goto local-${id}`)))
  return rules
}

function addFirewall(
  draft: Draft,
  id: string,
  port: ServicePort,
  balancer: NonNullable<ServicePort['loadBalancer']>,
): void {
  const { ips, sourceRanges } = balancer
  const rules = sourceRanges.length > 0 ? [rule(is(['ip saddr'], ...sourceRanges), verdict('return'))] : []
  draft.chains.set(`firewall-${id}`, { rules: [...rules, rule(verdict('drop'))] })
  for (const ip of ips) draft.firewall.set(concat(ip, port.protocol, port.port), `goto firewall-${id}`)
}

/** A chain that sends each new connection to one of the targets. */
function addBalancer(draft: Draft, name: string, port: ServicePort, targets: readonly Target[]): void {
  const { node, chains } = draft
  const rules: Rule[] = []
  const protocol = is(['meta l4proto'], port.protocol)
  if (node.clusterCIDR !== undefined)
    rules.push(rule(is(['ip daddr'], port.clusterIP), isNot(['ip saddr'], node.clusterCIDR), markForMasquerade))
  if (port.affinitySeconds === undefined) {
    rules.push({ statements: [protocol, { kind: 'dnat-random', targets }], comment: commentOf(port) })
  } else {
    const endpoints = targets.map((target) => addAffineEndpoint(draft, port, target))
    for (const { chain, clients } of endpoints) rules.push(rule(inSet(['ip saddr'], clients), verdict(`goto ${chain}`)))
    const verdicts = endpoints.map(({ chain }): Verdict => `goto ${chain}`)
    rules.push({ statements: [{ kind: 'verdict-random', verdicts }], comment: commentOf(port) })
  }
  chains.set(name, { rules })
}

/** An endpoint that remembers its clients. */
function addAffineEndpoint(draft: Draft, port: ServicePort, target: Target): { chain: string; clients: string } {
  const id = `${digest(`${identityText(port)} ${target}`)}/${target.replace(':', '/')}`
  const [chain, clients] = [`endpoint-${id}`, `affinity-${id}`]
  const timeoutSeconds = port.affinitySeconds ?? 0
  draft.affinities.set(clients, {
    type: 'ipv4_addr',
    flags: ['dynamic', 'timeout'],
    timeoutSeconds,
    size: AFFINITY_CLIENTS,
    elements: new Map(),
  })
  draft.chains.set(chain, {
    rules: [
      rule({ kind: 'remember', key: ['ip saddr'], set: clients, timeoutSeconds }),
      rule(is(['meta l4proto'], port.protocol), { kind: 'dnat', to: target }),
    ],
  })
  return { chain, clients }
}

const identityText = ({ namespace, service, protocol, portName }: ServicePort): string =>
  [namespace, service, protocol, ...(portName === '' ? [] : [portName])].join('/')

const commentOf = ({ namespace, service, portName }: ServicePort): string => `${namespace}/${service}:${portName}`

/** A name for the port's chains: a hash makes it unique, and what it stands for is read after it, as far as the kernel has room. */
function identity(port: ServicePort): string {
  const readable = identityText(port).replaceAll(/[^A-Za-z0-9/.-]/g, '')
  return `${digest(identityText(port))}/${readable}`.slice(0, 100)
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
