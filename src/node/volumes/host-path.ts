// Checks or makes the host's path of a hostPath volume, by its type.

import { mkdir, open, stat } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { dirname, isAbsolute } from 'node:path'

export async function prepareHostPath(path: string, type: string): Promise<void> {
  if (!isAbsolute(path) || path.split('/').includes('..'))
    throw new Error(`hostPath ${JSON.stringify(path)} is not a plain absolute path`)
  if (type === '') return
  const found = await stat(path).catch(() => undefined)
  if (type === 'DirectoryOrCreate' && found === undefined)
    return void (await mkdir(path, { recursive: true, mode: 0o755 }))
  if (type === 'FileOrCreate' && found === undefined) {
    await stat(dirname(path))
    await (await open(path, 'a', 0o644)).close()
    return
  }
  const kind = type.replace('OrCreate', '')
  if (found === undefined || !isOfKind(found, kind))
    throw new Error(`hostPath type check failed: ${path} is not ${NAMES[kind] ?? kind}`)
}

const NAMES: Readonly<Record<string, string>> = {
  Directory: 'a directory',
  File: 'a file',
  Socket: 'a socket file',
  CharDevice: 'a character device',
  BlockDevice: 'a block device',
}

function isOfKind(stats: Stats, kind: string): boolean {
  switch (kind) {
    case 'Directory':
      return stats.isDirectory()
    case 'File':
      return stats.isFile()
    case 'Socket':
      return stats.isSocket()
    case 'CharDevice':
      return stats.isCharacterDevice()
    case 'BlockDevice':
      return stats.isBlockDevice()
    default:
      return false
  }
}
