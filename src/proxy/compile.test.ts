// What happens to traffic under the compiled rules, asserted by walking packets through them.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Pod } from '../api/core/pod/pod.ts'
import type { Service } from '../api/core/service/service.ts'
import type { Endpoint, EndpointSlice } from '../api/discovery/endpoint-slice.ts'
import { diffTables } from '../netlink/nft/diff.ts'
import type { Table } from '../netlink/nft/model.ts'
import type { Host, Outcome, Packet } from '../netlink/nft/trace.ts'
import { trace } from '../netlink/nft/trace.ts'
import type { ProxyNode } from './compile.ts'
import { compile } from './compile.ts'
import { hostPorts } from './host-ports.ts'
import { servicePorts } from './service-ports.ts'

const node: ProxyNode = {
  cluster: 'mine',
  name: 'n1',
  addresses: ['192.168.0.1'],
  clusterCIDR: '10.244.0.0/16',
  podCIDR: '10.244.1.0/24',
  bridgeNetfilter: true,
}
const POD_HERE = '10.244.1.9'
const OUTSIDE = '203.0.113.7'

type Spec = NonNullable<Service['spec']>

function makeService(spec: Partial<Spec> = {}, status: Service['status'] = {}): Service {
  return {
    metadata: { namespace: 'default', name: 'web' },
    spec: { clusterIP: '10.96.0.10', ports: [{ port: 80, protocol: 'TCP' }], type: 'ClusterIP', ...spec },
    ...(status ? { status } : {}),
  } as Service
}

function makeSlice(
  endpoints: Partial<Endpoint>[],
  port: { port?: number; protocol?: 'TCP' | 'UDP' | 'SCTP'; name?: string } = {},
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: endpoints.map((endpoint) => ({ addresses: [], conditions: { ready: true }, ...endpoint })),
    ports: [{ name: '', protocol: 'TCP', port: 8080, ...port }],
  }
}

const at = (ip: string, nodeName = 'n1', conditions: Endpoint['conditions'] = { ready: true }): Partial<Endpoint> => ({
  addresses: [ip],
  nodeName,
  ...(conditions ? { conditions } : {}),
})
const dying = { ready: false, serving: true, terminating: true }

function compileAll(
  services: Service[],
  slices: EndpointSlice[],
  pods: Pod[] = [],
  change: Partial<ProxyNode> = {},
): Table {
  const there = { ...node, ...change }
  return compile(servicePorts(services, slices, { node: there.name }), hostPorts(pods, there.name), there)
}

function send(
  table: Table,
  from: string,
  to: string,
  host: Partial<Host> = {},
  protocol: Packet['protocol'] = 'tcp',
): string {
  const [destination = '', port = ''] = to.split(':')
  const packet = { protocol, source: from, sourcePort: 40_000, destination, destinationPort: Number(port) }
  return say(trace([table], packet, { addresses: node.addresses, ...host }))
}

const say = ({ verdict, rejectWith, dnat, masquerade }: Outcome): string =>
  verdict === 'accept'
    ? `${dnat ?? 'untouched'}${masquerade ? ' masqueraded' : ''}`
    : `${verdict}${rejectWith ? ` ${rejectWith}` : ''}`

const two = makeSlice([at('10.244.1.2'), at('10.244.2.3', 'n2')])
const exposed: Partial<Spec> = { type: 'NodePort', ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }] }
const exposedLocal: Partial<Spec> = { ...exposed, externalTrafficPolicy: 'Local' }
const SERVICE = '10.96.0.10:80'
const NODE_PORT = '192.168.0.1:30080'

const cases: Record<
  string,
  [services: Service[], slices: EndpointSlice[], from: string, to: string, want: string, random?: number]
