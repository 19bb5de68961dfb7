// Tests of building images from files and accounts; packages are built in test/e2e, where there is a network to get them by.

import assert from 'node:assert/strict'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { type BuildContext, buildImage, exclusion } from './build.ts'
import { globToRegExp, parseDepends, parsePackages } from './debian.ts'
import { makeImage, tarFile, type TemporaryStore, temporaryStore } from './image-fixtures.ts'
import { parseConfig, parseManifest } from './manifest.ts'
import { parseImageSpec } from './spec.ts'
import { readAll, readTar } from './tar.ts'

async function contextOf({ root, store }: TemporaryStore): Promise<BuildContext> {
  await mkdir(join(root, 'context'), { recursive: true })
  return {
    store,
    directory: join(root, 'context'),
    cacheDirectory: join(root, 'cache'),
    random: seededRandom(3),
    architecture: 'amd64',
    signal: AbortSignal.timeout(60_000),
  }
}

async function inspect({ store }: TemporaryStore, reference: string) {
  const target = await store.resolve(reference)
  const manifest = parseManifest(await store.readDocument(target?.digest ?? ''), reference)
  assert.equal(manifest.kind, 'manifest')
  const config = parseConfig(await store.readDocument(manifest.config.digest), reference)
  const files: Record<string, string> = {}
  for await (const { header, content } of readTar(
    Readable.from(store.blobStream(manifest.layers.at(-1)?.digest ?? '')),
  )) {
    files[header.name] =
      `${header.mode.toString(8)} ${header.uid}:${header.gid} ${header.linkname || (await readAll(content, 1e6, 'file')).toString()}`
  }
  return { config, files, layers: manifest.layers.length }
}

const SPEC = `
name: app
files:
  - { path: /app/run, source: run.sh }
  - { path: /etc/app.conf, content: "x=1", mode: '0600', uid: 7, gid: 8 }
symlinks: [{ path: /bin/app, target: ../app/run }]
directories: [{ path: /tmp, mode: '1777' }]
users: [{ name: app, uid: 7, gid: 8 }]
env: { A: "1" }
user: app
entrypoint: [/app/run]
exposedPorts: [80, 53/udp]
labels: { b: "2", a: "1" }
stopSignal: SIGQUIT
`

test('buildImage() makes what the spec says, and the same bytes each time', async () => {
  await using t = await temporaryStore()
  const context = await contextOf(t)
  await writeFile(join(context.directory, 'run.sh'), '#!', { mode: 0o700 })
  const first = await buildImage(parseImageSpec(SPEC), context)
  assert.equal((await buildImage(parseImageSpec(SPEC), context)).digest, first.digest)
  const { config, files } = await inspect(t, 'app')
  assert.deepEqual(config.config, {
    User: 'app',
    ExposedPorts: { '53/udp': {}, '80/tcp': {} },
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'A=1'],
    Entrypoint: ['/app/run'],
    WorkingDir: '/',
    Labels: { a: '1', b: '2' },
    StopSignal: 'SIGQUIT',
  })
  assert.deepEqual(files, {
    'app/': '755 0:0 ',
    'app/run': '755 0:0 #!',
    'bin/': '755 0:0 ',
    'bin/app': '777 0:0 ../app/run',
    'etc/': '755 0:0 ',
    'etc/app.conf': '600 7:8 x=1',
    'etc/group': '644 0:0 root:x:0:\napp:x:8:\n',
    'etc/passwd': '644 0:0 root:x:0:0:root:/root:/bin/sh\napp:x:7:8::/nonexistent:/bin/false\n',
    'tmp/': '1777 0:0 ',
  })
})

