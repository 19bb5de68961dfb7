// Runs every test: those that need nothing, then, as root, those with real containers, one file after the other. `--unit` leaves out the latter.

import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const found = (...patterns: string[]): string[] => globSync(patterns, { cwd: root }).sort()
const end2end = found('test/e2e/**/*.test.ts')
const others = found('src/**/*.test.ts', 'scripts/**/*.test.ts', 'test/**/*.test.ts').filter(
  (file) => !end2end.includes(file),
)

const unit = process.argv.includes('--unit')
if (!unit && process.getuid?.() !== 0) {
  console.error('drover: the tests with real containers need root\n        run them as root: sudo make test')
  process.exit(1)
}
/** Longer than any test takes on a busy machine: what waits for ever fails instead, and says where. */
const TIMEOUT_MS = 20 * 60_000
/** One run for both, so that there is one summary; files follow each other, since they share the machine's network and cgroups. */
const options = ['--test', '--test-reporter=spec', `--test-timeout=${TIMEOUT_MS}`]
const argv = unit ? [...options, ...others] : [...options, '--test-concurrency=1', ...others, ...end2end]
const { status } = spawnSync(process.execPath, argv, { cwd: root, stdio: 'inherit' })
process.exitCode = status ?? 1