> = {
  'pod reaches the first endpoint': [[makeService()], [two], POD_HERE, SERVICE, '10.244.1.2:8080'],
  'pod reaches the second endpoint': [[makeService()], [two], POD_HERE, SERVICE, '10.244.2.3:8080', 1],
  'pod reaches itself masqueraded': [[makeService()], [two], '10.244.1.2', SERVICE, '10.244.1.2:8080 masqueraded'],
  'the node reaches a service masqueraded': [
    [makeService()],
    [two],
    '192.168.0.1',
    SERVICE,
    '10.244.1.2:8080 masqueraded',
  ],
  'an outsider reaches a cluster address masqueraded': [
    [makeService()],
    [two],
    OUTSIDE,
    SERVICE,
    '10.244.1.2:8080 masqueraded',
  ],
  'another port of a service is refused': [[makeService()], [two], POD_HERE, '10.96.0.10:81', 'reject tcp reset'],
  'a service without endpoints is refused': [[makeService()], [], POD_HERE, SERVICE, 'reject tcp reset'],
  'the node is refused, too': [[makeService()], [], '192.168.0.1', SERVICE, 'reject tcp reset'],
  'an endpoint that is not ready gets nothing': [
    [makeService()],
    [makeSlice([at('10.244.1.2', 'n1', { ready: false })])],
    POD_HERE,
    SERVICE,
    'reject tcp reset',
  ],
  'terminating endpoints serve when nobody is ready': [
    [makeService()],
    [makeSlice([at('10.244.1.2', 'n1', dying)])],
    POD_HERE,
    SERVICE,
    '10.244.1.2:8080',
  ],
  'terminating endpoints get nothing while one is ready': [
    [makeService()],
    [makeSlice([at('10.244.1.2', 'n1', dying), at('10.244.1.3')])],
    POD_HERE,
    SERVICE,
    '10.244.1.3:8080',
  ],
  'an endpoint on the loopback is nobody': [
    [makeService()],
    [makeSlice([at('127.0.0.1')])],
    POD_HERE,
    SERVICE,
    'reject tcp reset',
  ],
  'headless services are left alone': [[makeService({ clusterIP: 'None' })], [two], POD_HERE, SERVICE, 'untouched'],
  'internal policy Local picks this node': [
    [makeService({ internalTrafficPolicy: 'Local' })],
    [two],
    POD_HERE,
    SERVICE,
    '10.244.1.2:8080',
  ],
  'internal policy Local drops when nobody is here': [
    [makeService({ internalTrafficPolicy: 'Local' })],
    [makeSlice([at('10.244.2.3', 'n2')])],
    POD_HERE,
    SERVICE,
    'drop',
  ],
  'node port from outside is masqueraded': [
    [makeService(exposed)],
    [two],
    OUTSIDE,
    NODE_PORT,
    '10.244.2.3:8080 masqueraded',
    1,
  ],
  'node port from the node itself works': [
    [makeService(exposed)],
    [two],
    '192.168.0.1',
    NODE_PORT,
    '10.244.1.2:8080 masqueraded',
  ],
  'node port of another address is not ours': [
    [makeService(exposed)],
    [two],
    OUTSIDE,
    '192.168.0.99:30080',
    'untouched',
  ],
  'node port without endpoints is refused': [[makeService(exposed)], [], OUTSIDE, NODE_PORT, 'reject tcp reset'],
  'external policy Local keeps the source': [[makeService(exposedLocal)], [two], OUTSIDE, NODE_PORT, '10.244.1.2:8080'],
  'external policy Local drops when nobody is here': [
    [makeService(exposedLocal)],
    [makeSlice([at('10.244.2.3', 'n2')])],
    OUTSIDE,
    NODE_PORT,
    'drop',
  ],
  'external policy Local serves pods from anywhere': [
    [makeService(exposedLocal)],
    [makeSlice([at('10.244.2.3', 'n2')])],
    POD_HERE,
    NODE_PORT,
    '10.244.2.3:8080',
  ],
  'external policy Local serves the node from anywhere': [
    [makeService(exposedLocal)],
    [makeSlice([at('10.244.2.3', 'n2')])],
    '192.168.0.1',
    NODE_PORT,
    '10.244.2.3:8080 masqueraded',
  ],
  'external address': [
    [makeService({ externalIPs: ['198.51.100.1'] })],
    [two],
    OUTSIDE,
    '198.51.100.1:80',
    '10.244.1.2:8080 masqueraded',
  ],
  'load balancer address': [
    [makeService({ type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip: '198.51.100.2' }] } })],
    [two],
    OUTSIDE,
    '198.51.100.2:80',
    '10.244.1.2:8080 masqueraded',
  ],
  'load balancer source ranges keep others out': [
    [
      makeService(
        { type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.2.0/24'] },
        { loadBalancer: { ingress: [{ ip: '198.51.100.2' }] } },
      ),
    ],
    [two],
    OUTSIDE,
    '198.51.100.2:80',
    'drop',
  ],
  'load balancer source ranges let theirs in': [
    [
      makeService(
        { type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.2.0/24', '203.0.113.0/24'] },
        { loadBalancer: { ingress: [{ ip: '198.51.100.2' }] } },
      ),
    ],
    [two],
    OUTSIDE,
    '198.51.100.2:80',
    '10.244.1.2:8080 masqueraded',
  ],
  'an endpoint on the host itself (kubernetes.default)': [
    [makeService()],
    [makeSlice([at('192.168.0.1', 'n1')], { port: 6443 })],
    POD_HERE,
    SERVICE,
    '192.168.0.1:6443',
  ],
  'an endpoint in two slices is there once': [[makeService()], [two, two], POD_HERE, SERVICE, '10.244.2.3:8080', 1],
}

describe('compile()', () => {
  for (const [name, [services, slices, from, to, want, random = 0]] of Object.entries(cases))
    test(name, () => assert.equal(send(compileAll(services, slices), from, to, { random: () => random }), want))

  test('a client with affinity stays with its endpoint', () => {
    const table = compileAll([makeService({ sessionAffinity: 'ClientIP' })], [two])
    const remembered = new Map<string, Set<string>>()
    assert.equal(send(table, POD_HERE, SERVICE, { remembered, random: () => 1 }), '10.244.2.3:8080')
    assert.equal(send(table, POD_HERE, SERVICE, { remembered, random: () => 0 }), '10.244.2.3:8080')
    assert.equal(send(table, '10.244.1.8', SERVICE, { remembered, random: () => 0 }), '10.244.1.2:8080')
  })

  test('UDP and SCTP ports are kept apart from TCP', () => {
    const service = makeService({
      ports: [
        { name: 'u', port: 80, protocol: 'UDP' },
        { name: 's', port: 80, protocol: 'SCTP' },
      ],
    })
    const slices = [
      makeSlice([at('10.244.1.2')], { name: 'u', protocol: 'UDP' }),
      makeSlice([at('10.244.1.3')], { name: 's', protocol: 'SCTP' }),
    ]
    const table = compileAll([service], slices)
    assert.equal(send(table, POD_HERE, SERVICE, {}, 'udp'), '10.244.1.2:8080')
    assert.equal(send(table, POD_HERE, SERVICE, {}, 'sctp'), '10.244.1.3:8080')
    assert.equal(send(table, POD_HERE, SERVICE, {}, 'tcp'), 'reject tcp reset')
  })

  test('UDP to a service without endpoints is answered by ICMP', () => {
    const table = compileAll([makeService({ ports: [{ port: 53, protocol: 'UDP' }] })], [])
    assert.equal(send(table, POD_HERE, '10.96.0.10:53', {}, 'udp'), 'reject port-unreachable')
  })

  test('host ports lead to the pod, on all addresses or on one', () => {
    const pod = {
      metadata: { name: 'p', namespace: 'default', uid: '1' },
      spec: {
        nodeName: 'n1',
        containers: [
          {
            name: 'c',
            ports: [
              { containerPort: 80, hostPort: 8080 },
              { containerPort: 81, hostPort: 8081, hostIP: '192.168.0.2' },
            ],
          },
        ],
      },
      status: { podIP: '10.244.1.7', phase: 'Running' },
    } as Pod
    const table = compileAll([], [], [pod])
    assert.equal(send(table, OUTSIDE, '192.168.0.1:8080'), '10.244.1.7:80')
    assert.equal(send(table, OUTSIDE, '192.168.0.1:8081'), 'untouched')
    assert.equal(send(table, OUTSIDE, '192.168.0.2:8081'), '10.244.1.7:81')
    assert.equal(send(table, '10.244.1.7', '192.168.0.1:8080'), '10.244.1.7:80 masqueraded')
  })

  test('without netfilter on bridges, neighbours are masqueraded', () => {
    const table = compileAll([makeService()], [two], [], { bridgeNetfilter: false })
    assert.equal(send(table, POD_HERE, SERVICE), '10.244.1.2:8080 masqueraded')
    assert.equal(send(table, POD_HERE, SERVICE, { random: () => 1 }), '10.244.2.3:8080')
  })

  test('one more endpoint rewrites one chain and adds one element', () => {
    const other = { ...makeService({ clusterIP: '10.96.0.11' }), metadata: { namespace: 'default', name: 'other' } }
    const before = compileAll([makeService(), other], [two])
    const after = compileAll(
      [makeService(), other],
      [makeSlice([at('10.244.1.2'), at('10.244.2.3', 'n2'), at('10.244.1.4')])],
    )
    const verbs = diffTables(before, after).map((command) => command.split(' ').slice(0, 2).join(' '))
    assert.deepEqual(verbs, ['flush chain', 'add rule', 'add rule', 'add element'])
    assert.deepEqual(diffTables(after, after), [])
  })
})

test('compile() spreads over exactly the ready endpoints, whatever they are', () => {
  const endpoint = fc.record({
    ip: fc.integer({ min: 1, max: 250 }),
    state: fc.constantFrom('ready', 'dying', 'down'),
    here: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.uniqueArray(endpoint, { maxLength: 12, selector: (one) => one.ip }),
      fc.boolean(),
      (endpoints, isLocal) => {
        const slice = makeSlice(
          endpoints.map(({ ip, state, here }) =>
            at(
              `10.244.9.${ip}`,
              here ? 'n1' : 'n2',
              state === 'ready' ? { ready: true } : state === 'dying' ? dying : { ready: false },
            ),
          ),
        )
        const table = compileAll([makeService(isLocal ? { internalTrafficPolicy: 'Local' } : {})], [slice])
        const mine = endpoints.filter(({ here }) => here || !isLocal)
        const ready = mine.filter(({ state }) => state === 'ready')
        const want = (ready.length > 0 ? ready : mine.filter(({ state }) => state === 'dying')).map(
          ({ ip }) => `10.244.9.${ip}:8080`,
        )
        const got = new Set<string>()
        for (let i = 0; i < Math.max(1, want.length); i++) got.add(send(table, POD_HERE, SERVICE, { random: () => i }))
        if (want.length > 0) assert.deepEqual([...got].sort(), want.sort())
        else assert.match([...got].join(), /^(reject tcp reset|drop)$/)
      },
    ),
  )
})