test('buildImage() from another image adds a layer and keeps its settings', async () => {
  await using t = await temporaryStore()
  const base = [
    tarFile('etc/passwd', 'root:x:0:0::/:/bin/sh\nold:x:1:1::/:/bin/sh\n'),
    tarFile('gone', 'x'),
    tarFile('kept', 'y'),
  ]
  await t.store.put('base', await makeImage(t.store, base))
  await buildImage(
    parseImageSpec('{ name: child, from: base, remove: [/gone], users: [{ name: new, uid: 2 }], env: { A: "2" } }'),
    await contextOf(t),
  )
  const { config, files, layers } = await inspect(t, 'child')
  assert.deepEqual(
    [layers, config.diffIDs.length, config.config.Cmd, config.config.Env],
    [2, 2, ['/hello'], ['PATH=/bin', 'A=2']],
  )
  assert.deepEqual(Object.keys(files), ['.wh.gone', 'etc/group', 'etc/passwd'])
  assert.match(files['etc/passwd'] ?? '', /\nold:.*\nnew:x:2:2:/)
})

test("a source may not lead out of the spec's directory by a link", async () => {
  await using t = await temporaryStore()
  const context = await contextOf(t)
  await symlink('/etc/passwd', join(context.directory, 'leak'))
  await assert.rejects(
    buildImage(parseImageSpec('{ name: a, files: [{ path: /x, source: leak }] }'), context),
    /leads out of the spec's directory/,
  )
  await assert.rejects(
    buildImage(parseImageSpec('{ name: a, from: b }'), context),
    /"docker.io\/library\/b:latest": it is not in the image store/,
  )
})

describe('parseImageSpec() refuses', () => {
  const cases: Record<string, RegExp> = {
    '{}': /name/,
    '{ name: A }': /must be lowercase/,
    '{ name: a, entrypiont: [x] }': /unknown field "entrypiont"/,
    '{ name: a, files: [{ path: /x }] }': /one of "source" and "content"/,
    '{ name: a, files: [{ path: x, content: y }] }': /not an absolute path/,
    '{ name: a, files: [{ path: /../x, content: y }] }': /has "\.\." in it/,
    '{ name: a, files: [{ path: /x, source: ../y }] }': /has "\.\." in it/,
    '{ name: a, files: [{ path: /x, source: /etc/shadow }] }': /relative to the spec's directory/,
    '{ name: a, files: [{ path: /x, content: y, mode: 0644 }] }': /quoted octal/,
    '{ name: a, packages: [--help] }': /not a valid name/,
    '{ name: a, users: [{ name: "a:b", uid: 1 }] }': /not a valid name/,
    '{ name: a, users: [{ name: a, uid: -1 }] }': /not a user or group number/,
    '{ name: a, exposedPorts: [99999] }': /not a port/,
    '{ name: a, env: { A: 1 } }': /"A" of env: it is not a string/,
    'name: [': /Cannot read image spec/,
    '- a': /not an object/,
  }
  for (const [text, want] of Object.entries(cases)) test(text, () => assert.throws(() => parseImageSpec(text), want))
})

test('parsePackages() and parseDepends() read what apt-cache prints', () => {
  const sum = 'a'.repeat(64)
  const text = `Package: nginx\nVersion: 1:2-3\nArchitecture: amd64\nPre-Depends: init (>= 1)\nDepends: libc6 (>= 2.34), a | b:any, c [amd64]\nSHA256: ${sum}\n\nPackage: virtual\n`
  assert.deepEqual(parsePackages(text), [
    {
      name: 'nginx',
      version: '1:2-3',
      architecture: 'amd64',
      sha256: sum,
      depends: [['init'], ['libc6'], ['a', 'b'], ['c']],
    },
  ])
  assert.deepEqual(parseDepends(''), [])
})

test('what packages carry for people stays out; copyright notices stay in', () => {
  const out = exclusion(['usr/lib/*/gconv'])
  const paths = [
    'usr/share/man/man1/x',
    'usr/share/doc/x/README',
    'usr/lib/x86_64-linux-gnu/gconv/A.so',
    'usr/share/doc/x/copyright',
    'usr/share/manx',
    'usr/lib/a/b/gconv',
  ]
  assert.deepEqual(paths.map(out), [true, true, true, false, false, false])
  assert.ok(globToRegExp('libnginx-mod-*').test('libnginx-mod-http-echo'))
  assert.ok(!globToRegExp('a.b').test('axb'))
})
