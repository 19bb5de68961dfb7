// The pause image: the pause program for every architecture, and nothing else.

import { putIndex, putManifest } from './image.ts'
import { type Descriptor, MEDIA } from './manifest.ts'
import { type Architecture, pauseProgram } from './pause-program.ts'
import type { ImageStore } from './store.ts'
import { writeTar } from './tar-writer.ts'

export const PAUSE_IMAGE = 'drover.internal/pause:1'
const ARCHITECTURES: readonly Architecture[] = ['amd64', 'arm64']

/** Puts the pause image into the store. Nothing is read but this program, so the digest never changes. */
export async function buildPauseImage(store: ImageStore): Promise<Descriptor> {
  const manifests: Descriptor[] = []
  for (const architecture of ARCHITECTURES) {
    const program = pauseProgram(architecture)
    const file = {
      path: 'pause',
      type: 'file',
      mode: 0o755,
      uid: 0,
      gid: 0,
      mtimeSeconds: 0,
      size: program.length,
    } as const
    const content = (async function* () {
      yield program
    })()
    const layer = await store.putBlob(writeTar([{ ...file, content }]))
    manifests.push(
      await putManifest(store, {
        architecture,
        epochSeconds: 0,
        config: { User: '65535:65535', Entrypoint: ['/pause'], WorkingDir: '/' },
        layers: [{ mediaType: MEDIA.ociLayer, ...layer }],
        diffIDs: [layer.digest],
        history: [{ created: '1970-01-01T00:00:00Z', created_by: 'drover' }],
      }),
    )
  }
  const index = await putIndex(store, manifests)
  await store.put(PAUSE_IMAGE, index)
  return index
}
