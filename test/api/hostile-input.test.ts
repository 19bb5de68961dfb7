// What nobody sends by mistake: each gets a clean 4xx or is taken for the plain data that it is, never a 500, and the server lives on.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { configMaps } from '../../src/api/core/config-map.ts'
import { ADMIN, startCluster, type TestCluster } from '../../src/testing/cluster.ts'
import { type Answer, callsTo } from '../../src/testing/http.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const PODS = '/api/v1/namespaces/default/pods'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const map = (name: string, extra: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...extra,
})
/** JSON of its own: `__proto__` in an object literal would set its prototype. */
const text = (json: string): Buffer => Buffer.from(json)
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
const json = 'application/json'
const yaml = 'application/yaml'
const merge = 'application/merge-patch+json'
const jsonPatch = 'application/json-patch+json'

interface Case {
  name: string
  method: string
  path: string
  body?: unknown
  headers?: Record<string, string>
  code: number
  message?: RegExp
}

const type = (contentType: string): Record<string, string> => ({ 'content-type': contentType })
const operations = (count: number): object[] =>
  Array.from({ length: count }, () => ({ op: 'test', path: '/metadata/name', value: 'there' }))
const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]']
for (let i = 0; i < 12; i++) {
  const [name, of] = [String.fromCharCode(98 + i), String.fromCharCode(97 + i)]
  bomb.push(`${name}: &${name} [${Array(10).fill(`*${of}`).join(',')}]`)
}

