// Tests that only directories of Drover's are filled and removed.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { claimDirectory, removeDirectory } from './directories.ts'

test('claimDirectory and removeDirectory keep away from directories of others', (t) => {
  const base = mkdtempSync(join(tmpdir(), 'drover-claim-'))
  t.after(() => rmSync(base, { recursive: true }))
  writeFileSync(join(base, 'thesis.txt'), 'years of work')
  assert.throws(() => claimDirectory(base), /must be empty/)
  assert.throws(() => removeDirectory(base), /not marked/)
  const own = join(base, 'deep', 'root')
  claimDirectory(own)
  writeFileSync(join(own, 'image'), '')
  claimDirectory(own)
  removeDirectory(own)
  removeDirectory(own)
  assert.deepEqual([existsSync(own), readdirSync(base)], [false, ['deep', 'thesis.txt']])
})
