// Kubeconfig files are merged and cleaned by kubectl's rules, and everything that is not ours stays byte for byte.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync, lstatSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock as clock } from '../base/clock.ts'
import { UserError } from '../base/node/user-error.ts'
import { kubeconfigFiles, kubeconfigText, mergeKubeconfig, removeFromKubeconfig } from './kubeconfig.ts'

const entry = { name: 'drover-a', server: 'https://127.0.0.1:6443', caCertificate: 'CA', certificate: 'C', key: 'K' }

const THEIRS = `# mine, hands off
apiVersion: v1
kind: Config
current-context: work
contexts:
  - name: work # the important one
    context: { cluster: work, user: me, namespace: prod }
clusters:
  - name: work
    cluster: { server: "https://work.example:6443" }
users:
  - name: me
    user: { exec: { apiVersion: client.authentication.k8s.io/v1, command: login } }
`

function directory(): Disposable & { file(name: string): string } {
  const path = mkdtempSync(join(tmpdir(), 'drover-kubeconfig-'))
  return { file: (name) => join(path, name), [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

test('kubeconfigFiles reads the list of KUBECONFIG, else the file in the home directory', () => {
  assert.deepEqual(kubeconfigFiles({ KUBECONFIG: '/a::/b:/a', HOME: '/h' }), ['/a', '/b'])
  assert.deepEqual(kubeconfigFiles({ KUBECONFIG: '', HOME: '/h' }), ['/h/.kube/config'])
})

test('mergeKubeconfig makes the file for its owner only, and a second time changes nothing', async () => {
  using place = directory()
  const file = place.file('deep/config')
  assert.equal(await mergeKubeconfig([file], entry, { clock }), file)
  const text = readFileSync(file, 'utf8')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.match(text, /current-context: drover-a/)
  await mergeKubeconfig([file], entry, { clock })
  assert.equal(readFileSync(file, 'utf8'), text)
  assert.equal(existsSync(`${file}.lock`), false)
})

test('removeFromKubeconfig leaves a file as it was before the merge, but for the current context', async () => {
  using place = directory()
  const file = place.file('config')
  writeFileSync(file, THEIRS)
  await mergeKubeconfig([file], entry, { clock, keepCurrent: true })
  const merged = readFileSync(file, 'utf8')
  assert.match(merged, /^current-context: work$/m)
  assert.match(merged, /name: work # the important one/)
  await removeFromKubeconfig([file], 'drover-a', { clock })
  assert.equal(readFileSync(file, 'utf8'), THEIRS)

  await mergeKubeconfig([file], entry, { clock })
  await removeFromKubeconfig([file], 'drover-a', { clock })
  assert.equal(readFileSync(file, 'utf8'), THEIRS.replace('current-context: work', 'current-context: ""'))
})

test('mergeKubeconfig writes where the entry is, else into the first file that exists, else into the last', async () => {
  using place = directory()
  const files = [place.file('1'), place.file('2'), place.file('3')]
  assert.equal(await mergeKubeconfig(files, entry, { clock }), place.file('3'))
  writeFileSync(place.file('2'), THEIRS)
  assert.equal(await mergeKubeconfig(files, entry, { clock }), place.file('3'))
  assert.equal(await mergeKubeconfig(files, { ...entry, name: 'drover-b' }, { clock }), place.file('2'))
  assert.equal(existsSync(place.file('1')), false)
})

test('mergeKubeconfig keeps a symbolic link', async () => {
  using place = directory()
  writeFileSync(place.file('real'), THEIRS)
  symlinkSync(place.file('real'), place.file('config'))
  await mergeKubeconfig([place.file('config')], entry, { clock })
  assert.equal(lstatSync(place.file('config')).isSymbolicLink(), true)
  assert.match(readFileSync(place.file('real'), 'utf8'), /drover-a/)
})

test('mergeKubeconfig refuses a broken file and leaves it alone', async () => {
  using place = directory()
  const file = place.file('config')
  for (const text of ['a: [', '- 1\n']) {
    writeFileSync(file, text)
    await assert.rejects(mergeKubeconfig([file], entry, { clock }), UserError)
    assert.equal(readFileSync(file, 'utf8'), text)
  }
})

test('kubeconfigText is a kubeconfig by itself', async () => {
  assert.equal(
    await kubeconfigText(entry),
    `apiVersion: v1
kind: Config
current-context: drover-a
clusters:
  - name: drover-a
    cluster:
      server: https://127.0.0.1:6443
      certificate-authority-data: Q0E=
contexts:
  - name: drover-a
    context:
      cluster: drover-a
      user: drover-a
users:
  - name: drover-a
    user:
      client-certificate-data: Qw==
      client-key-data: Sw==
`,
  )
})
