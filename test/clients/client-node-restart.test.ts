// `@kubernetes/client-node` against a server of its own process, which is killed while an informer watches; and lists in pages, patches of all forms.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  CoreV1Api,
  KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
} from '@kubernetes/client-node'
import { systemClock } from '../../src/base/clock.ts'
import { systemRandom } from '../../src/base/random.ts'
import { ensureAdmin } from '../../src/cluster/pki.ts'
import { freePort, type Program, type ServerPlace, spawnServer } from '../robustness/server-process.ts'

const namespace = 'default'
const labels = { of: 'restart' }
const labelSelector = 'of=restart'

function configOf({ directory, port }: ServerPlace): KubeConfig {
  const { caCertificate, certificate, key } = ensureAdmin(join(directory, 'pki'), {
    clock: systemClock,
    random: systemRandom,
  })
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    { name: 'c', server: `https://127.0.0.1:${port}`, caData: base64(caCertificate), skipTLSVerify: false },
    { name: 'u', certData: base64(certificate), keyData: base64(key) },
  )
  return config
}

describe('@kubernetes/client-node, and a server that dies', () => {
  const place = { directory: mkdtempSync(join(tmpdir(), 'drover-clients-')), port: 0 }
  let server: Program | undefined
  before(async () => {
    place.port = await freePort()
    server = spawnServer(place)
    await server.ready
  })
  after(async () => {
    await server?.[Symbol.asyncDispose]()
    rmSync(place.directory, { recursive: true, force: true })
  })

  test('lists in pages of one revision', async () => {
    const api = configOf(place).makeApiClient(CoreV1Api)
    for (let i = 0; i < 7; i++)
      await api.createNamespacedConfigMap({ namespace, body: { metadata: { name: `p${i}`, labels: { of: 'pages' } } } })
    const pages: string[][] = []
    const revisions = new Set<string | undefined>()
    let next: string | undefined
    do {
      const query = { namespace, labelSelector: 'of=pages', limit: 3, ...(next ? { _continue: next } : {}) }
      const page = await api.listNamespacedConfigMap(query)
      pages.push(page.items.map(({ metadata }) => metadata?.name ?? ''))
      revisions.add(page.metadata?.resourceVersion)
      next = page.metadata?._continue
      // What changes meanwhile is not in the pages.
      await api.createNamespacedConfigMap({
        namespace,
        body: { metadata: { generateName: 'p9', labels: { of: 'pages' } } },
      })
    } while (next)
    assert.deepEqual(pages, [['p0', 'p1', 'p2'], ['p3', 'p4', 'p5'], ['p6']])
    assert.equal(revisions.size, 1)
  })

  test('patches in every form', async () => {
    const api = configOf(place).makeApiClient(CoreV1Api)
    const name = 'patched'
    await api.createNamespacedConfigMap({ namespace, body: { metadata: { name }, data: { a: '1', b: '2' } } })
    const patch = async (form: PatchStrategy, body: object): Promise<unknown> =>
      (
        await api.patchNamespacedConfigMap(
          {
            namespace,
            name,
            body,
            ...(form === PatchStrategy.ServerSideApply ? { fieldManager: 'tester', force: true } : {}),
          },
          setHeaderOptions('Content-Type', form),
        )
      ).data
    const { JsonPatch, MergePatch, StrategicMergePatch, ServerSideApply } = PatchStrategy
    assert.deepEqual(await patch(JsonPatch, [{ op: 'remove', path: '/data/b' }]), { a: '1' })
    assert.deepEqual(await patch(MergePatch, { data: { a: null, c: '3' } }), { c: '3' })
    assert.deepEqual(await patch(StrategicMergePatch, { data: { d: '4' } }), { c: '3', d: '4' })
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { e: '5' } }
    assert.deepEqual(await patch(ServerSideApply, applied), { c: '3', d: '4', e: '5' })
  })

  test('an informer goes on after kill -9: nothing is missed', async () => {
    const config = configOf(place)
    const api = config.makeApiClient(CoreV1Api)
    const list = (): ReturnType<typeof api.listNamespacedConfigMap> =>
      api.listNamespacedConfigMap({ namespace, labelSelector })
    const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list, labelSelector)
    const known = new Set<string>()
    let wake = (): void => {}
    const note = (change: 'add' | 'delete') => (object: V1ConfigMap) => {
      known[change](object.metadata?.name ?? '')
      wake()
    }
    informer.on('add', note('add'))
    informer.on('delete', note('delete'))
    // As its documentation says: whoever uses it starts it again.
    let over = false
    const again = (): void => {
      if (!over) setImmediate(() => void informer.start().catch(again))
    }
    informer.on('error', again)
    const until = async (holds: () => boolean): Promise<void> => {
      while (!holds())
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
    const make = (name: string): Promise<unknown> =>
      api.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels } } })
    await make('before')
    await informer.start()
    await until(() => known.has('before'))
    server?.signal('SIGKILL')
    await server?.exited
    server = spawnServer(place)
    await server.ready
    await make('after')
    await api.deleteNamespacedConfigMap({ namespace, name: 'before' })
    await until(() => known.has('after') && !known.has('before'))
    over = true
    await informer.stop()
  })
})
