// A log that does not grow without end: written to a file that is set aside as FILE.1 when it is full.

import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import { makeParent } from './files.ts'

export interface LogFile extends Disposable {
  write(line: string): void
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024

/** A line that cannot be written (the disk is full) is lost: logging must not take the process down. */
export function openLogFile(path: string, { maxBytes = DEFAULT_MAX_BYTES }: { maxBytes?: number } = {}): LogFile {
  makeParent(path)
  let file = openSync(path, 'a', 0o600)
  let size = fstatSync(file).size
  const rotate = (): void => {
    renameSync(path, `${path}.1`)
    closeSync(file)
    file = openSync(path, 'a', 0o600)
    size = 0
  }
  return {
    write(line) {
      try {
        if (size > maxBytes) rotate()
        size += writeSync(file, line)
      } catch {}
    },
    [Symbol.dispose]: () => closeSync(file),
  }
}
