// Reads what a request is about from its method, path and query. The only parser: the router and the authorizer see the same answer.

export interface RequestInfo {
  /** False for paths such as `/healthz`, `/version`, `/openapi/v2`, and for discovery. */
  isResource: boolean
  path: string
  /** Upstream's API verb: get, list, watch, create, update, patch, delete, deletecollection; for other paths the method in lower case. */
  verb: string
  group: string
  version: string
  namespace: string
  resource: string
  subresource: string
  name: string
  /** Everything behind the subresource: `proxy/metrics/cadvisor` has `['metrics', 'cadvisor']`. */
  rest: readonly string[]
}

const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** Subresources of a namespace itself; anything else behind its name is a resource inside it. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize'])

/** Throws on a path that cannot be decoded or that has a segment which no object can be named (`.`, `..`). */
export function parseRequest(method: string, path: string, query: URLSearchParams): RequestInfo {
  const segments = pathSegments(path)
  const core = segments[0] === 'api'
  if (!core && segments[0] !== 'apis') return infoOfPath(method, path)
  let at = core ? 2 : 3
  if (segments.length <= at) return infoOfPath(method, path)

  const group = core ? '' : (segments[1] ?? '')
  const version = segments[at - 1] ?? ''
  let verb = VERBS[method] ?? method.toLowerCase()
  // The deprecated form `/api/v1/watch/pods`; old clients still use it.
  if (segments[at] === 'watch' && segments.length > at + 1) {
    at++
    if (verb === 'get') verb = 'watch'
  }
  const inside = isInsideNamespace(segments, at)
  const place = inside ? at + 2 : at
  const resource = segments[place] ?? ''
  let name = segments[place + 1] ?? ''
  const subresource = segments[place + 2] ?? ''
  // A namespace is asked for in its own namespace, so that a Role in it can grant it.
  const namespace = inside ? (segments[at + 1] ?? '') : resource === 'namespaces' ? name : ''
  if (verb === 'get' && name === '') verb = isTrue(query.get('watch')) ? 'watch' : 'list'
  else if (verb === 'get' && isTrue(query.get('watch')) && subresource === '') verb = 'watch'
  else if (verb === 'delete' && name === '') verb = 'deletecollection'
  // Reading one object by selector is authorised by its name: that is how agents watch the secrets of their pods.
  if (name === '' && (verb === 'list' || verb === 'watch')) name = selectedName(query)
  const rest = segments.length > place + 3 ? segments.slice(place + 3) : NOTHING
  return { isResource: true, path, verb, group, version, namespace, resource, subresource, name, rest }
}

const NOTHING: readonly string[] = []

function infoOfPath(method: string, path: string): RequestInfo {
  const none = { group: '', version: '', namespace: '', resource: '', subresource: '', name: '', rest: NOTHING }
  return { isResource: false, path, verb: method.toLowerCase(), ...none }
}

/** Do the segments from `at` on lead into a namespace, or are they about a namespace itself, or about something outside of all? */
function isInsideNamespace(segments: readonly string[], at: number): boolean {
  const behind = segments[at + 2]
  return segments[at] === 'namespaces' && behind !== undefined && !NAMESPACE_SUBRESOURCES.has(behind)
}

function selectedName(query: URLSearchParams): string {
  const term = (query.get('fieldSelector') ?? '').split(',').find((part) => /^metadata\.name==?[^=]/.test(part))
  const name = term?.replace(/^metadata\.name==?/, '') ?? ''
  return name.includes('/') || name.includes('%') || name.includes('\\') ? '' : name
}

/** Segments that are empty count for nothing. */
function pathSegments(path: string): string[] {
  const segments: string[] = []
  for (let from = 0; from <= path.length; ) {
    const slash = path.indexOf('/', from)
    const end = slash < 0 ? path.length : slash
    if (end > from) segments.push(segmentText(path.slice(from, end)))
    from = end + 1
  }
  return segments
}

function segmentText(segment: string): string {
  const text = segment.includes('%') ? decodeURIComponent(segment) : segment
  if (text === '.' || text === '..' || text.includes('\0'))
    throw new URIError(`illegal path segment ${JSON.stringify(text)}`)
  return text
}

/** How upstream reads boolean query parameters: anything but these is false; an empty value is true. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0' && value.toLowerCase() !== 'f'
}

/** What `parseRequest` says, or its complaint: for who must go on either way. */
export type Parsed = { readonly info: RequestInfo } | { readonly info: undefined; readonly error: unknown }

export function tryParseRequest(method: string, path: string, query: URLSearchParams): Parsed {
  try {
    return { info: parseRequest(method, path, query) }
  } catch (error) {
    return { info: undefined, error }
  }
}
