// Images as files: importing what `docker save`, `ctr images export`, buildx, podman and skopeo write, exporting what all of them read.

import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { choosePlatform } from './image.ts'
import {
  asArray,
  asObject,
  asString,
  type Descriptor,
  encodeDocument,
  isIndexType,
  MEDIA,
  parseConfig,
  parseDescriptor,
  parseJSON,
  parseManifest,
} from './manifest.ts'
import { familiarReference, isDigest, normalizeReference, parseReference } from './reference.ts'
import type { ImageStore, StoredImage } from './store.ts'
import { cleanPath, decompress, readTar } from './tar.ts'
import { type TarItem, writeTar } from './tar-writer.ts'

const NAME_ANNOTATION = 'io.containerd.image.name'
const REF_ANNOTATION = 'org.opencontainers.image.ref.name'
/** Symbolic links between the layers of an old `docker save`. */
const MAX_LINKS = 10

export interface ImportOptions {
  /** Which platform to take when an index is not complete. */
  architecture: string
  /** The name for an archive that holds one image without a name, or another name for it. */
  as?: string
}

export interface ImportedImage extends StoredImage {
  /** `linux/amd64` of each platform that is there. */
  readonly platforms: readonly string[]
}

/** What an archive had in it: its small files by name are the documents, blobs went to the store. */
interface Contents {
  readonly blobs: Map<string, { digest: string; size: number }>
  readonly links: Map<string, string>
}

/** Stores every image of an archive (plain, gzip or zstd) and names it. Fails, naming the gap, when one of them is not whole. */
export async function importArchive(
  store: ImageStore,
  archive: Readable,
  options: ImportOptions,
): Promise<ImportedImage[]> {
  const contents = await readContents(store, archive)
  const targets = contents.blobs.has('index.json')
    ? await ociTargets(store, contents)
    : await dockerTargets(store, contents)
  const names = nameTargets(targets, options.as)
  const imported: ImportedImage[] = []
  for (const [reference, target] of names) {
    const whole = await presentPart(store, reference, target, options.architecture)
    await store.put(reference, whole)
    imported.push({ reference, target: whole, platforms: await platformsOf(store, whole) })
  }
  return imported
}

async function readContents(store: ImageStore, archive: Readable): Promise<Contents> {
  const contents: Contents = { blobs: new Map(), links: new Map() }
  for await (const { header, content } of readTar(await decompress(archive))) {
    const path = cleanPath(header.name, 'image archive')
    if (header.type === 'symlink' || header.type === 'link') {
      const parent = header.type === 'symlink' ? path.split('/').slice(0, -1) : []
      contents.links.set(path, joinInside(parent, header.linkname))
    } else if (header.type === 'file') {
      const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1]
      contents.blobs.set(
        path,
        await store.putBlob(content, hex === undefined ? undefined : { digest: `sha256:${hex}` }),
      )
    }
  }
  return contents
}

function joinInside(parent: readonly string[], target: string): string {
  const parts = [...parent]
  for (const part of target.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) throw new Error(`Cannot read image archive: link to "${target}" leads out of it`)
    } else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

function blobAt({ blobs, links }: Contents, path: string): { digest: string; size: number } {
  let at = cleanPath(path, 'image archive')
  for (let i = 0; i < MAX_LINKS; i++) {
    const found = blobs.get(at)
    if (found) return found
    const next = links.get(at)
    if (next === undefined) break
    at = next
  }
  throw new Error(`Cannot read image archive: it has no "${path}"`)
}

/** A descriptor and the names that the archive has for it. */
interface Target {
  readonly target: Descriptor
  readonly names: readonly string[]
}

async function ociTargets(store: ImageStore, contents: Contents): Promise<Target[]> {
  const index = parseJSON(await store.readDocument(blobAt(contents, 'index.json').digest), 'index.json')
  const manifests = asArray(asObject(index, 'index.json')['manifests'], 'manifests of index.json')
  const docker = contents.blobs.has('manifest.json') ? await dockerNames(store, contents) : new Map<string, string[]>()
  const targets: Target[] = []
  for (const [i, item] of manifests.entries()) {
    const { annotations = {}, ...target } = parseDescriptor(item, `manifest ${i} of index.json`)
    const full = annotations[NAME_ANNOTATION]
    const short = annotations[REF_ANNOTATION]
    // A bare tag (`latest`) says no name; only what names a repository is one.
    const said = full ?? (short !== undefined && /[/:]/.test(short) ? short : undefined)
    targets.push({ target, names: said === undefined ? await namesByConfig(store, target, docker) : [said] })
  }
  return targets
}

