// Answers as values: objects, lists, watches and Statuses in the form that the client asked for.

import type { AnyObject } from '../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../apimachinery/resource.ts'
import { errorText } from '../base/log.ts'
import * as errors from '../apimachinery/errors.ts'
import { partialMetadata } from '../apimachinery/partial-metadata.ts'
import { partialObjectMetadata, status as statusStruct } from '../apimachinery/messages.ts'
import { encodeProtobuf, encodeWatchFrame, type TypeMeta } from '../apimachinery/protobuf/protobuf.ts'
import type { Struct } from '../apimachinery/schema.ts'
import { type TableOptions, tableHead, tableOf, tableRow } from '../apimachinery/table.ts'
import { encodeYamlObject } from '../apimachinery/yaml-pieces.ts'
import type { ApiResponse, CachedObject, ResponseBody, WatchFrame } from '../client/door.ts'
import { StoreBusyError, StoreFullError } from '../store/store.ts'
import { frameLine } from './cache/stored.ts'
import {
  bytesPieces,
  jsonPieces,
  type ListMessage,
  type ListParts,
  lookAt,
  lookToEncode,
  protobufBody,
  yamlPieces,
} from './list-forms.ts'
import { type MediaType, negotiateError, type Representation } from './negotiation.ts'
import type { RequestContext } from './registry/context.ts'
import { type Listing, listEnds } from './registry/list.ts'
import type { Served } from './registry/served.ts'
import { shownBytes, shownEvents, shownObject, shownObjects } from './registry/shown.ts'

export type Headers = Record<string, string | readonly string[]>

/** Every resource exists in JSON and YAML; those with a protobuf schema in protobuf too. */
export function mediaOf(resource: Pick<Resource<AnyObject>, 'protobuf'>): readonly MediaType[] {
  return resource.protobuf === false ? TEXT_MEDIA : ALL_MEDIA
}

const TEXT_MEDIA: readonly MediaType[] = ['json', 'yaml']
const ALL_MEDIA: readonly MediaType[] = [...TEXT_MEDIA, 'protobuf']

export function objectResponse(served: Served, stored: CachedObject, status: number, form: Form): ApiResponse {
  const object = shownObject(served, stored)
  const { representation, context } = form
  const headers = headersOf(representation, context)
  if (representation.as === 'object' && representation.media === 'json') {
    return { status, headers, body: new ObjectBody(object) }
  }
  if (representation.media === 'protobuf') {
    const message = messageOf(served, form)
    return { status, headers, body: { kind: 'bytes', bytes: encodeProtobuf(message.struct, message, object.object) } }
  }
  return valueResponse(projected(served, object.object, form), status, form)
}

/** Parsed only for who looks inside: the HTTPS door sends the bytes. */
class ObjectBody {
  readonly kind = 'object'
  readonly #cached: CachedObject

  constructor(cached: CachedObject) {
    this.#cached = cached
  }

  get object(): DeepReadonly<AnyObject> {
    return this.#cached.object
  }

  get bytes(): Buffer {
    return this.#cached.bytes
  }
}

/** In which form an answer goes, and what its headers tell. */
interface AnswerForm {
  representation: Representation
  context: RequestContext | undefined
}

export interface Form extends AnswerForm {
  context: RequestContext
  /** What of the query shapes a table. */
  table: { nowMs: number; includeObject: string }
}

export async function listResponse(served: Served, listing: Listing, form: Form): Promise<ApiResponse> {
  return {
    status: 200,
    headers: headersOf(form.representation, form.context),
    body: await listForm(served, listing, form),
  }
}

async function listForm(served: Served, listing: Listing, form: Form): Promise<ResponseBody> {
  const { as, media } = form.representation
  const { head, metadata, tail } = listEnds(served, listing)
  if (as === 'object' && media === 'json') {
    if (!served.view) return { kind: 'list', metadata, head, items: listing.items, tail }
    return { kind: 'pieces', pieces: bytesPieces({ head, tail }, listing.items, (item) => shownBytes(served, item)) }
  }
  const look = as === 'object' && !served.view ? lookToEncode(listing.items) : lookAt(listing.items)
  const items = shownObjects(served, listing.items)
  if (media === 'protobuf') {
    return protobufBody(messageOf(served, form), metadata, { items, look, signal: form.context.signal })
  }
  const parts = partsOf(served, form, metadata)
  const sorted = as === 'table' ? inTableOrder(served, items) : items
  return { kind: 'pieces', pieces: (media === 'yaml' ? yamlPieces : jsonPieces)(parts, sorted, look) }
}

