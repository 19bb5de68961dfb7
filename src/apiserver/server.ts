// The pipeline: a request is identified, authorised, routed and answered. Everything that can go wrong becomes a Status.

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import * as errors from '../apimachinery/errors.ts'
import type { ApiRequest, ApiResponse, Identity } from '../client/door.ts'
import { ANONYMOUS, type Authenticator, withAuthenticatedGroup } from './authn/authenticator.ts'
import { impersonated } from './authn/impersonation.ts'
import { type AuthorizationRequest, type Authorizer, authorize } from './authz/authorizer.ts'
import type { FieldValidation, RequestContext } from './registry/context.ts'
import type { Registry } from './registry/registry.ts'
import type { Core } from './registry/served.ts'
import { type Parsed, type RequestInfo, tryParseRequest } from './request-info.ts'
import { errorResponse } from './responses.ts'
import { type Call, serveResource } from './rest.ts'

/** Serves one subresource, as `pods/log`; it gets the request after authorisation. */
export type SubresourceHandler = (call: Call) => Promise<ApiResponse>
/** Serves paths that are no resources: discovery, health, version. undefined: not mine. */
export type PathHandler = (
  request: ApiRequest,
  context: RequestContext,
) => Promise<ApiResponse | undefined> | ApiResponse | undefined

export interface PipelineOptions {
  core: Core
  registry: Registry
  clock: Clock
  random: Random
  log: Logger
  authenticators: readonly Authenticator[]
  authorizers: readonly Authorizer[]
  /** By `plural.group/subresource`, as `pods/log`, `deployments.apps/scale`; `*` + `/scale` for every resource that has one. */
  subresources: Readonly<Record<string, SubresourceHandler>>
  paths: readonly PathHandler[]
  /** Passes on what others serve; undefined: it is ours. */
  aggregated?: (request: ApiRequest, context: RequestContext) => Promise<ApiResponse> | undefined
  /** Kinds that are answered and not stored, by `plural.group` (the reviews, bindings). */
  answered: Readonly<Record<string, SubresourceHandler>>
}

/** Requests that are being worked on at once, watches aside; more are told to come back (upstream: 400 + 200). */
const MAX_IN_FLIGHT = 600

/** The first half of the pipeline alone: who asks, and may they. For upgrades, which are answered on the socket. */
export async function authorizeRequest(options: PipelineOptions, request: ApiRequest): Promise<RequestContext> {
  const context = identify(options, request, infoOf(parse(request)))
  checkAuthorized(options, context)
  return context
}

/** Answers a request whose path was parsed already. */
export type Pipeline = (request: ApiRequest, parsed: Parsed) => Promise<ApiResponse>

export function createPipeline(options: PipelineOptions): Pipeline {
  let inFlight = 0
  return async (request, parsed) => {
    const { accept } = request.headers
    if (inFlight >= MAX_IN_FLIGHT)
      return errorResponse(errors.tooManyRequests('Too many requests, please try again later.', 1), undefined, accept)
    inFlight++
    let context: RequestContext | undefined
    try {
      context = identify(options, request, infoOf(parsed))
      checkAuthorized(options, context)
      return await route(options, request, context)
    } catch (error) {
      if (!(error instanceof errors.StatusError))
        options.log.error('Failed to answer a request', { path: request.path, method: request.method, error })
      return errorResponse(error, context, accept)
    } finally {
      inFlight--
    }
  }
}

function parse({ method, path, query }: ApiRequest): Parsed {
  return tryParseRequest(method, path, query)
}

function infoOf(parsed: Parsed): RequestInfo {
  if (parsed.info) return parsed.info
  const { error } = parsed
  if (error instanceof URIError) throw errors.badRequest(`invalid URL path: ${error.message}`)
  throw error
}

function identify(options: PipelineOptions, request: ApiRequest, info: RequestInfo): RequestContext {
  const own = request.identity ?? authenticate(options.authenticators, request)
  const identity = impersonated(own, request.headers, options.authorizers)
  const userAgent = request.headers['user-agent'] ?? ''
  return {
    info,
    identity,
    requestID: options.random.uuid(),
    userAgent,
    fieldManager: fieldManagerOf(request.query, userAgent, info.verb),
    fieldValidation: fieldValidationOf(request.query, info.verb),
    dryRun: dryRunOf(request.query, info.verb),
    warnings: [],
    signal: request.signal,
  }
}

