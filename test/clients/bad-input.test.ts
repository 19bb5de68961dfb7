import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { configMaps } from '../../src/api/core/config-map.ts'
import { type Answer, callsTo } from '../../src/testing/http.ts'
import { ADMIN, startCluster, type TestCluster } from '../../src/testing/cluster.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'

const map = (name: string, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...more,
})
const deployment = (more: object = {}): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: {
    selector: { matchLabels: { app: 'd' } },
    template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    ...more,
  },
})

interface Case {
  name: string
  method: string
  path: string
  body?: unknown
  type?: string
  code: number
  reason: string
  message: RegExp
  causes?: readonly object[]
}

const CASES: readonly Case[] = [
  {
    name: 'JSON that breaks off',
    method: 'POST',
    path: MAPS,
    body: Buffer.from('{"apiVersion":"v1","kind":"ConfigMap"'),
    code: 400,
    reason: 'BadRequest',
    message: /unexpected end of JSON input/,
  },
  {
    name: 'JSON with a wrong character',
    method: 'POST',
    path: MAPS,
    body: Buffer.from('{"apiVersion":}'),
    code: 400,
    reason: 'BadRequest',
    message: /invalid character '}' looking for beginning of value/,
  },
  {
    name: 'YAML that is none',
    method: 'POST',
    path: MAPS,
    body: Buffer.from('a: b: c: ['),
    type: 'application/yaml',
    code: 400,
    reason: 'BadRequest',
    message: /yaml/i,
  },
  {
    name: 'a media type that nobody knows',
    method: 'POST',
    path: MAPS,
    body: Buffer.from('x'),
    type: 'text/plain',
    code: 415,
    reason: 'UnsupportedMediaType',
    message: /the body of the request was in an unknown format - accepted media types include: application\/json/,
  },
  {
    name: 'an object of another kind',
    method: 'POST',
    path: MAPS,
    body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } },
    code: 400,
    reason: 'BadRequest',
    message: /Secret in version "v1" cannot be handled as a ConfigMap/,
  },
  {
    name: 'an object of another version',
    method: 'POST',
    path: DEPLOYMENTS,
    body: { ...deployment(), apiVersion: 'apps/v1beta9' },
    code: 400,
    reason: 'BadRequest',
    message: /the API version in the data \(apps\/v1beta9\) does not match the expected API version \(apps\/v1\)/,
  },
  {
    name: 'an unknown field under strict validation',
    method: 'POST',
    path: `${DEPLOYMENTS}?fieldValidation=Strict`,
    body: deployment({ replica: 2 }),
    code: 400,
    reason: 'BadRequest',
    message:
      /^Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec\.replica"$/,
  },
  {
    name: 'a field given twice under strict validation',
    method: 'POST',
    path: `${MAPS}?fieldValidation=Strict`,
    body: Buffer.from(
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"1"},"data":{"a":"2"}}',
    ),
    code: 400,
    reason: 'BadRequest',
    message: /strict decoding error: .*duplicate field "data"/,
  },
  {
    name: 'a value of a wrong type',
    method: 'POST',
    path: DEPLOYMENTS,
    body: deployment({ replicas: 'many' }),
    code: 400,
    reason: 'BadRequest',
    message:
      /^Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field .*spec\.replicas of type int32$/,
  },
  {
    name: 'a name that is no DNS label',
    method: 'POST',
    path: MAPS,
    body: map('Not_A_Name'),
    code: 422,
    reason: 'Invalid',
    message:
      /^ConfigMap "Not_A_Name" is invalid: metadata\.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain/,
  },
  {
    name: 'no name',
    method: 'POST',
    path: MAPS,
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} },
    code: 422,
    reason: 'Invalid',
    message: /^ConfigMap "" is invalid: metadata\.name: Required value: name or generateName is required$/,
    causes: [
      {
        reason: 'FieldValueRequired',
        message: 'Required value: name or generateName is required',
        field: 'metadata.name',
      },
    ],
  },
  {
    name: 'a missing required field',
    method: 'POST',
    path: DEPLOYMENTS,
    body: deployment({ template: { metadata: { labels: { app: 'd' } }, spec: { containers: [] } } }),
    code: 422,
    reason: 'Invalid',
    message: /spec\.template\.spec\.containers: Required value$/,
  },
  {
    name: 'an object over the size limit',
    method: 'POST',
    path: MAPS,
    body: map('big', { data: { a: 'x'.repeat(1024 * 1024 + 1) } }),
    code: 422,
    reason: 'Invalid',
    message: /Too long: may not be more than 1048576 bytes/,
  },
  {
    name: 'a change of an immutable field',
    method: 'PATCH',
    path: `${DEPLOYMENTS}/there`,
    body: { spec: { selector: { matchLabels: { other: 'x' } }, template: { metadata: { labels: { other: 'x' } } } } },
    type: 'application/merge-patch+json',
    code: 422,
    reason: 'Invalid',
    message: /spec\.selector: Invalid value: .*: field is immutable/,
  },
  {
    name: 'a kind that nobody serves',
    method: 'GET',
    path: '/api/v1/namespaces/default/widgets',
    code: 404,
    reason: 'NotFound',
    message: /^the server could not find the requested resource$/,
  },
  {
    name: 'a version that nobody serves',
    method: 'GET',
    path: '/apis/apps/v9/namespaces/default/deployments',
    code: 404,
    reason: 'NotFound',
    message: /^the server could not find the requested resource$/,
  },
  {
    name: 'a stale resourceVersion',
    method: 'PUT',
    path: `${MAPS}/there`,
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'there', resourceVersion: '1' } },
    code: 409,
    reason: 'Conflict',
    message:
      /^Operation cannot be fulfilled on configmaps "there": the object has been modified; please apply your changes to the latest version and try again$/,
  },
  {
    name: 'another name than that of the path',
    method: 'PUT',
    path: `${MAPS}/there`,
    body: map('other'),
    code: 400,
    reason: 'BadRequest',
    message: /^the name of the object \(other\) does not match the name on the URL \(there\)$/,
  },
  {
    name: 'another namespace than that of the path',
    method: 'POST',
    path: MAPS,
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'kube-system' } },
    code: 400,
    reason: 'BadRequest',
    message: /^the namespace of the provided object does not match the namespace sent on the request$/,
  },
  {
    name: 'a resourceVersion on creation',
    method: 'POST',
    path: MAPS,
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', resourceVersion: '5' } },
    code: 400,
    reason: 'BadRequest',
    message: /^resourceVersion should not be set on objects to be created$/,
  },
  {
    name: 'a JSON patch that does not fit',
    method: 'PATCH',
    path: `${MAPS}/there`,
    body: [{ op: 'remove', path: '/data/nosuch' }],
    type: 'application/json-patch+json',
    code: 422,
    reason: 'Invalid',
    message: /the server rejected our request due to an error in our request/,
  },
  {
    name: 'a patch that is none',
    method: 'PATCH',
    path: `${MAPS}/there`,
    body: Buffer.from('nonsense'),
    type: 'application/merge-patch+json',
    code: 400,
    reason: 'BadRequest',
    message: /invalid character/,
  },
  {
    name: 'a patch of an unknown type',
    method: 'PATCH',
    path: `${MAPS}/there`,
    body: {},
    type: 'application/json',
    code: 415,
    reason: 'UnsupportedMediaType',
    message: /accepted media types include: application\/json-patch\+json/,
  },
  {
    name: 'an apply without a manager',
    method: 'PATCH',
    path: `${MAPS}/there`,
    body: map('there'),
    type: 'application/apply-patch+yaml',
    code: 422,
    reason: 'Invalid',
    message: /fieldManager: Required value: is required for apply patch/,
  },
  {
    name: 'a verb that the kind has not',
    method: 'GET',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    code: 405,
    reason: 'MethodNotAllowed',
    message: /./,
  },
  {
    name: 'a POST to an object',
    method: 'POST',
    path: `${MAPS}/there`,
    body: map('there'),
    code: 405,
    reason: 'MethodNotAllowed',
    message: /./,
  },
  {
    name: 'a deletion of what is not there',
    method: 'DELETE',
    path: `${MAPS}/nosuch`,
    code: 404,
    reason: 'NotFound',
    message: /^configmaps "nosuch" not found$/,
  },
  {
    name: 'an unknown policy of deletion',
    method: 'DELETE',
    path: `${MAPS}/there?propagationPolicy=Sideways`,
    code: 422,
    reason: 'Invalid',
    message: /propagationPolicy/,
  },
  {
    name: 'an unknown dry run',
    method: 'POST',
    path: `${MAPS}?dryRun=Some`,
    body: map('x'),
    code: 422,
    reason: 'Invalid',
    message: /dryRun: Unsupported value/,
  },
  {
    name: 'a path that climbs',
    method: 'GET',
    path: '/api/v1/namespaces/default/configmaps/%2e%2e',
    code: 400,
    reason: 'BadRequest',
    message: /./,
  },
  {
    name: 'a path that is badly encoded',
    method: 'GET',
    path: '/api/v1/namespaces/default/configmaps/%zz',
    code: 400,
    reason: 'BadRequest',
    message: /./,
  },
  {
    name: 'a form of answer that nobody makes',
    method: 'GET',
    path: `${MAPS}/there`,
    type: 'accept:text/html',
    code: 406,
    reason: 'NotAcceptable',
    message: /only the following media types are accepted/,
  },
]

