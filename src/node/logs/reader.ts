// Reads a container's CRI log as `kubectl logs` wants it: from the end, since a moment, with times, up to a size, and on as it grows.

import { watch } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseLogLine } from './cri-line.ts'
import { filesAside } from './rotation.ts'
import { tailOffset } from './tail.ts'

export interface LogOptions {
  readonly follow?: boolean
  readonly tailLines?: number
  /** Milliseconds since 1970: lines before it are left out. */
  readonly since?: number
  readonly timestamps?: boolean
  readonly limitBytes?: number
  readonly stream?: 'stdout' | 'stderr'
}

export interface FollowContext {
  /** The reader is gone. */
  readonly signal: AbortSignal
  /** The container has ended: nothing more is written. */
  readonly ended: AbortSignal
}

const BLOCK = 64 * 1024
const NEWLINE = 0x0a
/** A record longer than this is no record of CRI, which cuts lines at 16 KiB. */
const MAX_RECORD_BYTES = 256 * 1024

export async function* readLog(
  path: string,
  options: LogOptions,
  { signal, ended }: FollowContext,
): AsyncGenerator<Buffer> {
  const pick = new LinePicker(options)
  // Watched before it is read, so that nothing falls between the end of the file and the first event.
  using changes = options.follow ? new Changes(dirname(path), [signal, ended]) : undefined
  let file = await open(path, 'r')
  /** The file before this one, until this one has something: only then is it sure that nothing more comes there. */
  let before: { file: FileHandle; offset: number } | undefined
  try {
    const { size } = await file.stat()
    let offset = options.tailLines === undefined ? 0 : await tailOffset(file, size, options.tailLines)
    for (;;) {
      const last = changes === undefined || ended.aborted
      if (before !== undefined && (last || (await file.stat()).size > 0)) {
        for await (const block of blocks(before.file, before.offset)) yield pick.take(block)
        await before.file.close()
        before = undefined
      }
      if (before === undefined)
        for await (const block of blocks(file, offset)) {
          offset += block.length
          const chunk = pick.take(block)
          if (chunk.length > 0) yield chunk
          if (pick.full || signal.aborted) return
        }
      if (changes === undefined || signal.aborted) return
      const next = before === undefined ? await following(file, path) : undefined
      if (next !== undefined) {
        before = { file, offset }
        file = next
        offset = 0
        continue
      }
      if (last) return
      await changes.next()
    }
  } finally {
    await file.close()
    await before?.file.close()
  }
}

async function* blocks(file: FileHandle, from: number): AsyncGenerator<Buffer> {
  for (let offset = from; ; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(BLOCK), 0, BLOCK, offset)
    if (bytesRead === 0) return
    offset += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** The file that was begun after this one, if any: a slow reader may find that its own was set aside more than once. */
async function following(file: FileHandle, path: string): Promise<FileHandle | undefined> {
  const { ino } = await file.stat()
  const now = await stat(path).catch(() => undefined)
  if (now === undefined || now.ino === ino) return undefined
  const aside = await filesAside(path)
  const inodes = await Promise.all(aside.map(async (name) => (await stat(name).catch(() => undefined))?.ino))
  // Its own is removed by now: the oldest that is left comes next.
  const next = aside[inodes.indexOf(ino) + 1] ?? path
  return await open(next, 'r').catch(() => undefined)
}

/** Turns records into what is shown. */
export class LinePicker {
  readonly #options: LogOptions
  #rest = Buffer.alloc(0)
  #lineBegins = true
  #left: number

  constructor(options: LogOptions) {
    this.#options = options
    this.#left = options.limitBytes ?? Number.POSITIVE_INFINITY
  }

  get full(): boolean {
    return this.#left <= 0
  }

  take(block: Buffer): Buffer {
    const data = this.#rest.length === 0 ? block : Buffer.concat([this.#rest, block])
    const parts: Buffer[] = []
    let at = 0
    for (let newline = data.indexOf(NEWLINE); newline >= 0; newline = data.indexOf(NEWLINE, at)) {
      this.#record(data.subarray(at, newline), parts)
      at = newline + 1
    }
    const rest = data.subarray(at)
    this.#rest = rest.length > MAX_RECORD_BYTES ? Buffer.alloc(0) : Buffer.from(rest)
    const out = Buffer.concat(parts)
    const kept = out.length > this.#left ? out.subarray(0, this.#left) : out
    this.#left -= kept.length
    return kept
  }

  #record(record: Buffer, parts: Buffer[]): void {
    const line = parseLogLine(record)
    if (line === undefined) return
    const { since, timestamps, stream } = this.#options
    if (stream !== undefined && line.stream !== stream) return
    if (since !== undefined && Date.parse(line.time) < since) return
    if (timestamps && this.#lineBegins) parts.push(Buffer.from(`${wholeTime(line.time)} `))
    parts.push(line.text)
    if (!line.partial) parts.push(LINE_END)
    this.#lineBegins = !line.partial
  }
}

const LINE_END = Buffer.from('\n')

/** With all nine digits of its nanoseconds: the runtime leaves out zeros at the end. */
function wholeTime(time: string): string {
  return time.replace(
    /^([^.Z+]*?T[\d:]*)(?:\.(\d*))?/,
    (_, seconds: string, fraction = '') => `${seconds}.${fraction.padEnd(9, '0')}`,
  )
}

/** Waits for something to happen in a directory, or for a signal. */
class Changes implements Disposable {
  #changed = false
  #wake: () => void = () => {}
  readonly #watcher
  readonly #signals: readonly AbortSignal[]
  readonly #note = (): void => {
    this.#changed = true
    this.#wake()
  }

  constructor(directory: string, signals: readonly AbortSignal[]) {
    this.#signals = signals
    this.#watcher = watch(directory, { persistent: false }, this.#note)
    this.#watcher.on('error', this.#note)
    for (const signal of signals) signal.addEventListener('abort', this.#note)
  }

  async next(): Promise<void> {
    if (!this.#changed && !this.#signals.some(({ aborted }) => aborted))
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    this.#changed = false
  }

  [Symbol.dispose](): void {
    this.#watcher.close()
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#note)
  }
}
