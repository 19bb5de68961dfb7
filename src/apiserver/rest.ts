// The verbs of a resource: from a parsed request to an answer.

import { parseJsonBody } from './request-body.ts'
import { DecodeError, decode } from '../apimachinery/decode.ts'
import * as errors from '../apimachinery/errors.ts'
import { deleteOptions as deleteOptionsStruct } from '../apimachinery/messages.ts'
import type { AnyObject, ObjectKey } from '../apimachinery/metadata.ts'
import { cloneJson } from '../apimachinery/objects.ts'
import type { ApiRequest, ApiResponse } from '../client/door.ts'
import { negotiate } from './negotiation.ts'
import { decodeShown, type RawBody } from './registry/body.ts'
import type { RequestContext } from './registry/context.ts'
import { create, placeInNamespace } from './registry/create.ts'
import { deletedStatus, remove } from './registry/delete.ts'
import type { DeleteOptions } from './registry/deletion.ts'
import { fresh, list } from './registry/list.ts'
import { PATCH_TYPES, patch, type PatchType } from './registry/patch.ts'
import { type Core, mustGet, type Served } from './registry/served.ts'
import { change } from './registry/update.ts'
import { watch } from './registry/watch.ts'
import { type Form, listResponse, mediaOf, objectResponse, valueResponse, watchResponse } from './responses.ts'

/** One request on a resource. */
export interface Call {
  core: Core
  served: Served
  request: ApiRequest
  context: RequestContext
}

type Answered = Parameters<typeof mediaOf>[0]

type VerbHandler = (call: Call) => Promise<ApiResponse>

const HANDLERS: ReadonlyMap<string, VerbHandler> = new Map([
  ['get', getObject],
  ['list', listObjects],
  ['watch', watchObjects],
  ['create', createObject],
  ['update', updateObject],
  ['patch', patchObject],
  ['delete', deleteObject],
  ['deletecollection', deleteObjects],
])

const OF_STATUS = new Set(['get', 'update', 'patch'])

/** Serves the object itself and its status; other subresources have handlers of their own. */
export function serveResource(call: Call): Promise<ApiResponse> {
  const { served, context } = call
  const { verb } = context.info
  const handler = HANDLERS.get(verb)
  const verbs: readonly string[] | undefined = served.resource.verbs
  if (!handler || verbs?.includes(verb) === false) throw errors.methodNotSupported(served.resource, verb)
  if (context.info.subresource === 'status' && !OF_STATUS.has(verb)) {
    throw errors.methodNotSupported(served.resource, verb)
  }
  const warning = served.view?.warning ?? served.resource.deprecation
  if (warning) context.warnings.push(warning)
  return handler(call)
}

/** `answered` is the kind that goes out, where it is another one than the resource's. */
export function formOf({ core, served, request, context }: Call, answered: Answered = served.shown): Form {
  const representation = negotiate(request.headers['accept'], mediaOf(answered))
  return {
    representation,
    context,
    table: { nowMs: core.clock.now(), includeObject: request.query.get('includeObject') ?? '' },
  }
}

export function keyOfRequest({ served, context }: Pick<Call, 'served' | 'context'>): ObjectKey {
  const { name, namespace } = context.info
  return served.resource.scope === 'Namespaced' ? { namespace, name } : { name }
}

async function getObject(call: Call): Promise<ApiResponse> {
  const { core, served, request } = call
  const form = formOf(call)
  const behind = fresh(core, request.query.get('resourceVersion') ?? '')
  if (behind !== undefined) await behind
  return objectResponse(served, mustGet(served, keyOfRequest(call)), 200, form)
}

async function listObjects(call: Call): Promise<ApiResponse> {
  const form = formOf(call)
  return listResponse(call.served, await list(call.core, call.served, call.request.query, call.context), form)
}

async function watchObjects(call: Call): Promise<ApiResponse> {
  const form = formOf(call)
  return watchResponse(call.served, await watch(call.core, call.served, call.request.query, call.context), form)
}

async function createObject(call: Call): Promise<ApiResponse> {
  const { core, served, context } = call
  const form = formOf(call)
  if (context.info.name !== '') throw errors.methodNotSupported(served.resource, 'create')
  const object = bodyObject(call)
  const stored = await create(core, served, object, context)
  return objectResponse(served, stored, 201, form)
}

function bodyObject({ served, request, context }: Call): AnyObject {
  return decodeShown(served, parseJsonBody(request, served.shown), context)
}

