import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../testing/virtual-clock.ts'
import { WorkQueue } from './queue.ts'

test('a key waits once, and again when it changes while being worked on', async () => {
  const queue = new WorkQueue(new VirtualClock())
  queue.add('a')
  queue.add('a')
  assert.equal(queue.length, 1)
  assert.equal(await queue.take(), 'a')
  queue.add('a')
  assert.equal(queue.length, 0, 'one worker at a time')
  queue.done('a')
  assert.equal(queue.length, 1)
  assert.equal(await queue.take(), 'a')
  queue.done('a')
  assert.ok(queue.idle)
})

test('failures wait twice as long each time, until work succeeds', async () => {
  const clock = new VirtualClock()
  const queue = new WorkQueue(clock)
  const waits: number[] = []
  for (let round = 0; round < 4; round++) {
    const taken = queue.take()
    const start = clock.monotonic()
    if (round === 3) queue.forget('a')
    queue.addLater('a')
    let at = 0
    void taken.then(() => {
      at = clock.monotonic()
    })
    for (let ms = 0; ms < 60 && at === 0; ms++) await clock.advance(1)
    waits.push(at - start)
    queue.done('a')
  }
  assert.deepEqual(waits, [5, 10, 20, 5])
})

test('of several waits the earliest counts, and a closed queue lets its takers go', async () => {
  const clock = new VirtualClock()
  const queue = new WorkQueue(clock)
  queue.addAfter('a', 100)
  queue.addAfter('a', 10)
  queue.addAfter('a', 1000)
  await clock.advance(10)
  assert.equal(queue.length, 1)
  assert.equal(await queue.take(), 'a')
  queue.done('a')
  assert.equal(clock.waiting, 0)
  const taken = queue.take()
  queue.close()
  assert.equal(await taken, undefined)
})