function inTableOrder({ shown }: Served, items: readonly CachedObject[]): readonly CachedObject[] {
  const { tableOrder } = shown
  if (!tableOrder) return items
  return items.toSorted((a, b) => tableOrder(a.object as AnyObject, b.object as AnyObject))
}

/** The list as a value: a table, the metadata of its objects, or the objects. */
function partsOf({ shown }: Served, form: Form, metadata: object): ListParts {
  switch (form.representation.as) {
    case 'table': {
      const options = tableOptions(form, metadata)
      return {
        around: { ...tableHead(shown, options) },
        member: 'rows',
        each: (object) => tableRow(shown, object, options),
      }
    }
    case 'metadata':
      return {
        around: { kind: PARTIAL.listKind, apiVersion: PARTIAL.apiVersion, metadata },
        member: 'items',
        each: partialMetadata,
      }
    case 'object':
      return {
        around: { kind: shown.listKind, apiVersion: shown.apiVersion, metadata },
        member: 'items',
        each: (object) => object,
      }
  }
}

/** One object as table, metadata or itself. */
function projected({ shown }: Served, object: DeepReadonly<AnyObject>, form: Form): object {
  const { resourceVersion = '' } = object.metadata
  switch (form.representation.as) {
    case 'table':
      return tableOf(shown, [object], tableOptions(form, { resourceVersion }))
    case 'metadata':
      return partialMetadata(object)
    case 'object':
      return object
  }
}

function tableOptions({ table }: Form, metadata: object): TableOptions {
  return { nowMs: table.nowMs, includeObject: includeOf(table.includeObject), metadata }
}

function includeOf(text: string): 'None' | 'Metadata' | 'Object' {
  if (text === '' || text === 'Metadata') return 'Metadata'
  if (text === 'None' || text === 'Object') return text
  throw errors.badRequest(
    `the includeObject query parameter must be one of "None", "Metadata" or "Object", not ${JSON.stringify(text)}`,
  )
}

export function watchResponse(served: Served, events: AsyncIterable<readonly WatchFrame[]>, form: Form): ApiResponse {
  const { representation, context } = form
  const seen = shownEvents(served, events)
  const plain = representation.as === 'object' && representation.media === 'json'
  const contentType = plain
    ? 'application/json'
    : `${representation.contentType}${representation.media === 'protobuf' ? ';stream=watch' : ''}`
  const headers = {
    ...headersOf(representation, context),
    'content-type': contentType,
    'cache-control': PRIVATE,
  }
  return { status: 200, headers, body: { kind: 'watch', events: plain ? seen : reframed(served, seen, form) } }
}

/** What of a frame its forms are made of. */
type Seen = Pick<WatchFrame, 'type' | 'object'>

async function* reframed(
  served: Served,
  events: AsyncIterable<readonly WatchFrame[]>,
  form: Form,
): AsyncGenerator<readonly WatchFrame[]> {
  let first = true
  for await (const batch of events) {
    yield batch.map((frame) => {
      const { type } = frame
      const seen = { type, object: frame.glance?.() ?? frame.object }
      const value = frameValue(served, seen, form, first)
      if (type !== 'BOOKMARK' && type !== 'ERROR') first = false
      if (form.representation.media === 'protobuf')
        return { ...seen, line: encodeWatchFrame(type, frameProtobuf(messageOf(served, form), seen)) }
      return { type, object: value, line: frameLine(type, Buffer.from(JSON.stringify(value))) }
    })
  }
}

/** Tables name their columns in the first event only, as upstream's do. */
function frameValue(served: Served, frame: Seen, form: Form, withColumns: boolean): object {
  const object = frame.object as DeepReadonly<AnyObject>
  if (frame.type === 'ERROR') return object
  if (form.representation.as === 'metadata') return partialMetadata(object)
  if (form.representation.as !== 'table') return object
  const options = tableOptions(form, frameMetadata(object))
  if (frame.type === 'BOOKMARK') return { ...tableOf(served.shown, [], options), columnDefinitions: [] }
  const table = tableOf(served.shown, [object], options)
  return withColumns ? table : { ...table, columnDefinitions: null }
}

