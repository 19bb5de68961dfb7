import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  ApiException,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node'
import type { DeepReadonly } from '../../src/apimachinery/resource.ts'
import { type ConfigMap, configMaps } from '../../src/api/core/config-map.ts'
import { LIMIT, type ServedCluster, serveCluster } from './server.ts'

const namespace = 'default'
const FLOOD_BYTES = 1_000_000

const configMap = (name: string): ConfigMap =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace } }) as ConfigMap

let cluster: ServedCluster | undefined

function served(): ServedCluster {
  if (!cluster) throw new Error('The server is not started')
  return cluster
}

function config(): KubeConfig {
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromFile(served().kubeconfig)
  return kubeConfig
}

before(async () => {
  cluster = await serveCluster()
}, LIMIT)
after(() => cluster?.[Symbol.asyncDispose](), LIMIT)

describe('@kubernetes/client-node', LIMIT, () => {
  test('creates, reads, lists, replaces, patches and deletes', async () => {
    const api = config().makeApiClient(CoreV1Api)
    const body = { metadata: { name: 'crud' }, data: { a: '1' } }
    const made = await api.createNamespacedConfigMap({ namespace, body })
    assert.equal(made.metadata?.creationTimestamp instanceof Date, true)
    const read = await api.readNamespacedConfigMap({ namespace, name: 'crud' })
    assert.deepEqual(read.data, { a: '1' })
    const list = await api.listNamespacedConfigMap({ namespace, fieldSelector: 'metadata.name=crud' })
    assert.deepEqual(
      list.items.map((item) => item.metadata?.name),
      ['crud'],
    )
    await api.replaceNamespacedConfigMap({ namespace, name: 'crud', body: { ...read, data: { b: '2' } } })
    await assert.rejects(
      api.replaceNamespacedConfigMap({ namespace, name: 'crud', body: read }),
      (error) => error instanceof ApiException && error.code === 409,
    )
    const operations = [{ op: 'add', path: '/data/c', value: '3' }]
    const patched = await api.patchNamespacedConfigMap({ namespace, name: 'crud', body: operations })
    assert.deepEqual(patched.data, { b: '2', c: '3' })
    const status = await api.deleteNamespacedConfigMap({ namespace, name: 'crud' })
    assert.equal(status.status, 'Success')
    await assert.rejects(
      api.readNamespacedConfigMap({ namespace, name: 'crud' }),
      (error) =>
        error instanceof ApiException &&
        error.code === 404 &&
        /configmaps \\"crud\\" not found/.test(String(error.body)),
    )
  })

  test('applies objects of any kind on the server', async () => {
    const api = KubernetesObjectApi.makeApiClient(config())
    const spec: V1ConfigMap & { metadata: { name: string } } = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'any', namespace },
      data: { a: '1' },
    }
    const applied = await api.patch(spec, undefined, undefined, 'tester', true, PatchStrategy.ServerSideApply)
    assert.equal(applied.metadata?.managedFields?.[0]?.manager, 'tester')
    await api.delete(spec)
  })

  test('follows objects with an informer, also across a lost connection', async () => {
    const kubeConfig = config()
    const api = kubeConfig.makeApiClient(CoreV1Api)
    const list = (): ReturnType<typeof api.listNamespacedConfigMap> =>
      api.listNamespacedConfigMap({ namespace, labelSelector: 'informer=yes' })
    const path = `/api/v1/namespaces/${namespace}/configmaps`
    const informer = makeInformer(kubeConfig, path, list, 'informer=yes')
    const seen: string[] = []
    let wake = (): void => {}
    const note = (what: string) => (object: V1ConfigMap) => {
      seen.push(`${what} ${object.metadata?.name}`)
      wake()
    }
    for (const verb of ['add', 'update', 'delete'] as const) informer.on(verb, note(verb))
    const until = async (what: string): Promise<void> => {
      while (!seen.includes(what))
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
    const make = (name: string): Promise<unknown> =>
      api.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels: { informer: 'yes' } } } })
    await make('i1')
    await informer.start()
    await until('add i1')
    // The server ends every watch of the kind: the client comes back by itself.
    served().api.registry.get('', 'v1', 'configmaps')?.cache.endWatches()
    await make('i2')
    await until('add i2')
    const body = [{ op: 'add', path: '/data', value: { x: '1' } }]
    await api.patchNamespacedConfigMap({ namespace, name: 'i2', body })
    await until('update i2')
    await api.deleteNamespacedConfigMap({ namespace, name: 'i2' })
    await until('delete i2')
    await informer.stop()
  })

  test('an informer whose revision is no longer there (410 Gone) lists again and goes on', async () => {
    const kubeConfig = config()
    const api = kubeConfig.makeApiClient(CoreV1Api)
    const { client } = served()
    let lists = 0
    const list = (): ReturnType<typeof api.listNamespacedConfigMap> => {
      lists++
      return api.listNamespacedConfigMap({ namespace, labelSelector: 'gone=no' })
    }
    const informer = makeInformer(kubeConfig, `/api/v1/namespaces/${namespace}/configmaps`, list, 'gone=no')
    const known = new Set<string>()
    let wake = (): void => {}
    const note = (change: 'add' | 'delete') => (object: V1ConfigMap) => {
      known[change](object.metadata?.name ?? '')
      wake()
    }
    for (const verb of ['add', 'delete'] as const) informer.on(verb, note(verb))
    const failed = Promise.withResolvers<never>()
    informer.on('error', failed.reject)
    const until = async (...names: string[]): Promise<void> => {
      while (JSON.stringify([...known].sort()) !== JSON.stringify(names))
        await Promise.race([
          failed.promise,
          new Promise<void>((resolve) => {
            wake = resolve
          }),
        ])
    }
    const make = (name: string): Promise<DeepReadonly<ConfigMap>> =>
      client.create(configMaps, { ...configMap(name), metadata: { name, namespace, labels: { gone: 'no' } } })
    const kept = await make('g1')
    await make('g2')
    await informer.start()
    await until('g1', 'g2')
    // So much happens that is not for its eyes that the server forgets where it stands.
    const cache = served().api.registry.get('', 'v1', 'configmaps')?.cache
    await client.create(configMaps, configMap('flood'))
    for (let i = 0; (cache?.floor ?? 0) <= Number(kept.metadata.resourceVersion) + 1; i++)
      await client.update(configMaps, { ...configMap('flood'), data: { i: String(i).padStart(FLOOD_BYTES, ' ') } })
    cache?.endWatches()
    await client.delete(configMaps, { namespace, name: 'g1' })
    await make('g3')
    await until('g2', 'g3')
    assert.equal(lists, 2)
    await make('g4')
    await until('g2', 'g3', 'g4')
    assert.equal(lists, 2)
    await informer.stop()
  })

  test('watches from a revision on', async () => {
    const kubeConfig = config()
    const api = kubeConfig.makeApiClient(CoreV1Api)
    const { metadata } = await api.listNamespacedConfigMap({ namespace })
    const seen: string[] = []
    const done = Promise.withResolvers<void>()
    const query = { resourceVersion: metadata?.resourceVersion, timeoutSeconds: 30 }
    const controller = await new Watch(kubeConfig).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      query,
      (type: string, object: V1ConfigMap) => {
        seen.push(`${type} ${object.metadata?.name}`)
        if (type === 'DELETED') done.resolve()
      },
      () => done.resolve(),
    )
    await api.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'w' } } })
    await api.deleteNamespacedConfigMap({ namespace, name: 'w' })
    await done.promise
    controller.abort()
    assert.deepEqual(seen, ['ADDED w', 'DELETED w'])
  })
})
