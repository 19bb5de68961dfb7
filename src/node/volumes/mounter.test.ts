// What is mounted below a directory is found by whatever way one comes there.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemMounter } from './mounter.ts'

test('mount points are found through a link, deepest first, and named as the caller names them', (t) => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'drover-mounter-')))
  t.after(() => rmSync(root, { recursive: true }))
  mkdirSync(join(root, 'real/pods'), { recursive: true })
  symlinkSync('real', join(root, 'link'))
  const mounts = ['real/pods/a', 'real/pods/a/with\\040space', 'real/podsx'].map((path) => join(root, path))
  const mountinfo = join(root, 'mountinfo')
  writeFileSync(mountinfo, mounts.map((path) => `1 2 0:1 / ${path} rw - tmpfs tmpfs rw\n`).join(''))
  const mounter = systemMounter(undefined, mountinfo)
  for (const way of ['real', 'link'])
    assert.deepEqual(mounter.below(join(root, way, 'pods')), [
      join(root, way, 'pods/a/with space'),
      join(root, way, 'pods/a'),
    ])
})