/** Docker names images in manifest.json by their config. */
async function namesByConfig(
  store: ImageStore,
  target: Descriptor,
  names: ReadonlyMap<string, string[]>,
): Promise<string[]> {
  if (names.size === 0 || (await store.blobSize(target.digest)) === undefined) return []
  const document = parseManifest(await store.readDocument(target.digest), target.digest)
  const configs = document.kind === 'manifest' ? [document.config.digest] : []
  return configs.flatMap((digest) => names.get(digest) ?? [])
}

interface DockerImage {
  readonly config: string
  readonly names: readonly string[]
  readonly layers: readonly string[]
}

async function dockerImages(store: ImageStore, contents: Contents): Promise<DockerImage[]> {
  if (!contents.blobs.has('manifest.json'))
    throw new Error('Cannot read image archive: it has neither index.json (OCI) nor manifest.json (docker save)')
  const list = asArray(
    parseJSON(await store.readDocument(blobAt(contents, 'manifest.json').digest), 'manifest.json'),
    'manifest.json',
  )
  return list.map((item, i) => {
    const fields = asObject(item, `image ${i} of manifest.json`)
    const strings = (key: string): string[] =>
      asArray(fields[key] ?? [], `${key} of manifest.json`).map((text) => asString(text, `${key} of manifest.json`))
    return {
      config: asString(fields['Config'], 'Config of manifest.json'),
      names: strings('RepoTags'),
      layers: strings('Layers'),
    }
  })
}

async function dockerNames(store: ImageStore, contents: Contents): Promise<Map<string, string[]>> {
  return new Map(
    (await dockerImages(store, contents)).map(({ config, names }) => [blobAt(contents, config).digest, [...names]]),
  )
}

/** Makes the manifest that `docker save` leaves out, once every layer is shown to be the one that the config means. */
async function dockerTargets(store: ImageStore, contents: Contents): Promise<Target[]> {
  const targets: Target[] = []
  for (const { config: path, names, layers } of await dockerImages(store, contents)) {
    const stored = blobAt(contents, path)
    const { diffIDs } = parseConfig(await store.readDocument(stored.digest), path)
    if (diffIDs.length !== layers.length)
      throw new Error(
        `Cannot read image archive: "${path}" has ${diffIDs.length} layers, manifest.json lists ${layers.length}`,
      )
    const described: Descriptor[] = []
    for (const [i, layer] of layers.entries())
      described.push(await dockerLayer(store, { ...blobAt(contents, layer), layer, diffID: diffIDs[i] ?? '' }))
    const manifest = encodeDocument({
      schemaVersion: 2,
      mediaType: MEDIA.ociManifest,
      config: { mediaType: MEDIA.ociConfig, ...stored },
      layers: described,
    })
    targets.push({ target: { mediaType: MEDIA.ociManifest, ...(await store.putBlob(manifest)) }, names })
  }
  return targets
}

async function dockerLayer(
  store: ImageStore,
  { digest, size, layer, diffID }: { digest: string; size: number; layer: string; diffID: string },
): Promise<Descriptor> {
  if (digest === diffID) return { mediaType: MEDIA.ociLayer, digest, size }
  const hash = createHash('sha256')
  try {
    for await (const chunk of store.blobStream(digest).pipe(createGunzip())) hash.update(chunk)
  } catch (cause) {
    throw new Error(`Cannot read image archive: layer "${layer}" is ${digest}, the image's config says ${diffID}`, {
      cause,
    })
  }
  const inside = `sha256:${hash.digest('hex')}`
  if (inside !== diffID)
    throw new Error(
      `Cannot read image archive: layer "${layer}" unpacks to ${inside}, the image's config says ${diffID}`,
    )
  return { mediaType: MEDIA.ociLayerGzip, digest, size }
}

/** Pure: the name of each target. One that nobody named is refused rather than kept where nobody finds it. */
export function nameTargets(targets: readonly Target[], as: string | undefined): Map<string, Descriptor> {
  if (targets.length === 0) throw new Error('Cannot read image archive: there is no image in it')
  const names = new Map<string, Descriptor>()
  if (as !== undefined) {
    if (new Set(targets.map(({ target }) => target.digest)).size > 1)
      throw new Error(`Cannot name the archive's images "${as}": there are ${targets.length} of them`)
    for (const { target } of targets) names.set(normalizeReference(as), target)
    return names
  }
  for (const { target, names: said } of targets) {
    if (said.length === 0)
      throw new Error(`Cannot read image archive: image ${target.digest} has no name in it; give one`)
    for (const name of said) names.set(normalizeReference(name), target)
  }
  return names
}

