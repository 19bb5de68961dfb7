// Lists of the cache, with and without an index, against a plain filter over what it holds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { MAX_INDEXED_LABELS, MIN_INDEXED_OBJECTS } from './label-index.ts'
import { ResourceCache } from './resource-cache.ts'
import type { StoredObject } from './stored.ts'
import type { Selection } from './watcher.ts'

const PREFIX = 'default/core/configmaps/'
const NAMESPACES = ['a', 'a-b', 'b']
type Labels = Record<string, string>

const bytesOf = (namespace: string, name: string, labels: Labels): Buffer =>
  Buffer.from(
    `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"${name}","namespace":"${namespace}","labels":${JSON.stringify(labels)}}}`,
  )

const label = fc.constantFrom('red', 'blue', '')
const labelsOf = fc.oneof(fc.record({ team: label }), fc.record({ team: label, tier: label }), fc.constant({}))
const place = fc.record({ namespace: fc.constantFrom(...NAMESPACES), number: fc.nat(150) })
const change = fc.record({ place, labels: fc.option(labelsOf, { nil: undefined }) })
const selecting = fc.record({
  namespace: fc.constantFrom('', ...NAMESPACES),
  name: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(150) }),
  wanted: fc.option(fc.record({ key: fc.constantFrom('team', 'tier'), value: label }), { nil: undefined }),
  hasLabels: fc.boolean(),
  limit: fc.constantFrom(0, 1, 7, 1000),
  after: fc.option(place, { nil: undefined }),
})

const keyOf = ({ namespace, number }: { namespace: string; number: number }): string =>
  `${PREFIX}${namespace}/n${number}`

function write(
  cache: ResourceCache,
  revision: number,
  at: { namespace: string; number: number },
  labels?: Labels,
): void {
  cache.apply(keyOf(at), revision, labels && bytesOf(at.namespace, `n${at.number}`, labels))
}

function filled(): ResourceCache {
  const cache = new ResourceCache(PREFIX, true)
  for (const namespace of NAMESPACES)
    for (let number = 0; number < 140; number++) {
      const value = bytesOf(namespace, `n${number}`, { team: number % 3 === 0 ? 'red' : 'blue' })
      cache.load({ key: keyOf({ namespace, number }), revision: 1, value })
    }
  assert.ok(cache.size >= MIN_INDEXED_OBJECTS)
  return cache
}

test('ResourceCache lists and pages what a plain filter finds, whatever was written, also while an index is made', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { maxLength: 200, size: 'max' }),
      fc.array(selecting, { maxLength: 8 }),
      async (changes, lists) => {
        const cache = filled()
        let revision = 1
        const pending = [...changes]
        const some = (): void => {
          for (const { place: at, labels } of pending.splice(0, 25)) write(cache, ++revision, at, labels)
        }
        for (const { namespace, name, wanted, hasLabels, limit, after } of lists) {
          const matches = (stored: StoredObject): boolean => stored.labels[wanted?.key ?? ''] === wanted?.value
          const selection: Selection = {
            namespace,
            ...(name === undefined ? {} : { name: `n${name}` }),
            ...(wanted ? { matches } : {}),
            ...(wanted && hasLabels ? { labels: [{ key: wanted.key, values: [wanted.value] }] } : {}),
          }
          const found = (behind?: string): StoredObject[] =>
            [...cache.values()]
              .filter(({ key }) => namespace === '' || key.startsWith(`${PREFIX}${namespace}/`))
              .filter(({ key }) => name === undefined || key.endsWith(`/n${name}`))
              .filter((stored) => (wanted ? matches(stored) : true))
              .filter(({ key }) => behind === undefined || key > behind)
              .sort((a, b) => (a.key < b.key ? -1 : 1))
          const ready = cache.prepare(selection)
          some()
          // What is not whole yet is not asked.
          assert.deepEqual(cache.list(selection).items.map(textOf), found().map(textOf))
          await ready
          const behind = after && keyOf(after)
          const all = found(behind)
          const want = limit > 0 ? all.slice(0, limit) : all
          const selected = cache.select(selection, limit, behind)
          // What is written after the call is not in the list.
          some()
          const { items, next } = await selected
          assert.deepEqual(items.map(textOf), want.map(textOf))
          assert.equal(next, all.length > want.length ? want.at(-1)?.key : undefined)
        }
      },
    ),
    { numRuns: 40 },
  )
})

const textOf = ({ key, revision, bytes }: StoredObject): string => `${key} ${revision} ${bytes.toString()}`

test('ResourceCache finds by an index what an object is, and not what it was', async () => {
  const cache = filled()
  const tier = (value: string): Selection => ({
    namespace: '',
    labels: [{ key: 'tier', values: [value] }],
    matches: ({ labels }: StoredObject) => labels['tier'] === value,
  })
  const found = async (value: string): Promise<string[]> => {
    await cache.prepare(tier(value))
    return (await cache.select(tier(value))).items.map(({ key, revision }) => `${key} ${revision}`)
  }
  const at = { namespace: 'a', number: 7 }
  write(cache, 2, at, { tier: 'front' })
  assert.deepEqual(await found('front'), [`${keyOf(at)} 2`])
  write(cache, 3, at, { tier: 'front', more: 'x' })
  assert.deepEqual(await found('front'), [`${keyOf(at)} 3`])
  write(cache, 4, at, { tier: 'back' })
  assert.deepEqual([await found('front'), await found('back')], [[], [`${keyOf(at)} 4`]])
  write(cache, 5, at)
  assert.deepEqual(await found('back'), [])
})

test('ResourceCache says how many objects are behind a page', () => {
  const cache = filled()
  const page = cache.list({ namespace: 'a-b' }, 100)
  assert.deepEqual([page.items.length, page.remaining, page.next], [100, 40, page.items.at(-1)?.key])
  assert.equal(cache.list({ namespace: 'a-b' }, 100, page.next).remaining, 0)
})

test('ResourceCache lets others run while it looks through many objects', async () => {
  const cache = filled()
  let turns = 0
  let isDone = false
  const others = (async () => {
    for (; !isDone; turns++) await nextTurn()
  })()
  const { items } = await cache.select({ namespace: '', matches: ({ labels }) => labels['team'] !== 'red' })
  isDone = true
  await others
  assert.equal(items.length, 3 * 93)
  assert.ok(turns > 1)
})

test('ResourceCache makes no more indexes than their limit, and all lists are right', async () => {
  const cache = filled()
  for (let i = 0; i < MAX_INDEXED_LABELS * 2; i++) {
    const selection = { namespace: '', labels: [{ key: `l${i}`, values: ['x'] }], matches: () => false }
    await cache.prepare(selection)
    assert.deepEqual((await cache.select(selection)).items, [])
  }
  const red = {
    namespace: 'b',
    labels: [{ key: 'team', values: ['red'] }],
    matches: ({ labels }: StoredObject) => labels['team'] === 'red',
  }
  await cache.prepare(red)
  assert.equal((await cache.select(red)).items.length, 47)
})
