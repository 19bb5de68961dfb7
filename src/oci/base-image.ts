// A local image as the start of another: its layers stay as they are, its files are listed so that new ones land in the right place.

import type { FileTree, Node, Spool } from './file-tree.ts'
import { choosePlatform } from './image.ts'
import { type Descriptor, type ImageConfig, parseConfig, parseManifest } from './manifest.ts'
import type { ImageStore } from './store.ts'
import { cleanPath, decompress, readTar, type TarEntry } from './tar.ts'

export interface BaseImage {
  readonly layers: readonly Descriptor[]
  readonly config: ImageConfig
}

/** Files whose content a build may extend. */
const KEPT = ['etc/passwd', 'etc/group']

export async function readBaseImage(store: ImageStore, reference: string, architecture: string): Promise<BaseImage> {
  let target = await store.resolve(reference)
  if (!target) throw new Error(`Cannot build from "${reference}": it is not in the image store; build or load it first`)
  let document = parseManifest(await store.readDocument(target.digest), `image "${reference}"`)
  if (document.kind === 'index') {
    target = choosePlatform(document.manifests, architecture)
    if (!target) throw new Error(`Cannot build from "${reference}": it has no image for linux/${architecture}`)
    document = parseManifest(await store.readDocument(target.digest), `image "${reference}"`)
  }
  if (document.kind === 'index') throw new Error(`Cannot build from "${reference}": its index leads to another index`)
  const config = parseConfig(await store.readDocument(document.config.digest), `config of "${reference}"`)
  if (config.architecture !== architecture)
    throw new Error(`Cannot build from "${reference}": it is for ${config.architecture}, not ${architecture}`)
  return { layers: document.layers, config }
}

/** Lists a base image's files in the tree, the way a container runtime applies its layers. */
export async function listBaseFiles(
  { layers }: BaseImage,
  store: ImageStore,
  tree: FileTree,
  spool: Spool,
): Promise<void> {
  for (const layer of layers) {
    for await (const entry of readTar(await decompress(store.blobStream(layer.digest))))
      await applyEntry(entry, tree, spool)
  }
}

async function applyEntry({ header, content }: TarEntry, tree: FileTree, spool: Spool): Promise<void> {
  const path = cleanPath(header.name, 'base image')
  if (path === '') return
  const slash = path.lastIndexOf('/') + 1
  const [directory, name] = [path.slice(0, slash), path.slice(slash)]
  if (name === '.wh..wh..opq') {
    const parent = directory.slice(0, -1)
    const node = tree.get(parent)
    tree.remove(parent, { inBase: true })
    if (node) tree.set(parent, node, { inBase: true })
    return
  }
  if (name.startsWith('.wh.')) {
    tree.remove(`${directory}${name.slice('.wh.'.length)}`, { inBase: true })
    return
  }
  const owner = { mode: header.mode & 0o7777, uid: header.uid, gid: header.gid }
  tree.set(path, await nodeOf(), { inBase: true })

  async function nodeOf(): Promise<Node> {
    if (header.type === 'directory') return { type: 'directory', ...owner }
    if (header.type === 'symlink') return { type: 'symlink', target: header.linkname, uid: owner.uid, gid: owner.gid }
    if (header.type === 'link') return tree.get(cleanPath(header.linkname, 'base image')) ?? { type: 'other' }
    if (header.type !== 'file') return { type: 'other' }
    return { type: 'file', ...owner, content: await spool.add(KEPT.includes(path) ? content : []) }
  }
}
