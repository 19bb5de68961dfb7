// Real packets through the real rules: pods, services, node ports and the outside, on two nodes in network namespaces.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Node } from '../../../src/api/core/node/node.ts'
import { nodes } from '../../../src/api/core/node/node.ts'
import type { Pod } from '../../../src/api/core/pod/pod.ts'
import { pods } from '../../../src/api/core/pod/pod.ts'
import type { Service } from '../../../src/api/core/service/service.ts'
import { services } from '../../../src/api/core/service/service.ts'
import type { EndpointSlice } from '../../../src/api/discovery/endpoint-slice.ts'
import { endpointSlices } from '../../../src/api/discovery/endpoint-slice.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { findNetwork } from '../../../src/netlink/clean-up.ts'
import { inNamespace, runCommand, succeed } from '../../../src/netlink/command.ts'
import {
  createNodeNamespace,
  deleteNodeNamespace,
  deleteNodeNetwork,
  ensureNodeNetwork,
} from '../../../src/netlink/node-namespace.ts'
import { appliedTables } from '../../../src/netlink/nft/tables.ts'
import { checkNetwork } from '../../../src/netlink/preflight.ts'
import { writeSetting } from '../../../src/netlink/sysctl.ts'
import { CONFLIST_NAME, removePodNetwork, startPodNetwork } from '../../../src/pod-network/pod-network.ts'
import type { ProxyNode } from '../../../src/proxy/compile.ts'
import { compile } from '../../../src/proxy/compile.ts'
import { hostPorts } from '../../../src/proxy/host-ports.ts'
import { servicePorts } from '../../../src/proxy/service-ports.ts'
import type { ServiceProxy } from '../../../src/proxy/service-proxy.ts'
import { removeServiceProxy, startServiceProxy } from '../../../src/proxy/service-proxy.ts'
import type { Peer } from './machine.ts'
import { log, Machine, Told, within } from './machine.ts'

const CLUSTER = `e2e-${process.pid}`
const CLUSTER_CIDR = '10.244.0.0/16'
const OUTSIDE = '203.0.113.1'
const GATEWAY = '172.29.77.1'

interface TestNode {
  readonly name: string
  readonly address: string
  readonly podCIDR: string
  namespace: string
}
const a: TestNode = { name: 'a', address: '172.29.77.2', podCIDR: '10.244.1.0/24', namespace: '' }
const b: TestNode = { name: 'b', address: '172.29.77.3', podCIDR: '10.244.2.0/24', namespace: '' }

const nodeObject = ({ name, address, podCIDR }: TestNode): Node =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: { podCIDR },
    status: { addresses: [{ type: 'InternalIP', address }] },
  }) as Node

const toldNodes = new Told<Node>(nodes)
const toldServices = new Told<Service>(services)
const toldSlices = new Told<EndpointSlice>(endpointSlices)
const toldPods = new Told<Pod>(pods)

function service(name: string, clusterIP: string, spec: Partial<Service['spec']> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: {
      clusterIP,
      type: 'ClusterIP',
      ports: [
        { name: 't', port: 80, protocol: 'TCP' },
        { name: 'u', port: 80, protocol: 'UDP' },
      ],
      ...spec,
    },
  } as Service
}

function slice(name: string, endpoints: readonly { ip: string; node: string }[], port = 8080): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: endpoints.map(({ ip, node }) => ({ addresses: [ip], nodeName: node, conditions: { ready: true } })),
    ports: [
      { name: 't', port, protocol: 'TCP' },
      { name: 'u', port, protocol: 'UDP' },
    ],
  }
}

