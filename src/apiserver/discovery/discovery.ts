// Serves what clients find their way with: `/api`, `/apis` and below, `/version`, `/openapi`, and the public half of the token issuer.

import { createHash } from 'node:crypto'
import * as errors from '../../apimachinery/errors.ts'
import type { OpenApiDocument } from '../../apimachinery/openapi/documents.ts'
import type { ApiRequest, ApiResponse } from '../../client/door.ts'
import type { Aggregation } from '../aggregation/aggregation.ts'
import { JSON_OBJECT, negotiate } from '../negotiation.ts'
import type { RequestContext } from '../registry/context.ts'
import type { Registry } from '../registry/registry.ts'
import { type Headers, kindResponse, valueResponse } from '../responses.ts'
import type { PathHandler } from '../server.ts'
import {
  type AggregatedVersion,
  aggregated,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
} from './documents.ts'
import { type Group, groupsOf, withRemote } from './groups.ts'
import { discoveryMessage } from './messages.ts'
import { OpenApiDocuments } from './openapi.ts'
import { type VersionInfo, versionInfo } from './version.ts'

export interface DiscoveryOptions {
  registry: Registry
  /** What others serve under this server's name. */
  aggregation?: Pick<Aggregation, 'generation' | 'versions'>
  /** `host:port` under which clients reach this server. */
  serverAddress?: string
  /** Publishes how service account tokens are verified. */
  tokens?: { readonly issuer: string; readonly jwk: object }
  version?: VersionInfo
}

const SWAGGER_PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
/** How long verifiers of tokens may keep the keys (upstream). */
const KEYS_MAX_AGE_SECONDS = 3600
const DOCUMENT_MAX_AGE_SECONDS = 365 * 24 * 3600

export function discovery(options: DiscoveryOptions): PathHandler {
  const { registry, serverAddress = 'localhost:6443', version = versionInfo() } = options
  const known = new Documents(registry, serverAddress, options.aggregation)
  return (request, context) => {
    const path = normalized(request.path)
    const answer = answerTo(path, request, context, known, options, version)
    if (answer && request.method !== 'GET' && request.method !== 'HEAD') throw notAllowed()
    return answer
  }
}

/** A slash at the end changes nothing. */
function normalized(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

function answerTo(
  path: string,
  request: ApiRequest,
  context: RequestContext,
  known: Documents,
  options: DiscoveryOptions,
  version: VersionInfo,
): ApiResponse | undefined {
  switch (path) {
    case '/':
      return valueResponse({ paths: known.rootPaths() }, 200, { representation: JSON_OBJECT, context })
    case '/version':
      return valueResponse(version, 200, { representation: JSON_OBJECT, context })
    case '/api':
    case '/apis':
      return aggregatedAnswer(path, request, context, known) ?? value(known.plain(path) ?? {}, request, context)
    case '/openapi/v2':
      return swagger(request, context, known)
    case '/openapi/v3':
      return document(known.openapi().index(), 'application/json', request, context)
    case '/.well-known/openid-configuration':
    case '/openid/v1/jwks':
      return options.tokens && openid(path, options.tokens, known.serverAddress, context)
  }
  if (path.startsWith('/openapi/v3/')) return groupVersionDocument(path, request, context, known)
  const plain = known.plain(path)
  return plain && value(plain, request, context)
}

const MEDIA = ['json', 'yaml', 'protobuf'] as const

function value(document: object, request: ApiRequest, context: RequestContext): ApiResponse {
  const form = { representation: negotiate(request.headers['accept'], MEDIA), context }
  const message = form.representation.media === 'protobuf' ? discoveryMessage(document) : undefined
  return message ? kindResponse(message, message.value, { status: 200, form }) : valueResponse(document, 200, form)
}

function notAllowed(): errors.StatusError {
  return new errors.StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'the server does not allow this method on the requested resource',
    reason: 'MethodNotAllowed',
    details: {},
    code: 405,
  })
}

/** What follows from the set of served resources, made when first asked for and kept until the set changes. */
class Documents {
  readonly serverAddress: string
  readonly #registry: Registry
  readonly #aggregation: DiscoveryOptions['aggregation']
  readonly #openapi = new OpenApiDocuments()
  /** The registry's, and that of what is aggregated. */
  #generation = ''
  #openapiGeneration = ''
  #groups: readonly Group[] = []
  #plain = new Map<string, () => object>()
  readonly #made = new Map<string, object>()
  readonly #aggregated = new Map<string, { bytes: Buffer; etag: string }>()

  constructor(registry: Registry, serverAddress: string, aggregation: DiscoveryOptions['aggregation']) {
    this.#registry = registry
    this.#aggregation = aggregation
    this.serverAddress = serverAddress
  }

  /** The document of a path in the one-by-one form; undefined: nothing is there. */
  plain(path: string): object | undefined {
    this.#refresh()
    let made = this.#made.get(path)
    if (!made) {
      made = this.#plain.get(path)?.()
      if (made) this.#made.set(path, made)
    }
    return made
  }

  aggregated(path: string, version: AggregatedVersion): { bytes: Buffer; etag: string } {
    this.#refresh()
    const key = `${path} ${version}`
    let made = this.#aggregated.get(key)
    if (!made) {
      const groups = this.#groups.filter((g) => (g.name === '') === (path === '/api'))
      const bytes = Buffer.from(JSON.stringify(aggregated(groups, version)))
      made = { bytes, etag: `"${createHash('sha512').update(bytes).digest('hex').toUpperCase()}"` }
      this.#aggregated.set(key, made)
    }
    return made
  }

