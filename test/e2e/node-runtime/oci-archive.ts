// Makes an OCI image archive from nothing but the host's static busybox, for tests that need something to run.

import { createHash } from 'node:crypto'
import { createWriteStream, readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { buffer } from 'node:stream/consumers'
import { pack } from 'tar-stream'

const BUSYBOX = '/usr/bin/busybox'
const COMMANDS = [
  'sh',
  'sleep',
  'cat',
  'echo',
  'ls',
  'head',
  'dd',
  'true',
  'false',
  'kill',
  'id',
  'ps',
  'nc',
  'yes',
  'tail',
  'chmod',
  'df',
  'grep',
  'hostname',
  'httpd',
  'ln',
  'mkdir',
  'readlink',
  'rm',
  'seq',
  'sort',
  'stat',
  'touch',
]

interface Blob {
  readonly digest: string
  readonly bytes: Buffer
}

function blob(content: Buffer | object): Blob {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
  return { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, bytes }
}

/** Writes an archive with one image per name; each has busybox and runs `entrypoint`. */
export async function writeImageArchive(
  file: string,
  images: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const layer = blob(await busyboxLayer())
  const blobs = [layer]
  const manifests = Object.entries(images).map(([name, entrypoint]) => {
    const config = blob({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Entrypoint: entrypoint, Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    })
    const manifest = blob({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: config.digest,
        size: config.bytes.length,
      },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: layer.digest, size: layer.bytes.length }],
    })
    blobs.push(config, manifest)
    return {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: manifest.digest,
      size: manifest.bytes.length,
      annotations: { 'io.containerd.image.name': name },
    }
  })
  const archive = pack()
  archive.entry({ name: 'oci-layout' }, JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  archive.entry({ name: 'index.json' }, JSON.stringify({ schemaVersion: 2, manifests }))
  for (const { digest, bytes } of blobs) archive.entry({ name: `blobs/${digest.replace(':', '/')}` }, bytes)
  archive.finalize()
  await pipeline(archive, createWriteStream(file))
}

async function busyboxLayer(): Promise<Buffer> {
  const layer = pack()
  for (const name of ['bin', 'tmp', 'proc', 'dev', 'sys', 'etc']) layer.entry({ name, type: 'directory', mode: 0o755 })
  layer.entry({ name: 'bin/busybox', mode: 0o755 }, readFileSync(BUSYBOX))
  for (const name of COMMANDS) layer.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' })
  layer.finalize()
  return buffer(layer)
}
