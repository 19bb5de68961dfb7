// The loop gathers changes, retries what failed, mends drift, and stops at once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../base/log.ts'
import { settle, VirtualClock } from '../testing/virtual-clock.ts'
import { startApplyLoop } from './apply-loop.ts'

/** A loop whose rounds are counted; `fail` says how many of the next rounds throw, `drifted` what the kernel is found to lack. */
function countedLoop(synced: Promise<unknown> = Promise.resolve()) {
  const clock = new VirtualClock()
  const state = { rounds: 0, fail: 0, drifted: [] as string[] }
  const loop = startApplyLoop({
    clock,
    log: silentLogger,
    synced,
    async apply() {
      state.rounds++
      if (state.fail-- > 0) throw new Error('Cannot apply')
    },
    async drift() {
      return state.drifted.splice(0)
    },
  })
  return { clock, state, loop }
}

test('startApplyLoop() applies nothing before everything is known', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { state, loop } = countedLoop(promise)
  await settle()
  assert.equal(state.rounds, 0)
  resolve()
  await loop.ready
  assert.equal(state.rounds, 1)
  await loop[Symbol.asyncDispose]()
})

test('startApplyLoop() makes one round of changes that come together', async () => {
  const { clock, state, loop } = countedLoop()
  await loop.ready
  for (let i = 0; i < 100; i++) loop.changed()
  await clock.advance(1000)
  assert.equal(state.rounds, 2)
  await loop[Symbol.asyncDispose]()
})

test('startApplyLoop() tries again, ever more slowly, until it works', async () => {
  const { clock, state, loop } = countedLoop()
  state.fail = 3
  await clock.advance(250)
  assert.equal(state.rounds, 2)
  await clock.advance(500)
  assert.equal(state.rounds, 3)
  await clock.advance(1000)
  assert.equal(state.rounds, 4)
  await loop.ready
  await loop[Symbol.asyncDispose]()
})

test('startApplyLoop() applies again when the kernel has drifted, and only then', async () => {
  const { clock, state, loop } = countedLoop()
  await loop.ready
  await clock.advance(60_000)
  assert.equal(state.rounds, 1)
  state.drifted = ['chain is gone']
  await clock.advance(60_000)
  assert.equal(state.rounds, 2)
  await loop[Symbol.asyncDispose]()
})

test('startApplyLoop() leaves nobody waiting and no timer behind when it stops', async () => {
  const { clock, state, loop } = countedLoop()
  state.fail = Number.POSITIVE_INFINITY
  const settled = loop.settled()
  await settle()
  await loop[Symbol.asyncDispose]()
  await settled
  assert.equal(clock.waiting, 0)
})
