// A server that is killed leaves what Node compiled for the next start, which would else be slow each time.

import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort, spawnServer } from './server-process.ts'

test('a server that is killed has kept what was compiled for it', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'drover-compiled-'))
  t.after(() => rm(directory, { recursive: true }))
  const before = process.env['NODE_COMPILE_CACHE']
  process.env['NODE_COMPILE_CACHE'] = join(directory, 'cache')
  t.after(() => {
    if (before === undefined) delete process.env['NODE_COMPILE_CACHE']
    else process.env['NODE_COMPILE_CACHE'] = before
  })
  await using server = spawnServer({ directory: join(directory, 'data'), port: await freePort() })
  await server.ready
  server.signal('SIGKILL')
  await server.exited
  const kept = await readdir(join(directory, 'cache'), { recursive: true })
  assert.ok(kept.length > 100, `${kept.length} files`)
})
