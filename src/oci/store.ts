// A content-addressed image store on disk: blobs by digest, one file per reference, safe under concurrent writers and kill -9.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import {
  type Descriptor,
  digestOf,
  type Index,
  isIndexType,
  isManifestType,
  MAX_DOCUMENT_BYTES,
  type Manifest,
  parseDescriptor,
  parseJSON,
  parseManifest,
} from './manifest.ts'
import { isDigest, normalizeReference, parseReference } from './reference.ts'

/** A blob younger than this may belong to an image that is still being written, by any process; `gc` leaves it alone. */
const GC_GRACE_MS = 60 * 60 * 1000
/** Indexes inside indexes, at most. */
const MAX_INDEX_DEPTH = 4
/** A layer larger than this is refused. */
const MAX_BLOB_BYTES = 64 * 1024 ** 3

export interface StoredImage {
  readonly reference: string
  readonly target: Descriptor
}

export interface ImageStore {
  /** Writes a blob and returns its digest and size. With `expect`, other content is refused and leaves nothing behind. */
  putBlob(
    content: Uint8Array | AsyncIterable<Uint8Array>,
    expect?: { digest: string },
  ): Promise<{ digest: string; size: number }>
  /** The size of a blob, or undefined when it is not there. */
  blobSize(digest: string): Promise<number | undefined>
  /** The content of a blob, or of the bytes `start` to `end` (inclusive) of it. */
  blobStream(digest: string, range?: { start: number; end: number }): Readable
  /** A manifest, index or config: read whole and checked against its digest. */
  readDocument(digest: string): Promise<Buffer>
  /** Names an image, once everything that it refers to is present. */
  put(reference: string, target: Descriptor): Promise<void>
  /** What a reference names. A reference with a digest also finds a manifest that has no name here. */
  resolve(reference: string): Promise<Descriptor | undefined>
  list(): Promise<StoredImage[]>
  /** Whether there was such a name. The blobs go with the next `gc`. */
  remove(reference: string): Promise<boolean>
  /** Every blob that `target` needs and is absent, as "<what> <digest>". Empty means complete. */
  missing(target: Descriptor): Promise<string[]>
  /** Removes blobs that no name leads to, and what interrupted writers left. */
  gc(): Promise<{ removed: number; bytes: number }>
}

export interface StoreOptions {
  directory: string
  clock: Clock
  random: Random
}

export async function openImageStore({ directory, clock, random }: StoreOptions): Promise<ImageStore> {
  const store = new DirectoryStore(directory, clock, random)
  await store.prepare()
  return store
}

class DirectoryStore implements ImageStore {
  readonly #directory: string
  readonly #clock: Clock
  readonly #random: Random

  constructor(directory: string, clock: Clock, random: Random) {
    this.#directory = directory
    this.#clock = clock
    this.#random = random
  }

