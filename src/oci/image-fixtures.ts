// What this room's tests share: a store in a temporary directory, and images small enough to read.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { putManifest } from './image.ts'
import { type Descriptor, MEDIA } from './manifest.ts'
import { type ImageStore, openImageStore } from './store.ts'
import { type TarItem, writeTar } from './tar-writer.ts'

export interface TemporaryStore extends AsyncDisposable {
  readonly root: string
  readonly store: ImageStore
}

export async function temporaryStore(clock: Clock = systemClock): Promise<TemporaryStore> {
  const root = await mkdtemp(join(tmpdir(), 'drover-oci-unit-'))
  const store = await openImageStore({ directory: join(root, 'store'), clock, random: seededRandom(1) })
  return { root, store, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) }
}

export function tarFile(path: string, text: string): TarItem {
  const bytes = Buffer.from(text)
  const content = (async function* () {
    yield bytes
  })()
  return { path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, size: bytes.length, content }
}

/** An image of one layer, stored but not named. */
export async function makeImage(store: ImageStore, items: TarItem[], architecture = 'amd64'): Promise<Descriptor> {
  const layer = await store.putBlob(writeTar(items))
  const parts = { architecture, epochSeconds: 0, config: { Cmd: ['/hello'], Env: ['PATH=/bin', 'A=1'] }, history: [] }
  return putManifest(store, { ...parts, layers: [{ mediaType: MEDIA.ociLayer, ...layer }], diffIDs: [layer.digest] })
}