function authenticate(authenticators: readonly Authenticator[], request: ApiRequest): Identity {
  for (const authenticator of authenticators) {
    const identity = authenticator.authenticate(request)
    if (identity) return withAuthenticatedGroup(identity)
  }
  // Credentials that nobody knows are not the same as none.
  if (request.headers['authorization']) throw errors.unauthorized()
  return ANONYMOUS
}

function checkAuthorized(options: PipelineOptions, context: RequestContext): void {
  const { info, identity } = context
  const { verb, group, version, resource, subresource, namespace, name, path } = info
  const asked: AuthorizationRequest = { identity, verb, group, version, resource, subresource, namespace, name }
  if (!info.isResource) asked.path = path
  const decision = authorize(options.authorizers, asked)
  if (decision.verdict === 'allow') return
  throw errors.forbiddenRequest({ ...info, user: identity.username, reason: decision.reason })
}

function route(options: PipelineOptions, request: ApiRequest, context: RequestContext): Promise<ApiResponse> {
  const { info } = context
  const passedOn = options.aggregated?.(request, context)
  if (passedOn) return passedOn
  if (!info.isResource) return servePath(options.paths, request, context)
  const served = options.registry.get(info.group, info.version, info.resource)
  if (!served) throw errors.unknownPath()
  const { core } = options
  const call: Call = { core, served, request, context }
  const { subresource } = info
  const answered = subresource === '' ? options.answered[served.resource.groupResource] : undefined
  if (answered) return answered(call)
  if (subresource === '' || (subresource === 'status' && served.resource.subresources?.status)) {
    checkScope(call)
    return serveResource(call)
  }
  const handler =
    options.subresources[`${served.resource.groupResource}/${subresource}`] ?? genericSubresource(options, call)
  if (!handler) throw errors.unknownPath()
  return handler(call)
}

async function servePath(
  paths: readonly PathHandler[],
  request: ApiRequest,
  context: RequestContext,
): Promise<ApiResponse> {
  for (const handler of paths) {
    const response = await handler(request, context)
    if (response) return response
  }
  throw errors.unknownPath()
}

function genericSubresource(options: PipelineOptions, { served, context }: Call): SubresourceHandler | undefined {
  return context.info.subresource === 'scale' && served.resource.subresources?.scale
    ? options.subresources['*/scale']
    : undefined
}

/** A namespaced object is only found inside a namespace, a cluster-scoped one only outside. */
function checkScope({ served, context }: Call): void {
  const { namespace, verb, resource } = context.info
  const namespaced = served.resource.scope === 'Namespaced'
  if (!namespaced && namespace !== '' && resource !== 'namespaces') throw errors.unknownPath()
  if (namespaced && namespace === '' && verb !== 'list' && verb !== 'watch') {
    if (verb === 'create' || verb === 'deletecollection') throw errors.methodNotSupported(served.resource, verb)
    throw errors.unknownPath()
  }
}

/** Without fieldManager, the program's name at the head of the user agent owns what it writes (upstream prefixFromUserAgent). */
function fieldManagerOf(query: URLSearchParams, userAgent: string, verb: string): string {
  const given = query.get('fieldManager')
  if (given) {
    checkFieldManager(given, verb)
    return given
  }
  const slash = userAgent.indexOf('/')
  const name = (slash < 0 ? userAgent : userAgent.slice(0, slash)).replace(/[^\x20-\x7e]/g, '')
  return name === '' ? 'unknown' : name.slice(0, 128)
}

function checkFieldManager(name: string, verb: string): void {
  if (Buffer.byteLength(name) > 128)
    throw errors.invalidOptions(verb, 'fieldManager', 'Too long: may not be more than 128 bytes')
}

function fieldValidationOf(query: URLSearchParams, verb: string): FieldValidation {
  const given = query.get('fieldValidation')
  if (given === null || given === '') return 'Warn'
  if (given === 'Strict' || given === 'Warn' || given === 'Ignore') return given
  throw errors.invalidOptions(
    verb,
    'fieldValidation',
    `Unsupported value: ${JSON.stringify(given)}: supported values: "", "Ignore", "Strict", "Warn"`,
  )
}

function dryRunOf(query: URLSearchParams, verb: string): boolean {
  if (!query.has('dryRun')) return false
  const given = query.getAll('dryRun')
  errors.checkDryRun(given, verb)
  return given.includes('All')
}
