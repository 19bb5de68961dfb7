// Fuzzes for as long as one likes: scripts/run test/fuzz/fuzz.ts [seconds for each target] [seed] [part of a target's name]. Tells the slowest input of each.

import fc from 'fast-check'
import { startCluster } from '../../src/testing/cluster.ts'
import { mutated } from './mutations.ts'
import { parserTargets } from './parsers.ts'
import { requestTargets } from './requests.ts'
import { attempt, type Target } from './target.ts'
import { webSocketTargets } from './web-sockets.ts'
import { wireTargets } from './wires.ts'

const [seconds = '10', seed = '1', wanted = ''] = process.argv.slice(2)

interface Report {
  target: string
  runs: number
  slowestMs: number
  slowest: string
}

async function fuzz(target: Target): Promise<Report> {
  const report = { target: target.name, runs: 0, slowestMs: 0, slowest: '' }
  const property = fc.asyncProperty(mutated(target.seeds), async (bytes) => {
    const start = process.cpuUsage()
    await attempt(target, bytes)
    const { user, system } = process.cpuUsage(start)
    report.runs++
    const ms = Math.round((user + system) / 1000)
    if (ms > report.slowestMs)
      Object.assign(report, { slowestMs: ms, slowest: JSON.stringify(bytes.toString()).slice(0, 100) })
  })
  const budget = { interruptAfterTimeLimit: Number(seconds) * 1000, markInterruptAsFailure: false }
  await fc.assert(property, { ...budget, numRuns: 10_000_000, seed: Number(seed), endOnFailure: true })
  return report
}

await using cluster = await startCluster()
const targets = [...parserTargets, ...wireTargets, ...webSocketTargets, ...requestTargets(cluster)].filter(({ name }) =>
  name.includes(wanted),
)
const reports: Report[] = []
let failed = 0
for (const target of targets) {
  try {
    reports.push(await fuzz(target))
  } catch (error) {
    failed++
    console.error(`${target.name}:`, error)
  }
}
console.table(reports)
process.exitCode = failed === 0 ? 0 : 1
