// Every rule that a program can check, and every unit test: format and lint, the rooms' law, types, dead code, tests. `--fast` leaves out the tests.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = (name: string): string => `node_modules/.bin/${name}`

const STEPS: readonly (readonly [string, readonly string[]])[] = [
  ['format and lint', [bin('biome'), 'check', '--error-on-warnings', '.']],
  ['rooms', ['scripts/run', 'scripts/rooms.ts']],
  ['types', [bin('tsc'), '-p', '.']],
  ['dead code', ['scripts/run', bin('knip'), '--no-progress']],
]
const TESTS: readonly (readonly [string, readonly string[]])[] = [
  [
    'unit tests',
    ['scripts/run', '--test', 'src/**/*.test.ts', 'scripts/**/*.test.ts', 'test/apimachinery/**/*.test.ts'],
  ],
]

let failed = 0
const fast = process.argv.includes('--fast')
for (const [name, argv] of fast ? STEPS : [...STEPS, ...TESTS]) {
  const begin = performance.now()
  const [program = '', ...args] = argv
  const { status } = spawnSync(program, args, { cwd: root, stdio: 'inherit' })
  const seconds = ((performance.now() - begin) / 1000).toFixed(1)
  console.error(status === 0 ? `✓ ${name} (${seconds} s)` : `✗ ${name} (${seconds} s)`)
  if (status !== 0) failed++
}
if (!existsSync(`${root}/.git`)) console.error('Not a git checkout: ignored files were checked too')
process.exitCode = failed > 0 ? 1 : 0
