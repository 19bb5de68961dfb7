// The images of a cluster: a store beside its data, from which every node's containerd pulls, and the proof that each of them did.

import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import type { ImageStore } from '../oci/store.ts'
import { UserError } from '../base/node/user-error.ts'
import { errorText } from '../base/log.ts'
import { findContainerd } from '../node/containerd/containerd.ts'
import { socketOf } from '../node/containerd/config.ts'
import type { Host } from './host.ts'
import { containerdPathsOf, imagesOf, type Places } from './places.ts'
import type { ClusterState } from './state.ts'

/** As OCI and Debian name this machine's processor. */
export const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64'

export async function openImages(host: Host, places: Places): Promise<ImageStore> {
  const { openImageStore } = await import('../oci/store.ts')
  await mkdir(imagesOf(places), { recursive: true, mode: 0o700 })
  return openImageStore({ directory: imagesOf(places), clock: host.clock, random: host.random })
}

/** The pause image holds every pod's namespaces; without it no pod starts. */
export async function ensurePauseImage(host: Host, places: Places): Promise<void> {
  await ensurePause(await openImages(host, places))
}

export async function ensurePause(store: ImageStore): Promise<void> {
  const { buildPauseImage, PAUSE_IMAGE } = await import('../oci/pause.ts')
  const present = await store.resolve(PAUSE_IMAGE)
  if (present && (await store.missing(present)).length === 0) return
  await buildPauseImage(store)
}

export interface NodeImage {
  readonly reference: string
  readonly digest: string
}

/** Stores the images of an archive. */
export async function importFile(
  host: Host,
  places: Places,
  { file, as }: { file: string; as?: string | undefined },
): Promise<NodeImage[]> {
  const { importArchive } = await import('../oci/archive.ts')
  const store = await openImages(host, places)
  const options = { architecture: ARCHITECTURE, ...(as === undefined ? {} : { as }) }
  const images = await importArchive(store, createReadStream(file), options)
  return images.map(({ reference, target }) => ({ reference, digest: target.digest }))
}

/** Makes each running node pull the image, and checks that it has exactly this one. Throws when one of them does not. */
export async function spreadImage(
  host: Host,
  { places, state, nodes }: { places: Places; state: ClusterState; nodes?: readonly string[] | undefined },
  image: NodeImage,
): Promise<readonly string[]> {
  const chosen = nodes ?? state.nodes.map(({ name }) => name)
  const unknown = chosen.filter((name) => !state.nodes.some((node) => node.name === name))
  if (unknown.length > 0)
    throw new UserError(`Cluster "${state.name}" has no node "${unknown.join('", "')}"`, {
      remedy: `see: drover get nodes -n ${state.name}`,
    })
  const results = await Promise.allSettled(chosen.map((node) => pullOn(host, places, { node, image })))
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? [`${chosen[index] ?? ''}: ${errorText(result.reason)}`] : [],
  )
  if (failures.length > 0)
    throw new UserError(`Image "${image.reference}" is not on every node: ${failures.join('; ')}`, {
      remedy: `look at the nodes (drover status -n ${state.name}) and load it again`,
    })
  return chosen
}

async function pullOn(host: Host, places: Places, { node, image }: { node: string; image: NodeImage }): Promise<void> {
  const paths = containerdPathsOf(places, node)
  if (!findContainerd(paths)) throw new Error('its containerd does not run')
  const { CriClient } = await import('../node/cri/cri-client.ts')
  await using client = new CriClient({ socket: socketOf(paths), clock: host.clock, log: host.log })
  const options = { signal: host.signal }
  await client.pullImage({ image: image.reference }, options)
  const status = await client.imageStatus({ image: image.reference }, options)
  if (!status?.repoDigests?.some((digest) => digest.endsWith(`@${image.digest}`)))
    throw new Error(`it has ${status?.repoDigests?.join(', ') || 'nothing'} instead of ${image.digest}`)
}
