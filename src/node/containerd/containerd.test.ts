// Tests of what is pure about the private containerd: its configuration, its paths, and how processes and mounts are read.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configToml } from './config.ts'
import { checkPaths } from './containerd.ts'
import { hasCapability } from './host-abilities.ts'
import { mountsBelow } from './mounts.ts'
import { descendants, parseStat, type ProcessInfo } from '../cgroup/processes.ts'

const config = {
  paths: { root: '/var/lib/drover/n1', state: '/run/drover/n1' },
  cniBinDir: '/usr/lib/cni',
  cniConfDir: '/run/drover/n1-cni',
  registryConfigDir: '/etc/drover/certs.d',
}

test('configToml follows the abilities of the host', () => {
  const poor = configToml(config, { snapshotter: 'native', apparmor: false, oomScore: false }).split('\n')
  const rich = configToml(config, { snapshotter: 'overlayfs', apparmor: true, oomScore: true }).split('\n')
  const choices = ['snapshotter', 'disable_apparmor', 'restrict_oom_score_adj']
  const chosen = (lines: string[]) => lines.filter((line) => choices.some((name) => line.startsWith(`${name} =`)))
  assert.deepEqual(chosen(poor), ['disable_apparmor = true', 'restrict_oom_score_adj = true', 'snapshotter = "native"'])
  assert.deepEqual(chosen(rich), [
    'disable_apparmor = false',
    'restrict_oom_score_adj = false',
    'snapshotter = "overlayfs"',
  ])
})

test('configToml keeps everything below the directories it is given', () => {
  const text = configToml(config, { snapshotter: 'overlayfs', apparmor: false, oomScore: true })
  const paths = [...text.matchAll(/"(\/[^"]*)"/g)].map(([, path]) => path ?? '')
  const allowed = [config.paths.root, config.paths.state, config.cniBinDir, config.cniConfDir, config.registryConfigDir]
  assert.deepEqual(
    paths.filter((path) => !allowed.some((prefix) => path.startsWith(prefix))),
    [],
  )
})

test('checkPaths refuses what could lead elsewhere or cannot hold a socket', () => {
  checkPaths(config.paths)
  const refused: [string, string, RegExp][] = [
    ['relative/root', '/run/x', /absolute path/],
    ['/var/lib/a b', '/run/x', /absolute path/],
    ['/var/lib/a,b', '/run/x', /absolute path/],
    ['/var/lib/../etc', '/run/x', /absolute path/],
    ['/var/lib/x/', '/run/x', /absolute path/],
    ['/', '/run/x', /absolute path/],
    ['/run/x', '/run/x', /lies in the other/],
    ['/run/x/root', '/run/x', /lies in the other/],
    ['/var/lib/x', `/run/${'x'.repeat(100)}`, /longer than 107 bytes/],
  ]
  for (const [root, state, message] of refused) assert.throws(() => checkPaths({ root, state }), message, root)
})

test('hasCapability reads the effective set', () => {
  assert.equal(hasCapability('CapPrm:\t0\nCapEff:\t0000000001000000\n', 24n), true)
  assert.equal(hasCapability('CapEff:\t000001fffeffffff\n', 24n), false)
})

test('parseStat is not fooled by a process name', () => {
  const rest = `S 7 ${'0 '.repeat(17)}12345 0 0`
  assert.deepEqual(parseStat(`42 (a) S 1 (b) ${rest}`), { state: 'S', parent: 7, startTime: '12345' })
})

test('descendants finds a whole tree but not its root', () => {
  const info = (pid: number, parent: number): ProcessInfo => ({ pid, parent, startTime: '1', argv: [] })
  const all = [info(1, 0), info(2, 1), info(3, 2), info(4, 3), info(5, 1)]
  assert.deepEqual(
    descendants(all, [info(2, 1)]).map(({ pid }) => pid),
    [3, 4],
  )
})

test('mountsBelow lists innermost first, and no neighbour', () => {
  const lines = ['/run/d', '/run/d/a', '/run/d/a/b\\040c', '/run/dx', '/'].map(
    (point) => `1 2 0:3 / ${point} rw - tmpfs t rw`,
  )
  assert.deepEqual(mountsBelow(lines.join('\n'), '/run/d'), ['/run/d/a/b c', '/run/d/a', '/run/d'])
})
