// Finds the last lines of a log file by reading it backwards.

import { type FileHandle, open } from 'node:fs/promises'
import { parseLogLine } from './cri-line.ts'

const BLOCK = 64 * 1024
const NEWLINE = 0x0a

/** The offset at which the last `count` whole lines begin: parts of one line count once. */
export async function tailOffset(file: FileHandle, size: number, count: number): Promise<number> {
  if (count <= 0) return size
  let end = size
  let lines = 0
  let carry = Buffer.alloc(0)
  /** Where the line begins whose records are being counted. */
  let begin = size
  while (end > 0) {
    const start = Math.max(0, end - BLOCK)
    const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start)
    const block = Buffer.concat([buffer, carry])
    let stop = block.length
    for (;;) {
      const newline = block.lastIndexOf(NEWLINE, stop - 2)
      if (stop <= 0 || (newline < 0 && start > 0)) break
      const at = newline + 1
      const partial = parseLogLine(block.subarray(at, block[stop - 1] === NEWLINE ? stop - 1 : stop))?.partial ?? false
      // Going backwards, a whole record ends the line before it; a part belongs to the line after it.
      if (!partial) {
        if (lines === count) return begin
        lines++
      }
      begin = start + at
      stop = at
      if (newline < 0) break
    }
    carry = block.subarray(0, stop)
    end = start
  }
  return begin
}

/** The text of the last lines, without times. */
export async function lastLines(path: string, count: number): Promise<string> {
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  const offset = await tailOffset(file, size, count)
  const { buffer } = await file.read(Buffer.alloc(size - offset), 0, size - offset, offset)
  let text = ''
  for (let at = 0; at < buffer.length; ) {
    const newline = buffer.indexOf(NEWLINE, at)
    const end = newline < 0 ? buffer.length : newline
    const line = parseLogLine(buffer.subarray(at, end))
    if (line !== undefined) text += line.text.toString('utf8') + (line.partial ? '' : '\n')
    at = end + 1
  }
  return text
}
