// What is taken and what services hold are brought into line: pure verdicts, then a server that finds what others left.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Service } from '../../api/core/service/service.ts'
import { services } from '../../api/core/service/service.ts'
import { events } from '../../api/core/event.ts'
import { ipAddresses } from '../../api/networking/ip-address.ts'
import { serviceCIDRs } from '../../api/networking/service-cidr.ts'
import { silentLogger } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { startCluster, type TestCluster, testAccountKey } from '../../testing/cluster.ts'
import { startApiServer } from '../api-server.ts'
import type { Claim } from './claims.ts'
import { addressRange } from './ranges.ts'
import { decide, type RepairPlan, type RepairState } from './repair.ts'

const service = (name: string, spec: object): Service =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { ports: [{ port: 80 }], ...spec },
  }) as unknown as Service

const claim = <Place extends string | number>(place: Place, owner: string, tweak: object = {}): Claim<Place> => {
  const [namespace = '', name = ''] = owner.split('/')
  return { place, id: `${place}`, owner: owner === '' ? undefined : { namespace, name }, sound: true, ...tweak }
}
const over = <Place>(claims: Claim<Place>[]) => ({
  get: (place: Place) => claims.find((one) => one.place === place),
  all: () => claims.filter(({ sound }) => sound),
})

interface Given {
  services: Service[]
  addresses?: Claim<string>[]
  ports?: Claim<number>[]
}

function planFor({ addresses = [], ports = [], ...rest }: Given): Record<string, unknown> {
  const range = addressRange('10.96.0.0/16')
  assert.ok(range)
  const state: RepairState = {
    ...rest,
    addresses: over(addresses),
    ports: over(ports),
    ranges: [range],
    nodePorts: [30_000, 32_767],
  }
  return inShort(decide(state))
}

/** Without what is empty. */
function inShort(plan: RepairPlan): Record<string, unknown> {
  const places = (claims: readonly { place: string | number }[]): (string | number)[] =>
    claims.map(({ place }) => place)
  const taken = (list: RepairPlan['takeAddresses'] | RepairPlan['takePorts']): string[] =>
    list.map(({ place, owner }) => `${place} ${owner.namespace}/${owner.name}`)
  return Object.fromEntries(
    Object.entries({
      take: [...taken(plan.takeAddresses), ...taken(plan.takePorts)],
      orphans: [...places(plan.orphanAddresses), ...places(plan.orphanPorts)],
      say: plan.findings.map(({ service: { metadata }, reason, message }) => `${metadata.name} ${reason}: ${message}`),
    }).filter(([, list]) => list.length > 0),
  )
}

describe('decide()', () => {
  const a = service('a', { clusterIP: '10.96.0.9', ports: [{ port: 80, nodePort: 30_080 }] })
  const b = service('b', { clusterIP: '10.96.0.9', ports: [{ port: 80, nodePort: 30_080 }] })
  const addresses = [claim('10.96.0.9', 'default/a')]
  const ports = [claim(30_080, 'default/a')]
  const cases: Record<string, [given: Given, want: Record<string, unknown>]> = {
    'nothing where all is as it should be': [{ services: [a], addresses, ports }, {}],
    'nothing for what holds nothing': [
      { services: [service('h', { clusterIP: 'None' }), service('e', { type: 'ExternalName' })] },
      {},
    ],
    'to take what is held': [
      { services: [a] },
      {
        take: ['10.96.0.9 default/a', '30080 default/a'],
        say: [
          'a ClusterIPNotAllocated: Cluster IP [IPv4]: 10.96.0.9 is not allocated; repairing',
          'a PortNotAllocated: Port 30080 is not allocated; repairing',
        ],
      },
    ],
    'to release what nobody holds': [
      {
        services: [a],
        addresses: [...addresses, claim('10.96.0.10', 'default/gone'), claim('10.96.0.11', 'default/a')],
        ports: [...ports, claim(30_081, 'default/gone')],
      },
      { orphans: ['10.96.0.10', '10.96.0.11', 30_081] },
    ],
    'nothing about addresses that others manage': [
      { services: [], addresses: [claim('10.96.0.10', '', { sound: false })] },
      {},
    ],
    'to release, so that it can be taken, what is held and is somebody else’s': [
      { services: [a], addresses: [claim('10.96.0.9', '', { sound: false })], ports },
      {
        orphans: ['10.96.0.9'],
        say: [
          'a ClusterIPNotAllocated: the ClusterIP [IPv4]: 10.96.0.9 for Service default/a has a wrong reference; repairing',
        ],
      },
    ],
    'that of two only one can hold a place': [
      { services: [a, b], addresses, ports },
      {
        say: [
          'b ClusterIPAlreadyAllocated: Cluster IP [IPv4]:10.96.0.9 was assigned to multiple services; please recreate service',
          'b PortAlreadyAllocated: Port 30080 was assigned to multiple services; please recreate service',
        ],
      },
    ],
    'to take it for the first of two that hold it': [
      { services: [a, b], addresses: [], ports },
      {
        take: ['10.96.0.9 default/a'],
        say: [
          'a ClusterIPNotAllocated: Cluster IP [IPv4]: 10.96.0.9 is not allocated; repairing',
          'b ClusterIPAlreadyAllocated: Cluster IP [IPv4]:10.96.0.9 was assigned to multiple services; please recreate service',
          'b PortAlreadyAllocated: Port 30080 was assigned to multiple services; please recreate service',
        ],
      },
    ],
    'nothing but a word about what is outside the ranges': [
      { services: [service('c', { clusterIP: '10.1.0.1', ports: [{ port: 80, nodePort: 20_000 }] })] },
      {
        say: [
          'c ClusterIPOutOfRange: Cluster IP [IPv4]: 10.1.0.1 is not within any configured Service CIDR; please recreate service',
          'c PortOutOfRange: Port 20000 is not within the port range 30000-32767; please recreate service',
        ],
      },
    ],
  }
  for (const [name, [given, want]] of Object.entries(cases))
    test(`says ${name}`, () => assert.deepEqual(planFor(given), want))
})

