// Writes a volume's files so that readers see all of the old ones or all of the new ones: a fresh directory, and one symlink swapped.

import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Random } from '../../base/random.ts'

export interface VolumeFile {
  readonly data: Buffer
  readonly mode: number
  /** Owner where it is not root. */
  readonly uid?: number
}
/** By relative path. */
export type Payload = ReadonlyMap<string, VolumeFile>

const DATA = '..data'
const NEW_DATA = '..data_tmp'
const MAX_FILE_NAME = 255
const MAX_PATH = 4096

/** Replaces what is in `target` by `payload`; false when it was so already. `own` gives each entry its group before anybody sees it. */
export async function writePayload(
  target: string,
  payload: Payload,
  options: { random: Random; stamp: string; own?: (path: string) => Promise<void> },
): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path)
  const before = await readlink(join(target, DATA)).catch(() => undefined)
  if (before !== undefined && (await sameAs(join(target, before), payload))) {
    await linkNames(target, payload)
    return false
  }
  const name = `..${options.stamp}.${Buffer.from(options.random.bytes(5)).readUIntBE(0, 5)}`
  const directory = join(target, name)
  await mkdir(directory, { mode: 0o755 })
  await chmod(directory, 0o755)
  for (const [path, file] of payload) {
    const full = join(directory, path)
    await mkdir(dirname(full), { recursive: true, mode: 0o755 })
    await writeFile(full, file.data, { mode: file.mode & 0o777 })
    // The process's umask must not take bits away.
    await chmod(full, file.mode & 0o777)
    if (file.uid !== undefined) await chown(full, file.uid, -1)
  }
  await options.own?.(directory)
  await rm(join(target, NEW_DATA), { force: true })
  await symlink(name, join(target, NEW_DATA))
  await rename(join(target, NEW_DATA), join(target, DATA))
  await linkNames(target, payload)
  if (before?.startsWith('..') && !before.includes('/'))
    await rm(join(target, before), { recursive: true, force: true })
  return true
}

/** Relative, without `..`, and nothing that could be taken for the writer's own entries. */
function checkPath(path: string): void {
  const parts = path.split('/')
  if (path === '' || path.startsWith('/') || path.length > MAX_PATH)
    throw new Error(`invalid path ${JSON.stringify(path)}`)
  if (parts.some((part) => part === '..' || part === '' || part === '.' || part.length > MAX_FILE_NAME))
    throw new Error(`invalid path ${JSON.stringify(path)}`)
  if (path.startsWith('..')) throw new Error(`invalid path ${JSON.stringify(path)}: must not start with '..'`)
  if (path.includes('\0')) throw new Error(`invalid path ${JSON.stringify(path)}`)
}

async function sameAs(directory: string, payload: Payload): Promise<boolean> {
  const found = await filesBelow(directory).catch(() => undefined)
  if (found === undefined || found.length !== payload.size) return false
  for (const path of found) {
    const file = payload.get(path)
    if (file === undefined) return false
    const data = await readFile(join(directory, path)).catch(() => undefined)
    if (data === undefined || !data.equals(file.data)) return false
  }
  return true
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
}

/** What users see at the top are links into `..data`; links to what is gone are removed. */
async function linkNames(target: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path))
  for (const name of await readdir(target)) {
    if (name.startsWith('..') || wanted.has(name)) continue
    if ((await lstat(join(target, name))).isSymbolicLink()) await rm(join(target, name))
  }
  for (const name of wanted) {
    const link = join(target, name)
    if ((await readlink(link).catch(() => undefined)) === undefined) await symlink(join(DATA, name), link)
  }
}