function frameMetadata({ metadata }: DeepReadonly<AnyObject>): object {
  const { resourceVersion = '', annotations } = metadata
  return { resourceVersion, ...(annotations ? { annotations } : {}) }
}

/** An object of a kind that is answered and not kept: reviews, tokens, Scale, what is told of them. */
export function kindResponse(
  { struct, apiVersion, kind }: TypeMeta & { struct: Struct },
  value: object,
  { status, form }: { status: number; form: AnswerForm },
): ApiResponse {
  const { representation, context } = form
  if (representation.media !== 'protobuf') return valueResponse(value, status, form)
  const bytes = encodeProtobuf(struct, { apiVersion, kind }, value)
  return { status, headers: headersOf(representation, context), body: { kind: 'bytes', bytes } }
}

/** Any JSON value in the media that was asked for; a Status in protobuf too. */
export function valueResponse(value: object, status: number, form: AnswerForm): ApiResponse {
  const { representation, context } = form
  if (representation.media === 'protobuf') return kindResponse(STATUS, value, { status, form })
  const headers = headersOf(representation, context)
  if (representation.media === 'yaml') {
    return { status, headers, body: { kind: 'bytes', bytes: Buffer.from(encodeYamlObject(value)) } }
  }
  return { status, headers, body: { kind: 'object', object: value, bytes: Buffer.from(JSON.stringify(value)) } }
}

function headersOf(representation: Representation, context: RequestContext | undefined): Headers {
  const contentType = representation.as === 'object' ? representation.contentType : MEDIA_OF[representation.media]
  if (context === undefined) return { 'cache-control': PRIVATE, 'content-type': contentType }
  const { requestID, warnings } = context
  if (warnings.length === 0) return { 'cache-control': PRIVATE, 'audit-id': requestID, 'content-type': contentType }
  const warning = warnings.map(warningHeader)
  return { 'cache-control': PRIVATE, 'audit-id': requestID, warning, 'content-type': contentType }
}

const PRIVATE = 'no-cache, private'

const MEDIA_OF = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
} as const

/** Longest warning that is sent whole; upstream cuts them so that no header is dropped by a proxy. */
const MAX_WARNING = 4096

function warningHeader(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, ' ').slice(0, MAX_WARNING)
  return `299 - "${clean.replace(/(["\\])/g, '\\$1')}"`
}

function statusErrorOf(error: unknown): errors.StatusError {
  if (error instanceof errors.StatusError) return error
  // What the disk said is for the log; the client hears what to do.
  if (error instanceof StoreFullError) return errors.internalError(error.message)
  if (error instanceof StoreBusyError) return errors.tooManyRequests(error.message, 1)
  return errors.internalError(errorText(error))
}

/** An error as a Status, what the catalogue made or an internal error for anything else; `accept` is what the client said it reads. */
export function errorResponse(error: unknown, context: RequestContext | undefined, accept?: string): ApiResponse {
  const { status } = statusErrorOf(error)
  const answer = valueResponse(status, status.code, { representation: negotiateError(accept), context })
  const retry = status.details?.retryAfterSeconds
  return retry === undefined ? answer : { ...answer, headers: { ...answer.headers, 'retry-after': String(retry) } }
}

const STATUS = { apiVersion: 'v1', kind: 'Status', struct: statusStruct }

const PARTIAL: ListMessage = {
  struct: partialObjectMetadata,
  apiVersion: 'meta.k8s.io/v1',
  kind: 'PartialObjectMetadata',
  listKind: 'PartialObjectMetadataList',
}

/** What an object is in protobuf; the encoder takes of it what the message has. */
function messageOf({ shown }: Served, { representation }: Form): ListMessage {
  return representation.as === 'metadata' ? PARTIAL : shown
}

function frameProtobuf(message: ListMessage, { type, object }: Seen): Buffer {
  if (type === 'ERROR') return encodeProtobuf(statusStruct, STATUS, object as object)
  return encodeProtobuf(message.struct, message, object as object)
}
