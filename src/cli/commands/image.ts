// `drover image …`: build images from a short description, load them onto every node, list and remove them.

import { readFileSync, createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { UserError } from '../../base/node/user-error.ts'
import type { NodeImage } from '../../cluster/images.ts'
import { type Command, type Given, NAME_OPTION, OUTPUT_OPTION } from '../command.ts'
import type { Found } from '../clusters.ts'
import { wantsJSON } from '../inputs.ts'
import { bytesText, hostOf, type Session, showStep, table } from '../session.ts'

const NODES_OPTION = { flags: '--nodes <names>', about: 'only these nodes, separated by commas', many: true }

export const imageLoad: Command = {
  use: 'image load <images...>',
  short: 'Put images (archives, or names of images already stored) on every node',
  aliases: ['load image-archive', 'load docker-image'],
  options: [NAME_OPTION, NODES_OPTION, { flags: '--as <name>', about: 'name for an archive with one image' }],
  async run(session, given) {
    const { findCluster } = await import('../clusters.ts')
    const found = findCluster(session, given)
    for (const image of given.args) {
      const loaded = await storedImages(session, given, { found, image })
      for (const stored of loaded) await spread(session, given, { found, image: stored })
    }
  },
}

export const imageBuild: Command = {
  use: 'image build <spec>',
  short: 'Build an image from a description and put it on every node',
  options: [
    NAME_OPTION,
    NODES_OPTION,
    { flags: '-o, --output <file>', about: 'write an archive to this file instead' },
  ],
  async run(session, given) {
    const file = resolve(session.cwd, given.args[0] ?? '')
    const output = given.text('output')
    if (output !== undefined) return buildArchive(session, file, resolve(session.cwd, output))
    const { findCluster } = await import('../clusters.ts')
    const { openImages } = await import('../../cluster/images.ts')
    const found = findCluster(session, given)
    const store = await openImages(hostOf(session), found.places)
    const built = await build(session, file, store)
    await spread(session, given, { found, image: built })
    session.out(`${built.reference}@${built.digest}\n`)
  },
}

export const imageList: Command = {
  use: 'image ls',
  short: 'List the images of a cluster',
  options: [NAME_OPTION, OUTPUT_OPTION],
  async run(session, given) {
    const { findCluster } = await import('../clusters.ts')
    const { openImages } = await import('../../cluster/images.ts')
    const { familiarReference } = await import('../../oci/reference.ts')
    const { places } = findCluster(session, given)
    const store = await openImages(hostOf(session), places)
    const images = (await store.list()).map(({ reference, target }) => ({
      name: familiarReference(reference),
      digest: target.digest,
      manifestBytes: target.size,
    }))
    if (wantsJSON(given)) return session.out(`${JSON.stringify({ schemaVersion: 1, images }, undefined, 2)}\n`)
    const rows = images.map(({ name, digest }) => [name, digest])
    session.out(table(['NAME', 'DIGEST'], rows))
  },
}

export const imageRemove: Command = {
  use: 'image rm <names...>',
  short: 'Remove images from the store of a cluster',
  options: [NAME_OPTION],
  async run(session, given) {
    const { findCluster } = await import('../clusters.ts')
    const { openImages } = await import('../../cluster/images.ts')
    const { normalizeReference } = await import('../../oci/reference.ts')
    const { places } = findCluster(session, given)
    const store = await openImages(hostOf(session), places)
    const missing: string[] = []
    for (const name of given.args) if (!(await store.remove(normalizeReference(name)))) missing.push(name)
    const { bytes } = await store.gc()
    session.err(`Freed ${bytesText(bytes)}.\n`)
    if (missing.length > 0)
      throw new UserError(`There is no image "${missing.join('", "')}"`, { remedy: 'see: drover image ls' })
  },
}

interface Loading {
  readonly found: Found
  readonly image: string
}

/** What was named is a file, or an image that the store has already. */
async function storedImages(session: Session, given: Given, { found, image }: Loading): Promise<NodeImage[]> {
  const { importFile, openImages } = await import('../../cluster/images.ts')
  const { normalizeReference } = await import('../../oci/reference.ts')
  const { existsSync } = await import('node:fs')
  const file = resolve(session.cwd, image)
  if (existsSync(file))
    return showStep(session, `Reading ${image}`, () =>
      importFile(hostOf(session), found.places, { file, as: given.text('as') }),
    )
  const store = await openImages(hostOf(session), found.places)
  const reference = normalizeReference(image)
  const target = await store.resolve(reference)
  if (target) return [{ reference, digest: target.digest }]
  throw new UserError(`There is no file and no stored image "${image}"`, {
    remedy: 'give an archive, or build the image: drover image build SPEC',
  })
}

interface Spreading {
  readonly found: Found
  readonly image: NodeImage
}

async function spread(session: Session, given: Given, { found, image }: Spreading): Promise<void> {
  const { spreadImage } = await import('../../cluster/images.ts')
  const chosen = given.list('nodes')
  if (found.state.nodes.length === 0) return
  await showStep(session, `Loading ${image.reference} onto the nodes`, () =>
    spreadImage(hostOf(session), { ...found, nodes: chosen.length > 0 ? chosen : undefined }, image),
  )
}

type Store = Awaited<ReturnType<typeof import('../../oci/store.ts').openImageStore>>

async function build(session: Session, file: string, store: Store): Promise<NodeImage> {
  const { parseImageSpec } = await import('../../oci/spec.ts')
  const { buildImage } = await import('../../oci/build.ts')
  const { ARCHITECTURE } = await import('../../cluster/images.ts')
  const spec = parseImageSpec(readSpec(file))
  const cacheDirectory = join(session.projectDirectory, '.cache', 'packages')
  await mkdir(cacheDirectory, { recursive: true })
  const { random, signal } = session
  const built = await showStep(session, `Building ${file}`, () =>
    buildImage(spec, { store, directory: dirname(file), cacheDirectory, random, architecture: ARCHITECTURE, signal }),
  )
  return { reference: built.reference, digest: built.digest }
}

function readSpec(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UserError(`Cannot read "${file}"`, { remedy: 'name the file of an image description', cause: error })
  }
}

/** Needs no cluster: built in a store of its own, which goes when the archive is written. */
async function buildArchive(session: Session, file: string, output: string): Promise<void> {
  const { openImageStore } = await import('../../oci/store.ts')
  const { exportArchive } = await import('../../oci/archive.ts')
  const { ARCHITECTURE } = await import('../../cluster/images.ts')
  const { mkdtemp, rename, rm } = await import('node:fs/promises')
  await mkdir(dirname(output), { recursive: true })
  const directory = await mkdtemp(join(dirname(output), '.build-'))
  try {
    const store = await openImageStore({ directory, clock: session.clock, random: session.random })
    const built = await build(session, file, store)
    const draft = join(directory, 'archive.tar')
    const bytes = exportArchive(store, [built.reference], { architecture: ARCHITECTURE })
    await pipeline(Readable.from(bytes), createWriteStream(draft), { signal: session.signal })
    await rename(draft, output)
    session.out(`${built.reference}@${built.digest}\n`)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
