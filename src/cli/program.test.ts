// The command line as it is typed: words, flags, mistakes, exit codes; on directories of the test's own.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { COMMANDS } from './commands/all.ts'
import { durationMs } from './inputs.ts'
import { runProgram } from './program.ts'
import { table } from './session.ts'

async function type(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'drover-cli-'))
  let out = ''
  let err = ''
  try {
    const code = await runProgram(argv, {
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      roots: { data: join(directory, 'data'), run: join(directory, 'run'), host: join(directory, 'host') },
      program: ['false'],
      projectDirectory: directory,
      nodeVersion: 'v26',
      environment: { PATH: '/nowhere' },
      variables: { KUBECONFIG: join(directory, 'kubeconfig') },
      uid: 1000,
      cwd: directory,
      signal: new AbortController().signal,
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
      terminal: false,
    })
    return { code, out, err }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const NO_CLUSTER = 'drover: There is no cluster "default"\n        start it: drover up -n default\n'
const NOT_ROOT = 'drover: This needs root\n        run it as root: sudo drover …\n'
const cases: Record<string, [argv: string[], code: number, err: string | RegExp]> = {
  'an unknown command is wrong usage': [['dance'], 2, "drover: unknown command 'dance'\n"],
  'an unknown flag is wrong usage': [['ls', '--nope'], 2, "drover: unknown option '--nope'\n"],
  'a port must be one': [
    ['up', '-p', '70000'],
    2,
    'drover: "70000" is not a value for --port\n        use a number from 1 to 65535\n',
  ],
  'a name must be one': [['down', '-n', '../etc'], 2, /^drover: "..\/etc" is not a name for a cluster\n/],
  'up needs root': [['up', '--no-node'], 1, NOT_ROOT],
  'kind spells it create cluster': [['create', 'cluster', '--no-node'], 1, NOT_ROOT],
  'and delete cluster': [['delete', 'cluster', '-n', 'x'], 1, NOT_ROOT],
  'a flag contradicts another': [
    ['up', '--no-node', '--nodes', '2'],
    2,
    'drover: --no-node and --nodes contradict each other\n        give one of them\n',
  ],
  'status of nothing': [['status'], 1, NO_CLUSTER],
  'kubectl of nothing, whatever follows': [['kubectl', 'get', 'pods', '-o', 'wide', '--help'], 1, NO_CLUSTER],
  'image load of nothing': [['load', 'image-archive', 'x.tar'], 1, NO_CLUSTER],
  'no clusters is no error': [['get', 'clusters'], 0, 'No clusters. Start one: drover up\n'],
  'a token has an id': [['token', 'delete', 'x'], 2, /^drover: "x" is not the id of a token\n/],
  'a configuration that is not there': [
    ['up', '-c', 'nope.yaml'],
    1,
    'drover: Cannot read the configuration "nope.yaml": there is no such file\n        name a file that is there\n',
  ],
  'a node of no cluster': [['node', 'stop', 'node-1'], 1, NO_CLUSTER],
  'a snapshot of no cluster': [['snapshot', 'save', 'x'], 1, NO_CLUSTER],
  'a snapshot of a store without a server': [
    ['snapshot', 'save', 'x', '--store', 'lmdb'],
    2,
    'drover: "lmdb" is not an etcd\n        use --store etcd=https://HOST:2379,…\n',
  ],
  'an etcd without a scheme': [
    ['snapshot', 'save', 'x', '--store', 'etcd=localhost:2379'],
    2,
    /^drover: "localhost:2379" is not an etcd endpoint: it must be http:/,
  ],
  'a store that is none': [
    ['up', '--store', 'x'],
    2,
    'drover: "x" is not a value for --store\n        use one of: lmdb, memory, etcd=https://HOST:2379,…\n',
  ],
  'a cluster on an etcd without a scheme': [
    ['up', '--store', 'etcd=localhost:2379'],
    2,
    /^drover: "localhost:2379" is not an etcd endpoint: it must be http:/,
  ],
  'a cluster on an etcd, with half a certificate': [
    ['up', '--store', 'etcd=https://h:2379', '--etcd-certfile', 'a.crt'],
    2,
    /^drover: --etcd-certfile and --etcd-keyfile belong together\n/,
  ],
  'a cluster on an etcd, with a file that is not there': [
    ['up', '--store', 'etcd=https://h:2379', '--etcd-cafile', 'nope.crt'],
    1,
    /^drover: Cannot read --etcd-cafile ".*\/nope\.crt"\n/,
  ],
  'flags of an etcd without one': [
    ['up', '--etcd-prefix', '/x'],
    2,
    'drover: --etcd-prefix is of no use without an etcd\n        use --store etcd=https://HOST:2379,…\n',
  ],
  'a cluster on an etcd': [['up', '--store', 'etcd=https://h:2379'], 1, NOT_ROOT],
  'a snapshot that is none': [
    ['snapshot', 'restore', '/dev/null', '--data-dir', '/nowhere'],
    1,
    'drover: "/dev/null" is not a file\n        use a file that drover snapshot save has written\n',
  ],
  'a shell must be known': [['completion', 'csh'], 2, /is not a shell with completion/],
}

describe('drover', () => {
  for (const [name, [argv, code, err]] of Object.entries(cases))
    test(name, async () => {
      const result = await type(...argv)
      if (typeof err === 'string') assert.equal(result.err, err)
      else assert.match(result.err, err)
      assert.equal(result.code, code)
    })
})

test('drover version and ls print JSON for programs', async () => {
  assert.deepEqual(JSON.parse((await type('version', '-o', 'json')).out), {
    schemaVersion: 1,
    drover: '0.1.0',
    kubernetes: 'v1.36.0',
    node: 'v26',
  })
  assert.deepEqual(JSON.parse((await type('ls', '-o', 'json')).out), { schemaVersion: 1, clusters: [] })
})

test('drover completion knows commands and flags', async () => {
  const { out } = await type('completion', 'bash')
  assert.match(out, /'image load'\) words='--name --nodes --as'/)
  assert.match((await type('completion', 'fish')).out, /complete -c drover .* -a up/)
})

test('drover completion has every command in every shell', async () => {
  const shells = await Promise.all(['bash', 'zsh', 'fish'].map(async (shell) => (await type('completion', shell)).out))
  for (const { use } of COMMANDS) {
    const words = use.split(' ').filter((word) => /^[a-z]/.test(word))
    const last = words.at(-1) ?? ''
    for (const script of shells) assert.match(script, new RegExp(`\\b${last}\\b`), use)
    // fish names the word that comes before.
    if (words.length === 2) assert.match(shells[2] ?? '', new RegExp(`from ${words[0]}' -a ${last} `))
  }
})

test('durationMs reads what Go prints', () => {
  assert.deepEqual(
    ['90s', '5m', '1h30m', '250ms', '30'].map((text) => durationMs(text, 'timeout')),
    [90_000, 300_000, 5_400_000, 250, 30_000],
  )
  for (const text of ['', 'x', '5 m', '5d', '-1s'])
    assert.throws(() => durationMs(text, 'timeout'), /is not a duration/)
})

test('table pads every column but the last', () => {
  assert.equal(
    table(
      ['A', 'B'],
      [
        ['long', 'x'],
        ['s', 'y'],
      ],
    ),
    'A      B\nlong   x\ns      y\n',
  )
})
