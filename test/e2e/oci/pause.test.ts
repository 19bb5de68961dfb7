// The pause program as process 1 of a PID namespace: it must reap what is orphaned there and leave when told to.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { pauseProgram } from '../../../src/oci/pause-program.ts'

const run = promisify(execFile)

test('pause as process 1 reaps orphans and exits 0 on SIGTERM', async () => {
  await using cleanup = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'drover-pause-'))
  cleanup.defer(() => rm(root, { recursive: true, force: true }))
  const program = join(root, 'pause')
  await writeFile(program, pauseProgram(process.arch === 'x64' ? 'amd64' : 'arm64'), { mode: 0o755 })
  const outer = spawn('unshare', ['--pid', '--fork', program], { stdio: 'ignore' })
  const end = once(outer, 'exit')
  cleanup.defer(() => void outer.kill('SIGKILL'))

  const children = async (pid: number | undefined): Promise<string> =>
    readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  let pause = ''
  const isPause = async (): Promise<boolean> =>
    pause !== '' && (await readFile(`/proc/${pause}/comm`, 'utf8')) === 'pause\n'
  while (!(await isPause())) pause = (await children(outer.pid)).trim()
  cleanup.defer(async () => void (await run('kill', ['-KILL', pause]).catch(() => {})))

  // The inner shell starts a child and leaves: the child belongs to process 1 from then on, and waits for our word to end.
  const gate = join(root, 'gate')
  await run('mkfifo', [gate])
  await run('nsenter', ['--target', pause, '--pid', '--', 'sh', '-c', `cat ${gate} >/dev/null 2>&1 </dev/null &`])
  assert.match(await children(Number(pause)), /^\d+ $/)
  await writeFile(gate, '')
  while ((await children(Number(pause))) !== '') assert.equal(outer.exitCode, null)

  await run('kill', ['-TERM', pause])
  assert.deepEqual(await end, [0, null])
})
