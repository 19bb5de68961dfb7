// A server without room, and one whose directory it cannot use: errors that say what to do, reads that go on, and nothing destroyed.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cp, lstat, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { open } from 'lmdb'
import { StatusError } from '../../src/apimachinery/errors.ts'
import { configMaps } from '../../src/api/core/config-map.ts'
import type { Client } from '../../src/client/client.ts'
import { adminClient, freePort, type ServerPlace, spawnServer } from './server-process.ts'

const NAMESPACE = 'default'
let disk = ''
let directory = ''

before(async () => {
  disk = await mkdtemp(join(tmpdir(), 'drover-disk-full-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'drover-disk-full', disk])
  directory = await mkdtemp(join(tmpdir(), 'drover-directory-'))
})
after(async () => {
  execFileSync('umount', [disk])
  await rm(disk, { recursive: true })
  await rm(directory, { recursive: true })
})

const mapOf = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: NAMESPACE },
  data: { text: 'x'.repeat(100_000) },
})

async function create(client: Client, name: string): Promise<StatusError | undefined> {
  try {
    await client.create(configMaps, mapOf(name) as Parameters<typeof client.create<object>>[1] as never)
    return undefined
  } catch (error) {
    if (error instanceof StatusError) return error
    throw error
  }
}

test('a server on a full disk says so, serves reads, and writes again once there is room', async () => {
  const place = { directory: join(disk, 'data'), port: await freePort() }
  {
    await using server = spawnServer(place)
    await server.ready
    using client = adminClient(place)
    await writeFile(join(disk, 'ballast'), Buffer.alloc(3 * 1024 * 1024))
    const made: string[] = []
    let refused: StatusError | undefined
    while (!refused && made.length < 200) {
      const name = `m${made.length}`
      refused = await create(client, name)
      if (!refused) made.push(name)
    }
    assert.ok(made.length > 5, String(made.length))
    assert.deepEqual(
      [refused?.status.code, refused?.status.reason, refused?.status.message],
      [
        500,
        'InternalError',
        'Internal error occurred: Cannot write to the store: there is no room left, free some disk space',
      ],
    )
    const { items } = await client.list(configMaps, { namespace: NAMESPACE })
    const names = items.map((item) => item.metadata.name).filter((name) => /^m\d+$/.test(name))
    assert.deepEqual(names.sort(), made.sort())
    await rm(join(disk, 'ballast'))
    assert.equal(await create(client, 'after'), undefined)
    made.push('after')
  }
  await using server = spawnServer(place)
  await server.ready
  using client = adminClient(place)
  const found = await client.get(configMaps, { namespace: NAMESPACE, name: 'after' })
  assert.equal(found.data?.['text']?.length, 100_000)
})

/** Starts where it cannot: what it says, as one line and a remedy, and the code it ends with. */
async function refusal(place: ServerPlace): Promise<string> {
  await using server = spawnServer(place)
  await assert.rejects(server.ready)
  assert.deepEqual(await server.exited, { code: 1, signal: null }, server.said.join('\n'))
  const lines = server.said.filter((line) => !line.startsWith('{'))
  assert.ok(lines.length >= 1 && lines.length <= 2, server.said.join('\n'))
  return lines.join('\n')
}

describe('a data directory that cannot be used:', () => {
  /** A good one, made once, copied for each test. */
  let good = ''
  before(async () => {
    good = join(directory, 'good')
    const place = { directory: good, port: await freePort() }
    await using server = spawnServer(place)
    await server.ready
  })

  const copy = async (name: string): Promise<ServerPlace & { file: string }> => {
    const place = { directory: join(directory, name), port: await freePort() }
    // A killed server leaves its control socket, which is not data and cannot be copied.
    await cp(good, place.directory, { recursive: true, filter: async (path) => !(await lstat(path)).isSocket() })
    await rm(join(place.directory, 'store', 'store.mdb-lock'), { force: true })
    return { ...place, file: join(place.directory, 'store', 'store.mdb') }
  }

  test('of another version', async () => {
    const { file, ...place } = await copy('version')
    const root = open({ path: file, noSubdir: true, pageSize: 4096, encoding: 'binary', keyEncoding: 'binary' })
    const meta = root.openDB({ name: 'meta', encoding: 'binary', keyEncoding: 'binary' })
    const key = [...meta.getKeys()].map((k) => k as Buffer).find((k) => k.toString() === 'format')
    assert.ok(key, 'the record of the format')
    await meta.put(key, Buffer.from('999'))
    await root.close()
    const before = await readFile(file)
    assert.match(
      await refusal(place),
      /^drover: Cannot open the store in ".*": its format is 999 and this version reads format \d+; use the version that wrote it, or choose an empty data directory/,
    )
    assert.deepEqual(await readFile(file), before)
  })

  test('in use by another server', async () => {
    const { file: _, ...place } = await copy('used')
    await using first = spawnServer(place)
    await first.ready
    assert.match(
      await refusal({ ...place, port: await freePort() }),
      /^drover: Cannot open the store in ".*": process \d+ has it open, stop it first/,
    )
    using client = adminClient(place)
    assert.equal(await create(client, 'still'), undefined)
  })

  const damages: [string, (file: string) => Promise<void>][] = [
    ['garbage', (file) => writeFile(file, Buffer.alloc(100_000, 'nonsense'))],
    ['cut inside its first page', (file) => truncate(file, 100)],
    ['cut after its first page', (file) => truncate(file, 4096)],
  ]
  for (const [name, damage] of damages) {
    test(`whose file is ${name}`, async () => {
      const { file, ...place } = await copy(name.replaceAll(' ', '-'))
      await damage(file)
      const before = await readFile(file)
      assert.match(
        await refusal(place),
        /^drover: Cannot open the store in ".*": .*; .* or choose an empty data directory$/,
      )
      assert.deepEqual(await readFile(file), before)
    })
  }
})
