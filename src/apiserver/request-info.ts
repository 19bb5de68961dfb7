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
  const plain: RequestInfo = {
    isResource: false,
    path,
    verb: method.toLowerCase(),
    group: '',
    version: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    rest: [],
  }
  const core = segments[0] === 'api'
  if (!core && segments[0] !== 'apis') return plain
  const at = core ? 2 : 3
  if (segments.length <= at) return plain

  const group = core ? '' : (segments[1] ?? '')
  const version = segments[at - 1] ?? ''
  let parts = segments.slice(at)
  let verb = VERBS[method] ?? method.toLowerCase()
  // The deprecated form `/api/v1/watch/pods`; old clients still use it.
  if (parts[0] === 'watch' && parts.length > 1) {
    parts = parts.slice(1)
    if (verb === 'get') verb = 'watch'
  }
  const place = placeOf(parts)
  if (verb === 'get' && place.name === '') verb = isTrue(query.get('watch')) ? 'watch' : 'list'
  else if (verb === 'get' && isTrue(query.get('watch')) && place.subresource === '') verb = 'watch'
  else if (verb === 'delete' && place.name === '') verb = 'deletecollection'
  // Reading one object by selector is authorised by its name: that is how agents watch the secrets of their pods.
  const name = verb === 'list' || verb === 'watch' ? place.name || selectedName(query) : place.name
  return { ...plain, isResource: true, verb, group, version, ...place, name }
}

function selectedName(query: URLSearchParams): string {
  const term = (query.get('fieldSelector') ?? '').split(',').find((part) => /^metadata\.name==?[^=]/.test(part))
  const name = term?.replace(/^metadata\.name==?/, '') ?? ''
  return name.includes('/') || name.includes('%') || name.includes('\\') ? '' : name
}

function placeOf(
  parts: readonly string[],
): Pick<RequestInfo, 'namespace' | 'resource' | 'name' | 'subresource' | 'rest'> {
  const [first = '', second = '', third = ''] = parts
  if (first === 'namespaces' && second !== '' && third !== '' && !NAMESPACE_SUBRESOURCES.has(third)) {
    const [, , resource = '', name = '', subresource = '', ...rest] = parts
    return { namespace: second, resource, name, subresource, rest }
  }
  const [resource = '', name = '', subresource = '', ...rest] = parts
  // A namespace is asked for in its own namespace, so that a Role in it can grant it.
  return { namespace: resource === 'namespaces' ? name : '', resource, name, subresource, rest }
}

function pathSegments(path: string): string[] {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '') continue
    const text = segment.includes('%') ? decodeURIComponent(segment) : segment
    if (text === '.' || text === '..' || text.includes('\0'))
      throw new URIError(`illegal path segment ${JSON.stringify(text)}`)
    segments.push(text)
  }
  return segments
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
