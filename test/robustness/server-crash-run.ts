// The server's crash test for as long as one likes: scripts/run test/robustness/server-crash-run.ts [rounds] [seed]

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crashServer } from './server-crash.ts'

const [rounds = '100', seed = '1'] = process.argv.slice(2)
const directory = await mkdtemp(join(tmpdir(), 'drover-server-crash-'))
const print = (line: string): void => void process.stderr.write(`${Math.round(performance.now())} ms: ${line}\n`)
const report = await crashServer({ directory, rounds: Number(rounds), seed: Number(seed), print })
console.table([{ ...report, seed }])
// Kept on a failure, which throws above.
await rm(directory, { recursive: true })
