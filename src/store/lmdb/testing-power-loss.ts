// A disk that loses, tears and reorders what was not flushed: every moment of a recorded run becomes files that a power cut might have left.

import { createHash } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Change } from '../store.ts'
import { openLmdbStore } from './lmdb.ts'
import { verifySurvivor } from './testing-crash.ts'
import type { Acknowledged, DiskEvent } from './testing-disk-trace.ts'

/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512

/** What may happen to the writes that no flush has covered when the power goes. */
const LOSSES = [
  'all lost',
  'all kept',
  'the first kept',
  'the last kept',
  'any sectors kept',
  'any sectors zero',
] as const
type Loss = (typeof LOSSES)[number]

type DiskWrite = Extract<DiskEvent, { do: 'write' }>

interface Piece {
  offset: number
  data: Buffer
}

/** Where and how the power went: enough to try it again. */
export interface PowerCut {
  at: number
  loss: Loss
}

/** Each loss at so many moments, spread over the whole run; every moment when there are no more than that. */
export function cutsOf(events: readonly DiskEvent[], moments: number): PowerCut[] {
  const all = momentsOf(events)
  const step = Math.max(1, all.length / moments)
  const chosen = Array.from({ length: Math.min(moments, all.length) }, (_, i) => all[Math.floor(i * step)] ?? 0)
  return chosen.flatMap((at) => LOSSES.map((loss) => ({ at, loss })))
}

/** Every moment at which something began or ended. */
function momentsOf(events: readonly DiskEvent[]): number[] {
  const moments = new Set(events.flatMap(({ start, end }) => (Number.isFinite(end) ? [start, end] : [start])))
  return [...moments].sort((a, b) => a - b)
}

/** The file that is found after the power went at a moment, and what had been acknowledged by then. */
export function fileAfter(
  events: readonly DiskEvent[],
  { at, loss }: PowerCut,
  random: Random,
): { file: Buffer; acknowledged: Acknowledged[] } {
  const acknowledged: Acknowledged[] = []
  const kept: Piece[] = []
  const open: Piece[] = []
  for (const event of events) {
    if (event.start > at) continue
    if (event.do === 'acknowledge') acknowledged.push(event.said)
    if (event.do !== 'write') continue
    if (isDurable(event, at, events)) kept.push(event)
    else open.push(...sectorsOf(event))
  }
  return { file: assemble(kept, lose(open, loss, random)), acknowledged }
}

/** On disk for certain: the call itself flushes, or a flush that began after it has ended. */
function isDurable(write: DiskWrite, at: number, events: readonly DiskEvent[]): boolean {
  if (write.synced) return write.end <= at
  return events.some((event) => event.do === 'sync' && event.start > write.end && event.end <= at)
}

function sectorsOf({ offset, data }: Piece): Piece[] {
  const pieces: Piece[] = []
  for (let from = 0; from < data.length; ) {
    const to = Math.min(data.length, from + SECTOR_BYTES - ((offset + from) % SECTOR_BYTES))
    pieces.push({ offset: offset + from, data: data.subarray(from, to) })
    from = to
  }
  return pieces
}

function lose(open: readonly Piece[], loss: Loss, random: Random): Piece[] {
  const cut = Math.floor(random.next() * (open.length + 1))
  switch (loss) {
    case 'all lost':
      return []
    case 'all kept':
      return [...open]
    case 'the first kept':
      return open.slice(0, cut)
    case 'the last kept':
      return open.slice(cut)
    case 'any sectors kept':
      return open.filter(() => random.next() < 0.5)
    case 'any sectors zero':
      // The file has grown, and what it grew by was not written: a sector of zeros. Where there was something, that is what stays.
      return open.map((piece) =>
        random.next() < 0.5 ? piece : { offset: piece.offset + piece.data.length, data: Buffer.alloc(0) },
      )
  }
}

function assemble(...layers: Piece[][]): Buffer {
  const pieces = layers.flat()
  const file = Buffer.alloc(Math.max(0, ...pieces.map(({ offset, data }) => offset + data.length)))
  for (const { offset, data } of pieces) data.copy(file, offset)
  return file
}

export interface PowerLossReport {
  /** Crash points that were opened: each with a file, or with acknowledgements, that none before had. */
  points: number
  /** Moments of the run that they belong to. */
  moments: number
}

/** Opens what each cut leaves. Throws at the first broken promise, and says where. */
export async function losePower(
  events: readonly DiskEvent[],
  { cuts, directory, random }: { cuts: Iterable<PowerCut>; directory: string; random: Random },
): Promise<PowerLossReport> {
  const known = new Map<number, Change>()
  const tried = new Set<string>()
  const moments = new Set<number>()
  for (const cut of cuts) {
    const { file, acknowledged } = fileAfter(events, cut, random)
    const point = `${acknowledged.length} ${createHash('sha1').update(file).digest('hex')}`
    if (tried.has(point)) continue
    tried.add(point)
    moments.add(cut.at)
    try {
      await reopen(join(directory, String(tried.size)), { file, acknowledged, known })
    } catch (cause) {
      throw new Error(`The store is not whole after a power cut at line ${cut.at} of the trace, ${cut.loss}`, { cause })
    }
  }
  return { points: tried.size, moments: moments.size }
}

async function reopen(
  directory: string,
  { file, acknowledged, known }: { file: Buffer; acknowledged: readonly Acknowledged[]; known: Map<number, Change> },
): Promise<void> {
  await mkdir(directory)
  await writeFile(join(directory, 'store.mdb'), file)
  {
    await using store = await openLmdbStore({ directory, clock: systemClock, log: silentLogger })
    await verifySurvivor(store, acknowledged, known)
  }
  await rm(directory, { recursive: true })
}
