// Random programs against the store and against a model small enough to be plainly right.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { alice, type OpenStore, plain, start } from './conformance.ts'
import type { Store, WriteResult } from './store.ts'
import { CompactedError } from './store.ts'
import { StoreModel } from './testing-model.ts'

const RUNS = 60
const MAX_STEPS = 60

type Step =
  | { do: 'write'; key: string; value: string | null; expected: 'none' | 'absent' | 'current' | 'stale' }
  | { do: 'get'; key: string; back: number }
  | { do: 'list'; prefix: string; back: number; limit: number }
  | { do: 'watch'; prefix: string; back: number }
  | { do: 'history'; key: string }
  | { do: 'compact'; back: number }
  | { do: 'together'; keys: string[] }

const keys = fc.constantFrom('t/a', 't/a/b', 't/a/c', 't/b', 'u/a', 't/é')
const prefixes = fc.constantFrom('', 't/', 't/a/', 'u/', 'v/')
const back = fc.nat(12)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      key: keys,
      value: fc.option(fc.string({ maxLength: 5 }), { freq: 3 }),
      expected: fc.constantFrom('none' as const, 'absent' as const, 'current' as const, 'stale' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('get' as const), key: keys, back }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('list' as const), prefix: prefixes, back, limit: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('watch' as const), prefix: prefixes, back }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('history' as const), key: keys }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), back }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('together' as const),
      keys: fc.array(keys, { minLength: 2, maxLength: 6 }),
    }),
  },
)

export function modelConformance(open: OpenStore): void {
  test('any sequence of calls answers as the model does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: MAX_STEPS }), async (steps) => {
        await using setting = await start(open)
        const model = new StoreModel()
        for (const one of steps) await run(one, setting.store, model)
      }),
      { numRuns: RUNS, seed: 20_300_101 },
    )
  })
}

async function run(step: Step, store: Store, model: StoreModel): Promise<void> {
  const at = 'back' in step ? Math.max(store.revision - step.back, 0) : store.revision
  switch (step.do) {
    case 'write':
      await runWrite(step, store, model)
      break
    case 'together': {
      const results = await Promise.all(
        step.keys.map((key, i) => store.write({ key, value: Buffer.from(`${i}`), actor: alice })),
      )
      // In which order writes that were called at once happened is for the store to say.
      const happened = results.map((result, i) => ({ result, key: step.keys[i] ?? '', value: `${i}` }))
      happened.sort((a, b) => revisionOf(a.result) - revisionOf(b.result))
      for (const { result, key, value } of happened) assert.deepEqual(result, model.write(key, value, undefined))
      break
    }
    case 'get': {
      const want = model.stateAt(at).get(step.key)
      const got = await store.get(step.key, { revision: at }).catch(refusedBelow(at, store))
      if (got !== 'refused')
        assert.deepEqual(got && { ...got, value: got.value.toString() }, want && { key: step.key, ...want })
      break
    }
    case 'list': {
      const want = model.list(step.prefix, at)
      const got = await store.list(step.prefix, { revision: at, limit: step.limit }).catch(refusedBelow(at, store))
      if (got === 'refused') break
      const limit = step.limit === 0 ? want.length : step.limit
      assert.deepEqual([plain(got.entries), got.more, got.revision], [want.slice(0, limit), want.length > limit, at])
      break
    }
    case 'watch':
      await runWatch(step.prefix, at, { store, model })
      break
    case 'history': {
      // What the floor has passed may or may not have been dropped yet.
      const seen = (await store.history(step.key)).changes.filter(({ revision }) => revision > store.compacted)
      const want = model.log.filter(({ key, revision }) => key === step.key && revision > store.compacted).reverse()
      assert.deepEqual(
        seen.map(({ revision, value }) => [revision, value?.toString() ?? null]),
        want.map(({ revision, value }) => [revision, value]),
      )
      break
    }
    case 'compact':
      await store.compact(at)
      assert.ok(store.compacted >= at)
      break
  }
  assert.equal(store.revision, model.log.length)
}

function revisionOf(result: WriteResult): number {
  return result.ok ? result.revision : Number.POSITIVE_INFINITY
}

async function runWrite(step: Step & { do: 'write' }, store: Store, model: StoreModel): Promise<void> {
  const current = model.stateAt(model.log.length).get(step.key)?.revision ?? 0
  const expected = { none: undefined, absent: 0, current, stale: current + 1 }[step.expected]
  const write = { key: step.key, value: step.value === null ? null : Buffer.from(step.value), actor: alice }
  const got = await store.write(expected === undefined ? write : { ...write, expected })
  const plainResult =
    !got.ok && got.current ? { ok: false, current: { ...got.current, value: got.current.value.toString() } } : got
  assert.deepEqual(plainResult, model.write(step.key, step.value, expected))
}

async function runWatch(
  prefix: string,
  after: number,
  { store, model }: { store: Store; model: StoreModel },
): Promise<void> {
  const want = model.log.filter(({ key, revision }) => key.startsWith(prefix) && revision > after)
  const seen: [number, string | null, number | undefined][] = []
  if (after === store.revision) return
  try {
    for await (const { changes, revision } of store.watch(prefix, { after, signal: new AbortController().signal })) {
      for (const change of changes)
        seen.push([change.revision, change.value?.toString() ?? null, change.previous?.revision])
      if (revision === store.revision) break
    }
  } catch (error) {
    assert.ok(error instanceof CompactedError && after < store.compacted)
    return
  }
  assert.deepEqual(
    seen,
    want.map(({ revision, value, previousRevision }) => [revision, value, previousRevision]),
  )
}

function refusedBelow(revision: number, store: Store): (error: unknown) => 'refused' {
  return (error) => {
    assert.ok(error instanceof CompactedError && revision < store.compacted, String(error))
    return 'refused'
  }
}
