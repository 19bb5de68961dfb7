import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { silentLogger } from '../base/log.ts'
import { StatusError } from '../apimachinery/errors.ts'
import { configMaps } from '../api/core/config-map.ts'
import { ADMIN, startCluster, type TestCluster, testAccountKey } from '../testing/cluster.ts'
import { type Answer, callsTo, rawCall } from '../testing/http.ts'
import { startApiServer } from './api-server.ts'
import { StoredObject } from './cache/stored.ts'
import { MAX_WATCH_QUEUE, Watcher } from './cache/watcher.ts'

const PATH = '/api/v1/namespaces/default/configmaps'

const configMap = (name: string): never =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } }) as never

const call = (cluster: TestCluster, path: string, method = 'GET'): Promise<Answer> =>
  callsTo(cluster.server.handle, ADMIN)(method, path)

interface Event {
  type: string
  object: {
    metadata: { name?: string; resourceVersion: string; annotations?: object }
    code?: number
    message?: string
  }
}

/** Reads a watch as it flows: `take(n)` gives the next n events. */
async function open(
  cluster: TestCluster,
  query: string,
): Promise<{ take(n: number): Promise<Event[]>; rest(): Promise<Event[]> }> {
  const { body, status } = await rawCall(cluster.server.handle, ADMIN, 'GET', `${PATH}?watch=1&${query}`)
  assert.equal(status, 200)
  if (body.kind !== 'watch') throw new Error('no watch')
  const events = body.events[Symbol.asyncIterator]()
  const waiting: Event[] = []
  const more = async (): Promise<boolean> => {
    const { done, value } = await events.next()
    if (done) return false
    for (const { line } of value) waiting.push(JSON.parse(line.toString()) as Event)
    return true
  }
  return {
    async take(n) {
      while (waiting.length < n && (await more()));
      return waiting.splice(0, n)
    },
    async rest() {
      while (await more());
      return waiting.splice(0)
    },
  }
}

const brief = (events: readonly Event[]): string[] =>
  events.map(({ type, object }) => `${type} ${object.metadata.name ?? ''}`.trim())

async function withMaps(names: readonly string[]): Promise<TestCluster> {
  const cluster = await startCluster()
  for (const name of names) await cluster.client.create(configMaps, configMap(name))
  return cluster
}

