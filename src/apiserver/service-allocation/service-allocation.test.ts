// Services get addresses and node ports, from one server or several, and give them back.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isAlreadyExists, isInvalid, StatusError } from '../../apimachinery/errors.ts'
import { type Service, services } from '../../api/core/service/service.ts'
import { ipAddresses } from '../../api/networking/ip-address.ts'
import { serviceCIDRs } from '../../api/networking/service-cidr.ts'
import { silentLogger } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import type { Client } from '../../client/client.ts'
import type { Store, Write, WriteResult } from '../../store/store.ts'
import { ADMIN, startCluster, type TestCluster, testAccountKey } from '../../testing/cluster.ts'
import { startApiServer } from '../api-server.ts'

const service = (name: string, spec: object = {}): Service =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { ports: [{ port: 80 }], ...spec },
  }) as unknown as Service
const key = (name: string) => ({ namespace: 'default', name })

/** Each address that is taken, and for whom. */
async function taken(client: Client): Promise<Record<string, string>> {
  const { items } = await client.list(ipAddresses)
  return Object.fromEntries(
    items.map(({ metadata, spec }) => [metadata.name, `${spec.parentRef.namespace}/${spec.parentRef.name}`]),
  )
}

/** The node ports that are taken, as the store has them. */
async function takenPorts({ store }: Pick<TestCluster, 'store'>): Promise<number[]> {
  const { entries } = await store.list('default/ranges/servicenodeports/')
  return entries.map((entry) => Number(entry.key.split('/').at(-1)))
}

async function refused(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof StatusError)
  return error.message
}

test('a server is born with its range, and the first address is the API’s own', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const { spec, status } = await client.get(serviceCIDRs, { name: 'kubernetes' })
  assert.deepEqual(spec, { cidrs: ['10.96.0.0/16'] })
  assert.deepEqual(status?.conditions, [
    {
      type: 'Ready',
      status: 'True',
      reason: '',
      message: 'Kubernetes default Service CIDR is ready',
      lastTransitionTime: '2030-01-01T12:00:00Z',
    },
  ])
  const { metadata, spec: of } = await client.get(ipAddresses, { name: '10.96.0.1' })
  assert.deepEqual(metadata.labels, {
    'ipaddress.kubernetes.io/ip-family': 'IPv4',
    'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
  })
  assert.deepEqual(of.parentRef, { resource: 'services', namespace: 'default', name: 'kubernetes' })
  await client.delete(serviceCIDRs, { name: 'kubernetes' })
  await cluster.advance('61s')
  assert.equal((await client.get(serviceCIDRs, { name: 'kubernetes' })).status?.conditions?.[0]?.status, 'True')
})

test('an address is an object while a service holds it', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const a = await client.create(services, service('a'))
  const address = a.spec.clusterIP ?? ''
  assert.deepEqual(await taken(client), { '10.96.0.1': 'default/kubernetes', [address]: 'default/a' })
  await client.patch(services, key('a'), { type: 'merge', body: { metadata: { labels: { x: 'y' } } } })
  assert.equal((await client.get(services, key('a'))).spec.clusterIP, address)
  const external = { spec: { type: 'ExternalName', externalName: 'example.com' } }
  await client.patch(services, key('a'), { type: 'merge', body: external })
  assert.deepEqual(Object.keys(await taken(client)), ['10.96.0.1'])
  await client.patch(services, key('a'), { type: 'merge', body: { spec: { type: 'ClusterIP', externalName: null } } })
  assert.equal(Object.values(await taken(client)).length, 2)
  await client.create(services, service('headless', { clusterIP: 'None' }))
  await client.delete(services, key('a'))
  assert.deepEqual(Object.keys(await taken(client)), ['10.96.0.1'])
})

test('a service with finalizers holds its address until it is gone', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const held = service('a')
  Object.assign(held.metadata, { finalizers: ['example.com/lb'] })
  await client.create(services, held)
  await client.delete(services, key('a'))
  assert.equal(Object.values(await taken(client)).length, 2)
  await client.patch(services, key('a'), { type: 'merge', body: { metadata: { finalizers: null } } })
  assert.equal(Object.values(await taken(client)).length, 1)
})

