// Kinds come and go while the garbage collector and the namespace controller run.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Resource } from '../../apimachinery/resource.ts'
import { customResourceDefinitions } from '../../api/apiextensions/custom-resource-definition.ts'
import { configMaps } from '../../api/core/config-map.ts'
import { namespaces } from '../../api/core/namespace.ts'
import type { Client } from '../../client/client.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { namespaceController } from '../namespace-controller/controller.ts'
import { startControllers } from '../start.ts'
import { genericGarbageCollector } from './controller.ts'

const GADGET = 'gadgets.example.com'
const gadgets = (version = 'v1'): Resource<AnyObject> => {
  const apiVersion = `example.com/${version}`
  const names = { kind: 'Gadget', plural: 'gadgets', singular: 'gadget', listKind: 'GadgetList' }
  const facts: Partial<Resource<AnyObject>> = {
    ...names,
    group: 'example.com',
    version,
    apiVersion,
    scope: 'Namespaced',
    groupResource: GADGET,
  }
  return facts as Resource<AnyObject>
}

/** How often the controllers listed or watched gadgets. */
interface Readings {
  count: number
}

function start(cluster: TestCluster, readings: Readings = { count: 0 }): AsyncDisposable {
  const { clock, random } = cluster
  return startControllers({
    client(identity, agent) {
      const client = cluster.as(identity, agent)
      return new Proxy(client, {
        get(target, property: keyof Client) {
          if (property !== 'list' && property !== 'watch') return target[property].bind(target)
          return (resource: Resource<never>, options: never) => {
            if (resource.groupResource === GADGET) readings.count++
            return target[property](resource, options)
          }
        },
      })
    },
    clock,
    random,
    log: silentLogger,
    configuration: {},
    controllers: [genericGarbageCollector, namespaceController],
  })
}

async function define({ client }: TestCluster, versions = ['v1']): Promise<void> {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  const served = versions.map((name, i) => ({ name, served: true, storage: i === 0, schema }))
  const spec = {
    group: 'example.com',
    names: { plural: 'gadgets', kind: 'Gadget' },
    scope: 'Namespaced',
    versions: served,
  }
  const definition = { metadata: { name: GADGET }, spec }
  await client.create(customResourceDefinitions, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    ...definition,
  } as never)
}

const gadget = (name: string, namespace = 'default'): AnyObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Gadget',
  metadata: { name, namespace },
})

async function dependent({ client }: TestCluster, name: string, uid: string): Promise<void> {
  const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Gadget', name: 'owner', uid }]
  const metadata = { name, namespace: 'default', ownerReferences }
  await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata })
}

async function left(cluster: TestCluster, ...names: string[]): Promise<string[]> {
  const found = await Promise.all(names.map((name) => cluster.get(configMaps, { namespace: 'default', name })))
  return found.flatMap((object) => (object ? [object.metadata.name] : []))
}

test('a kind is watched from its definition on, and no longer than it is served', async () => {
  await using cluster = await startCluster()
  const readings = { count: 0 }
  await using _controllers = start(cluster, readings)
  await cluster.advance('1s')
  await define(cluster)
  await cluster.advance('1s')
  const owner = await cluster.client.create(gadgets(), gadget('owner'))
  await dependent(cluster, 'child', owner.metadata.uid ?? '')
  await cluster.advance('1s')
  assert.deepEqual(await left(cluster, 'child'), ['child'])
  await cluster.client.delete(customResourceDefinitions, { name: GADGET })
  await cluster.advance('90s')
  assert.equal(await cluster.get(customResourceDefinitions, { name: GADGET }), undefined)
  assert.deepEqual(await left(cluster, 'child'), [])
  const before = readings.count
  await cluster.advance('10m')
  assert.equal(readings.count, before)
  await define(cluster)
  await cluster.advance('1s')
  assert.ok(readings.count > before)
})

test('a dependent stays while its owner cannot be asked about, and goes when its kind is served and the owner is not there', async () => {
  await using cluster = await startCluster()
  await using _controllers = start(cluster)
  await cluster.advance('1s')
  await dependent(cluster, 'child', 'no-such-uid')
  await cluster.advance('5m')
  assert.deepEqual(await left(cluster, 'child'), ['child'])
  await define(cluster)
  await cluster.advance('5s')
  assert.deepEqual(await left(cluster, 'child'), [])
})

test('a kind that prefers another version is followed in that one', async () => {
  await using cluster = await startCluster()
  await using _controllers = start(cluster)
  await define(cluster)
  await cluster.advance('1s')
  const { client } = cluster
  const owner = await client.create(gadgets(), gadget('owner'))
  await dependent(cluster, 'child', owner.metadata.uid ?? '')
  const live = await client.get(customResourceDefinitions, { name: GADGET })
  const versions = ['v1', 'v2'].map((name) => ({
    ...live.spec.versions[0],
    name,
    served: name === 'v2',
    storage: name === 'v1',
  }))
  await client.patch(customResourceDefinitions, { name: GADGET }, { type: 'merge', body: { spec: { versions } } })
  await cluster.advance('1m')
  assert.deepEqual(await left(cluster, 'child'), ['child'])
  await client.delete(gadgets('v2'), { namespace: 'default', name: 'owner' })
  await cluster.advance('5s')
  assert.deepEqual(await left(cluster, 'child'), [])
})

for (const order of ['before', 'after', 'together with'] as const) {
  test(`a namespace whose content's definition goes ${order} it goes`, async () => {
    await using cluster = await startCluster()
    const { client } = cluster
    await using _controllers = start(cluster)
    await define(cluster)
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } })
    await cluster.advance('1s')
    await client.create(gadgets(), gadget('one', 'shop'))
    const deletions = [
      () => client.delete(customResourceDefinitions, { name: GADGET }),
      () => client.delete(namespaces, { name: 'shop' }),
    ]
    if (order === 'after') deletions.reverse()
    for (const deletion of deletions) {
      await deletion()
      if (order !== 'together with') await cluster.advance('1m')
    }
    await cluster.advance('1m')
    assert.equal(await cluster.get(namespaces, { name: 'shop' }), undefined)
    assert.equal(await cluster.get(customResourceDefinitions, { name: GADGET }), undefined)
  })
}
