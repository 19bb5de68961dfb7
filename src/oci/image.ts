// Putting an image of one or more platforms together from layers and configs, deterministically.

import { rfc3339 } from '../base/clock.ts'
import { type Descriptor, encodeDocument, MEDIA, type RunConfig } from './manifest.ts'
import type { ImageStore } from './store.ts'

export interface ImageParts {
  readonly architecture: string
  readonly epochSeconds: number
  readonly config: RunConfig
  readonly layers: readonly Descriptor[]
  /** The digests of the layers' tars, uncompressed. */
  readonly diffIDs: readonly string[]
  readonly history: readonly unknown[]
}

/** Stores config and manifest of one platform. */
export async function putManifest(store: ImageStore, parts: ImageParts): Promise<Descriptor> {
  const config = encodeDocument({
    created: rfc3339(parts.epochSeconds * 1000),
    architecture: parts.architecture,
    os: 'linux',
    config: parts.config,
    rootfs: { type: 'layers', diff_ids: parts.diffIDs },
    history: parts.history,
  })
  const stored = await store.putBlob(config)
  const manifest = encodeDocument({
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config: { mediaType: MEDIA.ociConfig, ...stored },
    layers: parts.layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  })
  return {
    mediaType: MEDIA.ociManifest,
    ...(await store.putBlob(manifest)),
    platform: { os: 'linux', architecture: parts.architecture },
  }
}

/** Stores an index over the manifests of several platforms. */
export async function putIndex(store: ImageStore, manifests: readonly Descriptor[]): Promise<Descriptor> {
  const index = encodeDocument({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests })
  return { mediaType: MEDIA.ociIndex, ...(await store.putBlob(index)) }
}

/** The manifest for a platform: the image itself, or the one of an index that fits. Undefined when there is none. */
export function choosePlatform(manifests: readonly Descriptor[], architecture: string): Descriptor | undefined {
  return manifests.find(({ platform }) => platform?.os === 'linux' && platform.architecture === architecture)
}
