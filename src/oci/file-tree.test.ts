// Tests of the file tree, through the layers that it makes, and of writing tars.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { FileTree, type Node, Spool } from './file-tree.ts'
import { tarFile, temporaryStore } from './image-fixtures.ts'
import { cleanPath, readAll, readTar } from './tar.ts'
import { type TarItem, writeTar } from './tar-writer.ts'

const directory: Node = { type: 'directory', mode: 0o755, uid: 0, gid: 0 }
const link = (target: string): Node => ({ type: 'symlink', target, uid: 0, gid: 0 })

async function withSpool(use: (spool: Spool, file: (text: string) => Promise<Node>) => Promise<void>): Promise<void> {
  await using t = await temporaryStore()
  await using spool = await Spool.open(join(t.root, 'spool'))
  await use(spool, async (text) => ({
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    content: await spool.add([Buffer.from(text)]),
  }))
}

/** What a layer says: `path -> type, target or content`. */
async function layerOf(tree: FileTree, spool: Spool): Promise<string[]> {
  const lines: string[] = []
  for await (const { header, content } of readTar(Readable.from(writeTar(tree.items(spool, 7))))) {
    assert.equal(header.mtime.getTime(), 7000)
    const text = (await readAll(content, 1e6, 'entry')).toString()
    lines.push([header.name, header.type, header.linkname, text].filter(Boolean).join(' '))
  }
  return lines
}

test('files land where the links of their parents lead, never outside the root', () =>
  withSpool(async (spool, file) => {
    const tree = new FileTree()
    tree.set('lib', link('usr/lib'))
    tree.set('up', link('../../../etc'))
    tree.set('abs', link('/lib'))
    assert.equal(tree.set('lib/a', await file('a')), 'usr/lib/a')
    assert.equal(tree.set('up/passwd', await file('p')), 'etc/passwd')
    assert.equal(tree.set('abs/b', await file('b')), 'usr/lib/b')
    tree.set('lib', directory)
    assert.deepEqual(await layerOf(tree, spool), [
      'abs symlink /lib',
      'etc/ directory',
      'etc/passwd file p',
      'lib symlink usr/lib',
      'up symlink ../../../etc',
      'usr/ directory',
      'usr/lib/ directory',
      'usr/lib/a file a',
      'usr/lib/b file b',
    ])
  }))

test('links in a circle are refused', () => {
  const tree = new FileTree()
  tree.set('a', link('b'))
  tree.set('b', link('a'))
  assert.throws(() => tree.set('a/x', directory), /too many symbolic links/)
})

test('a file with two names is one file and a hard link to it, in the order of names', () =>
  withSpool(async (spool, file) => {
    const tree = new FileTree()
    const node = await file('same')
    tree.set('z', node)
    tree.set('a', node)
    assert.deepEqual(await layerOf(tree, spool), ['a file same', 'z link a'])
  }))

test('over a base image only differences are in the layer, and what is gone is a whiteout', () =>
  withSpool(async (spool, file) => {
    const tree = new FileTree()
    for (const name of ['etc/keep', 'etc/change', 'etc/gone', 'opt/a', 'opt/b/c'])
      tree.set(name, await file('old'), { inBase: true })
    tree.set('etc', directory)
    tree.set('etc/change', await file('new'))
    assert.ok(tree.remove('etc/gone'))
    assert.ok(tree.remove('opt'))
    assert.ok(!tree.remove('never'))
    assert.deepEqual(await layerOf(tree, spool), ['.wh.opt file', 'etc/.wh.gone file', 'etc/change file new'])
  }))

test('a directory that a file replaces is gone with all in it', () =>
  withSpool(async (spool, file) => {
    const tree = new FileTree()
    tree.set('x/y', await file('1'))
    tree.set('x', await file('2'))
    assert.deepEqual(await layerOf(tree, spool), ['x file 2'])
  }))

test('writeTar() keeps any name, link, owner and content', async () => {
  const name = fc.array(
    fc.stringMatching(/^[a-zé漢 .-]{1,60}$/).filter((part) => !/^\.+$/.test(part)),
    { minLength: 1, maxLength: 8 },
  )
  await fc.assert(
    fc.asyncProperty(name, name, fc.nat(2 ** 32 - 2), fc.string(), async (path, target, uid, text) => {
      const size = Buffer.byteLength(text)
      const items: TarItem[] = [
        { ...tarFile(path.join('/'), text), uid, size },
        {
          path: `${path.join('/')}2`,
          type: 'symlink',
          target: target.join('/'),
          mode: 0o777,
          uid: 0,
          gid: 0,
          mtimeSeconds: 0,
        },
      ]
      const read: unknown[] = []
      for await (const { header, content } of readTar(Readable.from(writeTar(items)))) {
        const pax =
          header.pax !== null && typeof header.pax === 'object' && 'uid' in header.pax
            ? Number(header.pax.uid)
            : header.uid
        read.push([
          header.name,
          header.type === 'symlink' ? header.linkname : pax,
          (await readAll(content, 1e6, 'entry')).toString(),
        ])
      }
      assert.deepEqual(read, [
        [path.join('/'), uid, text],
        [`${path.join('/')}2`, target.join('/'), ''],
      ])
    }),
    { numRuns: 60 },
  )
})

test('cleanPath() refuses what leads out', () => {
  assert.equal(cleanPath('./usr//bin/./x', 'test'), 'usr/bin/x')
  assert.equal(cleanPath('/etc', 'test'), 'etc')
  for (const path of ['..', 'a/../b', '/../x', 'a\0b']) assert.throws(() => cleanPath(path, 'test'), /Cannot use path/)
})
