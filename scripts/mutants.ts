// Plants known bugs one by one in a copy of the source, and demands that the test named with each fails: `make mutants`, or `scripts/run scripts/mutants.ts [words]`.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { apiServerMutants } from '../test/mutants/api-server.ts'
import type { Mutant } from '../test/mutants/mutant.ts'
import { serviceAllocationMutants } from '../test/mutants/service-allocation.ts'
import { storeMutants } from '../test/mutants/store.ts'
import { mutantTable } from '../test/mutants/table.ts'

const root = resolve(import.meta.dirname, '..')
/** A bug that makes its test wait for ever is caught, too. */
const TIMEOUT_MS = 120_000

type Outcome = 'caught' | 'survived' | 'not in the source'

const words = process.argv.slice(2)
const all = [...storeMutants, ...apiServerMutants, ...serviceAllocationMutants]
const chosen = all.filter((mutant) => words.every((word) => JSON.stringify(mutant).includes(word)))
const copy = mkdtempSync(join(tmpdir(), 'drover-mutants-'))
let failed = 0
try {
  for (const part of ['src', 'test', 'package.json']) cpSync(join(root, part), join(copy, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const test of new Set(chosen.map(({ test, only }) => JSON.stringify([test, only])))) {
    const [file, only]: [string, string?] = JSON.parse(test)
    if (passes(file, only)) continue
    failed++
    report('✗', `${file} fails without any bug`)
  }
  for (const mutant of chosen) {
    const outcome = plant(mutant)
    if (outcome !== 'caught') failed++
    report(outcome === 'caught' ? '✓' : '✗', `${outcome}: ${mutant.does} (${mutant.file})`)
  }
} finally {
  rmSync(copy, { recursive: true })
}
if (words.length === 0 && failed === 0) {
  const page = join(root, 'docs', 'mutants.md')
  writeFileSync(page, mutantTable(all))
  spawnSync(join(root, 'node_modules', '.bin', 'biome'), ['format', '--write', page])
}
process.exitCode = failed === 0 ? 0 : 1

function plant({ file, from, to, test, only }: Mutant): Outcome {
  const path = join(copy, file)
  const source = readFileSync(path, 'utf8')
  if (source.split(from).length !== 2) return 'not in the source'
  // A function: `$` means nothing in what it returns.
  writeFileSync(
    path,
    source.replace(from, () => to),
  )
  try {
    return passes(test, only) ? 'survived' : 'caught'
  } finally {
    writeFileSync(path, source)
  }
}

function passes(test: string, only: string | undefined): boolean {
  const pattern = only === undefined ? [] : [`--test-name-pattern=${only}`]
  const { status } = spawnSync(process.execPath, ['--test', ...pattern, test], { cwd: copy, timeout: TIMEOUT_MS })
  return status === 0
}

function report(mark: string, line: string): void {
  process.stdout.write(`${mark} ${line}\n`)
}
