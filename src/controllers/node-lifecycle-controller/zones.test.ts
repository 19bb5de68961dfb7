import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evictionQPS, RateLimiter, Zones, zoneState } from './zones.ts'

test('zoneState: full when nothing is ready, partial from 55 % of at least three', () => {
  const cases: [ready: number, notReady: number, state: string][] = [
    [0, 0, 'Normal'],
    [3, 0, 'Normal'],
    [0, 1, 'FullDisruption'],
    [0, 7, 'FullDisruption'],
    [1, 2, 'Normal'],
    [1, 3, 'PartialDisruption'],
    [9, 11, 'PartialDisruption'],
    [5, 6, 'Normal'],
    [10, 11, 'Normal'],
  ]
  for (const [ready, notReady, state] of cases) assert.equal(zoneState(ready, notReady), state, `${ready}/${notReady}`)
})

test('evictionQPS: slower in large disrupted zones, none in small ones', () => {
  assert.equal(evictionQPS('Normal', 10), 0.1)
  assert.equal(evictionQPS('FullDisruption', 100), 0.1)
  assert.equal(evictionQPS('PartialDisruption', 50), 0)
  assert.equal(evictionQPS('PartialDisruption', 51), 0.01)
})

test('a limiter lets one through at once, then by its rate; a new rate begins with a wait for who waited', () => {
  const limiter = new RateLimiter(0.1)
  assert.deepEqual(
    [0, 1, 9999, 10_000, 10_001].map((at) => limiter.tryAccept(at)),
    [true, false, false, true, false],
  )
  limiter.swap(0, 10_002)
  assert.equal(limiter.tryAccept(99_000), false)
  limiter.swap(0.01, 100_000)
  assert.deepEqual(
    [100_000, 199_999, 200_000].map((at) => limiter.tryAccept(at)),
    [false, false, true],
  )
  const fresh = new RateLimiter(0.1)
  fresh.swap(0.01, 5)
  assert.equal(fresh.tryAccept(5), true)
})

const seen = (zone: string, isReady: boolean): { zone: string; isReady: boolean; counts: boolean } => ({
  zone,
  isReady,
  counts: true,
})

test('Zones: the lost of a zone go in the order of their loss, a zone does not hold up another', () => {
  const zones = new Zones()
  for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'b3']) zones.observe(name, seen(name[0] ?? '', true))
  for (const name of ['a1', 'a2', 'b1']) zones.observe(name, seen(name[0] ?? '', false))
  const ask = (at: number): string[] => {
    assert.equal(zones.evaluate(at), 'none')
    return ['a1', 'a2', 'b1'].filter((name) => zones.mayGiveUp(name, at))
  }
  assert.deepEqual(ask(0), [])
  assert.deepEqual(ask(4999), [])
  assert.deepEqual(ask(5000), ['a1', 'b1'])
  // A write that failed may be tried again without waiting.
  assert.deepEqual(ask(6000), ['a1', 'b1'])
  zones.settle('a1')
  zones.settle('b1')
  assert.equal(zones.mayGiveUp('a2', 14_999), false)
  assert.equal(zones.mayGiveUp('a2', 15_000), true)
})

test('Zones: a small zone that is mostly lost is left alone, and so is everything when all is lost', () => {
  const zones = new Zones()
  for (const name of ['a1', 'a2', 'a3', 'a4']) zones.observe(name, seen('a', name === 'a4'))
  zones.observe('b1', seen('b', true))
  assert.equal(zones.evaluate(0), 'none')
  zones.mayGiveUp('a1', 0)
  assert.equal(zones.mayGiveUp('a1', 60_000), false)
  zones.observe('a4', seen('a', false))
  zones.evaluate(60_000)
  assert.equal(zones.isFullyDisrupted, false)
  zones.observe('b1', seen('b', false))
  assert.equal(zones.evaluate(61_000), 'disrupted')
  assert.equal(zones.mayGiveUp('a1', 600_000), false)
  zones.observe('b1', seen('b', true))
  assert.equal(zones.evaluate(601_000), 'recovered')
  assert.equal(zones.mayGiveUp('a1', 601_000), false)
  // Zone a is wholly lost, b is not: a's nodes go at the full rate, after the wait of the new rate.
  zones.mayGiveUp('a2', 606_000)
  assert.equal(zones.mayGiveUp('a1', 610_999), false)
  assert.equal(zones.mayGiveUp('a1', 611_000), true)
})

test('Zones: a node that is excluded, or gone, does not count', () => {
  const zones = new Zones()
  zones.observe('n1', { zone: '', isReady: true, counts: false })
  zones.observe('n2', seen('', false))
  assert.equal(zones.evaluate(0), 'disrupted')
  zones.remove('n2')
  assert.equal(zones.evaluate(1), 'recovered')
  zones.remove('n1')
  assert.ok(zones.isEmpty)
})
