// Stores and API servers that share one etcd: each sees what the others write, and survives what happens to etcd.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { configMaps } from '../../../src/api/core/config-map.ts'
import { type ApiServer, startApiServer } from '../../../src/apiserver/api-server.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { createAuthority, issueCertificate } from '../../../src/base/node/certificates.ts'
import { systemRandom } from '../../../src/base/random.ts'
import { openEtcdStore } from '../../../src/store/etcd/etcd.ts'
import { type Change, type Store, StoreFullError, TTL_USER, type WatchBatch } from '../../../src/store/store.ts'
import { ADMIN, testAccountKey } from '../../../src/testing/cluster.ts'
import { startEtcd } from '../../../src/testing/etcd.ts'

const surroundings = { clock: systemClock, log: silentLogger }
const actor = { user: 'alice', verb: 'create', requestID: 'r-1' }

const etcd = await startEtcd()
after(() => etcd[Symbol.asyncDispose]())

const open = (prefix: string, endpoints = [etcd.endpoint]): Promise<Store> =>
  openEtcdStore({ ...surroundings, endpoints, prefix })

async function put(store: Store, key: string, value: string, tweak: { ttlSeconds?: number } = {}): Promise<number> {
  const result = await store.write({ key, value: Buffer.from(value), actor, ...tweak })
  assert.ok(result.ok)
  return result.revision
}

/** Reads a watch until its changes satisfy. */
async function changesUntil(
  store: Store,
  watched: { after: number; prefix?: string },
  enough: (changes: readonly Change[], batch: WatchBatch) => boolean,
): Promise<Change[]> {
  const changes: Change[] = []
  const { after: from, prefix = 't/' } = watched
  for await (const batch of store.watch(prefix, { after: from, signal: new AbortController().signal })) {
    changes.push(...batch.changes)
    if (enough(changes, batch)) break
  }
  return changes
}

test('entries with a time to live go by their lease, and nobody but the clock is named', async () => {
  await using store = await open('/ttl')
  const before = await put(store, 't/kept', 'x', { ttlSeconds: 2 })
  await put(store, 't/short', 'x', { ttlSeconds: 2 })
  await put(store, 't/kept', 'y')
  const changes = await changesUntil(store, { after: before }, (all) => all.some(({ type }) => type === 'delete'))
  const last = changes.at(-1)
  assert.deepEqual([last?.key, last?.actor.user, last?.previous?.value.toString()], ['t/short', TTL_USER, 'x'])
  assert.ok((last?.timeMs ?? 0) >= (changes[0]?.timeMs ?? 0) + 2000)
  assert.deepEqual(
    (await store.list('t/')).entries.map(({ key }) => key),
    ['t/kept'],
  )
})

test('two stores see each other, also past what strangers write to the same etcd', async () => {
  await using a = await open('/shared')
  await using b = await open('/shared/')
  await using stranger = await open('/elsewhere')
  const first = await put(a, 't/x', 'a')
  assert.equal((await b.get('t/x'))?.value.toString(), 'a')
  assert.ok(b.revision >= first)
  const watch = changesUntil(b, { after: first }, (_, { revision }) => revision > foreign)
  const foreign = await put(stranger, 't/x', 'not ours')
  assert.ok((await b.newest()) >= foreign)
  b.requestProgress()
  assert.deepEqual(await watch, [])
  const newest = await put(a, 't/y', 'a')
  const late = await changesUntil(b, { after: 0 }, (_, { revision }) => revision >= newest)
  assert.deepEqual(
    late.map(({ key, value }) => [key, value?.toString()]),
    [
      ['t/x', 'a'],
      ['t/y', 'a'],
    ],
  )
  assert.equal((await b.history('t/x')).changes.length, 1)
})

test('a store outlives a kill of etcd, and its watches miss nothing', async () => {
  await using own = await startEtcd()
  await using store = await open('/killed', ['http://127.0.0.1:1', own.endpoint])
  const before = await put(store, 't/0', 'x')
  const watch = changesUntil(store, { after: before }, (all) => all.length === 3)
  await put(store, 't/1', 'x')
  await own.kill()
  const read = store.get('t/1')
  await own.start()
  assert.equal((await read)?.value.toString(), 'x')
  await put(store, 't/2', 'x')
  const { revision } = await store.list('t/')
  await put(store, 't/3', 'x')
  assert.deepEqual(
    (await watch).map(({ key }) => key),
    ['t/1', 't/2', 't/3'],
  )
  assert.equal((await store.list('t/', { revision })).entries.length, 3)
})

