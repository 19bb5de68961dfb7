// Everything that can be checked without running the program, and the unit tests: formatting, lint, the rooms, dead code, types. Each step is named and timed.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const bin = (name: string): string => join(root, 'node_modules', '.bin', name)

interface Step {
  name: string
  command: string
  args: readonly string[]
}

const STEPS: readonly Step[] = [
  { name: 'format and lint', command: bin('biome'), args: ['check', '--error-on-warnings', '.'] },
  { name: 'rooms', command: process.execPath, args: ['scripts/rooms.ts'] },
  { name: 'dead code', command: bin('knip'), args: ['--no-progress'] },
  { name: 'types', command: bin('tsc'), args: ['-p', '.'] },
]

let failed = 0
for (const { name, command, args } of STEPS) {
  if (!existsSync(command)) {
    process.stdout.write(`✗ ${name}: ${command} is missing; run make setup\n`)
    failed++
    continue
  }
  const start = performance.now()
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  process.stdout.write(`${status === 0 ? '✓' : '✗'} ${name} (${seconds} s)\n`)
  if (status === 0) continue
  failed++
  process.stdout.write(`${stdout}${stderr}\n`)
}
process.exitCode = failed === 0 ? 0 : 1
