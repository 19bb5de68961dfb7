// Power cuts of the store for as long as one likes: scripts/run test/robustness/store-power-loss.ts [points] [seed]

import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../../src/base/random.ts'
import { traceWriter } from '../../src/store/lmdb/testing-disk-trace.ts'
import { cutsOf, losePower } from '../../src/store/lmdb/testing-power-loss.ts'

const WRITES = 250

const [wanted = '10000', first = '1'] = process.argv.slice(2)
const start = performance.now()
const total = { points: 0, moments: 0, runs: 0, acknowledged: 0 }
for (let seed = Number(first); total.points < Number(wanted); seed++) {
  const directory = await mkdtemp(join(tmpdir(), 'drover-power-'))
  await mkdir(join(directory, 'traced'))
  const events = await traceWriter(join(directory, 'traced'), { seed, writes: WRITES, log: join(directory, 'trace') })
  const cuts = cutsOf(events, Number.POSITIVE_INFINITY)
  const report = await losePower(events, { cuts, directory, random: seededRandom(seed) })
  total.points += report.points
  total.moments += report.moments
  total.runs++
  total.acknowledged += events.filter((event) => event.do === 'acknowledge').length
  // Kept on a failure, which throws above.
  await rm(directory, { recursive: true })
}
console.table([{ ...total, seconds: Math.round((performance.now() - start) / 1000) }])
