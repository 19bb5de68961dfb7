import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRequest } from './request-info.ts'

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
