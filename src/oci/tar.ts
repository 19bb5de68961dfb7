// Reading tar archives: their entries in order, out of gzip, zstd or plain streams.

import { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { extract, type Header } from 'tar-stream'

/** Entries of one archive, at most. */
const MAX_ENTRIES = 1_000_000

export interface TarEntry {
  readonly header: Header
  readonly content: AsyncIterable<Uint8Array>
}

/** The entries of a tar stream, in order. An entry that is not read is skipped. */
export async function* readTar(source: Readable): AsyncGenerator<TarEntry> {
  const parser = extract({})
  // streamx and node streams differ in details, so bytes are carried over by hand; an error of the source ends the parser.
  let go = (): void => {}
  parser.on('drain', () => go())
  parser.on('close', () => go())
  const feed = (async () => {
    try {
      for await (const chunk of source) {
        if (parser.write(chunk)) continue
        await new Promise<void>((resolve) => {
          go = resolve
        })
      }
      parser.end(undefined)
    } catch (error) {
      parser.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  })()
  let count = 0
  try {
    for await (const entry of parser) {
      if (++count > MAX_ENTRIES) throw new Error(`Cannot read tar archive: it has more than ${MAX_ENTRIES} entries`)
      yield { header: entry.header, content: bytesOf(entry) }
      entry.resume()
    }
  } catch (cause) {
    throw cause instanceof Error && cause.message.startsWith('Cannot')
      ? cause
      : new Error('Cannot read tar archive', { cause })
  } finally {
    parser.destroy()
    source.destroy()
    await feed
  }
}

/** streamx types its chunks as unknown; a tar parser yields bytes only. */
async function* bytesOf(stream: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) if (chunk instanceof Uint8Array) yield chunk
}

/** The stream itself, or what comes out of gzip or zstd, told apart by the first bytes. */
export async function decompress(source: Readable): Promise<Readable> {
  const iterator = source[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  while (head.length < 4) {
    const { value, done } = await iterator.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  const all = Readable.from(
    (async function* () {
      if (head.length > 0) yield head
      yield* { [Symbol.asyncIterator]: () => iterator }
    })(),
    { objectMode: false },
  )
  const decoder =
    head[0] === 0x1f && head[1] === 0x8b
      ? createGunzip()
      : head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528
        ? createZstdDecompress()
        : undefined
  if (!decoder) return all
  all.on('error', (error) => decoder.destroy(error))
  decoder.on('close', () => all.destroy())
  return all.pipe(decoder)
}

export async function readAll(content: AsyncIterable<Uint8Array>, limitBytes: number, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of content) {
    size += chunk.byteLength
    if (size > limitBytes) throw new Error(`Cannot read ${what}: it is larger than ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The name of an entry as a path from the root without a leading slash; throws when it would leave the root. */
export function cleanPath(name: string, what: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new Error(`Cannot use path ${JSON.stringify(name)} of ${what}: it has ".." in it`)
  if (name.includes('\0'))
    throw new Error(`Cannot use path ${JSON.stringify(name)} of ${what}: it has a zero byte in it`)
  return parts.join('/')
}
