// Tests of importing and exporting image archives.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { exportArchive, importArchive } from './archive.ts'
import { putIndex } from './image.ts'
import { makeImage, tarFile, temporaryStore } from './image-fixtures.ts'
import { digestOf } from './manifest.ts'
import { readAll, readTar } from './tar.ts'
import { type TarItem, writeTar } from './tar-writer.ts'

const options = { architecture: 'amd64' }
const bytesOf = (content: AsyncIterable<Uint8Array>): Promise<Buffer> => readAll(content, 1e7, 'archive')
const archiveOf = async (items: TarItem[]): Promise<Readable> => Readable.from([await bytesOf(writeTar(items))])

for (const [form, pack] of Object.entries({ plain: (b: Buffer) => b, gzip: gzipSync, zstd: zstdCompressSync })) {
  test(`an exported archive is imported again with the same digests: ${form}`, async () => {
    await using a = await temporaryStore()
    await using b = await temporaryStore()
    const both = [
      await makeImage(a.store, [tarFile('hello', 'x')], 'amd64'),
      await makeImage(a.store, [tarFile('hello', 'y')], 'arm64'),
    ]
    const index = await putIndex(a.store, both)
    await a.store.put('multi:1', index)
    const archive = pack(await bytesOf(exportArchive(a.store, ['multi:1'], options)))
    const [image] = await importArchive(b.store, Readable.from([archive]), options)
    assert.deepEqual(
      [image?.reference, image?.target.digest, image?.platforms],
      ['docker.io/library/multi:1', index.digest, ['linux/amd64', 'linux/arm64']],
    )
  })
}

async function dockerArchive(
  change: (layers: string[]) => string[] = (layers) => layers,
): Promise<{ items: TarItem[] }> {
  const layer = await bytesOf(writeTar([tarFile('hello', 'world')]))
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [digestOf(layer), digestOf(layer)] },
  })
  const manifest = [{ Config: 'abc.json', RepoTags: ['app:2'], Layers: change(['one/layer.tar', 'two/layer.tar']) }]
  const link: TarItem = {
    path: 'two/layer.tar',
    type: 'symlink',
    target: '../one/layer.tar',
    mode: 0o777,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
  }
  return {
    items: [
      tarFile('abc.json', config),
      tarFile('one/layer.tar', layer.toString('latin1')),
      link,
      tarFile('manifest.json', JSON.stringify(manifest)),
    ],
  }
}

test('an archive of "docker save" is imported, links between layers included', async () => {
  await using t = await temporaryStore()
  const { items } = await dockerArchive()
  const [image] = await importArchive(t.store, await archiveOf(items), options)
  assert.deepEqual([image?.reference, image?.platforms], ['docker.io/library/app:2', ['linux/amd64']])
})

test('importArchive() fails loudly', async (t) => {
  const refuses = (name: string, items: () => Promise<TarItem[]>, want: RegExp) =>
    t.test(name, async () => {
      await using target = await temporaryStore()
      await assert.rejects(importArchive(target.store, await archiveOf(await items()), options), want)
      assert.deepEqual(await target.store.list(), [])
    })
  await refuses('on another file', async () => [tarFile('readme', 'x')], /neither index.json \(OCI\) nor manifest.json/)
  await refuses('on a path out of the archive', async () => [tarFile('../x', 'x')], /has "\.\." in it/)
  await refuses(
    'on a blob that is not what its name says',
    async () => [tarFile(`blobs/sha256/${'0'.repeat(64)}`, 'x')],
    /wanted sha256:0000/,
  )
  await refuses(
    'on a missing layer',
    async () => (await dockerArchive(() => ['one/layer.tar', 'three/layer.tar'])).items,
    /it has no "three\/layer.tar"/,
  )
  await refuses(
    'on a missing count of layers',
    async () => (await dockerArchive(() => ['one/layer.tar'])).items,
    /2 layers, manifest.json lists 1/,
  )
  await refuses(
    'on a layer that is another',
    async () => (await dockerArchive(() => ['one/layer.tar', 'abc.json'])).items,
    /layer "abc.json" is sha256/,
  )
})

test('of an index that is not whole the platform of this machine is taken, and nothing else', async () => {
  await using a = await temporaryStore()
  const here = await makeImage(a.store, [tarFile('hello', 'x')], 'amd64')
  const absent = { ...here, digest: `sha256:${'1'.repeat(64)}`, platform: { os: 'linux', architecture: 'arm64' } }
  const index = await putIndex(a.store, [here, absent])
  const document = {
    schemaVersion: 2,
    manifests: [{ ...index, annotations: { 'io.containerd.image.name': 'docker.io/library/part:1' } }],
  }
  await a.store.put('whole', here)
  const whole = await bytesOf(exportArchive(a.store, ['whole'], options))
  const blobs: TarItem[] = []
  for await (const { header, content } of readTar(Readable.from([whole]))) {
    const bytes = await bytesOf(content)
    if (header.name.startsWith('blobs/')) blobs.push(tarFile(header.name, bytes.toString('latin1')))
  }
  blobs.push(
    tarFile(`blobs/sha256/${index.digest.slice(7)}`, (await a.store.readDocument(index.digest)).toString()),
    tarFile('index.json', JSON.stringify(document)),
  )
  const archive = await bytesOf(writeTar(blobs))
  await using b = await temporaryStore()
  const [image] = await importArchive(b.store, Readable.from([archive]), options)
  assert.deepEqual([image?.reference, image?.target.digest], ['docker.io/library/part:1', here.digest])
  await using c = await temporaryStore()
  await assert.rejects(
    importArchive(c.store, Readable.from([archive]), { architecture: 'arm64' }),
    /the archive lacks manifest sha256:1111/,
  )
})
