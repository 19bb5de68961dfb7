// The keeper: what it keeps is started again, its record is true, and SIGTERM ends both. Nothing here waits for a time.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readProcess } from '../base/node/processes.ts'

const KEEPER = fileURLToPath(new URL('keep.sh', import.meta.url))

interface Kept extends AsyncDisposable {
  readonly keeper: ChildProcess
  readonly directory: string
  /** The next line that the programs print. */
  line(): Promise<string>
  record(): unknown
}

function keep(...program: string[]): Kept {
  const directory = mkdtempSync(join(tmpdir(), 'drover-keep-'))
  const record = join(directory, 'a b.pid')
  const keeper = spawn('/bin/sh', [KEEPER, record, ...program], { stdio: ['ignore', 'pipe', 'ignore'] })
  const lines = createInterface({ input: keeper.stdout })[Symbol.asyncIterator]()
  return {
    keeper,
    directory,
    line: async () => String((await lines.next()).value),
    record: () => JSON.parse(readFileSync(record, 'utf8')),
    async [Symbol.asyncDispose]() {
      if (keeper.exitCode === null && keeper.signalCode === null) {
        keeper.kill('SIGTERM')
        await once(keeper, 'exit')
      }
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

test('a program that is killed is started again, with the same arguments, and counted', async () => {
  const print = 'process.stdout.write(process.argv[1] + " " + process.pid + "\\n"); setInterval(() => {}, 1e6)'
  await using kept = keep(process.execPath, '-e', print, '$(id) "a b" *')
  const [first] = /\d+$/.exec(await kept.line()) ?? []
  process.kill(Number(first), 'SIGKILL')
  const said = await kept.line()
  assert.match(said, /^\$\(id\) "a b" \* \d+$/)
  const pid = Number(said.split(' ').at(-1))
  assert.notEqual(pid, Number(first))
  assert.deepEqual(kept.record(), { pid, startTime: readProcess(pid)?.startTime, ends: 1, lastCode: 137 })
})

test('SIGTERM ends the program first, then the keeper, and the record is gone', async () => {
  const obey =
    'process.on("SIGTERM", () => { console.log("ended"); process.exit(0) }); console.log("up"); setInterval(() => {}, 1e6)'
  await using kept = keep(process.execPath, '-e', obey)
  assert.equal(await kept.line(), 'up')
  kept.keeper.kill('SIGTERM')
  assert.equal(await kept.line(), 'ended')
  await once(kept.keeper, 'exit')
  assert.throws(() => kept.record(), { code: 'ENOENT' })
})

test('SIGTERM while it waits to try again ends it at once', async () => {
  await using kept = keep('sh', '-c', 'echo $$; exit 3')
  await kept.line()
  await kept.line()
  await kept.line()
  kept.keeper.kill('SIGTERM')
  await once(kept.keeper, 'exit')
  assert.throws(() => kept.record(), { code: 'ENOENT' })
})

test('a keeper whose cluster is gone ends', async () => {
  await using kept = keep('sh', '-c', 'echo $$; exec sleep 1000000')
  const pid = Number(await kept.line())
  rmSync(kept.directory, { recursive: true })
  process.kill(pid, 'SIGKILL')
  await once(kept.keeper, 'exit')
})