describe('an address that is asked for', () => {
  const cases: Record<string, [spec: object, message: string]> = {
    'is outside every range': [
      { clusterIP: '10.1.0.1' },
      'spec.clusterIPs: Invalid value: ["10.1.0.1"]: failed to allocate IP 10.1.0.1: the provided network does not match the current range',
    ],
    'is the range’s own': [
      { clusterIP: '10.96.0.0' },
      'spec.clusterIPs: Invalid value: ["10.96.0.0"]: failed to allocate IP 10.96.0.0: the provided IP (10.96.0.0) is not in the valid range. The range of valid IPs is 10.96.0.0/16',
    ],
    'is taken': [
      { clusterIP: '10.96.0.1' },
      'spec.clusterIPs: Invalid value: ["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided IP is already allocated',
    ],
    'is of another family': [
      { clusterIP: 'fd00::1', clusterIPs: ['fd00::1'] },
      'spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster',
    ],
    'would have to be two': [
      { ipFamilyPolicy: 'RequireDualStack' },
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
    'is of a family there is not': [
      { ipFamilies: ['IPv6'] },
      'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    ],
    'comes with a port outside the range': [
      { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] },
      'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    ],
  }
  for (const [name, [spec, message]] of Object.entries(cases))
    test(`is refused when it ${name}, and nothing stays taken`, async () => {
      await using cluster = await startCluster()
      const { client } = cluster
      assert.equal(await refused(client.create(services, service('a', spec))), `Service "a" is invalid: ${message}`)
      assert.deepEqual(Object.keys(await taken(client)), ['10.96.0.1'])
      assert.deepEqual(await takenPorts(cluster), [])
    })

  test('is given', async () => {
    await using cluster = await startCluster()
    const made = await cluster.client.create(services, service('a', { clusterIP: '10.96.200.7' }))
    assert.deepEqual([made.spec.clusterIP, made.spec.clusterIPs], ['10.96.200.7', ['10.96.200.7']])
    assert.equal((await taken(cluster.client))['10.96.200.7'], 'default/a')
  })

  test('is given to a service of the name that it was left over from', async () => {
    await using cluster = await startCluster()
    const { client } = cluster
    const made = await client.create(services, service('a', { clusterIP: '10.96.200.7' }))
    // A server that dies between its two writes leaves the first.
    const { entries } = await cluster.store.list('default/networking.k8s.io/ipaddresses/')
    const left = entries.find((entry) => entry.key.endsWith('/10.96.200.7'))
    await client.delete(services, key('a'))
    assert.ok(left)
    const actor = { user: 'test', verb: 'create', requestID: 'r' }
    await cluster.store.write({ key: left.key, value: left.value, actor })
    assert.match(
      await refused(client.create(services, service('b', { clusterIP: '10.96.200.7' }))),
      /already allocated/,
    )
    const again = await client.create(services, service('a', { clusterIP: '10.96.200.7' }))
    assert.notEqual(again.metadata.uid, made.metadata.uid)
    assert.equal((await taken(client))['10.96.200.7'], 'default/a')
  })
})

test('node ports are one for all protocols, shared within a service only', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const ports = [
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    { name: 'web', port: 80 },
  ]
  const { spec } = await client.create(services, service('a', { type: 'NodePort', ports }))
  const [udp = 0, tcp = 0, web = 0] = spec.ports?.map(({ nodePort }) => nodePort) ?? []
  assert.equal(udp, tcp)
  assert.deepEqual(await takenPorts(cluster), [udp, web].sort())
  const clash = { type: 'NodePort', ports: [{ port: 1, protocol: 'SCTP', nodePort: udp }] }
  assert.equal(
    await refused(client.create(services, service('b', clash))),
    `Service "b" is invalid: spec.ports[0].nodePort: Invalid value: ${udp}: provided port is already allocated`,
  )
  await client.patch(services, key('a'), { type: 'merge', body: { spec: { ports: [{ name: 'web', port: 80 }] } } })
  assert.deepEqual(await takenPorts(cluster), [web])
  await client.create(services, service('b', clash))
  await client.patch(services, key('a'), { type: 'merge', body: { spec: { type: 'ClusterIP' } } })
  assert.deepEqual(await takenPorts(cluster), [udp])
  await client.delete(services, key('b'))
  assert.deepEqual(await takenPorts(cluster), [])
})

test('a load balancer that wants to know where pods are has a port for that', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', allocateLoadBalancerNodePorts: false }
  const made = await client.create(services, service('a', local))
  const port = made.spec.healthCheckNodePort ?? 0
  assert.ok(port >= 30_000)
  assert.deepEqual(await takenPorts(cluster), [port])
  assert.equal(
    await refused(client.create(services, service('b', { ...local, healthCheckNodePort: port }))),
    `Internal error occurred: failed to allocate requested HealthCheck NodePort ${port}: provided port is already allocated`,
  )
  await client.update(services, service('a', local))
  assert.deepEqual(await takenPorts(cluster), [port])
  await client.patch(services, key('a'), { type: 'merge', body: { spec: { externalTrafficPolicy: 'Cluster' } } })
  assert.equal((await client.get(services, key('a'))).spec.healthCheckNodePort, undefined)
  assert.deepEqual(await takenPorts(cluster), [])
})

