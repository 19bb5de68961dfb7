// Tests of the image store on disk.

import assert from 'node:assert/strict'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { makeImage, tarFile, temporaryStore } from './image-fixtures.ts'
import { digestOf, MEDIA } from './manifest.ts'
import { openImageStore } from './store.ts'

test('putBlob() refuses content of another digest and leaves nothing behind', async () => {
  await using t = await temporaryStore()
  await assert.rejects(
    t.store.putBlob(Buffer.from('a'), { digest: digestOf(Buffer.from('b')) }),
    /its content is sha256:ca97/,
  )
  assert.deepEqual(await readdir(join(t.root, 'store/tmp')), [])
  assert.deepEqual(await readdir(join(t.root, 'store/blobs/sha256')), [])
})

test('put() names an image by its full reference, in any spelling', async () => {
  await using t = await temporaryStore()
  const { mediaType, digest, size } = await makeImage(t.store, [tarFile('hello', 'hi')])
  await t.store.put('nginx', { mediaType, digest, size })
  assert.deepEqual(await t.store.resolve('docker.io/library/nginx:latest'), { mediaType, digest, size })
  assert.deepEqual(await t.store.resolve(`other@${digest}`), { mediaType, digest, size })
  assert.deepEqual(await t.store.list(), [
    { reference: 'docker.io/library/nginx:latest', target: { mediaType, digest, size } },
  ])
  assert.equal(await t.store.remove('nginx:latest'), true)
  assert.equal(await t.store.remove('nginx'), false)
  assert.deepEqual(await t.store.list(), [])
})

test('put() refuses an image that lacks a layer, and says which', async () => {
  await using t = await temporaryStore()
  const image = await makeImage(t.store, [tarFile('hello', 'hi')])
  const blobs = join(t.root, 'store/blobs/sha256')
  for (const file of await readdir(blobs)) {
    const blob = `sha256:${file}`
    if (blob !== image.digest && !(await t.store.readDocument(blob)).toString().startsWith('{'))
      await rm(join(blobs, file))
  }
  await assert.rejects(t.store.put('x', image), /it is incomplete, missing layer sha256:/)
  assert.deepEqual(await t.store.list(), [])
})

test('what is no manifest cannot be named or resolved', async () => {
  await using t = await temporaryStore()
  const blob = await t.store.putBlob(Buffer.from('plain text'))
  await assert.rejects(t.store.put('x', { mediaType: MEDIA.ociManifest, ...blob }), /it is not JSON/)
  assert.equal(await t.store.resolve(`x@${blob.digest}`), undefined)
  assert.throws(() => t.store.blobStream('sha256:../../../etc/passwd'), /not a sha256 digest/)
})

test('readDocument() notices a damaged blob', async () => {
  await using t = await temporaryStore()
  const { digest } = await t.store.putBlob(Buffer.from('{}'))
  await writeFile(join(t.root, 'store/blobs/sha256', digest.slice(7)), '[]')
  await assert.rejects(t.store.readDocument(digest), /the store is damaged/)
})

test('gc() keeps what has a name or is young, and removes the rest', async () => {
  let now = Date.parse('2030-01-01T00:00:00Z')
  await using t = await temporaryStore({ ...systemClock, now: () => now })
  await t.store.put('kept', await makeImage(t.store, [tarFile('hello', 'kept')]))
  const lost = await makeImage(t.store, [tarFile('hello', 'lost')])
  assert.deepEqual((await t.store.gc()).removed, 0)
  now += 2 * 60 * 60 * 1000
  const young = await t.store.putBlob(Buffer.from('being written'))
  assert.deepEqual((await t.store.gc()).removed, 3)
  assert.equal(await t.store.blobSize(lost.digest), undefined)
  assert.equal(await t.store.blobSize(young.digest), 13)
  assert.deepEqual(await t.store.missing((await t.store.list())[0]?.target ?? lost), [])
})

test('many writers at once, in two stores on one directory, all succeed', async () => {
  await using t = await temporaryStore()
  const second = await openImageStore({ directory: join(t.root, 'store'), clock: systemClock, random: seededRandom(2) })
  const writers = Array.from({ length: 20 }, async (_, i) => {
    const store = i % 2 === 0 ? t.store : second
    await store.put(`app-${i % 5}`, await makeImage(store, [tarFile('hello', `${i % 5}`)]))
  })
  await Promise.all(writers)
  const images = await t.store.list()
  assert.equal(images.length, 5)
  for (const { target } of images) assert.deepEqual(await t.store.missing(target), [])
})
