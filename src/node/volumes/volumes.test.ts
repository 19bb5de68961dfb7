// Files of volumes: atomic updates, and subPaths that do not lead out.

import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { type Payload, writePayload } from './atomic-writer.ts'
import { holdSubPath } from './sub-path.ts'

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'drover-volumes-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

const payload = (files: Record<string, string>, mode = 0o644): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode }]))
const options = { random: seededRandom(1), stamp: '2030_01_01_00_00_00' }

test('an update swaps one link, and removes what is gone', async (t) => {
  const target = directoryOf(t)
  assert.equal(await writePayload(target, payload({ a: '1', 'dir/b': '2' }, 0o400), options), true)
  const first = readlinkSync(join(target, '..data'))
  assert.equal(readFileSync(join(target, 'a'), 'utf8'), '1')
  assert.equal(readFileSync(join(target, 'dir/b'), 'utf8'), '2')
  assert.equal(statSync(join(target, 'a')).mode & 0o777, 0o400)
  assert.equal(await writePayload(target, payload({ a: '1', 'dir/b': '2' }, 0o400), options), false)
  assert.equal(readlinkSync(join(target, '..data')), first)
  assert.equal(await writePayload(target, payload({ a: '3' }), options), true)
  assert.equal(readFileSync(join(target, 'a'), 'utf8'), '3')
  assert.deepEqual(
    readdirSync(target).filter((name) => !name.startsWith('..')),
    ['a'],
  )
  assert.equal(readdirSync(target).includes(first), false)
})

for (const path of ['../a', '/a', 'a/../b', '..data', '..x/a', '']) {
  test(`the path ${JSON.stringify(path)} is refused`, async (t) => {
    await assert.rejects(writePayload(directoryOf(t), payload({ [path]: 'x' }), options), /invalid path/)
  })
}

test('a subPath is found, made, and followed within its volume', async (t) => {
  const volume = directoryOf(t)
  mkdirSync(join(volume, 'real'))
  writeFileSync(join(volume, 'real/file'), 'text')
  symlinkSync('real', join(volume, 'link'))
  await using found = await holdSubPath(volume, 'link/file', process.pid)
  assert.equal(readFileSync(found.path, 'utf8'), 'text')
  assert.equal(found.isDirectory, false)
  await using made = await holdSubPath(volume, 'new/deep', process.pid)
  assert.equal(made.isDirectory, true)
  assert.equal(statSync(join(volume, 'new/deep')).isDirectory(), true)
})

test('a subPath does not lead out of its volume', async (t) => {
  const directory = directoryOf(t)
  const volume = join(directory, 'volume')
  mkdirSync(volume)
  writeFileSync(join(directory, 'secret'), 'secret')
  symlinkSync('../secret', join(volume, 'out'))
  symlinkSync('..', join(volume, 'up'))
  symlinkSync('../absent', join(volume, 'dangling'))
  for (const subPath of ['../secret', '/etc', 'out', 'up/secret', 'up/made', 'dangling', 'dangling/x'])
    await assert.rejects(holdSubPath(volume, subPath, process.pid), Error, subPath)
  assert.deepEqual(readdirSync(directory).sort(), ['secret', 'volume'])
})
