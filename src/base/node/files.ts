// Files that are seen whole or not at all, also after a power cut in the middle of a write.

import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { hasCode } from './user-error.ts'

/** Replaces the file in one step. The mode is that of the new file whatever the umask; 0600 unless said. */
export function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  { mode = 0o600 }: { mode?: number } = {},
): void {
  const draft = `${path}.${process.pid}.new`
  try {
    const file = openSync(draft, 'w', mode)
    try {
      fchmodSync(file, mode)
      writeFileSync(file, data)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

/** Makes the directory above a file, for its owner only. */
export function makeParent(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
}

export function readTextIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

/** The value of a JSON file; undefined when there is none, or it does not hold JSON. */
export function readJSONIfExists(path: string): unknown {
  const text = readTextIfExists(path)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
