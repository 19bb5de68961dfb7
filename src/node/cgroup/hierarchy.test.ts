// Tests of reading mountinfo and cgroup files of both versions.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../base/clock.ts'
import { Cgroups } from './cgroups.ts'
import { parseHierarchy } from './hierarchy.ts'
import { enableControllers } from './settings.ts'
import { statsV1, statsV2 } from './stats.ts'

const HYBRID = `24 30 0:22 / /proc rw - proc proc rw
31 30 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
33 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
34 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
35 31 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`
const UNIFIED = `31 30 0:27 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate`

test('parseHierarchy finds the controllers of version 1 and every tree', () => {
  const { version, mounts, trees } = parseHierarchy(HYBRID)
  assert.deepEqual(
    [version, mounts.get('cpuacct'), mounts.get('memory')],
    [1, '/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup/memory'],
  )
  assert.deepEqual(
    trees,
    ['cpu,cpuacct', 'memory', 'systemd', 'unified'].map((name) => `/sys/fs/cgroup/${name}`),
  )
})

test('parseHierarchy finds the one tree of version 2', () => {
  const { version, trees } = parseHierarchy(UNIFIED)
  assert.deepEqual([version, trees], [2, ['/sys/fs/cgroup']])
})

test('parseHierarchy refuses a machine without cgroups', () => {
  assert.throws(() => parseHierarchy(''), /Cannot find cgroups/)
})

test('statsV1 and statsV2 leave droppable cache out of the working set', () => {
  const v1 = statsV1(
    '5000\n',
    '1000\n',
    'cache 9\ntotal_rss 300\ntotal_inactive_file 400\ntotal_pgfault 7\ntotal_pgmajfault 1\n',
  )
  const v2 = statsV2('usage_usec 5\nuser_usec 3\n', '1000\n', 'anon 300\ninactive_file 400\npgfault 7\npgmajfault 1\n')
  const expected = {
    cpuNanoseconds: 5000,
    memoryUsageBytes: 1000,
    memoryWorkingSetBytes: 600,
    memoryRssBytes: 300,
    pageFaults: 7,
    majorPageFaults: 1,
  }
  assert.deepEqual([v1, v2], [expected, expected])
})

test('Cgroups places pods by QoS class and refuses names that lead elsewhere', () => {
  const cgroups = new Cgroups({ hierarchy: parseHierarchy(UNIFIED), root: '/drover-a-node1', clock: systemClock })
  assert.equal(cgroups.podPath({ uid: 'u-1', qos: 'Guaranteed' }), '/drover-a-node1/kubepods/podu-1')
  assert.equal(cgroups.podPath({ uid: 'u-1', qos: 'Burstable' }), '/drover-a-node1/kubepods/burstable/podu-1')
  assert.equal(cgroups.podPath({ uid: 'u-1', qos: 'BestEffort' }), '/drover-a-node1/kubepods/besteffort/podu-1')
  assert.throws(() => cgroups.podPath({ uid: '../x', qos: 'Burstable' }), /Cannot name a cgroup/)
  for (const root of ['/', '/system.slice', '/drover-a/../b', 'drover-a', '/drover-'])
    assert.throws(
      () => new Cgroups({ hierarchy: parseHierarchy(UNIFIED), root, clock: systemClock }),
      /must look like/,
      root,
    )
})

test('enableControllers hands down, at every level, what is not handed down already', (t) => {
  const tree = mkdtempSync(join(tmpdir(), 'drover-cgroup-'))
  t.after(() => rmSync(tree, { recursive: true }))
  writeFileSync(join(tree, 'cgroup.controllers'), 'cpuset cpu io memory pids rdma\n')
  writeFileSync(join(tree, 'cgroup.subtree_control'), 'memory\n')
  enableControllers(tree, '/a/b')
  const read = (file: string): string => readFileSync(join(tree, file), 'utf8')
  assert.deepEqual(
    [read('cgroup.subtree_control'), read('a/cgroup.subtree_control')],
    ['+cpu +cpuset +io +pids', '+cpu +cpuset +io +memory +pids'],
  )
})

test('Cgroups sets limits in a tree of version 2', (t) => {
  const tree = mkdtempSync(join(tmpdir(), 'drover-cgroup-'))
  t.after(() => rmSync(tree, { recursive: true }))
  writeFileSync(join(tree, 'cgroup.controllers'), 'cpuset cpu io memory pids rdma\n')
  writeFileSync(join(tree, 'cgroup.subtree_control'), 'memory\n')
  const hierarchy = { version: 2, mounts: new Map([['', tree]]), trees: [tree] } as const
  const cgroups = new Cgroups({ hierarchy, root: '/drover-a', clock: systemClock })
  cgroups.setUp({ cpuMilli: 2000, memoryBytes: 1000, pids: 50 })
  cgroups.applyPod({ uid: 'u1', qos: 'Burstable' }, { cpuShares: 1024, cpuQuotaUs: 50_000, memoryLimitBytes: 600 })
  const read = (file: string): string => readFileSync(join(tree, file), 'utf8')
  assert.deepEqual(
    {
      all: ['cpu.weight', 'memory.max', 'pids.max'].map((file) => read(`drover-a/kubepods/${file}`)),
      pod: ['cpu.weight', 'cpu.max', 'memory.max'].map((file) => read(`drover-a/kubepods/burstable/podu1/${file}`)),
      level: read('drover-a/kubepods/besteffort/cpu.weight'),
    },
    {
      all: ['174', '1000', '50'],
      pod: ['100', '50000 100000', '600'],
      level: '1',
    },
  )
  assert.deepEqual(cgroups.listPods(), [{ uid: 'u1', qos: 'Burstable' }])
})