const CASES: readonly Case[] = [
  { name: 'a path that climbs', method: 'GET', path: '/api/v1/namespaces/../secrets', code: 400 },
  { name: 'a path that climbs, encoded', method: 'GET', path: '/api/v1/namespaces/%2e%2e/secrets', code: 400 },
  { name: 'a path that climbs out of a name', method: 'GET', path: `${MAPS}/x%2f..%2f..%2fsecrets`, code: 404 },
  { name: 'a slash in a name', method: 'GET', path: `${MAPS}/there%2fthere`, code: 404 },
  { name: 'a slash in a namespace', method: 'GET', path: '/api/v1/namespaces/a%2fb/configmaps/x', code: 404 },
  { name: 'a slash in a name that is deleted', method: 'DELETE', path: '/api/v1/nodes/a%2fb', code: 404 },
  { name: 'a NUL in a name', method: 'GET', path: `${MAPS}/a%00b`, code: 400 },
  { name: 'bytes that are no UTF-8 in a name', method: 'GET', path: `${MAPS}/%ff`, code: 400 },
  { name: 'a name longer than any', method: 'GET', path: `${MAPS}/${'a'.repeat(60_000)}`, code: 404 },
  {
    name: 'a namespace longer than any',
    method: 'POST',
    path: `/api/v1/namespaces/${'a'.repeat(60_000)}/configmaps`,
    body: map('x'),
    code: 422,
  },
  { name: 'a resource from the prototype', method: 'GET', path: '/api/v1/namespaces/default/constructor', code: 404 },
  { name: 'a group from the prototype', method: 'GET', path: '/apis/constructor/v1/toString', code: 404 },
  { name: 'a group called __proto__', method: 'GET', path: '/apis/__proto__', code: 404 },
  { name: 'a version called __proto__', method: 'GET', path: '/apis/apps/__proto__', code: 404 },
  { name: 'a subresource from the prototype', method: 'GET', path: `${MAPS}/there/constructor`, code: 404 },
  { name: 'an object called __proto__', method: 'GET', path: `${MAPS}/__proto__`, code: 404 },
  {
    name: 'a field selector from the prototype',
    method: 'GET',
    path: `${MAPS}?fieldSelector=constructor%3Dx`,
    code: 400,
  },
  {
    name: 'a form from the prototype',
    method: 'GET',
    path: MAPS,
    headers: { accept: 'application/json;as=constructor;g=meta.k8s.io;v=v1' },
    code: 406,
  },
  { name: 'a media type from the prototype', method: 'GET', path: MAPS, headers: { accept: 'constructor' }, code: 406 },
  {
    name: 'a patch type from the prototype',
    method: 'PATCH',
    path: `${MAPS}/there`,
    body: text('{}'),
    headers: type('constructor'),
    code: 415,
  },
  {
    name: 'a label key that is the prototype',
    method: 'POST',
    path: MAPS,
    body: text('{"metadata":{"name":"x","labels":{"__proto__":"x"}}}'),
    code: 422,
  },
  {
    name: 'metadata that is the prototype',
    method: 'POST',
    path: `${MAPS}?fieldValidation=Strict`,
    body: text('{"metadata":{"name":"x"},"__proto__":{"kind":"Pod"}}'),
    code: 400,
  },
  {
    name: 'JSON nested too deeply',
    method: 'POST',
    path: MAPS,
    body: text(`{"metadata":{"name":"x"},"x":${nested(100_000)}}`),
    code: 400,
    message: /exceeded max depth/,
  },
  { name: 'brackets without end', method: 'POST', path: MAPS, body: text('['.repeat(500_000)), code: 400 },
  {
    name: 'YAML nested too deeply',
    method: 'POST',
    path: MAPS,
    body: text('['.repeat(50_000)),
    headers: type(yaml),
    code: 400,
  },
  {
    name: 'YAML with a deep indent',
    method: 'POST',
    path: MAPS,
    body: text(Array.from({ length: 1500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')),
    headers: type(yaml),
    code: 400,
  },
  {
    name: 'a bomb of YAML aliases',
    method: 'POST',
    path: MAPS,
    body: text(bomb.join('\n')),
    headers: type(yaml),
    code: 400,
  },
  {
    name: 'YAML that contains itself',
    method: 'POST',
    path: MAPS,
    body: text('metadata: &a\n  name: x\n  labels: *a\n'),
    headers: type(yaml),
    code: 400,
  },
  {
    name: 'YAML of several documents',
    method: 'POST',
    path: MAPS,
    body: text('a: 1\n---\nb: 2\n'),
    headers: type(yaml),
    code: 422,
  },
  {
    name: 'YAML with a code tag',
    method: 'POST',
    path: MAPS,
    body: text('metadata: !!js/function "x"\n'),
    headers: type(yaml),
    code: 400,
  },
  {
    name: 'a JSON patch of too many operations',
    method: 'PATCH',
    path: `${MAPS}/there`,
    body: operations(10_001),
    headers: type(jsonPatch),
    code: 413,
  },
  {
    name: 'a JSON patch that copies without end',
    method: 'PATCH',
    path: `${MAPS}/there`,
    body: Array.from({ length: 1000 }, () => ({ op: 'copy', from: '', path: '/metadata/x' })),
    headers: type(jsonPatch),
    code: 400,
  },
  {
    name: 'a JSON patch that is an object with a length',
    method: 'PATCH',
    path: `${MAPS}/there`,
    body: { length: 1e9 },
    headers: type(jsonPatch),
    code: 400,
  },
  {
    name: 'a JSON patch of the prototype',
    method: 'PATCH',
    path: `${MAPS}/there`,
    body: [{ op: 'add', path: '/constructor/prototype/polluted', value: 'x' }],
    headers: type(jsonPatch),
    code: 422,
  },
  {
    name: 'a JSON patch of a far index',
    method: 'PATCH',
    path: `${MAPS}/there`,
    body: [
      { op: 'add', path: '/metadata/finalizers', value: [] },
      { op: 'add', path: '/metadata/finalizers/999999999', value: 'a' },
    ],
    headers: type(jsonPatch),
    code: 422,
  },
  {
    name: 'a merge patch of a list',
    method: 'PATCH',
    path: `${MAPS}/there`,
    body: [],
    headers: type(merge),
    code: 400,
  },
  {
    name: 'a merge patch of null',
    method: 'PATCH',
    path: `${MAPS}/there`,
    body: text('null'),
    headers: type(merge),
    code: 400,
  },
  {
    name: 'a merge patch that takes the metadata away',
    method: 'PATCH',
    path: `${MAPS}/there`,
    body: { metadata: null },
    headers: type(merge),
    code: 400,
  },
  {
    name: 'a label selector that does not end',
    method: 'GET',
    path: `${MAPS}?labelSelector=${'a%20in%20('.repeat(3000)}`,
    code: 400,
  },
  {
    name: 'a label selector that is no selector',
    method: 'GET',
    path: `${MAPS}?labelSelector=${encodeURIComponent('!'.repeat(20_000))}`,
    code: 400,
  },
  {
    name: 'a field selector that is no selector',
    method: 'GET',
    path: `${MAPS}?fieldSelector=${encodeURIComponent('\\'.repeat(20_001))}`,
    code: 400,
  },
  { name: 'a giant continue token', method: 'GET', path: `${MAPS}?limit=1&continue=${'A'.repeat(50_000)}`, code: 400 },
  {
    name: 'a continue token that climbs',
    method: 'GET',
    path: `${MAPS}?limit=1&continue=${Buffer.from('{"v":"meta.k8s.io/v1","rv":1,"start":"../../secrets"}').toString('base64url')}`,
    code: 400,
  },
  {
    name: 'a continue token that is null',
    method: 'GET',
    path: `${MAPS}?limit=1&continue=${Buffer.from('null').toString('base64url')}`,
    code: 400,
  },
  {
    name: 'a continue token of the future',
    method: 'GET',
    path: `${MAPS}?limit=1&continue=${Buffer.from('{"v":"meta.k8s.io/v1","rv":9007199254740991,"start":"a/b"}').toString('base64url')}`,
    code: 504,
  },
  { name: 'a limit that is no number', method: 'GET', path: `${MAPS}?limit=1e9`, code: 400 },
  {
    name: 'a revision of 10,000 digits',
    method: 'GET',
    path: `${MAPS}?resourceVersion=${'9'.repeat(10_000)}`,
    code: 400,
  },
  { name: 'a watch of a revision that is none', method: 'GET', path: `${MAPS}?watch=1&resourceVersion=-1`, code: 400 },
  { name: 'a name of a megabyte', method: 'POST', path: MAPS, body: map(`a${'-'.repeat(1_000_000)}`), code: 422 },
  {
    name: 'a name of a megabyte of dots',
    method: 'POST',
    path: MAPS,
    body: map(`${'a.'.repeat(500_000)}!`),
    code: 422,
  },
  {
    name: 'a label value of a megabyte',
    method: 'POST',
    path: MAPS,
    body: map('x', { metadata: { name: 'x', labels: { a: `${'a-'.repeat(500_000)}!` } } }),
    code: 422,
  },
  {
    name: 'a label key of a megabyte',
    method: 'POST',
    path: MAPS,
    body: map('x', { metadata: { name: 'x', labels: { [`${'a.'.repeat(500_000)}/a`]: 'x' } } }),
    code: 422,
  },
  {
    name: '100,000 containers',
    method: 'POST',
    path: PODS,
    body: { metadata: { name: 'q' }, spec: { containers: Array.from({ length: 100_000 }, () => ({ name: 'c' })) } },
    code: 422,
  },
  {
    name: 'a JSON number beyond numbers',
    method: 'POST',
    path: DEPLOYMENTS,
    body: text('{"metadata":{"name":"x"},"spec":{"replicas":1e400}}'),
    code: 400,
  },
  { name: 'a NUL in a string', method: 'POST', path: MAPS, body: text('{"metadata":{"name":"a\\u0000b"}}'), code: 422 },
  {
    name: 'half a surrogate in a name',
    method: 'POST',
    path: MAPS,
    body: text('{"metadata":{"name":"a\\ud800"}}'),
    code: 422,
  },
  {
    name: 'protobuf that is none',
    method: 'POST',
    path: MAPS,
    body: Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(64, 0xff)]),
    headers: type('application/vnd.kubernetes.protobuf'),
    code: 400,
  },
  {
    name: 'protobuf without its mark',
    method: 'POST',
    path: MAPS,
    body: Buffer.alloc(10),
    headers: type('application/vnd.kubernetes.protobuf'),
    code: 400,
  },
  {
    name: 'an impersonation that cannot be decoded',
    method: 'GET',
    path: MAPS,
    headers: { 'impersonate-user': 'a', 'impersonate-extra-%zz': 'x' },
    code: 403,
  },
  {
    name: 'a body of another kind',
    method: 'DELETE',
    path: `${MAPS}/there`,
    body: text('[]'),
    headers: type(json),
    code: 400,
  },
  {
    name: 'a deletion with options of wrong types',
    method: 'DELETE',
    path: `${MAPS}/there`,
    body: { preconditions: 'x', gracePeriodSeconds: {} },
    code: 400,
  },
  {
    name: 'a time-out that is none',
    method: 'GET',
    path: `${MAPS}?watch=1&resourceVersion=1&timeoutSeconds=x`,
    code: 400,
  },
  {
    name: 'a field manager of a megabyte',
    method: 'POST',
    path: `${MAPS}?fieldManager=${'m'.repeat(60_000)}`,
    body: map('x'),
    code: 422,
  },
]

describe('hostile input:', () => {
  let cluster: TestCluster | undefined
  const served = (): TestCluster => {
    if (!cluster) throw new Error('The cluster is not started')
    return cluster
  }
  const call = (method: string, path: string, sent?: Parameters<ReturnType<typeof callsTo>>[2]): Promise<Answer> =>
    callsTo(served().server.handle, ADMIN)(method, path, sent)
  before(async () => {
    cluster = await startCluster()
    assert.equal((await call('POST', MAPS, { body: map('there') })).status, 201)
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }
    assert.equal((await call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: account })).status, 201)
    // What the server writes by itself after its start is written by now.
    await cluster.advance('5s')
  })
  after(() => cluster?.[Symbol.asyncDispose]())

  for (const { name, method, path, body, headers, code, message } of CASES) {
    test(name, async () => {
      const { store, clock } = served()
      const revision = store.revision
      const answer = call(method, path, { ...(body === undefined ? {} : { body }), ...(headers ? { headers } : {}) })
      // A revision of the future is waited for.
      if (code === 504) await clock.advance(5000)
      const { status, json: said } = await answer
      assert.equal(status, code, JSON.stringify(said).slice(0, 500))
      assert.equal(said['kind'], 'Status')
      assert.match(String(said['message']), message ?? /./)
      assert.equal(store.revision, revision, 'something was written')
      assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
    })
  }

  test('keys of the prototype are data like any other', async () => {
    const data = '{"__proto__":"p","constructor":"c","toString":"t"}'
    const made = await call('POST', MAPS, { body: text(`{"metadata":{"name":"proto"},"data":${data}}`) })
    assert.equal(made.status, 201)
    const patches: [string, string][] = [
      [merge, '{"data":{"__proto__":"p","hasOwnProperty":"h"}}'],
      ['application/strategic-merge-patch+json', '{"data":{"__proto__":"p","valueOf":"v"}}'],
      [jsonPatch, '[{"op":"add","path":"/data/__proto__","value":"q"}]'],
    ]
    for (const [contentType, body] of patches) {
      const patched = await call('PATCH', `${MAPS}/proto`, { body: text(body), headers: type(contentType) })
      assert.equal(patched.status, 200, patched.text)
    }
    const applied = await call('PATCH', `${MAPS}/proto?fieldManager=me&force=true`, {
      body: text('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto"},"data":{"__proto__":"r"}}'),
      headers: type('application/apply-patch+yaml'),
    })
    assert.equal(applied.status, 200, applied.text)
    const { json: read } = await call('GET', `${MAPS}/proto`)
    const found = Object.entries(read['data'] as object).sort()
    assert.deepEqual(found, [
      ['__proto__', 'r'],
      ['constructor', 'c'],
      ['hasOwnProperty', 'h'],
      ['toString', 't'],
      ['valueOf', 'v'],
    ])
    assert.equal((await call('DELETE', `${MAPS}/proto`)).status, 200)
  })

  test('selectors do not see the prototype', async () => {
    const listed = async (selector: string): Promise<number> => {
      const { status, json: list } = await call('GET', `${MAPS}?labelSelector=${encodeURIComponent(selector)}`)
      assert.equal(status, 200)
      return (list['items'] as unknown[]).length
    }
    const all = await listed('')
    assert.ok(all > 0)
    assert.deepEqual(
      await Promise.all(['constructor', 'toString', '!constructor', '!valueOf', 'constructor notin (x)'].map(listed)),
      [0, 0, all, all, all],
    )
  })

  test('a patch that nests step by step, deeper than a body may, is no internal error', async () => {
    const depth = 900
    const steps = Array.from(
      { length: 12 },
      (_, i) => `{"op":"add","path":"/x${'/a'.repeat(i * depth)}","value":${nested(depth)}}`,
    )
    const body = text(`[${steps.join(',')}]`)
    const { status, text: said } = await call('PATCH', `${MAPS}/there`, { body, headers: type(jsonPatch) })
    assert.ok(status < 500, said)
    assert.equal((await call('GET', MAPS)).status, 200)
  })

  test('what was there before is still whole', async () => {
    const names = (await served().client.list(configMaps, { namespace: 'default' })).items.map((i) => i.metadata.name)
    assert.deepEqual(names, ['there'])
  })
})