test('a dry run takes nothing', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  const { revision } = cluster.store
  const dry = await client.create(services, service('a', { type: 'NodePort' }), { dryRun: true })
  assert.deepEqual([dry.spec.clusterIP, dry.spec.ports?.[0]?.nodePort], ['10.96.0.0', 32_769])
  assert.match(
    await refused(client.create(services, service('a', { clusterIP: '10.96.0.1' }), { dryRun: true })),
    /provided IP is already allocated/,
  )
  assert.equal(cluster.store.revision, revision)
})

test('a range that is full is refused, and a second one goes on', async () => {
  await using cluster = await startCluster({ server: { serviceCIDR: '10.96.0.0/29', nodePorts: [30_000, 30_001] } })
  const { client } = cluster
  for (let n = 2; n <= 6; n++) await client.create(services, service(`s${n}`))
  assert.equal(
    await refused(client.create(services, service('more'))),
    'Internal error occurred: failed to allocate a serviceIP: range is full',
  )
  const second = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'second' } }
  await client.create(serviceCIDRs, { ...second, spec: { cidrs: ['10.97.0.0/24'] } } as never)
  assert.match((await client.create(services, service('more'))).spec.clusterIP ?? '', /^10\.97\.0\./)
  const twoPorts = { type: 'NodePort', ports: [80, 81].map((port) => ({ name: `p${port}`, port })) }
  await client.create(services, service('ports', twoPorts))
  assert.equal(
    await refused(client.create(services, service('port', { type: 'NodePort' }))),
    'Internal error occurred: failed to allocate a nodePort: range is full',
  )
  const count = Object.values(await taken(client)).length
  // One that is going gives nothing any more.
  await client.patch(
    serviceCIDRs,
    { name: 'second' },
    { type: 'merge', body: { metadata: { finalizers: ['a.example/b'] } } },
  )
  await client.delete(serviceCIDRs, { name: 'second' })
  assert.match(await refused(client.create(services, service('last'))), /range is full/)
  assert.equal(Object.values(await taken(client)).length, count)
})

/** A second server over the store of a cluster. */
const secondServer = ({ store, clock }: TestCluster, options: object = {}) =>
  startApiServer({
    store,
    clock,
    random: seededRandom(2),
    log: silentLogger,
    serviceAccountKey: testAccountKey(),
    serviceCIDR: '10.96.0.0/16',
    ...options,
  })

