// What clients find their way with, in upstream's form.

import { decodeEnvelope } from '../../apimachinery/protobuf/protobuf.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { ALL_RESOURCES } from '../../api/all.ts'
import type { ApiRequest, ApiResponse } from '../../client/door.ts'
import { openMemoryStore } from '../../store/memory/memory.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { Cacher } from '../cache/cacher.ts'
import type { RequestContext } from '../registry/context.ts'
import { Registry } from '../registry/registry.ts'
import { parseRequest } from '../request-info.ts'
import { discovery } from './discovery.ts'
import { compareVersions } from './groups.ts'

type Get = (path: string, headers?: Record<string, string>) => Promise<ApiResponse | undefined>

async function serve(): Promise<{ get: Get; registry: Registry } & AsyncDisposable> {
  const clock = new VirtualClock()
  const store = openMemoryStore({ clock, log: silentLogger })
  const cacher = new Cacher({ store, tenant: 'default', clock, log: silentLogger })
  const registry = new Registry(cacher)
  for (const resource of ALL_RESOURCES) await registry.add(resource)
  const handler = discovery({ registry, tokens: { issuer: 'https://issuer', jwk: { kid: 'one' } } })
  const get: Get = async (url, headers = {}) => {
    const [path = '', query = ''] = url.split('?')
    const request: ApiRequest = {
      method: 'GET',
      path,
      query: new URLSearchParams(query),
      headers,
      signal: new AbortController().signal,
    }
    const context: RequestContext = {
      info: parseRequest('GET', path, request.query),
      identity: { username: 'a', groups: [] },
      requestID: 'id',
      userAgent: '',
      fieldManager: '',
      fieldValidation: 'Warn',
      dryRun: false,
      warnings: [],
      signal: request.signal,
    }
    return handler(request, context)
  }
  return {
    get,
    registry,
    async [Symbol.asyncDispose]() {
      await cacher[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

function bytesOf(response: ApiResponse | undefined): Buffer {
  assert(response && (response.body.kind === 'bytes' || response.body.kind === 'object'))
  return response.body.bytes
}

interface Entry {
  name: string
  kind: string
  storageVersionHash?: string
}
/** What the tests look at in the documents, of whatever kind they are. */
interface Facts {
  kind: string
  apiVersion: string
  groupVersion: string
  groups: Entry[]
  resources: Entry[]
  items: {
    metadata: { name?: string }
    versions: {
      resources: { responseKind: { group: string; version: string; kind: string }; subresources: object }[]
    }[]
  }[]
  paths: Record<string, { serverRelativeURL: string }>
  components: { schemas: Record<string, object> }
  swagger: string
  major: string
  minor: string
  gitVersion: string
  issuer: string
}

function jsonOf(response: ApiResponse | undefined): Facts {
  return JSON.parse(bytesOf(response).toString()) as Facts
}

test('groups, versions and resources in the one-by-one form', async () => {
  await using server = await serve()
  const { get } = server
  assert.deepEqual(jsonOf(await get('/api')), {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: 'localhost:6443' }],
  })
  const groups = jsonOf(await get('/apis')).groups.map((g) => g.name)
  assert.deepEqual(groups.slice(0, 3), ['apiregistration.k8s.io', 'apps', 'authentication.k8s.io'])
  assert.deepEqual(jsonOf(await get('/apis/apps/')), {
    kind: 'APIGroup',
    apiVersion: 'v1',
    name: 'apps',
    versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
    preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
  })
  const core = jsonOf(await get('/api/v1'))
  assert.equal(core.groupVersion, 'v1')
  const named = (name: string) => core.resources.find((r) => r.name === name)
  assert.deepEqual(named('pods'), {
    name: 'pods',
    singularName: 'pod',
    namespaced: true,
    kind: 'Pod',
    verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
    shortNames: ['po'],
    categories: ['all'],
    // As every upstream server says.
    storageVersionHash: 'xPOwRZ+Yhw8=',
  })
  assert.deepEqual(named('pods/eviction'), {
    name: 'pods/eviction',
    singularName: '',
    namespaced: true,
    group: 'policy',
    version: 'v1',
    kind: 'Eviction',
    verbs: ['create'],
  })
  assert.equal(named('bindings')?.storageVersionHash, undefined)
  const names = core.resources.map((r) => r.name)
  assert.deepEqual(names, names.toSorted())
  assert.equal(await get('/apis/nowhere'), undefined)
  assert.equal(await get('/apis/apps/v9'), undefined)
})

test('aggregated discovery is one document per root, known by its ETag', async () => {
  await using server = await serve()
  const { get } = server
  const accept =
    'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json'
  const answer = await get('/apis', { accept })
  assert.equal(answer?.headers['content-type'], 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList')
  const document = jsonOf(answer)
  assert.equal(document.apiVersion, 'apidiscovery.k8s.io/v2')
  const apps = document.items.find(({ metadata }) => metadata.name === 'apps')
  assert(apps)
  assert.deepEqual(apps.metadata, { name: 'apps' })
  const deployments = apps.versions[0]?.resources.find(({ responseKind }) => responseKind.kind === 'Deployment')
  assert(deployments)
  assert.deepEqual(deployments.responseKind, { group: 'apps', version: 'v1', kind: 'Deployment' })
  assert.deepEqual(deployments.subresources, [
    {
      subresource: 'scale',
      responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
      verbs: ['get', 'patch', 'update'],
    },
    {
      subresource: 'status',
      responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      verbs: ['get', 'patch', 'update'],
    },
  ])
  const etag = String(answer?.headers['etag'])
  assert.equal((await get('/apis', { accept, 'if-none-match': etag }))?.status, 304)
  const old = 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json'
  assert.equal(jsonOf(await get('/api', { accept: old })).apiVersion, 'apidiscovery.k8s.io/v2beta1')
  assert.equal(jsonOf(await get('/apis', { accept: 'application/json' })).kind, 'APIGroupList')
  const protobufFirst = 'application/vnd.kubernetes.protobuf,application/json'
  const inProtobuf = await get('/apis', { accept: protobufFirst })
  assert.equal(inProtobuf?.headers['content-type'], 'application/vnd.kubernetes.protobuf')
  assert.equal(decodeEnvelope(bytesOf(inProtobuf)).kind, 'APIGroupList')
})

test('documents follow the set of resources', async () => {
  await using server = await serve()
  const { get, registry } = server
  const before = jsonOf(await get('/openapi/v3')).paths
  const deployments = registry.get('apps', 'v1', 'deployments')?.resource
  assert(deployments)
  registry.remove(deployments)
  const list = jsonOf(await get('/apis/apps/v1')).resources
  assert(list.every((r) => r.kind !== 'Deployment'))
  const after = jsonOf(await get('/openapi/v3')).paths
  assert.notDeepEqual(after['apis/apps/v1'], before['apis/apps/v1'])
  assert.deepEqual(after['api/v1'], before['api/v1'])
})

test('OpenAPI documents are found by their hashes', async () => {
  await using server = await serve()
  const { get } = server
  const url = jsonOf(await get('/openapi/v3')).paths['api/v1']?.serverRelativeURL ?? ''
  const answer = await get(url)
  assert.match(String(answer?.headers['cache-control']), /immutable/)
  assert(jsonOf(answer).components.schemas['io.k8s.api.core.v1.Pod'])
  const moved = await get('/openapi/v3/api/v1?hash=old')
  assert.equal(moved?.status, 301)
  assert.equal(moved?.headers['location'], url)
  const swagger = await get('/openapi/v2', {
    accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  })
  assert.equal(swagger?.headers['content-type'], 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf')
  assert.equal(jsonOf(await get('/openapi/v2')).swagger, '2.0')
  const etag = String(swagger?.headers['etag'])
  const accept = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
  assert.equal((await get('/openapi/v2', { accept, 'if-none-match': etag }))?.status, 304)
})

test('the version is one that clients can read, and tokens can be verified', async () => {
  await using server = await serve()
  const { get } = server
  const version = jsonOf(await get('/version'))
  assert.equal(`${version.major}.${version.minor}`, '1.36')
  assert.match(version.gitVersion, /^v1\.36\.\d+\+drover$/)
  assert.equal(jsonOf(await get('/.well-known/openid-configuration')).issuer, 'https://issuer')
  assert.deepEqual(jsonOf(await get('/openid/v1/jwks')), { keys: [{ kid: 'one' }] })
  assert(Object.values(jsonOf(await get('/')).paths).includes('/apis/apps/v1' as never))
})

test('versions are preferred as upstream prefers them', () => {
  const wanted = ['v10', 'v2', 'v1', 'v11beta2', 'v10beta3', 'v3beta1', 'v12alpha1', 'v11alpha2', 'foo1', 'foo10']
  assert.deepEqual(wanted.toSorted().sort(compareVersions), wanted)
})
