// Tests of the pause program: its size, its bytes, and that it runs on this machine.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { assemble, pauseProgram } from './pause-program.ts'

const here = process.arch === 'x64' ? 'amd64' : 'arm64'

test('assemble() fills in distances forwards and backwards', () => {
  const jump = (to: string) => ({ to, size: 2, encode: (d: number) => [0xeb, d & 0xff] })
  assert.deepEqual(
    [...assemble([{ label: 'a' }, jump('b'), [1, 2, 3], { label: 'b' }, jump('a')])],
    [0xeb, 5, 1, 2, 3, 0xeb, 0xfb],
  )
})

test('pauseProgram() is under 1 KiB and says what it is for either machine', () => {
  for (const [architecture, machine] of [['amd64', 62] as const, ['arm64', 183] as const]) {
    const program = Buffer.from(pauseProgram(architecture))
    assert.ok(program.length <= 1024)
    assert.equal(program.toString('latin1', 0, 4), '\x7fELF')
    assert.equal(program.readUInt16LE(18), machine)
  }
})

test('pauseProgram("arm64") is these instructions, as GNU objdump reads them', () => {
  const code = Buffer.from(pauseProgram('arm64')).subarray(64 + 2 * 56)
  const words = Array.from({ length: 6 }, (_, i) => code.readUInt32LE(4 * i).toString(16))
  // mov x0, #0; adr x1, signals; mov x2, #0; mov x3, #8; mov x8, #135; svc #0
  assert.deepEqual(words, ['d2800000', '100003c1', 'd2800002', 'd2800103', 'd28010e8', 'd4000001'])
})

describe('the pause program on this machine', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`exits 0 on ${signal}, after it went on through a stop`, async () => {
      await using program = await start()
      await waitsForSignals(program.child)
      program.child.kill('SIGSTOP')
      program.child.kill('SIGCONT')
      program.child.kill(signal)
      assert.deepEqual(await program.exit, [0, null])
    })
  }

  test('ignores nothing else: SIGKILL still ends it', async () => {
    await using program = await start()
    program.child.kill('SIGKILL')
    assert.deepEqual(await program.exit, [null, 'SIGKILL'])
  })
})

/** Until the signals are blocked they have their usual effect; the one place where the program sleeps comes after that. */
async function waitsForSignals(child: ChildProcess): Promise<void> {
  for (;;) {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
    if (/^State:\s[SZ]/m.test(status)) return
    await setImmediate()
  }
}

async function start(): Promise<{
  child: ChildProcess
  exit: Promise<unknown[]>
  [Symbol.asyncDispose](): Promise<void>
}> {
  const directory = await mkdtemp(join(tmpdir(), 'pause-'))
  const path = join(directory, 'pause')
  await writeFile(path, pauseProgram(here), { mode: 0o755 })
  const child = spawn(path, { stdio: 'ignore' })
  const exit = once(child, 'exit')
  await once(child, 'spawn')
  return {
    child,
    exit,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await rm(directory, { recursive: true, force: true })
    },
  }
}
