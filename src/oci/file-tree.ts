// The file system of an image under construction: paths in memory, contents on disk, symbolic links followed inside its root only.

import { createReadStream } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { TarItem } from './tar-writer.ts'

export type Node =
  | { readonly type: 'directory'; readonly mode: number; readonly uid: number; readonly gid: number }
  | { readonly type: 'symlink'; readonly target: string; readonly uid: number; readonly gid: number }
  | {
      readonly type: 'file'
      readonly mode: number
      readonly uid: number
      readonly gid: number
      readonly content: Content
    }
  | { readonly type: 'other' }

/** Where the bytes of a file are. Two paths with the same Content are one file with two names. */
export interface Content {
  readonly offset: number
  readonly size: number
}

const MAX_LINKS = 40
const MAX_NODES = 500_000
const ROOT_DIRECTORY: Node = { type: 'directory', mode: 0o755, uid: 0, gid: 0 }

/** File contents of one build, one after the other in a file that is gone when the build ends. */
export class Spool {
  readonly #path: string
  readonly #file: FileHandle
  #size = 0

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  static async open(path: string): Promise<Spool> {
    return new Spool(path, await open(path, 'wx+', 0o600))
  }

  async add(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Content> {
    const offset = this.#size
    for await (const chunk of content) {
      for (let done = 0; done < chunk.byteLength; ) {
        const { bytesWritten } = await this.#file.write(chunk, done, chunk.byteLength - done, this.#size)
        done += bytesWritten
        this.#size += bytesWritten
      }
    }
    return { offset, size: this.#size - offset }
  }

  read({ offset, size }: Content): AsyncIterable<Uint8Array> {
    return size === 0 ? emptyContent() : createReadStream(this.#path, { start: offset, end: offset + size - 1 })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
    await rm(this.#path, { force: true })
  }
}

async function* emptyContent(): AsyncGenerator<Uint8Array> {}

export class FileTree {
  /** Every path and whether it came with the base image and is unchanged. */
  readonly #nodes = new Map<string, { node: Node; inBase: boolean }>()
  /** Paths of the base image that are to be gone. */
  readonly #whiteouts = new Set<string>()

  get(path: string): Node | undefined {
    return this.#nodes.get(this.resolve(path))?.node
  }

  /** Puts a node at a path, through the symbolic links of its parents. Parents that are missing are made; returns where it landed. */
  set(path: string, node: Node, options: { inBase?: boolean } = {}): string {
    const slash = path.lastIndexOf('/')
    const parent = slash < 0 ? '' : this.#makeDirectory(path.slice(0, slash), options)
    let place = parent === '' ? path.slice(slash + 1) : `${parent}/${path.slice(slash + 1)}`
    const old = this.#nodes.get(place)?.node
    if (node.type === 'directory' && old?.type === 'symlink') place = this.#makeDirectory(place, options)
    else if (old?.type === 'directory' && node.type !== 'directory') this.remove(place, options)
    else if (old?.type === 'directory' && isDeepStrictEqual(old, node)) return place
    if (this.#nodes.size >= MAX_NODES) throw new Error(`Cannot build image: it has more than ${MAX_NODES} files`)
    this.#whiteouts.delete(place)
    this.#nodes.set(place, { node, inBase: options.inBase ?? false })
    return place
  }

  #makeDirectory(path: string, options: { inBase?: boolean }): string {
    const place = this.resolve(path, { followLast: true })
    if (place === '') return ''
    const found = this.#nodes.get(place)?.node
    if (found?.type === 'directory') return place
    if (found) throw new Error(`Cannot use "/${path}" as a directory: it is a ${found.type}`)
    return this.set(place, ROOT_DIRECTORY, options)
  }

  /** Takes a path and all below it away; the base's part of it is remembered as a whiteout, unless the base itself lacks it. */
  remove(path: string, options: { inBase?: boolean } = {}): boolean {
    const place = this.resolve(path)
    let known = false
    for (const [at, { inBase }] of this.#nodes) {
      if (at !== place && !at.startsWith(`${place}/`)) continue
      this.#nodes.delete(at)
      if (inBase && !options.inBase) this.#whiteouts.add(place)
      known = true
    }
    return known
  }

  /** The path with every symbolic link in it followed, kept inside the root as chroot would. */
  resolve(path: string, { followLast = false } = {}): string {
    let left = path.split('/')
    let done: string[] = []
    for (let links = 0; left.length > 0; ) {
      const [part = '', ...rest] = left
      left = rest
      if (part === '' || part === '.') continue
      if (part === '..') {
        done.pop()
        continue
      }
      done.push(part)
      const node = this.#nodes.get(done.join('/'))?.node
      if (node?.type !== 'symlink' || (left.length === 0 && !followLast)) continue
      if (++links > MAX_LINKS) throw new Error(`Cannot follow "/${path}": too many symbolic links`)
      done = node.target.startsWith('/') ? [] : done.slice(0, -1)
      left = [...node.target.split('/'), ...left]
    }
    return done.join('/')
  }

  /** What differs from the base image, sorted, as a layer's entries. */
  *items(spool: Spool, mtimeSeconds: number): Generator<TarItem> {
    const changed = [...this.#nodes].filter(([, { inBase }]) => !inBase).map(([path, { node }]) => ({ path, node }))
    const gone = [...this.#whiteouts]
      .filter((path) => !this.#nodes.has(path))
      .map((path) => ({ path: whiteout(path), node: undefined }))
    const first = new Map<Content, string>()
    const owner = { mode: 0o777, uid: 0, gid: 0, mtimeSeconds }
    for (const { path, node } of [...changed, ...gone].sort((a, b) => (a.path < b.path ? -1 : 1))) {
      if (node === undefined) yield { ...owner, mode: 0, path, type: 'file' }
      else if (node.type === 'symlink')
        yield { ...owner, uid: node.uid, gid: node.gid, path, type: 'symlink', target: node.target }
      else if (node.type === 'directory') yield { ...owner, ...node, path }
      else if (node.type === 'file') {
        const { content, ...rest } = node
        const target = first.get(content)
        if (target !== undefined) yield { ...owner, ...rest, path, type: 'hardlink', target }
        else yield { ...owner, ...rest, path, size: content.size, content: spool.read(content) }
        first.set(content, target ?? path)
      }
    }
  }
}

function whiteout(path: string): string {
  const slash = path.lastIndexOf('/') + 1
  return `${path.slice(0, slash)}.wh.${path.slice(slash)}`
}
