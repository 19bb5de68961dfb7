// The store's crash test for as long as one likes: scripts/run test/robustness/store-crash.ts [rounds] [seed]

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../../src/base/random.ts'
import { crashRepeatedly } from '../../src/store/lmdb/testing-crash.ts'

const [rounds = '200', seed = '1'] = process.argv.slice(2)
const directory = await mkdtemp(join(tmpdir(), 'drover-crash-'))
const report = await crashRepeatedly({ directory, rounds: Number(rounds), random: seededRandom(Number(seed)) })
console.table([{ ...report, seed }])
// Kept on a failure, which throws above.
await rm(directory, { recursive: true })