  async prepare(): Promise<void> {
    for (const part of ['blobs/sha256', 'refs', 'tmp'])
      await mkdir(join(this.#directory, part), { recursive: true, mode: 0o755 })
    const layout = join(this.#directory, 'oci-layout')
    const found = await readFile(layout, 'utf8').catch(absent)
    if (found === undefined) return this.#writeFile(layout, Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
    if (!found.includes('"1.0.0"'))
      throw new Error(`Cannot open image store "${this.#directory}": its layout version is not 1.0.0`)
  }

  async putBlob(
    content: Uint8Array | AsyncIterable<Uint8Array>,
    expect?: { digest: string },
  ): Promise<{ digest: string; size: number }> {
    const temporary = this.#temporary()
    const hash = createHash('sha256')
    let size = 0
    const file = await open(temporary, 'wx', 0o644)
    try {
      for await (const chunk of content instanceof Uint8Array ? [content] : content) {
        size += chunk.byteLength
        if (size > MAX_BLOB_BYTES) throw new Error(`Cannot store blob: it is larger than ${MAX_BLOB_BYTES} bytes`)
        hash.update(chunk)
        await writeAll(file, chunk)
      }
      const digest = `sha256:${hash.digest('hex')}`
      if (expect !== undefined && expect.digest !== digest)
        throw new Error(`Cannot store blob: its content is ${digest}, wanted ${expect.digest}`)
      // Replacing an identical blob is harmless and makes it young, so that no gc takes it from under this writer.
      await file.sync()
      await file.close()
      await this.#moveInPlace(temporary, this.#blobPath(digest))
      return { digest, size }
    } catch (error) {
      await file.close().catch(() => {})
      await rm(temporary, { force: true })
      throw error
    }
  }

  async blobSize(digest: string): Promise<number | undefined> {
    const found = await stat(this.#blobPath(digest)).catch(absent)
    return found?.isFile() ? found.size : undefined
  }

  blobStream(digest: string, range?: { start: number; end: number }): Readable {
    return createReadStream(this.#blobPath(digest), range)
  }

  async readDocument(digest: string): Promise<Buffer> {
    const size = await this.blobSize(digest)
    if (size === undefined) throw new Error(`Cannot read ${digest}: it is not in the image store`)
    if (size > MAX_DOCUMENT_BYTES)
      throw new Error(`Cannot read ${digest}: it has ${size} bytes, a document at most ${MAX_DOCUMENT_BYTES}`)
    const bytes = await readFile(this.#blobPath(digest))
    if (digestOf(bytes) !== digest)
      throw new Error(`Cannot read ${digest}: its content is ${digestOf(bytes)}, the store is damaged`)
    return bytes
  }

  async put(reference: string, target: Descriptor): Promise<void> {
    const name = normalizeReference(reference)
    if (parseReference(name).tag === undefined)
      throw new Error(`Cannot name an image "${name}": a digest is not a name`)
    await this.#requireComplete(name, target)
    // Blobs that were here already become young, so that a gc that began before this name existed spares them.
    const now = this.#clock.now() / 1000
    for (const blob of await this.#walk(target, 0, () => {})) await utimes(this.#blobPath(blob), now, now)
    const { mediaType, digest, size } = target
    await this.#writeFile(
      this.#refPath(name),
      Buffer.from(JSON.stringify({ reference: name, target: { mediaType, digest, size } })),
    )
    // A gc of another process may have run between the check and the name: look again, and never leave a name without its image.
    await this.#requireComplete(name, target).catch(async (error) => {
      await this.remove(name)
      throw error
    })
  }

  async #requireComplete(name: string, target: Descriptor): Promise<void> {
    const missing = await this.missing(target)
    if (missing.length > 0)
      throw new Error(`Cannot store image "${name}": it is incomplete, missing ${missing.join(', ')}`)
  }

  async resolve(reference: string): Promise<Descriptor | undefined> {
    const { digest } = parseReference(reference)
    if (digest !== undefined) return this.#byDigest(digest)
    return (await this.#readRef(this.#refPath(normalizeReference(reference))))?.target
  }

  async #byDigest(digest: string): Promise<Descriptor | undefined> {
    const size = await this.blobSize(digest)
    if (size === undefined || size > MAX_DOCUMENT_BYTES) return undefined
    const manifest = manifestOrNothing(await this.readDocument(digest), digest)
    return manifest && { mediaType: manifest.mediaType, digest, size }
  }

  async list(): Promise<StoredImage[]> {
    const images: StoredImage[] = []
    for (const file of (await readdir(join(this.#directory, 'refs'))).sort()) {
      const image = await this.#readRef(join(this.#directory, 'refs', file))
      if (image) images.push(image)
    }
    return images.sort((a, b) => (a.reference < b.reference ? -1 : 1))
  }

  async remove(reference: string): Promise<boolean> {
    const path = this.#refPath(normalizeReference(reference))
    const removed = await rm(path).then(() => true, absent)
    await syncDirectory(dirname(path))
    return removed ?? false
  }

  async missing(target: Descriptor): Promise<string[]> {
    const gaps: string[] = []
    await this.#walk(target, 0, (what, { digest }) => gaps.push(`${what} ${digest}`))
    return gaps
  }

  /** Visits all that `target` leads to; `onGap` hears of what is absent or of another size than was said. Returns the digests. */
  async #walk(target: Descriptor, depth: number, onGap: (what: string, gap: Descriptor) => void): Promise<Set<string>> {
    const seen = new Set([target.digest])
    const what = isIndexType(target.mediaType) ? 'index' : 'manifest'
    if (!isIndexType(target.mediaType) && !isManifestType(target.mediaType))
      throw new Error(`Cannot use ${target.digest} as an image: it is "${target.mediaType}"`)
    if (depth > MAX_INDEX_DEPTH)
      throw new Error(`Cannot use ${target.digest}: indexes are nested deeper than ${MAX_INDEX_DEPTH}`)
    if ((await this.blobSize(target.digest)) !== target.size) {
      onGap(what, target)
      return seen
    }
    const document = parseManifest(await this.readDocument(target.digest), `${what} ${target.digest}`)
    if (document.kind === 'index') {
      for (const child of document.manifests)
        for (const digest of await this.#walk(child, depth + 1, onGap)) seen.add(digest)
      return seen
    }
    for (const [part, blob] of [
      ['config', document.config] as const,
      ...document.layers.map((layer) => ['layer', layer] as const),
    ]) {
      seen.add(blob.digest)
      if ((await this.blobSize(blob.digest)) !== blob.size) onGap(part, blob)
    }
    return seen
  }

  async gc(): Promise<{ removed: number; bytes: number }> {
    const old = this.#clock.now() - GC_GRACE_MS
    const live = new Set<string>()
    for (const { target } of await this.list())
      for (const digest of await this.#walk(target, 0, () => {})) live.add(digest)

    let [removed, bytes] = [0, 0]
    const sweep = async (directory: string, keep: (file: string) => boolean): Promise<void> => {
      for (const file of await readdir(directory)) {
        const path = join(directory, file)
        const found = keep(file) ? undefined : await stat(path).catch(absent)
        if (found === undefined || found.mtimeMs > old) continue
        await rm(path, { force: true, recursive: true })
        removed++
        bytes += found.size
      }
    }
    await sweep(join(this.#directory, 'tmp'), () => false)
    await sweep(join(this.#directory, 'blobs/sha256'), (file) => live.has(`sha256:${file}`))
    return { removed, bytes }
  }

  #blobPath(digest: string): string {
    if (!isDigest(digest)) throw new Error(`Cannot find blob "${digest.slice(0, 100)}": it is not a sha256 digest`)
    return join(this.#directory, 'blobs/sha256', digest.slice('sha256:'.length))
  }

  /** References may be longer than a file name and hold slashes, so the file is named by a digest of it and holds it. */
  #refPath(name: string): string {
    return join(this.#directory, 'refs', `${createHash('sha256').update(name).digest('hex')}.json`)
  }

  async #readRef(path: string): Promise<StoredImage | undefined> {
    const bytes = await readFile(path).catch(absent)
    if (bytes === undefined) return undefined
    const value = parseJSON(bytes, `image name "${path}"`)
    const fields = typeof value === 'object' && value !== null ? value : {}
    if (!('reference' in fields && 'target' in fields && typeof fields.reference === 'string'))
      throw new Error(`Cannot read image name "${path}": the store is damaged`)
    return { reference: fields.reference, target: parseDescriptor(fields.target, `image name "${path}"`) }
  }

  #temporary(): string {
    return join(this.#directory, 'tmp', this.#random.uuid())
  }

  async #writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const temporary = this.#temporary()
    const file = await open(temporary, 'wx', 0o644)
    try {
      await writeAll(file, bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await this.#moveInPlace(temporary, path)
  }

  /** After this returns the file is there even if the power fails; before, there is the old state and nothing between. */
  async #moveInPlace(temporary: string, path: string): Promise<void> {
    const now = this.#clock.now() / 1000
    await utimes(temporary, now, now)
    await rename(temporary, path)
    await syncDirectory(dirname(path))
  }
}

function manifestOrNothing(bytes: Uint8Array, digest: string): Manifest | Index | undefined {
  try {
    return parseManifest(bytes, digest)
  } catch {
    // Any small blob may be asked for by digest; that it is no manifest is an answer, not a failure.
    return undefined
  }
}

/** For `.catch`: a file that is not there is `undefined`, everything else stays an error. */
function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.byteLength; ) {
    const { bytesWritten } = await file.write(bytes, offset, bytes.byteLength - offset)
    offset += bytesWritten
  }
}
