import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isTrue, parseRequest, type RequestInfo } from './request-info.ts'

const cases: Record<string, [request: string, want: Record<string, unknown>]> = {
  'list in a namespace': [
    'GET /api/v1/namespaces/default/pods',
    { verb: 'list', namespace: 'default', resource: 'pods', name: '' },
  ],
  'list of everything': ['GET /api/v1/pods', { verb: 'list', namespace: '', resource: 'pods' }],
  watch: ['GET /api/v1/pods?watch=1', { verb: 'watch', resource: 'pods' }],
  'watch=false lists': ['GET /api/v1/pods?watch=false', { verb: 'list' }],
  'deprecated watch path': ['GET /api/v1/watch/namespaces/a/pods', { verb: 'watch', namespace: 'a', resource: 'pods' }],
  'one object': [
    'GET /apis/apps/v1/namespaces/a/deployments/web',
    { verb: 'get', group: 'apps', version: 'v1', resource: 'deployments', name: 'web' },
  ],
  subresource: ['PATCH /apis/apps/v1/namespaces/a/deployments/web/scale', { verb: 'patch', subresource: 'scale' }],
  'a namespace is in itself': [
    'GET /api/v1/namespaces/a',
    { verb: 'get', namespace: 'a', resource: 'namespaces', name: 'a' },
  ],
  'a namespace finalized': [
    'PUT /api/v1/namespaces/a/finalize',
    { resource: 'namespaces', subresource: 'finalize', name: 'a', verb: 'update' },
  ],
  'all namespaces': ['GET /api/v1/namespaces', { verb: 'list', resource: 'namespaces', namespace: '' }],
  'collection deleted': ['DELETE /api/v1/namespaces/a/pods', { verb: 'deletecollection' }],
  'proxy with a path': [
    'GET /api/v1/nodes/n/proxy/metrics/cadvisor',
    { subresource: 'proxy', rest: ['metrics', 'cadvisor'] },
  ],
  'encoded name': ['GET /apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode', { name: 'system:node' }],
  discovery: ['GET /apis/apps/v1', { isResource: false, verb: 'get' }],
  'another path': ['GET /healthz', { isResource: false, verb: 'get', path: '/healthz' }],
}
for (const [name, [request, want]] of Object.entries(cases)) {
  test(`parseRequest: ${name}`, () => {
    const [method = '', target = ''] = request.split(' ')
    const [path = '', query = ''] = target.split('?')
    const info = parseRequest(method, path, new URLSearchParams(query))
    assert.deepEqual(Object.fromEntries(Object.keys(want).map((k) => [k, Reflect.get(info, k)])), want)
  })
}

test('parseRequest refuses segments that climb', () => {
  for (const path of ['/api/v1/namespaces/%2e%2e/pods', '/api/v1/namespaces/a/../pods', '/api/v1/pods/%zz']) {
    assert.throws(() => parseRequest('GET', path, new URLSearchParams()), URIError)
  }
})

/** The same said in another way: the path taken apart once more for every question. */
function asTold(method: string, path: string, query: URLSearchParams): RequestInfo {
  const parts = path.split('/').filter((part) => part !== '')
  const [root, ...under] = parts
  const none = { group: '', version: '', namespace: '', resource: '', subresource: '', name: '', rest: [] }
  const [group = '', version = '', ...about] = root === 'api' ? ['', ...under] : under
  if ((root !== 'api' && root !== 'apis') || about.length === 0)
    return { isResource: false, path, verb: method.toLowerCase(), ...none }
  const old = about[0] === 'watch' && about.length > 1
  const [first, space = '', third = ''] = old ? about.slice(1) : about
  const inside = first === 'namespaces' && third !== '' && third !== 'status' && third !== 'finalize'
  const [resource = '', name = '', subresource = '', ...rest] = about.slice((old ? 1 : 0) + (inside ? 2 : 0))
  const watches = isTrue(query.get('watch'))
  const read =
    name === '' ? (old || watches ? 'watch' : 'list') : old || (watches && subresource === '') ? 'watch' : 'get'
  const verbs = { GET: read, POST: 'create', DELETE: name === '' ? 'deletecollection' : 'delete' }
  const verb = verbs[method as keyof typeof verbs]
  const namespace = inside ? space : resource === 'namespaces' ? name : ''
  return { isResource: true, path, verb, group, version, namespace, resource, subresource, name, rest }
}

test('parseRequest reads any path as it is told', () => {
  const words = fc.constantFrom(
    '',
    'api',
    'apis',
    'v1',
    'apps',
    'watch',
    'namespaces',
    'status',
    'finalize',
    'pods',
    'a',
  )
  const paths = fc
    .tuple(fc.constantFrom('/api/v1', '/apis/apps/v1', ''), fc.array(words, { maxLength: 8 }))
    .map(([root, rest]) => [root, ...rest].join('/'))
  fc.assert(
    fc.property(fc.constantFrom('GET', 'POST', 'DELETE'), paths, fc.boolean(), (method, path, watch) => {
      const query = new URLSearchParams(watch ? 'watch=true' : '')
      assert.deepEqual(parseRequest(method, path, query), asTold(method, path, query))
    }),
    { numRuns: 2000 },
  )
})
