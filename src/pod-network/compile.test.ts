// The plan of a node's pod network, and what its rules do to traffic.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Node } from '../api/core/node/node.ts'
import { trace } from '../netlink/nft/trace.ts'
import { compile, compileRoutes, routeChanges } from './compile.ts'

const place = { cluster: 'mine', node: 'n1', clusterCIDR: '10.244.0.0/16', ipamDir: '/var/lib/x/ipam' }

function makeNode(name: string, podCIDR?: string, address?: string): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: podCIDR === undefined ? {} : { podCIDR },
    status: address === undefined ? {} : { addresses: [{ type: 'InternalIP', address }] },
  } as Node
}

test('compile() waits for a podCIDR', () => {
  assert.equal(compile(undefined, place), undefined)
  assert.equal(compile(makeNode('n1'), place), undefined)
  assert.equal(compile(makeNode('n1', 'fd00::/64'), place), undefined)
})

test('compile() gives the bridge the first address, and the pods the rest', () => {
  const plan = compile(makeNode('n1', '10.244.1.0/24'), place)
  assert.equal(plan?.gateway, '10.244.1.1/24')
  assert.match(plan?.bridge ?? '', /^drb-mine-[0-9a-z]{4}$/)
  assert.deepEqual(JSON.parse(plan?.conflist ?? ''), {
    cniVersion: '1.0.0',
    name: 'drover-mine',
    plugins: [
      {
        type: 'bridge',
        bridge: plan?.bridge,
        isGateway: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: '/var/lib/x/ipam',
          ranges: [[{ subnet: '10.244.1.0/24', gateway: '10.244.1.1' }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  })
})

describe('masquerade', () => {
  const plan = compile(makeNode('n1', '10.244.1.0/24'), place)
  const cases: Record<string, [source: string, destination: string, want: boolean]> = {
    'pod to the outside': ['10.244.1.2', '203.0.113.1', true],
    'pod to a pod of another node': ['10.244.1.2', '10.244.2.2', false],
    'pod to its neighbour': ['10.244.1.2', '10.244.1.3', false],
    'somebody else to the outside': ['10.1.1.1', '203.0.113.1', false],
    'pod to a multicast group': ['10.244.1.2', '224.0.0.251', false],
  }
  for (const [name, [source, destination, want]] of Object.entries(cases))
    test(`${name}: ${want ? 'yes' : 'no'}`, () => {
      const tables = plan === undefined ? [] : [plan.table]
      const outcome = trace(tables, { protocol: 'tcp', source, destination }, { addresses: ['192.168.0.1'] })
      assert.equal(outcome.masquerade, want)
    })
})

test('compileRoutes() leads to the other nodes that have both address and podCIDR', () => {
  const nodes = [
    makeNode('n1', '10.244.1.0/24', '172.29.0.1'),
    makeNode('n2', '10.244.2.0/24', '172.29.0.2'),
    makeNode('n3', '10.244.3.0/24'),
    makeNode('n4', undefined, '172.29.0.4'),
    makeNode('n5', '10.244.5.0/24', '172.29.0.1'),
  ]
  assert.deepEqual(compileRoutes(nodes, 'n1'), [{ to: '10.244.2.0/24', via: '172.29.0.2' }])
})

test('routeChanges() sets what is missing or wrong, removes what nobody has, and leaves other clusters alone', () => {
  const want = [
    { to: '10.244.2.0/24', via: '172.29.0.2' },
    { to: '10.244.3.0/24', via: '172.29.0.3' },
  ]
  const have = [
    { to: '10.244.2.0/24', via: '172.29.0.2', link: 'eth0' },
    { to: '10.244.3.0/24', via: '172.29.0.9', link: 'eth0' },
    { to: '10.244.4.0/24', via: '172.29.0.4', link: 'eth0' },
    { to: '10.245.1.0/24', via: '172.30.0.2', link: 'x' },
    { to: 'default', via: '172.29.0.1', link: 'eth0' },
  ]
  const changes = routeChanges(want, have, '10.244.0.0/16')
  assert.deepEqual(changes.set, [want[1]])
  assert.deepEqual(changes.remove, [have[2]])
})