const TAKEN = ['default/networking.k8s.io/ipaddresses/', 'default/ranges/servicenodeports/']
const actor = { user: 'test', verb: 'test', requestID: 'r' }

async function entriesOf({ store }: TestCluster, prefixes = TAKEN) {
  return (await Promise.all(prefixes.map((prefix) => store.list(prefix)))).flatMap(({ entries }) => entries)
}

const namesOf = async (cluster: TestCluster): Promise<string[]> =>
  (await entriesOf(cluster)).map((entry) => entry.key.split('/').at(-1) ?? '').sort()

const restarted = ({ store, clock }: TestCluster) =>
  startApiServer({
    store,
    clock,
    random: seededRandom(2),
    log: silentLogger,
    serviceAccountKey: testAccountKey(),
    serviceCIDR: '10.96.0.0/16',
  })

test('a server that starts on the data of an older one takes what its services hold', async () => {
  await using cluster = await startCluster()
  const { client, server, store } = cluster
  const nodePort = { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }
  await client.create(services, service('a', { clusterIP: '10.96.0.9', ...nodePort }))
  await server[Symbol.asyncDispose]()
  for (const { key } of await entriesOf(cluster, [...TAKEN, 'default/networking.k8s.io/servicecidrs/']))
    await store.write({ key, value: null, actor })
  await using again = await restarted(cluster)
  assert.deepEqual(await namesOf(cluster), ['10.96.0.1', '10.96.0.9', '30080'])
  const admin = again.client({ username: 'admin', groups: ['system:masters'] }, 'test')
  assert.deepEqual((await admin.get(serviceCIDRs, { name: 'kubernetes' })).spec.cidrs, ['10.96.0.0/16'])
})

test('what a server left that died between two writes is released when its time has passed, and not before', async () => {
  await using cluster = await startCluster()
  const { client, store } = cluster
  const nodePort = { type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }
  await client.create(services, service('a', { clusterIP: '10.96.0.9', ...nodePort }))
  const foreign = { apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name: '10.96.0.10' } }
  const parentRef = { group: 'example.com', resource: 'gateways', name: 'g' }
  await client.create(ipAddresses, { ...foreign, spec: { parentRef } } as never)
  // As if it had never been written, or only been deleted.
  await store.write({ key: 'default/core/services/default/a', value: null, actor })
  await cluster.advance('61s')
  assert.deepEqual(await namesOf(cluster), ['10.96.0.1', '10.96.0.10', '10.96.0.9', '30080'])
  await cluster.advance('60s')
  assert.deepEqual(await namesOf(cluster), ['10.96.0.1', '10.96.0.10'])
})

test('an address that somebody deletes is taken again, and the service hears of it', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  await client.create(services, service('a', { clusterIP: '10.96.0.9' }))
  await client.delete(ipAddresses, { name: '10.96.0.9' })
  await cluster.advance('61s')
  assert.equal((await client.get(ipAddresses, { name: '10.96.0.9' })).spec.parentRef.name, 'a')
  const { items } = await client.list(events, { namespace: 'default' })
  assert.deepEqual(
    items.map(({ reason, involvedObject, source }) => [reason, involvedObject.name, source?.component]),
    [['ClusterIPNotAllocated', 'a', 'ipallocator-repair-controller']],
  )
})

test('two services of one address, from before, are told of once', async () => {
  await using cluster = await startCluster()
  const { client, store } = cluster
  await client.create(services, service('a', { clusterIP: '10.96.0.9' }))
  const stored = await store.get('default/core/services/default/a')
  assert.ok(stored)
  const value = Buffer.from(stored.value.toString().replace('"name":"a"', '"name":"b"'))
  await store.write({ key: 'default/core/services/default/b', value, actor })
  await cluster.advance('10m')
  const { items } = await client.list(events, { namespace: 'default' })
  assert.deepEqual(
    items.map(({ reason, involvedObject, count }) => [reason, involvedObject.name, count]),
    [['ClusterIPAlreadyAllocated', 'b', 1]],
  )
  // The one that goes takes nothing with it that is the other's.
  await client.delete(services, { namespace: 'default', name: 'b' })
  assert.equal((await client.get(ipAddresses, { name: '10.96.0.9' })).spec.parentRef.name, 'a')
})
