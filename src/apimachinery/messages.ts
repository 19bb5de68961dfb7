// Messages that no kind's page declares because every API server speaks them: Status, the options of writes, the owner of list metadata.

import { listMeta, metadataField } from './metadata.ts'
import type { Struct } from './schema.ts'
import { bool, int32, int64, list, ref, required, string, struct } from './schema.ts'

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'

export const statusCause = struct(`${META}.StatusCause`, {
  reason: string(1),
  message: string(2),
  field: string(3),
})

export const statusDetails = struct(`${META}.StatusDetails`, {
  name: string(1),
  group: string(2),
  kind: string(3),
  uid: string(6),
  causes: list(4, statusCause, { list: 'atomic' }),
  retryAfterSeconds: int32(5),
})

export const status = struct(`${META}.Status`, {
  metadata: ref(1, listMeta),
  status: string(2),
  message: string(3),
  reason: string(4),
  details: ref(5, statusDetails),
  code: int32(6),
})

export const preconditions = struct(`${META}.Preconditions`, {
  uid: string(1, { nilable: true }),
  resourceVersion: string(2, { nilable: true }),
})

export const deleteOptions = struct(`${META}.DeleteOptions`, {
  gracePeriodSeconds: int64(1, { nilable: true }),
  preconditions: ref(2, preconditions),
  orphanDependents: bool(3, { nilable: true }),
  propagationPolicy: string(4, { nilable: true }),
  dryRun: list(5, string(), { list: 'atomic' }),
  ignoreStoreReadErrorWithClusterBreakingPotential: bool(6, { nilable: true }),
})

export const partialObjectMetadata = struct(`${META}.PartialObjectMetadata`, { metadata: metadataField })

const lists = new WeakMap<Struct, Struct>()

/** The list of a kind as a message: metadata and items. `PodList` for `Pod` unless `listKind` says otherwise. */
export function listStruct(item: Struct, listKind?: string): Struct {
  let made = lists.get(item)
  if (made === undefined) {
    const name =
      listKind === undefined ? `${item.name}List` : `${item.name.slice(0, item.name.lastIndexOf('.'))}.${listKind}`
    made = struct(name, { metadata: ref(1, listMeta), items: required(list(2, item)) })
    lists.set(item, made)
  }
  return made
}
