// Locks are held by one at a time, and those of the dead are no obstacle.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock as clock } from '../clock.ts'
import { withLockFile } from './lock-file.ts'
import { readProcess } from './processes.ts'
import { UserError } from './user-error.ts'

function place(): Disposable & { lock: string } {
  const path = mkdtempSync(join(tmpdir(), 'drover-lock-'))
  return { lock: join(path, 'x.lock'), [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

test('withLockFile lets one in at a time, and removes the file', async () => {
  using here = place()
  let inside = 0
  let most = 0
  const work = async (): Promise<void> => {
    inside++
    most = Math.max(most, inside)
    await new Promise((resolve) => setImmediate(resolve))
    inside--
  }
  await Promise.all(Array.from({ length: 5 }, () => withLockFile(here.lock, { clock }, work)))
  assert.equal(most, 1)
  assert.equal(existsSync(here.lock), false)
})

test('withLockFile waits for a living owner and says so', async () => {
  using here = place()
  writeFileSync(here.lock, `${process.pid} ${readProcess(process.pid)?.startTime}`)
  await assert.rejects(
    withLockFile(here.lock, { clock, timeoutMs: 30 }, () => {}),
    (error) => error instanceof UserError && /another process holds it/.test(error.message),
  )
})

test('withLockFile takes over the lock of a process that ended, whose pid another may have', async () => {
  using here = place()
  writeFileSync(here.lock, `${process.pid} 1`)
  assert.equal(await withLockFile(here.lock, { clock, timeoutMs: 30 }, () => 'in'), 'in')
})

test('withLockFile takes over an old lock without an owner', async () => {
  using here = place()
  writeFileSync(here.lock, '')
  utimesSync(here.lock, 1, 1)
  assert.equal(await withLockFile(here.lock, { clock, timeoutMs: 30 }, () => 'in'), 'in')
})
