// The one catalogue of API errors: reason, code and wording as upstream's, because clients match on them.

import type { Issue } from './issues.ts'
import type { Resource } from './resource.ts'

export interface StatusCause {
  reason?: string
  message?: string
  field?: string
}

export interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  uid?: string
  causes?: readonly StatusCause[]
  retryAfterSeconds?: number
}

/** `metav1.Status`. */
export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: { continue?: string }
  status: 'Success' | 'Failure'
  message?: string
  reason?: string
  details?: StatusDetails
  code: number
}

/** An error that is an answer. */
export class StatusError extends Error {
  readonly status: Status

  constructor(status: Status) {
    super(status.message ?? '')
    this.name = 'StatusError'
    this.status = status
  }
}

/** How an error names a resource. */
export type ResourceRef = Pick<Resource, 'group' | 'plural' | 'kind' | 'groupResource'>

function failure(code: number, reason: string, message: string, details?: StatusDetails): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === '' ? {} : { reason }),
    ...(details ? { details } : {}),
    code,
  })
}

/** Upstream's details name a resource by its plural in `kind`. */
function detailsOf(resource: ResourceRef, name: string): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
  }
}

export function notFound(resource: ResourceRef, name: string): StatusError {
  return failure(
    404,
    'NotFound',
    `${resource.groupResource} ${JSON.stringify(name)} not found`,
    detailsOf(resource, name),
  )
}

/** A path that nobody serves: an unknown group, version or resource too. */
export function unknownPath(): StatusError {
  return failure(404, 'NotFound', 'the server could not find the requested resource', {})
}

export function alreadyExists(resource: ResourceRef, name: string): StatusError {
  return failure(
    409,
    'AlreadyExists',
    `${resource.groupResource} ${JSON.stringify(name)} already exists`,
    detailsOf(resource, name),
  )
}

export function generateNameConflict(resource: ResourceRef, name: string): StatusError {
  const message = `${resource.groupResource} ${JSON.stringify(name)} already exists, the server was not able to generate a unique name for the object`
  return failure(409, 'AlreadyExists', message, { ...detailsOf(resource, name), retryAfterSeconds: 1 })
}

export const OPTIMISTIC_LOCK =
  'the object has been modified; please apply your changes to the latest version and try again'

export function conflict(resource: ResourceRef, name: string, why = OPTIMISTIC_LOCK): StatusError {
  const message = `Operation cannot be fulfilled on ${resource.groupResource} ${JSON.stringify(name)}: ${why}`
  return failure(409, 'Conflict', message, detailsOf(resource, name))
}

/** Server-side apply met fields of another manager. */
export function applyConflict(message: string, causes: readonly StatusCause[]): StatusError {
  return failure(409, 'Conflict', message, { causes })
}

