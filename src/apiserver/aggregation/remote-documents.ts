// What a backend says it serves: its resources for discovery, and its OpenAPI documents. Fetched with a time limit, bounded, never trusted in form.

import type { IncomingMessage } from 'node:http'
import { isObject, type JsonObject } from '../../apimachinery/objects.ts'
import type { Identity } from '../../client/door.ts'
import { askingText, type Backend, askBackend, bodyOf, identityHeaders } from './backend.ts'

export interface GroupVersionName {
  readonly group: string
  readonly version: string
}

/** The resources of a group version as aggregated discovery lists them. */
export type RemoteResources = readonly JsonObject[]

export interface RemoteOpenApi {
  /** Of version 3; absent when the backend has none. */
  readonly hash?: string
  /** Of version 2: the paths under the group version, and all definitions. */
  readonly swagger?: { readonly paths: JsonObject; readonly definitions: JsonObject }
}

const KUBE_AGGREGATOR: Identity = { username: 'system:kube-aggregator', groups: ['system:masters'] }
const AGGREGATED =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json'
const MAX_DISCOVERY_BYTES = 8 * 1024 * 1024
const MAX_OPENAPI_BYTES = 32 * 1024 * 1024
const MAX_RESOURCES = 5000

export interface Asking {
  readonly backend: Backend
  readonly signal: AbortSignal
}

const pathOf = ({ group, version }: GroupVersionName): string => `/apis/${group}/${version}`

function get({ backend, signal }: Asking, path: string, accept: string): Promise<IncomingMessage> {
  const headers = { ...identityHeaders(KUBE_AGGREGATOR), accept, 'user-agent': 'kube-aggregator' }
  return askBackend(backend, { method: 'GET', path, headers, signal })
}

/** Does the backend answer for the group version? Why not, in upstream's words. */
export async function discoveryProblem(asking: Asking, name: GroupVersionName): Promise<string | undefined> {
  const { origin } = asking.backend
  const shown = `${origin}${pathOf(name)}`
  try {
    const answer = await get(asking, pathOf(name), 'application/json')
    answer.destroy()
    const code = answer.statusCode ?? 0
    return code >= 200 && code < 300 ? undefined : `bad status from ${shown}: ${code}`
  } catch (error) {
    const why = asking.signal.aborted ? 'context deadline exceeded' : askingText(asking.backend, error)
    return `failing or missing response from ${shown}: Get ${JSON.stringify(shown)}: ${why}`
  }
}

async function jsonOf(asking: Asking, path: string, accept: string, limit: number): Promise<JsonObject | undefined> {
  const answer = await get(asking, path, accept)
  const body = await bodyOf(answer, limit)
  if (answer.statusCode !== 200 || body === undefined) return undefined
  const value: unknown = JSON.parse(body.toString())
  return isObject(value) ? value : undefined
}

/** Throws when the backend cannot be read. */
export async function remoteResources(asking: Asking, name: GroupVersionName): Promise<RemoteResources> {
  const all = await jsonOf(asking, '/apis', AGGREGATED, MAX_DISCOVERY_BYTES)
  if (all?.['kind'] === 'APIGroupDiscoveryList') {
    const group = objectsIn(all['items']).find(({ metadata }) => isObject(metadata) && metadata['name'] === name.group)
    const version = objectsIn(group?.['versions']).find((candidate) => candidate['version'] === name.version)
    if (version) return objectsIn(version['resources']).slice(0, MAX_RESOURCES)
  }
  const list = await jsonOf(asking, pathOf(name), 'application/json', MAX_DISCOVERY_BYTES)
  if (list?.['kind'] !== 'APIResourceList') throw new Error(`${pathOf(name)} answers no APIResourceList`)
  return aggregatedFrom(objectsIn(list['resources']).slice(0, MAX_RESOURCES), name)
}

function objectsIn(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** The one-by-one form as the aggregated one: subresources come under their resources. */
function aggregatedFrom(list: readonly JsonObject[], { group, version }: GroupVersionName): JsonObject[] {
  const kindOf = (entry: JsonObject): JsonObject => ({
    group: entry['group'] ?? group,
    version: entry['version'] ?? version,
    kind: entry['kind'] ?? '',
  })
  const resources = new Map<string, JsonObject>()
  for (const entry of list) {
    const name = String(entry['name'] ?? '')
    if (name === '' || name.includes('/')) continue
    resources.set(name, {
      resource: name,
      responseKind: kindOf(entry),
      scope: entry['namespaced'] === true ? 'Namespaced' : 'Cluster',
      singularResource: entry['singularName'] ?? '',
      verbs: entry['verbs'] ?? [],
      ...(entry['shortNames'] ? { shortNames: entry['shortNames'] } : {}),
      ...(entry['categories'] ? { categories: entry['categories'] } : {}),
    })
  }
  for (const entry of list) {
    const [name = '', subresource] = String(entry['name'] ?? '').split('/', 2)
    const parent = subresource === undefined ? undefined : resources.get(name)
    if (!parent || subresource === undefined) continue
    const known = Array.isArray(parent['subresources']) ? parent['subresources'] : []
    parent['subresources'] = [...known, { subresource, responseKind: kindOf(entry), verbs: entry['verbs'] ?? [] }]
  }
  return [...resources.values()]
}

/** What there is of OpenAPI; a backend without any is not at fault. */
export async function remoteOpenApi(asking: Asking, name: GroupVersionName): Promise<RemoteOpenApi> {
  const path = pathOf(name)
  const index = await jsonOf(asking, '/openapi/v3', 'application/json', MAX_DISCOVERY_BYTES).catch(() => undefined)
  const paths = index?.['paths']
  const entry = isObject(paths) ? paths[path.slice(1)] : undefined
  const url = isObject(entry) ? String(entry['serverRelativeURL'] ?? '') : ''
  const hash = /[?&]hash=([0-9A-Za-z]{1,256})/.exec(url)?.[1]
  const swagger = await jsonOf(asking, '/openapi/v2', 'application/json', MAX_OPENAPI_BYTES).catch(() => undefined)
  return {
    ...(hash === undefined ? {} : { hash }),
    ...(swagger ? { swagger: ownPart(swagger, path) } : {}),
  }
}

function ownPart(swagger: JsonObject, prefix: string): NonNullable<RemoteOpenApi['swagger']> {
  const paths = isObject(swagger['paths']) ? swagger['paths'] : {}
  const definitions = isObject(swagger['definitions']) ? swagger['definitions'] : {}
  const own = Object.entries(paths).filter(([path]) => path === prefix || path.startsWith(`${prefix}/`))
  return { paths: Object.fromEntries(own), definitions }
}