async function updateObject(call: Call): Promise<ApiResponse> {
  const { core, served, context } = call
  const form = formOf(call)
  const key = keyOfRequest(call)
  const object = bodyObject(call)
  if (object.metadata.name === '' || object.metadata.name === undefined) {
    throw errors.badRequest('name must be provided')
  }
  if (object.metadata.name !== key.name) {
    throw errors.badRequest(
      `the name of the object (${object.metadata.name}) does not match the name on the URL (${key.name})`,
    )
  }
  placeInNamespace(served, object, context)
  if (
    served.resource.createOnUpdate &&
    context.info.subresource === '' &&
    !served.cache.get(served.cache.prefix + pathOf(key))
  ) {
    delete object.metadata.resourceVersion
    return objectResponse(served, await create(core, served, object, context), 201, form)
  }
  const stored = await change(core, served, key, { next: () => cloneJson(object) }, context)
  return objectResponse(served, stored, 200, form)
}

function pathOf(key: ObjectKey): string {
  return key.namespace === undefined ? key.name : `${key.namespace}/${key.name}`
}

async function patchObject(call: Call): Promise<ApiResponse> {
  const { core, served, request, context } = call
  const form = formOf(call)
  const type = patchTypeOf(call)
  const body: RawBody = parseJsonBody(request, served.shown)
  const { object, created } = await patch(
    core,
    served,
    keyOfRequest(call),
    { type, body, query: request.query },
    context,
  )
  return objectResponse(served, object, created ? 201 : 200, form)
}

const PATCHES = Object.keys(PATCH_TYPES)
const CUSTOM_PATCHES = PATCHES.filter((type) => type !== 'application/strategic-merge-patch+json')

export function patchTypeOf({ served, request }: Call): PatchType {
  const contentType = (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? ''
  const supported = served.resource.custom === true ? CUSTOM_PATCHES : PATCHES
  if (!supported.includes(contentType)) throw errors.unsupportedMediaType(supported)
  return PATCH_TYPES[contentType as keyof typeof PATCH_TYPES]
}

async function deleteObject(call: Call): Promise<ApiResponse> {
  const { core, served, context } = call
  const form = formOf(call)
  const { gone, object } = await remove(core, served, keyOfRequest(call), deleteOptions(call), context)
  if (gone && !served.resource.returnsDeleted) return valueResponse(deletedStatus(served, object), 200, form)
  return objectResponse(served, object, 200, form)
}

async function deleteObjects(call: Call): Promise<ApiResponse> {
  const { core, served, request, context } = call
  const form = formOf(call)
  const listing = await list(core, served, request.query, context)
  const options = deleteOptions(call)
  for (const item of listing.items) {
    const { name, namespace } = item.object.metadata
    const key = namespace === undefined ? { name } : { namespace, name }
    try {
      await remove(core, served, key, options, context)
    } catch (error) {
      // Somebody else was faster.
      if (!errors.isNotFound(error)) throw error
    }
  }
  return listResponse(served, listing, form)
}

/** The options come in the body, or in the query where the body is empty. */
export function deleteOptions({ request, context }: Pick<Call, 'request' | 'context'>): DeleteOptions {
  const given = decodedOptions(parseJsonBody(request, { ...DELETE_OPTIONS, optional: true }).value)
  const { query } = request
  const grace = given.gracePeriodSeconds ?? numberIn(query, 'gracePeriodSeconds')
  const policy = given.propagationPolicy ?? query.get('propagationPolicy') ?? undefined
  const orphan = given.orphanDependents ?? booleanIn(query, 'orphanDependents')
  if (policy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(policy)) {
    throw errors.invalidDeleteOptions(
      'propagationPolicy',
      `Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
    )
  }
  if (policy !== undefined && orphan !== undefined) {
    throw errors.invalidDeleteOptions(
      'propagationPolicy',
      `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`,
    )
  }
  errors.checkDryRun(given.dryRun ?? [], context.info.verb)
  if (given.dryRun?.includes('All')) context.dryRun = true
  const preconditions = given.preconditions
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    ...(orphan === undefined ? {} : { orphanDependents: orphan }),
    ...(preconditions ? { preconditions } : {}),
  }
}

function decodedOptions(value: unknown): DeleteOptions {
  if (value === undefined) return {}
  try {
    return decode(deleteOptionsStruct, value, { unknownFields: 'ignore' }).value as DeleteOptions
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw errors.badRequest(`DeleteOptions in version "v1" cannot be handled as a DeleteOptions: ${error.message}`)
  }
}

const DELETE_OPTIONS = { kind: 'DeleteOptions', apiVersion: 'v1', struct: deleteOptionsStruct }

function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^-?\d{1,15}$/.test(text))
    throw errors.badRequest(`invalid ${name}: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

function booleanIn(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name)
  return text === null ? undefined : text === 'true' || text === '1'
}