export function invalid(
  resource: Pick<ResourceRef, 'group' | 'kind'>,
  name: string,
  issues: readonly Issue[],
): StatusError {
  const texts = issues.map(({ field, message }) => `${field}: ${message}`)
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
  const kind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`
  return failure(422, 'Invalid', `${kind} ${JSON.stringify(name)} is invalid: ${text}`, {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.kind,
    causes: issues.map(({ reason, message, field }) => ({ reason, message, field })),
  })
}

/** A patch whose result is no object of its kind. */
export function invalidPatch(shown: string, fault: string): StatusError {
  const message = `Invalid value: ${JSON.stringify(shown)}: ${fault}`
  return failure(422, 'Invalid', ` "" is invalid: patch: ${message}`, {
    causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }],
  })
}

/** A bad query or body option: `ListOptions.meta.k8s.io "" is invalid: …`. */
function invalidOption(kind: string, field: string, message: string): StatusError {
  const reasons: Record<string, Issue['reason']> = {
    Required: 'FieldValueRequired',
    Unsupported: 'FieldValueNotSupported',
    Forbidden: 'FieldValueForbidden',
    Too: 'FieldValueTooLong',
  }
  const reason = reasons[/^\w+/.exec(message)?.[0] ?? ''] ?? 'FieldValueInvalid'
  return invalid({ group: 'meta.k8s.io', kind }, '', [{ field, reason, message }])
}
export const invalidListOptions = (field: string, message: string): StatusError =>
  invalidOption('ListOptions', field, message)
export const invalidPatchOptions = (field: string, message: string): StatusError =>
  invalidOption('PatchOptions', field, message)
export const invalidDeleteOptions = (field: string, message: string): StatusError =>
  invalidOption('DeleteOptions', field, message)

const OPTIONS: Readonly<Record<string, string>> = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
  delete: 'DeleteOptions',
  deletecollection: 'DeleteOptions',
}

/** A bad option of a request that writes; the verb decides what its options are called. */
export const invalidOptions = (verb: string, field: string, message: string): StatusError =>
  invalidOption(OPTIONS[verb] ?? 'CreateOptions', field, message)

/** Refuses a dry run of another sort than the one there is. */
export function checkDryRun(given: readonly string[], verb: string): void {
  if (given.every((value) => value === 'All')) return
  throw invalidOptions(verb, 'dryRun', `Unsupported value: ${JSON.stringify(given)}: supported values: "All"`)
}

export function badRequest(message: string): StatusError {
  return failure(400, 'BadRequest', message)
}

/** A patch that is well formed but cannot be applied. Upstream keeps to itself why; kubectl shows the causes. */
export function unprocessable(message: string): StatusError {
  return failure(422, 'Invalid', 'the server rejected our request due to an error in our request', {
    causes: [{ message }],
  })
}

export function unauthorized(): StatusError {
  return failure(401, 'Unauthorized', 'Unauthorized')
}

/** A refusal by an admission plugin. */
export function forbidden(resource: ResourceRef, name: string, why: string, cause?: StatusCause): StatusError {
  const subject = name === '' ? resource.groupResource : `${resource.groupResource} ${JSON.stringify(name)}`
  const details = detailsOf(resource, name)
  return failure(403, 'Forbidden', `${subject} is forbidden: ${why}`, cause ? { ...details, causes: [cause] } : details)
}

export interface ForbiddenRequest {
  user: string
  verb: string
  group: string
  resource: string
  subresource: string
  namespace: string
  name: string
  isResource?: boolean
  path?: string
  reason: string
}

/** A refusal by the authorizers. */
export function forbiddenRequest(request: ForbiddenRequest): StatusError {
  const { user, verb, group, resource, subresource, namespace, name, reason } = request
  const why = reason === '' ? '' : `: ${reason}`
  if (request.isResource === false) {
    return failure(
      403,
      'Forbidden',
      `forbidden: User ${JSON.stringify(user)} cannot ${verb} path ${JSON.stringify(request.path ?? '')}${why}`,
      {},
    )
  }
  const whole = subresource === '' ? resource : `${resource}/${subresource}`
  const groupResource = group === '' ? resource : `${resource}.${group}`
  const subject = name === '' ? groupResource : `${groupResource} ${JSON.stringify(name)}`
  const scope = namespace === '' ? ' at the cluster scope' : ` in the namespace ${JSON.stringify(namespace)}`
  const message = `${subject} is forbidden: User ${JSON.stringify(user)} cannot ${verb} resource ${JSON.stringify(whole)} in API group ${JSON.stringify(group)}${scope}${why}`
  return failure(403, 'Forbidden', message, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: resource,
  })
}

/** Only custom resources say which verb of which resource it was. */
export function methodNotSupported(resource: ResourceRef & { readonly custom?: boolean }, verb: string): StatusError {
  if (resource.custom !== true)
    return failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {})
  return failure(
    405,
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind ${JSON.stringify(resource.groupResource)}`,
    detailsOf(resource, ''),
  )
}

/** The revision asked for is no longer known. */
export function expired(message: string): StatusError {
  return failure(410, 'Expired', message)
}

export function tooLargeResourceVersion(asked: number, current: number): StatusError {
  const cause = { reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }
  return failure(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [cause],
    retryAfterSeconds: 1,
  })
}

export function timeout(message: string, retryAfterSeconds = 0): StatusError {
  return failure(504, 'Timeout', `Timeout: ${message}`, retryAfterSeconds ? { retryAfterSeconds } : {})
}

export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return failure(429, 'TooManyRequests', message, { retryAfterSeconds })
}

export function serviceUnavailable(message: string): StatusError {
  return failure(503, 'ServiceUnavailable', message)
}

export function internalError(message: string): StatusError {
  return failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] })
}

export function notAcceptable(supported: readonly string[]): StatusError {
  return failure(406, 'NotAcceptable', `only the following media types are accepted: ${supported.join(', ')}`)
}

export function unsupportedMediaType(supported: readonly string[]): StatusError {
  return failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${supported.join(', ')}`,
  )
}

export function requestEntityTooLarge(limit: number): StatusError {
  return failure(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`)
}

/** An object that is larger than etcd takes, in etcd's words. */
export function objectTooLarge(): StatusError {
  return failure(500, '', 'etcdserver: request is too large')
}

/** What a write that leaves no object answers. */
export function success(details: StatusDetails): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details, code: 200 }
}

/** The error that an answer's body tells. */
export function statusErrorFrom(body: unknown, code: number): StatusError {
  const status = body as Partial<Status> | null
  if (status?.kind === 'Status' && typeof status.code === 'number') return new StatusError(status as Status)
  return failure(
    code,
    code === 404 ? 'NotFound' : 'Unknown',
    typeof body === 'string' && body !== '' ? body : `the server answered ${code}`,
  )
}

const hasReason =
  (...reasons: string[]) =>
  (error: unknown): error is StatusError =>
    error instanceof StatusError && reasons.includes(error.status.reason ?? '')

export const isNotFound = hasReason('NotFound')
export const isAlreadyExists = hasReason('AlreadyExists')
export const isConflict = hasReason('Conflict')
export const isInvalid = hasReason('Invalid')
export const isForbidden = hasReason('Forbidden')
export const isExpired = hasReason('Expired', 'Gone')
export const isUnauthorized = hasReason('Unauthorized')