describe('a watch', () => {
  test('without a revision, or at 0, begins with what is there', async () => {
    await using cluster = await withMaps(['a', 'b'])
    for (const query of ['', 'resourceVersion=0']) {
      const watch = await open(cluster, query)
      assert.deepEqual(brief(await watch.take(2)), ['ADDED a', 'ADDED b'])
    }
  })

  test('as a list (sendInitialEvents) sends the snapshot, a closing bookmark at a revision to resume from, then changes', async () => {
    await using cluster = await withMaps(['a', 'b'])
    const watch = await open(
      cluster,
      'sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan',
    )
    const [a, b, bookmark] = await watch.take(3)
    assert.deepEqual(brief([a, b] as Event[]), ['ADDED a', 'ADDED b'])
    assert.deepEqual(bookmark, {
      type: 'BOOKMARK',
      object: {
        kind: 'ConfigMap',
        apiVersion: 'v1',
        metadata: {
          resourceVersion: String(cluster.store.revision),
          creationTimestamp: null,
          annotations: { 'k8s.io/initial-events-end': 'true' },
        },
      },
    })
    await cluster.client.create(configMaps, configMap('c'))
    assert.deepEqual(brief(await watch.take(1)), ['ADDED c'])
    const resumed = await open(cluster, `resourceVersion=${bookmark?.object.metadata.resourceVersion}`)
    assert.deepEqual(brief(await resumed.take(1)), ['ADDED c'])
  })

  test('that forbids initial events gets later ones only', async () => {
    await using cluster = await withMaps(['a'])
    const watch = await open(cluster, 'sendInitialEvents=false&resourceVersionMatch=NotOlderThan')
    await cluster.client.create(configMaps, configMap('b'))
    assert.deepEqual(brief(await watch.take(1)), ['ADDED b'])
  })

  test('of an odd combination of options is refused in upstream words', async () => {
    await using cluster = await withMaps([])
    const cases: [string, number, RegExp][] = [
      ['sendInitialEvents=true', 422, /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/],
      ['resourceVersionMatch=Exact', 422, /resourceVersionMatch is forbidden for watch unless sendInitialEvents/],
      ['resourceVersion=abc', 400, /Invalid value: "abc"/],
      ['labelSelector=a%3D%3D%3D', 400, /unable to parse requirement|found/],
      ['fieldSelector=spec.x%3D1', 400, /field label not supported: spec.x/],
    ]
    for (const [query, code, message] of cases) {
      const answer = await call(cluster, `${PATH}?watch=1&${query}`)
      assert.equal(answer.status, code, query)
      assert.match(String(answer.json['message']), message)
    }
  })

  test('gets a bookmark every minute, and ends when its time is over', async () => {
    await using cluster = await withMaps(['a'])
    const { resourceVersion } = await cluster.client.list(configMaps)
    const query = `resourceVersion=${resourceVersion}&allowWatchBookmarks=true&timeoutSeconds=150`
    const watch = await open(cluster, query)
    const silent = await open(cluster, `resourceVersion=${resourceVersion}&timeoutSeconds=150`)
    await cluster.advance('3m')
    assert.deepEqual(brief(await watch.rest()), ['BOOKMARK', 'BOOKMARK'])
    assert.deepEqual(await silent.rest(), [])
  })

  test('from a revision that is no longer known is told 410 Expired, as the first event', async () => {
    await using cluster = await withMaps(['a', 'b'])
    const { clock, store } = cluster
    const floor = store.revision
    await store.compact(floor)
    await using second = await startApiServer({
      store,
      clock,
      random: seededRandom(2),
      log: silentLogger,
      serviceAccountKey: testAccountKey(),
      serviceCIDR: '10.96.0.0/16',
    })
    const answer = await callsTo(second.handle, ADMIN)('GET', `${PATH}?watch=1&resourceVersion=1`)
    assert.equal(answer.status, 200)
    const { type, object } = answer.json as unknown as Event
    assert.equal(type, 'ERROR')
    assert.equal(object.code, 410)
    assert.equal(object.message, `too old resource version: 1 (${floor})`)
    const exact = await callsTo(second.handle, ADMIN)('GET', `${PATH}?resourceVersion=1&resourceVersionMatch=Exact`)
    assert.deepEqual([exact.status, exact.json['reason']], [410, 'Expired'])
  })

  test('from a revision that is still to come waits for it', async () => {
    await using cluster = await withMaps(['a'])
    const watch = await open(cluster, `resourceVersion=${cluster.store.revision + 1}`)
    await cluster.client.create(configMaps, configMap('b'))
    await cluster.client.create(configMaps, configMap('c'))
    assert.deepEqual(brief(await watch.take(1)), ['ADDED c'])
  })

  test('of a reader that is too slow is cut off after what was queued, and nothing is skipped', async () => {
    const frame = { type: 'ADDED' as const, line: Buffer.alloc(0), object: {} }
    const ended: Watcher[] = []
    const watcher = new Watcher({ namespace: '' }, { bookmarks: false, after: 0 }, (w) => ended.push(w))
    const present = Buffer.from('{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}')
    watcher.start([1, 2].map((revision) => StoredObject.fromStore('a', revision, present)))
    for (let i = 0; i < MAX_WATCH_QUEUE; i++) watcher.push(frame)
    assert.equal(ended.length, 0)
    watcher.push(frame)
    watcher.push(frame)
    assert.equal(ended.length, 1)
    let seen = 0
    for await (const batch of watcher) seen += batch.length
    assert.equal(seen, MAX_WATCH_QUEUE + 2)
  })

  test('is told what is there in pieces, framed when they are taken', async () => {
    const watcher = new Watcher({ namespace: '' }, { bookmarks: false, after: 0 }, () => {})
    const large = Buffer.from(
      `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"},"data":{"a":"${'x'.repeat(100_000)}"}}`,
    )
    watcher.start(Array.from({ length: 8 }, (_, i) => StoredObject.fromStore('a', i + 1, large)))
    watcher.push({ type: 'BOOKMARK', line: Buffer.alloc(0), object: {} })
    watcher.end()
    const batches: string[][] = []
    for await (const batch of watcher) batches.push(batch.map(({ type }) => type))
    const piece = ['ADDED', 'ADDED', 'ADDED']
    assert.deepEqual(batches, [piece, piece, piece.slice(1), ['BOOKMARK']])
  })

  test('ends when its client goes', async () => {
    await using cluster = await withMaps([])
    const gone = new AbortController()
    const before = cluster.clock.waiting
    const { body } = await rawCall(cluster.server.handle, ADMIN, 'GET', `${PATH}?watch=1`, { signal: gone.signal })
    gone.abort()
    if (body.kind !== 'watch') throw new Error('no watch')
    assert.deepEqual(await Array.fromAsync(body.events), [])
    assert.equal(cluster.clock.waiting, before, 'its timer is gone')
  })
})

