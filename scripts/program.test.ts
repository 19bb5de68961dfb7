// Which file `./drover` runs: never a bundle that is older than what it was made from.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'

const root = mkdtempSync(join(tmpdir(), 'drover-program-'))
after(() => rmSync(root, { recursive: true }))

const BUNDLE = '.cache/bundle/drover.js'
const SOURCE = 'src/cmd/drover.ts'

/** Seconds since 1970. */
function written(file: string, at: number): void {
  const path = join(root, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, '')
  for (let place = path; place !== root; place = dirname(place)) utimesSync(place, at, at)
}

const program = (): string =>
  execFileSync(join(root, 'scripts/program'), { encoding: 'utf8' })
    .trim()
    .slice(root.length + 1)

test('the bundle runs as long as nothing that it was made from is newer', () => {
  mkdirSync(join(root, 'scripts'))
  cpSync(join(import.meta.dirname, 'program'), join(root, 'scripts/program'))
  for (const file of [SOURCE, 'src/base/clock.ts', 'scripts/bundle.ts', 'package-lock.json']) written(file, 1000)
  assert.equal(program(), SOURCE, 'no bundle')
  written(BUNDLE, 1001)
  assert.equal(program(), BUNDLE)
  for (const file of ['src/base/clock.ts', 'scripts/bundle.ts', 'package-lock.json']) {
    written(file, 1002)
    assert.equal(program(), SOURCE, `${file} is newer`)
    written(file, 1000)
    assert.equal(program(), BUNDLE)
  }
  // A source that went is seen by its directory.
  utimesSync(join(root, 'src/base'), 1002, 1002)
  assert.equal(program(), SOURCE)
})