describe('the network of a cluster', () => {
  let machine: Machine
  let proxies: ServiceProxy[] = []
  let web: { ip: string; peer: Peer }
  let neighbour: { ip: string; peer: Peer }
  let far: { ip: string; peer: Peer }
  let outsider: Peer
  let host: Peer
  const settled = async (): Promise<void> => {
    await Promise.all(proxies.map((proxy) => proxy.settled()))
  }

  before(async () => {
    machine = await Machine.create(`drover-test-${process.pid}`)
    const run = within(machine.namespace)
    await ensureNodeNetwork(run, { cluster: CLUSTER, address: `${GATEWAY}/24` })
    machine.onEnd(() => deleteNodeNetwork(run, { cluster: CLUSTER }))
    await succeed(run, ['ip', 'address', 'add', `${OUTSIDE}/32`, 'dev', 'lo'])
    toldNodes.tell(nodeObject(a), nodeObject(b))
    const conflists: string[] = []
    for (const node of [a, b]) {
      const names = { cluster: CLUSTER, node: node.name }
      node.namespace = await createNodeNamespace(run, { ...names, address: `${node.address}/24`, gateway: GATEWAY })
      machine.onEnd(() => deleteNodeNamespace(run, names))
      conflists.push(await startNode(node))
    }
    const [onA = '', onB = ''] = conflists
    web = await machine.pod(a.namespace, 'web', onA)
    neighbour = await machine.pod(a.namespace, 'neighbour', onA)
    far = await machine.pod(b.namespace, 'far', onB)
    outsider = await machine.peer(machine.namespace, 'outsider')
    host = await machine.peer(a.namespace, 'host')
    toldServices.tell(
      service('web', '10.96.0.10', {
        type: 'NodePort',
        ports: [
          { name: 't', port: 80, nodePort: 30080, protocol: 'TCP' },
          { name: 'u', port: 80, nodePort: 30080, protocol: 'UDP' },
        ],
      }),
      service('both', '10.96.0.11'),
      service('sticky', '10.96.0.12', { sessionAffinity: 'ClientIP' }),
      service('nobody', '10.96.0.13'),
      service('kubernetes', '10.96.0.1'),
      service('moving', '10.96.0.14'),
    )
    toldSlices.tell(...slices())
    await settled()
  })

  after(async () => {
    await machine?.[Symbol.asyncDispose]()
    assert.deepEqual(await findNetwork(runCommand, CLUSTER), { tables: [], links: [], namespaces: [] })
  })

  async function startNode(node: TestNode): Promise<string> {
    const run = inNamespace(runCommand, node.namespace)
    // The host-wide switch is off, as on a machine without Docker: ours must be enough.
    await writeSetting(run, 'net/bridge/bridge-nf-call-iptables', 0)
    const { problems, bridgeNetfilter } = await checkNetwork(run)
    assert.deepEqual(problems, [])
    const directories = {
      cniConfDir: join(machine.directory, node.name, 'cni'),
      ipamDir: join(machine.directory, node.name, 'ipam'),
    }
    const names = { cluster: CLUSTER, node: node.name }
    const podNetwork = startPodNetwork({
      ...directories,
      ...names,
      clusterCIDR: CLUSTER_CIDR,
      nodes: toldNodes,
      bridgeNetfilter,
      run,
      clock: systemClock,
      log,
    })
    machine.onEnd(async () => {
      await podNetwork[Symbol.asyncDispose]()
      await removePodNetwork(run, { ...names, ...directories })
    })
    await podNetwork.ready
    const state: ProxyNode = {
      cluster: CLUSTER,
      name: node.name,
      addresses: [node.address],
      clusterCIDR: CLUSTER_CIDR,
      podCIDR: node.podCIDR,
      bridgeNetfilter,
    }
    const proxy = startServiceProxy({
      services: toldServices,
      endpointSlices: toldSlices,
      pods: toldPods,
      node: () => state,
      run,
      clock: systemClock,
      log,
    })
    machine.onEnd(async () => {
      await proxy[Symbol.asyncDispose]()
      await removeServiceProxy(run, CLUSTER)
      assert.equal(await succeed(run, ['nft', 'list', 'tables']), `table ip drover-${CLUSTER}/pods\n`)
    })
    await proxy.ready
    proxies = [...proxies, proxy]
    return readFile(join(directories.cniConfDir, CONFLIST_NAME), 'utf8')
  }

  const slices = (moving: { ip: string; node: string } = { ip: web.ip, node: 'a' }): EndpointSlice[] => [
    slice('web', [{ ip: web.ip, node: 'a' }]),
    slice('both', [
      { ip: web.ip, node: 'a' },
      { ip: far.ip, node: 'b' },
    ]),
    slice('sticky', [
      { ip: web.ip, node: 'a' },
      { ip: far.ip, node: 'b' },
    ]),
    slice('kubernetes', [{ ip: a.address, node: 'a' }]),
    slice('moving', [moving]),
  ]

  for (const protocol of ['tcp', 'udp'] as const) {
    test(`${protocol}: pods reach each other under their own addresses`, async () => {
      assert.equal(await neighbour.peer.ask(protocol, `${web.ip}:8080`), `web ${neighbour.ip}`)
      assert.equal(await far.peer.ask(protocol, `${web.ip}:8080`), `web ${far.ip}`)
      assert.equal(await web.peer.ask(protocol, `${far.ip}:8080`), `far ${web.ip}`)
    })
    test(`${protocol}: a pod reaches the outside as its node`, async () => {
      assert.equal(
        await web.peer.ask(protocol, `${protocol === 'tcp' ? OUTSIDE : GATEWAY}:8080`),
        `outsider ${a.address}`,
      )
    })
    test(`${protocol}: a service keeps the address of a pod that asks, from both nodes and from the same bridge`, async () => {
      assert.equal(await neighbour.peer.ask(protocol, '10.96.0.10:80'), `web ${neighbour.ip}`)
      assert.equal(await far.peer.ask(protocol, '10.96.0.10:80'), `web ${far.ip}`)
    })
    test(`${protocol}: a pod reaches itself through its service`, async () => {
      assert.match(await web.peer.ask(protocol, '10.96.0.10:80'), /^web /)
    })
    test(`${protocol}: the node reaches services, here and on the other node`, async () => {
      const answers = new Set<string>()
      for (let i = 0; i < 24; i++) answers.add((await host.ask(protocol, '10.96.0.11:80')).split(' ')[0] ?? '')
      assert.deepEqual([...answers].sort(), ['far', 'web'])
    })
    test(`${protocol}: node ports answer on every node, to the outside and to the node itself`, async () => {
      assert.match(await outsider.ask(protocol, `${a.address}:30080`), /^web /)
      assert.match(await outsider.ask(protocol, `${b.address}:30080`), /^web /)
      assert.match(await host.ask(protocol, `${a.address}:30080`), /^web /)
      assert.match(await neighbour.peer.ask(protocol, `${a.address}:30080`), /^web /)
    })
    test(`${protocol}: a client with affinity always meets the same endpoint`, async () => {
      const answers = new Set<string>()
      for (let i = 0; i < 12; i++)
        answers.add((await neighbour.peer.ask(protocol, '10.96.0.12:80')).split(' ')[0] ?? '')
      assert.equal(answers.size, 1)
    })
    test(`${protocol}: a service without endpoints, and a port that a service lacks, are refused at once`, async () => {
      assert.equal(await neighbour.peer.ask(protocol, '10.96.0.13:80'), 'ECONNREFUSED')
      assert.equal(await host.ask(protocol, '10.96.0.13:80'), 'ECONNREFUSED')
      assert.equal(await neighbour.peer.ask(protocol, '10.96.0.10:81'), 'ECONNREFUSED')
    })
  }

  test('kubernetes.default leads to the API server on the node’s own address', async () => {
    assert.equal(await neighbour.peer.ask('tcp', '10.96.0.1:80'), `host ${neighbour.ip}`)
    assert.match(await far.peer.ask('tcp', '10.96.0.1:80'), /^host /)
  })

  test('a UDP flow follows when its endpoint goes', async () => {
    assert.match(await neighbour.peer.ask('udp', '10.96.0.14:80', 40_001), /^web /)
    toldSlices.tell(...slices({ ip: far.ip, node: 'b' }))
    await settled()
    assert.match(await neighbour.peer.ask('udp', '10.96.0.14:80', 40_001), /^far /)
  })

  test('a host port leads to its pod', async () => {
    toldPods.tell({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'default' },
      spec: { nodeName: 'a', containers: [{ name: 'c', ports: [{ containerPort: 8080, hostPort: 9090 }] }] },
      status: { podIP: web.ip, phase: 'Running' },
    } as Pod)
    await settled()
    assert.equal(await outsider.ask('tcp', `${a.address}:9090`), `web ${GATEWAY}`)
    assert.match(await host.ask('tcp', `${a.address}:9090`), /^web /)
    assert.match(await web.peer.ask('tcp', `${a.address}:9090`), /^web /)
  })

  test('the kernel holds what was applied, and drift is seen', async () => {
    const run = inNamespace(runCommand, a.namespace)
    const tables = appliedTables(run)
    const { bridgeNetfilter } = await checkNetwork(run)
    const table = compile(
      servicePorts(toldServices.list(), toldSlices.list(), { node: 'a' }),
      hostPorts(toldPods.list(), 'a'),
      {
        cluster: CLUSTER,
        name: 'a',
        addresses: [a.address],
        clusterCIDR: CLUSTER_CIDR,
        podCIDR: a.podCIDR,
        bridgeNetfilter,
      },
    )
    assert.deepEqual(await tables.drift(table), [])
    await succeed(run, ['nft', 'flush', 'chain', 'ip', table.name, 'services'])
    assert.deepEqual(await tables.drift(table), ['chain "services" has 0 rules instead of 4'])
    await tables.apply(table)
    assert.deepEqual(await tables.drift(table), [])
  })
})