describe('bad input gets the answer that Kubernetes gives:', () => {
  let cluster: TestCluster | undefined
  before(async () => {
    cluster = await startCluster()
    const call = callsTo(cluster.server.handle, ADMIN)
    assert.equal((await call('POST', MAPS, { body: map('there') })).status, 201)
    assert.equal(
      (await call('POST', DEPLOYMENTS, { body: { ...deployment(), metadata: { name: 'there' } } })).status,
      201,
    )
  })
  after(() => cluster?.[Symbol.asyncDispose]())

  const send = async ({ method, path, body, type }: Case): Promise<Answer> => {
    if (!cluster) throw new Error('The cluster is not started')
    const headers = type?.startsWith('accept:') ? { accept: type.slice(7) } : type ? { 'content-type': type } : {}
    return callsTo(cluster.server.handle, ADMIN)(method, path, { headers, ...(body === undefined ? {} : { body }) })
  }

  for (const each of CASES) {
    test(each.name, async () => {
      const before = cluster?.store.revision
      const { status, json } = await send(each)
      assert.equal(status, each.code, JSON.stringify(json))
      assert.deepEqual([json['kind'], json['status'], json['reason']], ['Status', 'Failure', each.reason])
      assert.match(String(json['message']), each.message)
      assert.equal(json['code'], each.code)
      if (each.causes) assert.deepEqual((json['details'] as { causes: object }).causes, each.causes)
      assert.doesNotMatch(JSON.stringify(json), /\.ts:\d|node:internal/, 'no stack trace')
      assert.equal(cluster?.store.revision, before, 'nothing is written')
    })
  }

  test('an unknown field is dropped with a warning, or silently, as asked', async () => {
    if (!cluster) throw new Error('The cluster is not started')
    const call = callsTo(cluster.server.handle, ADMIN)
    const body = map('w', { nonsense: 1 })
    const warned = await call('POST', `${MAPS}?dryRun=All`, { body })
    assert.equal(warned.status, 201)
    assert.deepEqual(warned.headers['warning'], ['299 - "unknown field \\"nonsense\\""'])
    assert.equal(warned.json['nonsense'], undefined)
    const ignored = await call('POST', `${MAPS}?dryRun=All&fieldValidation=Ignore`, { body })
    assert.equal(ignored.status, 201)
    assert.equal(ignored.headers['warning'], undefined)
  })

  test('what was there before is still whole', async () => {
    const names = (await cluster?.client.list(configMaps, { namespace: 'default' }))?.items.map((i) => i.metadata.name)
    assert.deepEqual(names, ['there'])
  })
})