test('a full etcd refuses writes as a full store, and reads go on', async () => {
  await using small = await startEtcd({ flags: ['--quota-backend-bytes', String(16 * 1024 * 1024)] })
  await using store = await open('/full', [small.endpoint])
  const value = Buffer.alloc(1024 * 1024, 'x')
  let written = 0
  await assert.rejects(async () => {
    for (; written < 32; written++) await store.write({ key: `t/${written}`, value, actor })
  }, StoreFullError)
  assert.ok(written > 5)
  assert.equal((await store.get('t/0'))?.value.length, value.length)
})

test('etcd is spoken to with certificates, and not without', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-etcd-tls-'))
  after(() => rmSync(directory, { recursive: true, force: true }))
  const sources = { clock: systemClock, random: systemRandom }
  const authority = createAuthority('etcd-ca', sources)
  const names = ['127.0.0.1']
  const serving = issueCertificate(authority, { commonName: 'etcd', usages: ['server', 'client'], names }, sources)
  const client = issueCertificate(authority, { commonName: 'drover', usages: ['client'] }, sources)
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text, { mode: 0o600 })
    return join(directory, name)
  }
  await using secured = await startEtcd({
    tls: {
      ca: file('ca.crt', authority.certificate),
      certificate: file('etcd.crt', serving.certificate),
      key: file('etcd.key', serving.key),
    },
  })
  const place = { ...surroundings, endpoints: [secured.endpoint], prefix: '/tls' }
  await using store = await openEtcdStore({ ...place, tls: { ca: authority.certificate, ...client } })
  await put(store, 't/x', 'secret')
  assert.equal((await store.get('t/x'))?.value.toString(), 'secret')
  // Once the server is known to answer, the refusals are not its start-up.
  let looks = 0
  const patience = { clock: { ...systemClock, monotonic: () => looks++ * 20_000 } }
  await using again = await openEtcdStore({ ...place, ...patience, tls: { ca: authority.certificate, ...client } })
  assert.equal((await again.list('t/')).entries.length, 1)
  const stranger = issueCertificate(
    createAuthority('other-ca', sources),
    { commonName: 'x', usages: ['client'] },
    sources,
  )
  await assert.rejects(openEtcdStore({ ...place, ...patience, tls: { ca: authority.certificate } }))
  await assert.rejects(openEtcdStore({ ...place, ...patience, tls: { ca: authority.certificate, ...stranger } }))
  await assert.rejects(openEtcdStore({ ...place, ...patience, tls: client }))
})

async function startServer(store: Store): Promise<ApiServer> {
  return startApiServer({
    ...surroundings,
    store,
    random: systemRandom,
    serviceAccountKey: testAccountKey(),
    serviceCIDR: '10.96.0.0/16',
  })
}

test('two API servers over one etcd: a write on one is read and watched on the other at once', async () => {
  await using storeA = await open('/servers')
  await using storeB = await open('/servers')
  await using serverA = await startServer(storeA)
  await using serverB = await startServer(storeB)
  const a = serverA.client(ADMIN, 'test')
  const b = serverB.client(ADMIN, 'test')
  const key = { namespace: 'default', name: 'shared' }
  const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata: key, data: { n: '0' } } as const
  const { metadata } = await a.create(configMaps, made)
  assert.equal((await b.get(configMaps, key)).metadata.resourceVersion, metadata.resourceVersion)
  const seen: string[] = []
  const stop = new AbortController()
  const watching = (async () => {
    const options = { namespace: 'default', resourceVersion: metadata.resourceVersion ?? '', signal: stop.signal }
    for await (const events of b.watch(configMaps, options))
      for (const { object } of events) {
        seen.push(object.data?.['n'] ?? '')
        if (seen.length === 20) return
      }
  })()
  for (let n = 1; n <= 20; n++) {
    const [writer, reader] = n % 2 === 0 ? [a, b] : [b, a]
    const current = await writer.get(configMaps, key)
    await writer.update(configMaps, { ...current, data: { n: String(n) } })
    assert.equal((await reader.get(configMaps, key)).data?.['n'], String(n))
    assert.equal(
      (await reader.list(configMaps, { namespace: 'default' })).items.find((m) => m.metadata.name === 'shared')?.data?.[
        'n'
      ],
      String(n),
    )
  }
  await watching
  stop.abort()
  assert.deepEqual(
    seen,
    Array.from({ length: 20 }, (_, i) => String(i + 1)),
  )
})
