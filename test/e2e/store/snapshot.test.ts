// `drover snapshot` on real servers: saved while one runs, restored when it is stopped, and carried from LMDB to etcd.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { configMaps } from '../../../src/api/core/config-map.ts'
import { startEtcd } from '../../../src/testing/etcd.ts'
import { adminClient, freePort, spawnProgram } from '../../robustness/server-process.ts'

const program = fileURLToPath(new URL('../../../src/cmd/drover.ts', import.meta.url))

function drover(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) =>
    execFile(process.execPath, [program, ...args], (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    ),
  )
}

test('a snapshot is saved while the server runs, restored exactly, and restored into etcd', async () => {
  await using stack = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'drover-snapshot-e2e-'))
  stack.defer(() => rmSync(directory, { recursive: true, force: true }))
  const place = { directory: join(directory, 'data'), port: await freePort() }
  const at = ['--data-dir', place.directory]
  const file = join(directory, 'cluster.snapshot')
  const serve = async (...store: string[]) => {
    const server = stack.use(
      spawnProgram(['server', ...at, '--port', String(place.port), '--bind-address', '127.0.0.1', ...store]),
    )
    await server.ready
    const client = stack.use(adminClient(place))
    const mine = async (): Promise<Record<string, string>> => {
      const { items } = await client.list(configMaps, { namespace: 'default' })
      return Object.fromEntries(
        items.flatMap(({ metadata, data }) => (data?.['v'] ? [[metadata.name, data['v']]] : [])),
      )
    }
    const put = (name: string, v: string) => {
      const metadata = { namespace: 'default', name }
      return client.patch(
        configMaps,
        metadata,
        {
          type: 'apply',
          body: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { v } },
          force: true,
        },
        { fieldManager: 'test' },
      )
    }
    const stop = async (): Promise<void> => {
      server.signal('SIGTERM')
      await server.exited
    }
    return { client, mine, put, stop }
  }

  const first = await serve()
  await first.put('a', '1')
  await first.put('b', '1')
  const saved = await drover('snapshot', 'save', file, ...at, '-o', 'json')
  assert.equal(saved.code, 0, saved.err)
  const summary = JSON.parse(saved.out)
  assert.ok(summary.objects > 10 && summary.bytes === statSync(file).size)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  await first.put('a', '2')
  await first.put('c', '2')
  await first.client.delete(configMaps, { namespace: 'default', name: 'b' })
  const refused = await drover('snapshot', 'restore', file, ...at)
  assert.deepEqual(
    [refused.code, refused.err],
    [1, 'drover: Cannot restore while the server runs\n        stop the server first\n'],
  )
  assert.deepEqual(await first.mine(), { a: '2', c: '2' })
  await first.stop()

  const restored = await drover('snapshot', 'restore', file, ...at)
  assert.match(restored.err, /^Restored .*: \d+ objects written, \d+ deleted, \d+ were right already\n$/)
  const again = await drover('snapshot', 'restore', file, ...at)
  assert.match(again.err, new RegExp(`: 0 objects written, 0 deleted, ${summary.objects} were right already`))
  const second = await serve()
  assert.deepEqual(await second.mine(), { a: '1', b: '1' })
  await second.stop()

  // Of a stopped server it can be saved too; the file is the same for another engine.
  const stopped = await drover('snapshot', 'save', file, ...at)
  assert.match(stopped.err, /^Saved \d+ objects as of revision \d+/)
  const etcd = stack.use(await startEtcd())
  const store = ['--store', `etcd=${etcd.endpoint}`]
  for (let i = 0; i < 2; i++) {
    const moved = await drover('snapshot', 'restore', file, ...store)
    assert.equal(moved.code, 0, moved.err)
  }
  const third = await serve(...store)
  assert.deepEqual(await third.mine(), { a: '1', b: '1' })
  const fromEtcd = await drover('snapshot', 'save', join(directory, 'etcd.snapshot'), ...store)
  assert.equal(fromEtcd.code, 0, fromEtcd.err)

  truncateSync(file, statSync(file).size - 10)
  const damaged = await drover('snapshot', 'restore', file, ...store)
  assert.equal(damaged.code, 1)
  assert.match(
    damaged.err,
    /is a damaged snapshot: it is cut short after \d+ bytes\n {8}use a file that drover snapshot save has written\n$/,
  )
  const nowhere = await drover('snapshot', 'save', join(directory, 'no/such/file'), ...at)
  assert.match(nowhere.err, /there is no such file or directory/)
  assert.ok(existsSync(file))
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith('.partial')),
    [],
  )
})
