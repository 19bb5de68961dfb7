// PATCH: the four patch types, each computed on the newest state.

import { applyDefaults } from '../../apimachinery/defaults.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject, ObjectKey } from '../../apimachinery/metadata.ts'
import { isObject, type JsonObject, setOwn } from '../../apimachinery/objects.ts'
import { serverSideApply } from '../../apimachinery/apply/managed-fields.ts'
import { applyJsonPatch, MAX_OPERATIONS } from '../../apimachinery/patch/json-patch.ts'
import { applyMergePatch } from '../../apimachinery/patch/merge-patch.ts'
import { PatchError } from '../../apimachinery/patch/patch-error.ts'
import { applyStrategicMergePatch } from '../../apimachinery/patch/strategic.ts'
import type { StoredObject } from '../cache/stored.ts'
import { isTrue } from '../request-info.ts'
import { decodeObject, decodeShown, type RawBody } from './body.ts'
import type { RequestContext } from './context.ts'
import { create } from './create.ts'
import { type Core, keyOf, type Served } from './served.ts'
import { change } from './update.ts'

export const PATCH_TYPES = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
} as const
export type PatchType = (typeof PATCH_TYPES)[keyof typeof PATCH_TYPES]

export interface PatchRequest {
  type: PatchType
  body: RawBody
  query: URLSearchParams
}

export interface Patched {
  object: StoredObject
  created: boolean
}

export async function patch(
  core: Core,
  served: Served,
  key: ObjectKey,
  request: PatchRequest,
  context: RequestContext,
): Promise<Patched> {
  if (request.type === 'apply') return apply(core, served, key, request, context)
  const object = await change(
    core,
    served,
    key,
    { next: (current) => patchedObject(served, current, request, context), fromPresent: true },
    context,
  )
  return { object, created: false }
}

export function patchedObject(
  served: Served,
  current: StoredObject,
  request: PatchRequest,
  context: RequestContext,
): AnyObject {
  const { view } = served
  const live = view ? view.fromHub(current.object) : current.object
  const value = computed(served, live, request)
  const shown = (): string => (request.type === 'strategic' ? goText(request.body.value) : JSON.stringify(value))
  const refuse = (fault: string): errors.StatusError => errors.invalidPatch(shown(), fault)
  const body = { duplicates: request.body.duplicates, refuse }
  const changed = context.info.subresource === 'status' ? changedMembers(served, live, value) : value
  const next = decodeShown(served, { value: changed, ...body }, context)
  // A patch that does not name a revision is meant for whatever is there now.
  if (next.metadata.resourceVersion === String(current.revision) && !namesRevision(request))
    next.metadata.resourceVersion = ''
  if (next.metadata.name !== current.object.metadata.name) {
    throw errors.badRequest(
      `the name of the object (${next.metadata.name}) does not match the name on the URL (${current.object.metadata.name})`,
    )
  }
  return next
}

/** A JSON value as Go prints it, which is how upstream shows a strategic patch. */
function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (typeof value !== 'object') return String(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${entries.map(([key, inner]) => `${key}:${goText(inner)}`).join(' ')}]`
}

/**
 * What a patch of the status leaves as it is need not be read anew: the update carries it over. The status itself is never carried over, and
 * of the metadata the name is asked for.
 */
function changedMembers({ shown, view }: Served, live: object, patched: unknown): unknown {
  if (!isObject(patched) || shown.struct.dynamic === true) return patched
  const before = live as JsonObject
  const changed: JsonObject = {}
  for (const key in patched) {
    const value = patched[key]
    if (value !== before[key] || typeof value !== 'object' || key === 'status') setOwn(changed, key, value)
    else if (key === 'metadata') changed[key] = view ? value : { name: (value as JsonObject)['name'] }
  }
  return changed
}

function computed({ shown: resource }: Served, live: unknown, { type, body }: PatchRequest): unknown {
  if (type === 'json' && Array.isArray(body.value) && body.value.length > MAX_OPERATIONS)
    throw tooManyOperations(body.value.length)
  try {
    if (type === 'json') return applyJsonPatch(live, body.value)
    if (type === 'merge') return applyMergePatch(live, body.value)
    return applyStrategicMergePatch(resource.struct, live, body.value)
  } catch (error) {
    if (error instanceof PatchError) {
      throw error.unfit ? errors.unprocessable(error.message) : errors.badRequest(error.message)
    }
    throw error
  }
}

function tooManyOperations(count: number): errors.StatusError {
  const { status } = errors.requestEntityTooLarge(0)
  const why = `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${count}`
  return new errors.StatusError({ ...status, message: `Request entity is too large: ${why}` })
}

function namesRevision({ body, type }: PatchRequest): boolean {
  if (type === 'json')
    return (
      Array.isArray(body.value) &&
      body.value.some((op) => (op as { path?: unknown })?.path === '/metadata/resourceVersion')
    )
  const metadata = (body.value as { metadata?: unknown } | null)?.metadata
  return typeof metadata === 'object' && metadata !== null && 'resourceVersion' in metadata
}

/** Server-side apply: ownership decides what the patch changes; an absent object is created. */
async function apply(
  core: Core,
  served: Served,
  key: ObjectKey,
  request: PatchRequest,
  context: RequestContext,
): Promise<Patched> {
  const { resource } = served
  if (!request.query.get('fieldManager')) {
    throw errors.invalidPatchOptions('fieldManager', 'Required value: is required for apply patch')
  }
  const { view } = served
  const given = decodeObject(served.shown, request.body, context)
  // What is not said is nobody's: a view's defaults come when all that is said is put together.
  const applied = view ? view.convert(given) : given
  if (applied.metadata.managedFields !== undefined) throw errors.badRequest('metadata.managedFields must be nil')
  if (applied.metadata.name && applied.metadata.name !== key.name) {
    throw errors.badRequest(`name in URL does not match name in object: ${key.name} != ${applied.metadata.name}`)
  }
  applied.metadata.name = key.name
  if (key.namespace !== undefined) applied.metadata.namespace = key.namespace
  const force = isTrue(request.query.get('force'))
  const run = (live: AnyObject | undefined): AnyObject => {
    const outcome = serverSideApply({
      struct: resource.struct,
      live,
      applied: structuredClone(applied),
      manager: context.fieldManager,
      force,
      apiVersion: served.shown.apiVersion,
      subresource: context.info.subresource,
      nowMs: core.clock.now(),
    })
    if ('conflicts' in outcome) throw errors.applyConflict(outcome.message, outcome.conflicts)
    return view ? view.complete(outcome.object) : outcome.object
  }
  if (!served.cache.get(keyOf(served, key)) && context.info.subresource === '') {
    const object = run(undefined)
    applyDefaults(resource.struct, object)
    return { object: await create(core, served, object, context, { tracksFields: true }), created: true }
  }
  const object = await change(
    core,
    served,
    key,
    {
      next: (current) => run(JSON.parse(current.bytes.toString()) as AnyObject),
      fromPresent: true,
      tracksFields: true,
    },
    context,
  )
  return { object, created: false }
}
