// Ranges of services: ready when made, and gone when nothing depends on them.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Service, services } from '../../api/core/service/service.ts'
import type { IPAddress } from '../../api/networking/ip-address.ts'
import { type ServiceCIDR, serviceCIDRs } from '../../api/networking/service-cidr.ts'
import { silentLogger } from '../../base/log.ts'
import { startCluster } from '../../testing/cluster.ts'
import { startControllers } from '../start.ts'
import { decide, FINALIZER, serviceCIDRController, type Verdict } from './controller.ts'

const GONE = '2030-01-01T12:00:00Z'

const range = (name: string, cidr: string, metadata: object = {}, status?: object): ServiceCIDR =>
  ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name, ...metadata },
    spec: { cidrs: [cidr] },
    ...(status ? { status } : {}),
  }) as unknown as ServiceCIDR
const address = (name: string): IPAddress => ({ metadata: { name } }) as unknown as IPAddress
const going = { deletionTimestamp: GONE, finalizers: [FINALIZER] }
const says = (status: string): object => ({ conditions: [{ type: 'Ready', status }] })

interface Given {
  range: ServiceCIDR
  others?: ServiceCIDR[]
  addresses?: string[]
  seconds?: number
}

const READY = { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' } as const
const TERMINATING = {
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
} as const

describe('decide()', () => {
  const cases: Record<string, [given: Given, want: Verdict]> = {
    'makes a new one ready, and holds it': [
      { range: range('a', '10.1.0.0/24') },
      { finalizers: [FINALIZER], ready: READY },
    ],
    'leaves one as it is that is ready': [
      { range: range('a', '10.1.0.0/24', { finalizers: [FINALIZER] }, says('True')) },
      {},
    ],
    'waits before it lets one go': [{ range: range('a', '10.1.0.0/24', going), seconds: 4 }, { waitMs: 6000 }],
    'lets one go that nothing depends on': [
      { range: range('a', '10.1.0.0/24', going), addresses: ['10.2.0.1'], seconds: 10 },
      { finalizers: [] },
    ],
    'keeps one that has addresses, and says so': [
      { range: range('a', '10.1.0.0/24', going), addresses: ['10.1.0.1'], seconds: 10 },
      { ready: TERMINATING },
    ],
    'says so once': [
      { range: range('a', '10.1.0.0/24', going, says('False')), addresses: ['10.1.0.1'], seconds: 10 },
      {},
    ],
    'lets one go that another contains': [
      {
        range: range('a', '10.1.0.0/24', going),
        others: [range('b', '10.1.0.0/16')],
        addresses: ['10.1.0.1'],
        seconds: 10,
      },
      { finalizers: [] },
    ],
    'lets one go that another is the same as': [
      {
        range: range('a', '10.1.0.0/24', going),
        others: [range('b', '10.1.0.0/24')],
        addresses: ['10.1.0.1'],
        seconds: 10,
      },
      { finalizers: [] },
    ],
    'lets one go whose addresses smaller ones have': [
      {
        range: range('a', '10.1.0.0/16', going),
        others: [range('b', '10.1.0.0/24')],
        addresses: ['10.1.0.1'],
        seconds: 10,
      },
      { finalizers: [] },
    ],
    'does not rely on one that goes too': [
      {
        range: range('a', '10.1.0.0/24', going),
        others: [range('b', '10.1.0.0/16', going)],
        addresses: ['10.1.0.1'],
        seconds: 10,
      },
      { ready: TERMINATING },
    ],
    'leaves alone what it does not hold': [
      { range: range('a', '10.1.0.0/24', { deletionTimestamp: GONE, finalizers: ['x/y'] }), seconds: 10 },
      {},
    ],
  }
  for (const [name, [{ range: given, others = [], addresses = [], seconds = 0 }, want]] of Object.entries(cases))
    test(name, () => {
      const nowMs = Date.parse(GONE) + seconds * 1000
      assert.deepEqual(decide(given, { others, addresses: addresses.map(address), nowMs }), want)
    })
})

test('a range goes when the last service that has an address of it is gone', async () => {
  await using cluster = await startCluster({ server: { serviceCIDR: '10.96.0.0/30' } })
  const { client, clock, random } = cluster
  await using _controllers = startControllers({
    client: (identity, userAgent) => cluster.as(identity, userAgent),
    clock,
    random,
    log: silentLogger,
    configuration: {},
    controllers: [serviceCIDRController],
  })
  const made = async (name: string): Promise<string> => {
    const spec = { ports: [{ port: 80 }] }
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec }
    return (await client.create(services, service as unknown as Service)).spec.clusterIP ?? ''
  }
  assert.equal(await made('first'), '10.96.0.2')
  await client.create(serviceCIDRs, range('second', '10.97.0.0/24'))
  await cluster.advance('1s')
  const second = await client.get(serviceCIDRs, { name: 'second' })
  assert.deepEqual(second.metadata.finalizers, [FINALIZER])
  assert.equal(second.status?.conditions?.[0]?.status, 'True')
  assert.match(await made('more'), /^10\.97\.0\./)
  await client.delete(serviceCIDRs, { name: 'second' })
  await cluster.advance('30s')
  const blocked = (await client.get(serviceCIDRs, { name: 'second' })).status?.conditions?.[0]
  assert.deepEqual([blocked?.status, blocked?.reason], ['False', 'Terminating'])
  await client.delete(services, { namespace: 'default', name: 'more' })
  await cluster.advance('1s')
  assert.equal(await cluster.get(serviceCIDRs, { name: 'second' }), undefined)
})
