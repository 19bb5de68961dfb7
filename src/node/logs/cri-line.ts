// One line of a CRI log file: `2030-01-01T00:00:00.123456789Z stdout F text`. Pure.

export interface LogLine {
  readonly time: string
  readonly stream: 'stdout' | 'stderr'
  /** Part of a longer line that goes on in the next record. */
  readonly partial: boolean
  readonly text: Buffer
}

const SPACE = 0x20

/** `record` without its newline; undefined for what is no record (the torn end of a file after a crash). */
export function parseLogLine(record: Buffer): LogLine | undefined {
  const first = record.indexOf(SPACE)
  const second = record.indexOf(SPACE, first + 1)
  if (first < 0 || second < 0) return undefined
  const third = record.indexOf(SPACE, second + 1)
  const stream = record.toString('latin1', first + 1, second)
  const tags = record.toString('latin1', second + 1, third < 0 ? record.length : third).split(':')
  if ((stream !== 'stdout' && stream !== 'stderr') || (tags[0] !== 'P' && tags[0] !== 'F')) return undefined
  return {
    time: record.toString('latin1', 0, first),
    stream,
    partial: tags[0] === 'P',
    text: third < 0 ? Buffer.alloc(0) : record.subarray(third + 1),
  }
}
