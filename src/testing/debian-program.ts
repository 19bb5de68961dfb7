// Programs that tests drive or talk to, out of Debian's packages, without installing these.

import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const PROJECT = join(import.meta.dirname, '../..')
export const CACHE = join(PROJECT, '.cache/clients')

export interface DebianProgram {
  /** What it is called in the cache. */
  readonly name: string
  readonly package: string
  /** Inside the package. */
  readonly path: string
}

/** The path of the program; the first call downloads its package. */
export async function debianProgram(program: DebianProgram): Promise<string> {
  const path = join(CACHE, program.name)
  if (existsSync(path)) return path
  const directory = join(CACHE, `${program.name}-${process.pid}`)
  mkdirSync(directory, { recursive: true })
  try {
    await run('apt-get', ['download', program.package], { cwd: directory })
    const archive = (await readdir(directory)).find((name) => name.endsWith('.deb'))
    if (archive === undefined) throw new Error(`apt-get download ${program.package} left no package behind`)
    await run('dpkg-deb', ['-x', archive, 'root'], { cwd: directory })
    place(path, readFileSync(join(directory, 'root', program.path)))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  return path
}

/** Tests of several files may look at the same time: a program is there whole or not at all. */
export function place(path: string, bytes: Buffer): void {
  mkdirSync(dirname(path), { recursive: true })
  const half = `${path}.${process.pid}`
  writeFileSync(half, bytes, { mode: 0o755 })
  renameSync(half, path)
}
