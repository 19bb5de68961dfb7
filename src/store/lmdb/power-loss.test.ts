// A power cut at any moment of a writer's run, with any loss of what was not flushed, takes nothing that was acknowledged.

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { readTrace, traceWriter } from './testing-disk-trace.ts'
import { cutsOf, fileAfter, losePower } from './testing-power-loss.ts'

const WRITES = 120
const MOMENTS = 200

test('store holds all that was acknowledged, whole, after a power cut at any moment', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'drover-power-'))
  try {
    await mkdir(join(directory, 'traced'))
    const log = join(directory, 'trace')
    const events = await traceWriter(join(directory, 'traced'), { seed: 5, writes: WRITES, log })
    assert.ok(events.filter((event) => event.do === 'acknowledge').length >= WRITES)
    const random = seededRandom(5)
    const report = await losePower(events, { cuts: cutsOf(events, MOMENTS), directory, random })
    assert.ok(report.points > MOMENTS, `only ${report.points} points`)
  } finally {
    await rm(directory, { recursive: true })
  }
})

/** A run in short: two pages and a flush, a third page, its root by a flushed write, an acknowledgement. */
const trace = String.raw`
7 openat(AT_FDCWD, "\x2f\x61", O_RDWR|O_CREAT, 0664) = 21
7 openat(AT_FDCWD, "\x2f\x61", O_WRONLY|O_DSYNC|O_CLOEXEC) = 22
8 pwrite64(21, "\x01\x02", 2, 0) = 2
7 lseek(21, 2, SEEK_SET <unfinished ...>
8 fdatasync(21) = 0
7 <... lseek resumed>) = 2
7 writev(21, [{iov_base="\x03", iov_len=1}, {iov_base="\x04", iov_len=1}], 2) = 2
7 pwrite64(22, "\x09", 1, 0 <unfinished ...>
7 <... pwrite64 resumed>) = 1
7 write(1, "\x7b\x22\x6b\x65\x79\x22\x3a\x22\x61\x22\x7d\x0a", 12) = 12
7 close(21) = 0
7 pwrite64(21, "\x05", 1, 0) = 1
`.trim()

describe('fileAfter()', () => {
  const events = readTrace(trace, '/a')
  const cases: Record<string, [at: number, loss: 'all lost' | 'all kept', file: string, acknowledged: number]> = {
    'before anything': [1, 'all kept', '', 0],
    'before the flush, lost': [2, 'all lost', '', 0],
    'before the flush, kept': [2, 'all kept', '0102', 0],
    'after the flush': [4, 'all lost', '0102', 0],
    'before the root, lost': [6, 'all lost', '0102', 0],
    'before the root, kept': [6, 'all kept', '01020304', 0],
    'amid the root, kept': [7, 'all kept', '09020304', 0],
    'after the root, which flushes nothing but itself': [8, 'all lost', '0902', 0],
    'after the acknowledgement': [99, 'all kept', '09020304', 1],
  }
  for (const [name, [at, loss, file, acknowledged]] of Object.entries(cases)) {
    test(`tells what is there ${name}`, () => {
      const after = fileAfter(events, { at, loss }, seededRandom(1))
      assert.deepEqual([after.file.toString('hex'), after.acknowledged.length], [file, acknowledged])
    })
  }
})