describe('two servers over one store', () => {
  test('give no address and no port to two services', async () => {
    const options = { serviceCIDR: '10.96.0.0/23', nodePorts: [30_000, 30_449] as const }
    await using cluster = await startCluster({ server: options })
    await using other = await secondServer(cluster, options)
    const clients = [cluster.client, other.client(ADMIN, 'test')]
    const made = await Promise.all(
      Array.from({ length: 400 }, (_, n) => {
        const client = clients[n % 2] ?? cluster.client
        return client.create(services, service(`s${n}`, { type: 'NodePort' }))
      }),
    )
    const addresses = made.map(({ spec }) => spec.clusterIP)
    const ports = made.map(({ spec }) => spec.ports?.[0]?.nodePort)
    assert.equal(new Set(addresses).size, 400)
    assert.equal(new Set(ports).size, 400)
    assert.equal((await takenPorts(cluster)).length, 400)
    assert.equal(Object.keys(await taken(cluster.client)).length, 401)
    await Promise.all(made.map(({ metadata }, n) => clients[(n + 1) % 2]?.delete(services, key(metadata.name))))
    assert.deepEqual(Object.keys(await taken(cluster.client)), ['10.96.0.1'])
    assert.deepEqual(await takenPorts(cluster), [])
  })

  test('let one of many have an address that all ask for', async () => {
    await using cluster = await startCluster()
    await using other = await secondServer(cluster)
    const clients = [cluster.client, other.client(ADMIN, 'test')]
    for (let round = 0; round < 10; round++) {
      const clusterIP = `10.96.7.${round + 1}`
      const port = { port: 80, nodePort: 30_500 + round }
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, (_, n) =>
          clients[n % 2]?.create(services, service(`r${round}-${n}`, { clusterIP, type: 'NodePort', ports: [port] })),
        ),
      )
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
      for (const outcome of outcomes) if (outcome.status === 'rejected') assert.ok(isInvalid(outcome.reason))
    }
    assert.equal(Object.keys(await taken(cluster.client)).length, 11)
    assert.equal((await takenPorts(cluster)).length, 10)
  })

  test('make one of many services of a name, with what it asks for', async () => {
    await using cluster = await startCluster()
    await using other = await secondServer(cluster)
    const clients = [cluster.client, other.client(ADMIN, 'test')]
    for (let round = 0; round < 20; round++) {
      const spec = {
        clusterIP: `10.96.7.${round + 1}`,
        type: 'NodePort',
        ports: [{ port: 80, nodePort: 30_500 + round }],
      }
      const outcomes = await Promise.allSettled(
        clients.flatMap((client) => [1, 2].map(() => client.create(services, service(`r${round}`, spec)))),
      )
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
      for (const outcome of outcomes)
        if (outcome.status === 'rejected')
          assert.ok(isAlreadyExists(outcome.reason) || isInvalid(outcome.reason), String(outcome.reason))
      assert.equal((await taken(cluster.client))[spec.clusterIP], `default/r${round}`)
      assert.equal((await takenPorts(cluster)).length, round + 1)
    }
  })

  test('start at once on an empty store', async () => {
    await using cluster = await startCluster()
    await using a = await secondServer(cluster, { tenant: 'new' })
    await using b = await secondServer(cluster, { tenant: 'new' })
    assert.ok(a && b)
    const both = await Promise.all([1, 2].map(() => secondServer(cluster, { tenant: 'newer' })))
    const client = both[0]?.client(ADMIN, 'test')
    assert.ok(client)
    assert.deepEqual(await taken(client), { '10.96.0.1': 'default/kubernetes' })
    for (const server of both) await server[Symbol.asyncDispose]()
  })
})

const keyOfA = 'default/core/services/default/a'

/** A store that something else does the writes of one key for. */
function interposed(store: Store, key: string, write: (write: Write) => Promise<WriteResult>): Store {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name !== 'write') return value.bind(target)
      return (asked: Write) => (asked.key === key ? write(asked) : target.write(asked))
    },
  })
}