  openapi(): OpenApiDocuments {
    this.#refresh()
    if (this.#openapiGeneration !== this.#generation) {
      this.#openapi.update(this.#groups)
      this.#openapiGeneration = this.#generation
    }
    return this.#openapi
  }

  rootPaths(): string[] {
    this.#refresh()
    const others = ['/.well-known/openid-configuration', '/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3']
    return [...this.#plain.keys(), ...others, '/openid/v1/jwks', '/readyz', '/version'].sort()
  }

  #refresh(): void {
    const generation = `${this.#registry.generation} ${this.#aggregation?.generation ?? 0}`
    if (this.#generation === generation) return
    this.#generation = generation
    const groups = withRemote(groupsOf(this.#registry.all()), this.#aggregation?.versions() ?? [])
    this.#groups = groups
    this.#made.clear()
    this.#aggregated.clear()
    this.#plain = new Map<string, () => object>([
      [
        '/api',
        () =>
          apiVersions(
            groups.find((g) => g.name === ''),
            this.serverAddress,
          ),
      ],
      ['/apis', () => apiGroupList(groups)],
    ])
    for (const group of groups) {
      if (group.name !== '') this.#plain.set(`/apis/${group.name}`, () => apiGroup(group))
      for (const version of group.versions) {
        const path = group.name === '' ? `/api/${version.version}` : `/apis/${group.name}/${version.version}`
        // Whoever serves it answers for it.
        if (version.remote) continue
        this.#plain.set(path, () => apiResourceList(group, version))
      }
    }
  }
}

/** The first clause of Accept decides; undefined: the client wants the one-by-one form. */
function aggregatedAnswer(
  path: string,
  request: ApiRequest,
  context: RequestContext,
  known: Documents,
): ApiResponse | undefined {
  const version = aggregatedVersion(request.headers['accept'])
  if (version === undefined) return undefined
  const { bytes, etag } = known.aggregated(path, version)
  const headers: Headers = {
    'content-type': `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
    'cache-control': 'public',
    etag,
    vary: 'Accept',
    'audit-id': context.requestID,
  }
  if (request.headers['if-none-match'] === etag) return { status: 304, headers, body: { kind: 'empty' } }
  return { status: 200, headers, body: { kind: 'bytes', bytes } }
}

function aggregatedVersion(accept: string | undefined): AggregatedVersion | undefined {
  for (const clause of (accept ?? '').split(',', 32)) {
    const [type, ...rest] = clause.split(';').map((part) => part.trim())
    if (type !== 'application/json') continue
    const parameters = new Map(
      rest.map((p): [string, string] => [p.split('=', 1)[0] ?? '', p.slice(p.indexOf('=') + 1)]),
    )
    if (parameters.get('as') === undefined) return undefined
    if (parameters.get('as') !== 'APIGroupDiscoveryList' || parameters.get('g') !== 'apidiscovery.k8s.io') continue
    const version = parameters.get('v')
    if (version === 'v2' || version === 'v2beta1') return version
  }
  return undefined
}

function swagger(request: ApiRequest, context: RequestContext, known: Documents): ApiResponse {
  // Old clients write the version with an at sign, which is not legal in a media type.
  const protobuf = (request.headers['accept'] ?? '').includes('proto-openapi.spec.v2')
  const contentType = protobuf ? SWAGGER_PROTOBUF : 'application/json'
  return document(known.openapi().swagger(protobuf), contentType, request, context)
}

function groupVersionDocument(
  path: string,
  request: ApiRequest,
  context: RequestContext,
  known: Documents,
): ApiResponse | undefined {
  const found = known.openapi().groupVersion(path.slice('/openapi/v3/'.length))
  if (!found) return undefined
  const asked = request.query.get('hash')
  if (asked !== null && asked !== found.hash) {
    const headers = { location: `${path}?hash=${found.hash}`, 'audit-id': context.requestID }
    return { status: 301, headers, body: { kind: 'empty' } }
  }
  const answer = document(found, 'application/json', request, context)
  if (asked === null) return answer
  const lasting = `public, immutable, max-age=${DOCUMENT_MAX_AGE_SECONDS}`
  return { ...answer, headers: { ...answer.headers, 'cache-control': lasting } }
}

function document(
  { bytes, hash }: OpenApiDocument,
  contentType: string,
  request: ApiRequest,
  context: RequestContext,
): ApiResponse {
  const etag = `"${hash}"`
  const headers: Headers = {
    'content-type': contentType,
    'cache-control': 'no-cache, private',
    etag,
    vary: 'Accept',
    'audit-id': context.requestID,
  }
  if (request.headers['if-none-match'] === etag) return { status: 304, headers, body: { kind: 'empty' } }
  return { status: 200, headers, body: { kind: 'bytes', bytes } }
}

function openid(
  path: string,
  { issuer, jwk }: NonNullable<DiscoveryOptions['tokens']>,
  serverAddress: string,
  context: RequestContext,
): ApiResponse {
  const keys = path === '/openid/v1/jwks'
  const body = keys
    ? { keys: [jwk] }
    : {
        issuer,
        jwks_uri: `https://${serverAddress}/openid/v1/jwks`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      }
  const headers: Headers = {
    'content-type': keys ? 'application/jwk-set+json' : 'application/json',
    'cache-control': `public, max-age=${KEYS_MAX_AGE_SECONDS}`,
    'audit-id': context.requestID,
  }
  return { status: 200, headers, body: { kind: 'object', object: body, bytes: Buffer.from(JSON.stringify(body)) } }
}