describe('a list', () => {
  test('is of the revision that was asked for, or of a newer one, or exact', async () => {
    await using cluster = await withMaps(['a'])
    const { resourceVersion } = await cluster.client.list(configMaps)
    await cluster.client.create(configMaps, configMap('b'))
    const names = async (query: string): Promise<unknown> => {
      const { json } = await call(cluster, `${PATH}?${query}`)
      const items = json['items'] as { metadata: { name: string } }[]
      return [
        items.map((i) => i.metadata.name).join(),
        (json['metadata'] as { resourceVersion: string }).resourceVersion,
      ]
    }
    const now = String(cluster.store.revision)
    assert.deepEqual(await names(''), ['a,b', now])
    assert.deepEqual(await names('resourceVersion=0'), ['a,b', now])
    assert.deepEqual(await names(`resourceVersion=${resourceVersion}`), ['a,b', now])
    assert.deepEqual(await names(`resourceVersion=${resourceVersion}&resourceVersionMatch=NotOlderThan`), ['a,b', now])
    assert.deepEqual(await names(`resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`), [
      'a',
      resourceVersion,
    ])
    assert.deepEqual(await names(`resourceVersion=${resourceVersion}&limit=5`), ['a', resourceVersion])
  })

  test('of a revision that is still to come times out in upstream words', async () => {
    await using cluster = await withMaps([])
    const answer = call(cluster, `${PATH}?resourceVersion=100000`)
    await cluster.advance('3s')
    const { status, json } = await answer
    assert.equal(status, 504)
    assert.equal(json['message'], `Timeout: Too large resource version: 100000, current: ${cluster.store.revision}`)
    assert.equal(json['reason'], 'Timeout')
    assert.deepEqual((json['details'] as { causes: object[] }).causes, [
      { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' },
    ])
  })

  test('of an odd combination of options is refused in upstream words', async () => {
    await using cluster = await withMaps(['a', 'b'])
    const token = String(((await call(cluster, `${PATH}?limit=1`)).json['metadata'] as { continue: string }).continue)
    const cases: [string, number, RegExp][] = [
      ['resourceVersionMatch=Exact', 422, /resourceVersionMatch is forbidden unless resourceVersion is provided/],
      ['resourceVersionMatch=Exact&resourceVersion=0', 422, /"exact" is forbidden for resourceVersion "0"/],
      ['resourceVersionMatch=Other&resourceVersion=1', 422, /Unsupported value: "Other"/],
      [`continue=${token}&resourceVersionMatch=Exact&resourceVersion=1`, 422, /forbidden when continue is provided/],
      [`continue=${token}&resourceVersion=1`, 400, /specifying resource version is not allowed when using continue/],
      ['sendInitialEvents=true', 422, /sendInitialEvents is forbidden for list/],
      ['continue=rubbish', 400, /continue key is not valid/],
      ['limit=x', 400, /limit/],
    ]
    for (const [query, code, message] of cases) {
      const answer = await call(cluster, `${PATH}?${query}`)
      assert.equal(answer.status, code, query)
      assert.match(String(answer.json['message']), message)
    }
  })

  test('that continues behind a compaction is told 410 Expired', async () => {
    await using cluster = await withMaps(['a', 'b', 'c'])
    const { continue: token = '' } = await cluster.client.list(configMaps, { namespace: 'default', limit: 1 })
    await cluster.client.create(configMaps, configMap('d'))
    await cluster.store.compact(cluster.store.revision)
    await assert.rejects(
      cluster.client.list(configMaps, { namespace: 'default', limit: 1, continue: token }),
      (e) => e instanceof StatusError && e.status.code === 410 && /continue parameter is too old/.test(e.message),
    )
  })
})

/** A watch's events, until it has told of `revision`. */
async function follow(cluster: TestCluster, after: number, revision: number): Promise<Event[]> {
  const watch = await open(cluster, `resourceVersion=${after}`)
  const seen: Event[] = []
  while (Number(seen.at(-1)?.object.metadata.resourceVersion ?? 0) < revision) seen.push(...(await watch.take(1)))
  return seen
}

test('in a storm of writers every watch tells the same story, from wherever it starts, and it ends where the list is', async () => {
  await using cluster = await withMaps([])
  const { client, random } = cluster
  const start = cluster.store.revision
  const middles: number[] = [start]
  const write = async (): Promise<void> => {
    for (let i = 0; i < 60; i++) {
      const name = `m${Math.floor(random.next() * 8)}`
      const key = { namespace: 'default', name }
      const chance = random.next()
      const done =
        chance < 0.4
          ? client.create(configMaps, configMap(name))
          : chance < 0.75
            ? client.patch(configMaps, key, { type: 'merge', body: { data: { n: String(random.next()) } } })
            : client.delete(configMaps, key)
      // What is there already, or not there, is part of the storm.
      await done.catch((error: unknown) =>
        assert.ok(error instanceof StatusError && [404, 409].includes(error.status.code)),
      )
      if (i % 20 === 10) middles.push(cluster.store.revision)
    }
  }
  await Promise.all(Array.from({ length: 12 }, write))
  await client.create(configMaps, configMap('last'))
  const end = cluster.store.revision
  const whole = await follow(cluster, start, end)
  const revisions = whole.map(({ object }) => Number(object.metadata.resourceVersion))
  const everyRevision = Array.from({ length: end - start }, (_, i) => start + 1 + i)
  assert.deepEqual(revisions, everyRevision, 'every change, once and in order')
  for (const middle of new Set(middles))
    assert.deepEqual(await follow(cluster, middle, end), whole.slice(middle - start))
  const state = new Map<string, string>()
  for (const { type, object } of whole) {
    const { name = '', resourceVersion } = object.metadata
    assert.equal(type, type === 'DELETED' ? 'DELETED' : state.has(name) ? 'MODIFIED' : 'ADDED')
    if (type === 'DELETED') assert.ok(state.delete(name))
    else state.set(name, resourceVersion)
  }
  const { items } = await client.list(configMaps, { namespace: 'default' })
  const listed = items.map(({ metadata }) => [metadata.name, metadata.resourceVersion])
  assert.deepEqual(listed, [...state].sort())
})