/** The target itself if all of it is there; of an index that is not whole, the manifest for this platform. */
async function presentPart(
  store: ImageStore,
  reference: string,
  target: Descriptor,
  architecture: string,
): Promise<Descriptor> {
  const missing = await store.missing(target)
  if (missing.length === 0) return target
  const incomplete = new Error(
    `Cannot import image "${reference}": the archive lacks ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ` and ${missing.length - 5} more` : ''}`,
  )
  if (!isIndexType(target.mediaType) || (await store.blobSize(target.digest)) === undefined) throw incomplete
  const document = parseManifest(await store.readDocument(target.digest), reference)
  const child = document.kind === 'index' ? choosePlatform(document.manifests, architecture) : undefined
  if (!child || (await store.missing(child)).length > 0) throw incomplete
  return child
}

async function platformsOf(store: ImageStore, target: Descriptor): Promise<string[]> {
  const document = parseManifest(await store.readDocument(target.digest), target.digest)
  if (document.kind === 'manifest') {
    const { os, architecture } = parseConfig(await store.readDocument(document.config.digest), document.config.digest)
    return [`${os}/${architecture}`]
  }
  return document.manifests.flatMap(({ platform }) =>
    platform && platform.os !== 'unknown' ? [`${platform.os}/${platform.architecture}`] : [],
  )
}

/** The bytes of an OCI layout archive of these images that also carries manifest.json, for `docker load` and `ctr images import`. */
export async function* exportArchive(
  store: ImageStore,
  references: readonly string[],
  options: { architecture: string },
): AsyncGenerator<Uint8Array> {
  const images: StoredImage[] = []
  for (const text of references) {
    const reference = normalizeReference(text)
    const target = await store.resolve(reference)
    if (!target) throw new Error(`Cannot export "${reference}": it is not in the image store`)
    images.push({ reference, target })
  }
  const blobs = new Map<string, number>()
  const docker: object[] = []
  for (const { reference, target } of images)
    docker.push(...(await collect(store, reference, target, { ...options, blobs })))
  const manifests = images.map(({ reference, target: { mediaType, digest, size } }) => ({
    mediaType,
    digest,
    size,
    annotations: { [NAME_ANNOTATION]: reference, [REF_ANNOTATION]: parseReference(reference).tag ?? digest },
  }))
  const document = (path: string, value: unknown): TarItem => {
    const bytes = encodeDocument(value)
    return { ...FILE, path, size: bytes.length, content: once(bytes) }
  }
  const items = [
    document('oci-layout', { imageLayoutVersion: '1.0.0' }),
    document('index.json', { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests }),
    document('manifest.json', docker),
    ...[...blobs]
      .sort()
      .map(([digest, size]): TarItem => ({ ...FILE, path: blobPath(digest), size, content: verified(store, digest) })),
  ]
  yield* writeTar(items)
}

const FILE = { type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 } as const

function blobPath(digest: string): string {
  if (!isDigest(digest)) throw new Error(`Cannot export "${digest}": it is not a digest`)
  return `blobs/${digest.replace(':', '/')}`
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function* verified(store: ImageStore, digest: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  for await (const chunk of store.blobStream(digest)) {
    hash.update(chunk)
    yield chunk
  }
  if (`sha256:${hash.digest('hex')}` !== digest) throw new Error(`Cannot export ${digest}: the image store is damaged`)
}

/** Gathers what an image leads to; returns docker's entries, which know one platform: this one, or the first. */
async function collect(
  store: ImageStore,
  reference: string,
  target: Descriptor,
  options: { architecture: string; blobs: Map<string, number> },
): Promise<object[]> {
  const { blobs, architecture } = options
  blobs.set(target.digest, target.size)
  const document = parseManifest(await store.readDocument(target.digest), reference)
  if (document.kind === 'manifest') {
    for (const blob of [document.config, ...document.layers]) blobs.set(blob.digest, blob.size)
    const layers = document.layers.map(({ digest }) => blobPath(digest))
    return [{ Config: blobPath(document.config.digest), RepoTags: [familiarReference(reference)], Layers: layers }]
  }
  const chosen = choosePlatform(document.manifests, architecture) ?? document.manifests[0]
  const entries: object[] = []
  for (const child of document.manifests) {
    const found = await collect(store, reference, child, options)
    if (child === chosen) entries.push(...found)
  }
  return entries
}
