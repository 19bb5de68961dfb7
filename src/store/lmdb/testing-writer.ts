// A process for the tests to kill: it writes to a store as fast as it can, and prints each write once it is acknowledged.

import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import type { Write } from '../store.ts'
import { openLmdbStore } from './lmdb.ts'

const WRITERS = 8
const KEYS = 40

const [directory = '', seed = '1'] = process.argv.slice(2)
const random = seededRandom(Number(seed))
const pick = (count: number): number => Math.floor(random.next() * count)
const store = await openLmdbStore({
  directory,
  clock: systemClock,
  log: silentLogger,
  // Small, so that compaction is at work, too, when the process dies.
  watchWindow: { maxAgeMs: 3_600_000, maxChanges: 400 },
})

async function writer(name: number): Promise<never> {
  for (let i = 0; ; i++) {
    const key = `t/${pick(KEYS)}`
    // Of very different lengths: some pages hold many, some values need pages of their own.
    const text = `${seed}.${name}.${i}.${'x'.repeat(2 ** pick(15))}`
    const write: Write = {
      key,
      value: Buffer.from(text),
      actor: { user: 'writer', verb: 'update', requestID: text.slice(0, 20) },
    }
    const result = await store.write(random.next() < 0.2 ? { ...write, value: null } : write)
    if (result.ok)
      process.stdout.write(
        `${JSON.stringify({ key, revision: result.revision, createRevision: result.createRevision })}\n`,
      )
  }
}

process.stdout.write(`${JSON.stringify({ opened: store.revision })}\n`)
process.stdin.on('end', () => process.exit(0)).resume()
await Promise.all(Array.from({ length: WRITERS }, (_, i) => writer(i)))
