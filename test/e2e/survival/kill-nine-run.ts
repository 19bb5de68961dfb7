// The survival test for as long as one likes: scripts/run test/e2e/survival/kill-nine-run.ts [rounds] [seed]

import { survive } from './kill-nine.ts'

const [rounds = '100', seed = '1'] = process.argv.slice(2)
const print = (line: string): void => void process.stderr.write(`${line}\n`)
console.table([await survive({ rounds: Number(rounds), seed: Number(seed), print })])
