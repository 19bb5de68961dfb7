// Networks of clusters do not meet each other, nor what else the machine is connected to.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { chooseNetworks, networksOf, overlap } from './networks.ts'

const pairs: Record<string, [a: string, b: string, want: boolean]> = {
  'the same network': ['10.0.0.0/8', '10.0.0.0/8', true],
  'one inside the other': ['10.0.0.0/8', '10.96.0.0/16', true],
  'an address inside a network': ['10.96.0.1/32', '10.96.0.0/16', true],
  neighbours: ['10.96.0.0/16', '10.97.0.0/16', false],
  'the whole world': ['0.0.0.0/0', '192.168.1.0/24', true],
  'high addresses': ['223.255.255.0/24', '223.255.254.0/24', false],
}
describe('overlap()', () => {
  for (const [name, [a, b, want]] of Object.entries(pairs))
    test(name, () => assert.deepEqual([overlap(a, b), overlap(b, a)], [want, want]))
})

test('chooseNetworks gives the first cluster the usual networks, and the next the next', () => {
  const first = chooseNetworks({ clusters: [], interfaces: {} })
  assert.deepEqual(first, { clusterCIDR: '10.244.0.0/16', serviceCIDR: '10.96.0.0/16', nodeNetwork: '172.29.0.1/24' })
  const second = chooseNetworks({ clusters: [{ name: 'a', ...first }], interfaces: {} })
  assert.deepEqual(second, { clusterCIDR: '10.245.0.0/16', serviceCIDR: '10.97.0.0/16', nodeNetwork: '172.29.1.1/24' })
  assert.deepEqual(chooseNetworks({ clusters: [{ name: 'b', ...second }], interfaces: {} }), first)
})

test('chooseNetworks keeps away from what the machine is connected to', () => {
  const info = {
    address: '10.244.7.1',
    netmask: '',
    family: 'IPv4',
    mac: '',
    internal: false,
    cidr: '10.244.7.1/16',
  } as const
  assert.equal(chooseNetworks({ clusters: [], interfaces: { eth1: [info] } }).clusterCIDR, '10.245.0.0/16')
})

test('chooseNetworks takes what was named, keeps the others away from it, and refuses what meets another', () => {
  const first = { name: 'a', ...chooseNetworks({ clusters: [], interfaces: {} }) }
  const choose = (wanted: { clusterCIDR?: string; serviceCIDR?: string }) =>
    chooseNetworks({ clusters: [first], interfaces: {} }, wanted)
  assert.deepEqual(choose({ clusterCIDR: '10.245.0.0/17' }), {
    clusterCIDR: '10.245.0.0/17',
    serviceCIDR: '10.98.0.0/16',
    nodeNetwork: '172.29.2.1/24',
  })
  assert.throws(() => choose({ clusterCIDR: '10.244.128.0/17' }), {
    message: 'The network 10.244.128.0/17 meets 10.244.0.0/16 of cluster "a"',
  })
  assert.throws(() => choose({ clusterCIDR: '10.1.0.0/16', serviceCIDR: '10.1.16.0/20' }), {
    message: 'The network 10.1.16.0/20 meets 10.1.0.0/16 of the pods',
  })
})

test('networksOf never gives two clusters networks that meet', () => {
  const all = Array.from({ length: 96 }, (_, index) => Object.values(networksOf(index))).flat()
  for (const [index, network] of all.entries())
    for (const other of all.slice(index + 1)) assert.equal(overlap(network, other), false, `${network} and ${other}`)
})
