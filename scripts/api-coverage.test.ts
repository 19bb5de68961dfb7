// The committed table of what is served says what the pages of the kinds say.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { COVERAGE_FILE, coverage } from './api-coverage.ts'

test('docs/api-coverage.md is current: if not, run scripts/api-coverage.ts', () => {
  assert.equal(readFileSync(COVERAGE_FILE, 'utf8'), coverage())
})