/** Loses the answer to the write of one key: after it is done, or before. */
const losing = (store: Store, { key: lost, done }: { key: string; done: boolean }): Store =>
  interposed(store, lost, async (write) => {
    if (done) await store.write(write)
    throw new Error('the connection is gone')
  })

describe('a service whose write was not answered', () => {
  const spec = { clusterIP: '10.96.0.9', type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }

  test('keeps what it has, since it may be there', async () => {
    await using cluster = await startCluster()
    await using other = await secondServer(cluster, { store: losing(cluster.store, { key: keyOfA, done: true }) })
    await refused(other.client(ADMIN, 'test').create(services, service('a', spec)))
    assert.equal((await cluster.client.get(services, key('a'))).spec.clusterIP, '10.96.0.9')
    for (const time of ['0s', '5m']) {
      await cluster.advance(time)
      assert.equal((await taken(cluster.client))['10.96.0.9'], 'default/a')
      assert.deepEqual(await takenPorts(cluster), [30_080])
    }
  })

  test('loses it later, if it is not there', async () => {
    await using cluster = await startCluster()
    await using other = await secondServer(cluster, { store: losing(cluster.store, { key: keyOfA, done: false }) })
    await refused(other.client(ADMIN, 'test').create(services, service('a', spec)))
    assert.equal((await taken(cluster.client))['10.96.0.9'], 'default/a')
    await cluster.advance('5m')
    assert.deepEqual(Object.keys(await taken(cluster.client)), ['10.96.0.1'])
    assert.deepEqual(await takenPorts(cluster), [])
  })
})

describe('two servers that make a service of one name', () => {
  const asked = { clusterIP: '10.96.0.9', type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }

  /** A second server whose write of the service waits, with everything it takes taken. */
  async function heldUp(cluster: TestCluster) {
    const reached = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const server = await secondServer(cluster, {
      store: interposed(cluster.store, keyOfA, async (write) => {
        reached.resolve()
        await goOn.promise
        return cluster.store.write(write)
      }),
    })
    const client = server.client(ADMIN, 'test')
    return { server, client, reached: reached.promise, goOn: () => goOn.resolve() }
  }

  test('the one that was slower gives back what it took of its own', async () => {
    await using cluster = await startCluster()
    const held = await heldUp(cluster)
    await using _server = held.server
    const slow = refused(held.client.create(services, service('a', { type: 'NodePort' })))
    await held.reached
    const { spec } = await cluster.client.create(services, service('a', { type: 'NodePort' }))
    held.goOn()
    assert.match(await slow, /already exists/)
    assert.deepEqual(await taken(cluster.client), {
      '10.96.0.1': 'default/kubernetes',
      [spec.clusterIP ?? '']: 'default/a',
    })
    assert.deepEqual(await takenPorts(cluster), [spec.ports?.[0]?.nodePort])
  })

  test('the one that was slower takes nothing from the one that took over', async () => {
    await using cluster = await startCluster()
    const held = await heldUp(cluster)
    await using _server = held.server
    const slow = refused(held.client.create(services, service('a', asked)))
    await held.reached
    await cluster.client.create(services, service('a', asked))
    held.goOn()
    assert.match(await slow, /already exists/)
    assert.equal((await taken(cluster.client))['10.96.0.9'], 'default/a')
    assert.deepEqual(await takenPorts(cluster), [30_080])
  })

  test('the one that took over and failed takes nothing from the one that was slower', async () => {
    await using cluster = await startCluster()
    const held = await heldUp(cluster)
    await using _server = held.server
    const slow = held.client.create(services, service('a', asked))
    await held.reached
    const ports = [...asked.ports, { name: 'far', port: 81, nodePort: 81 }].map((port) => ({ name: 'near', ...port }))
    assert.match(await refused(cluster.client.create(services, service('a', { ...asked, ports }))), /valid range/)
    held.goOn()
    await slow
    assert.equal((await taken(cluster.client))['10.96.0.9'], 'default/a')
    assert.deepEqual(await takenPorts(cluster), [30_080])
  })
})
