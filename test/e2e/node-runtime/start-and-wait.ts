// The agent of a test: starts the containerd that its argument describes, says so, and waits to be killed.

import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { startContainerd } from '../../../src/node/containerd/containerd.ts'

const { signal } = new AbortController()
const { pid } = await startContainerd(JSON.parse(process.argv[2] ?? ''), {
  clock: systemClock,
  log: silentLogger,
  signal,
})
process.stdout.write(`${pid}\n`)
process.stdin.resume()
