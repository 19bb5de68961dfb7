// API servers that share one etcd make services at the same moment: no two get the same address or node port, and nothing stays taken.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Service, services } from '../../../src/api/core/service/service.ts'
import { ipAddresses } from '../../../src/api/networking/ip-address.ts'
import { isAlreadyExists, isInvalid } from '../../../src/apimachinery/errors.ts'
import { type ApiServer, startApiServer } from '../../../src/apiserver/api-server.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { systemRandom } from '../../../src/base/random.ts'
import type { Client } from '../../../src/client/client.ts'
import { openEtcdStore } from '../../../src/store/etcd/etcd.ts'
import type { Store } from '../../../src/store/store.ts'
import { ADMIN, testAccountKey } from '../../../src/testing/cluster.ts'
import { startEtcd } from '../../../src/testing/etcd.ts'

const SERVICES = 300
const surroundings = { clock: systemClock, log: silentLogger }

const etcd = await startEtcd()
after(() => etcd[Symbol.asyncDispose]())

const open = (prefix: string): Promise<Store> => openEtcdStore({ ...surroundings, endpoints: [etcd.endpoint], prefix })

/** Ranges so small that every choice meets another one. */
const start = (store: Store): Promise<ApiServer> =>
  startApiServer({
    ...surroundings,
    store,
    random: systemRandom,
    serviceAccountKey: testAccountKey(),
    serviceCIDR: '10.96.0.0/23',
    nodePorts: [30_000, 30_399],
  })

const service = (name: string, spec: object = {}): Service =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { type: 'NodePort', ports: [{ port: 80 }], ...spec },
  }) as unknown as Service

/** Addresses and node ports that are taken. */
async function taken(client: Client, store: Store): Promise<[addresses: string[], ports: number]> {
  const { items } = await client.list(ipAddresses)
  const { entries } = await store.list('default/ranges/servicenodeports/')
  return [items.map(({ metadata }) => metadata.name).sort(), entries.length]
}

test('hundreds of services made on two servers at once share no address and no node port', async () => {
  await using storeA = await open('/services')
  await using storeB = await open('/services')
  await using stack = new AsyncDisposableStack()
  // Both find the store empty.
  const started = await Promise.allSettled([start(storeA), start(storeB)])
  const [serverA, serverB] = started.flatMap((one) => (one.status === 'fulfilled' ? stack.use(one.value) : []))
  assert.ok(serverA && serverB, String(started.find(({ status }) => status === 'rejected')))
  const a = serverA.client(ADMIN, 'test')
  const b = serverB.client(ADMIN, 'test')
  const made = await Promise.all(
    Array.from({ length: SERVICES }, (_, n) => (n % 2 === 0 ? a : b).create(services, service(`s${n}`))),
  )
  assert.equal(new Set(made.map(({ spec }) => spec.clusterIP)).size, SERVICES)
  assert.equal(new Set(made.map(({ spec }) => spec.ports?.[0]?.nodePort)).size, SERVICES)
  const [addresses, ports] = await taken(b, storeB)
  assert.deepEqual([addresses.length, ports], [SERVICES + 1, SERVICES])

  // Each is deleted on the server that did not make it.
  await Promise.all(made.map(({ metadata }, n) => (n % 2 === 0 ? b : a).delete(services, metadata as never)))
  assert.deepEqual(await taken(a, storeA), [['10.96.0.1'], 0])
})

test('of those who ask for the same, one gets it', async () => {
  await using storeA = await open('/asked')
  await using storeB = await open('/asked')
  await using serverA = await start(storeA)
  await using serverB = await start(storeB)
  const clients = [serverA, serverB].map((server) => server.client(ADMIN, 'test'))
  for (let round = 0; round < 10; round++) {
    const clusterIP = `10.96.1.${round}`
    const spec = { clusterIP, ports: [{ port: 80, nodePort: 30_100 + round }] }
    // Some are of one name, which is asked for on both.
    const outcomes = await Promise.allSettled(
      clients.flatMap((client) => ['x', 'y'].map((name) => client.create(services, service(`${name}${round}`, spec)))),
    )
    const [winner, ...more] = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    assert.equal(more.length, 0)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        assert.ok(isInvalid(outcome.reason) || isAlreadyExists(outcome.reason), String(outcome.reason))
    const [client] = clients
    assert.ok(client && winner)
    const { spec: held } = await client.get(ipAddresses, { name: clusterIP })
    assert.equal(held.parentRef.name, winner.metadata.name)
  }
})
