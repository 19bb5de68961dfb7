// An API server of the cluster is aggregated: asked under the caller's name, found by discovery, missed without harm when it is gone.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer, request as httpsRequest, type Server } from 'node:https'
import { afterEach, beforeEach, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/log.ts'
import { createAuthority, issueCertificate } from '../../base/node/certificates.ts'
import { seededRandom } from '../../base/random.ts'
import { type APIService, apiServices } from '../../api/apiregistration/api-service.ts'
import { configMaps } from '../../api/core/config-map.ts'
import { services } from '../../api/core/service/service.ts'
import { type EndpointSlice, endpointSlices } from '../../api/discovery/endpoint-slice.ts'
import { clusterRoleBindings } from '../../api/rbac/cluster-role-binding.ts'
import type { ApiRequest, Identity } from '../../client/door.ts'
import { ADMIN, startCluster, type TestCluster } from '../../testing/cluster.ts'
import { callsTo } from '../../testing/http.ts'
import { openHttps } from '../https.ts'

const sources = { clock: systemClock, random: seededRandom(11) }
const backendAuthority = createAuthority('backend-ca', sources)
const frontAuthority = createAuthority('front-proxy-ca', sources)
const serving = issueCertificate(
  backendAuthority,
  { commonName: 'backend', usages: ['server'], names: ['backend.default.svc'] },
  sources,
)
const front = issueCertificate(frontAuthority, { commonName: 'front-proxy-client', usages: ['client'] }, sources)

const RESOURCES = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: 'things.example.com/v1',
  resources: [
    { name: 'things', singularName: 'thing', namespaced: true, kind: 'Thing', verbs: ['get', 'list'] },
    { name: 'things/status', singularName: '', namespaced: true, kind: 'Thing', verbs: ['get'] },
  ],
}
const SWAGGER = {
  swagger: '2.0',
  info: { title: 'things', version: 'v1' },
  paths: { '/apis/things.example.com/v1/': { get: { operationId: 'things' } }, '/apis/other/v1/': {} },
  definitions: { 'com.example.Thing': { type: 'object' } },
}
const DOCUMENTS: Record<string, object> = {
  '/apis/things.example.com/v1': RESOURCES,
  '/openapi/v2': SWAGGER,
  '/openapi/v3': {
    paths: { 'apis/things.example.com/v1': { serverRelativeURL: '/openapi/v3/apis/things.example.com/v1?hash=AB12' } },
  },
  '/openapi/v3/apis/things.example.com/v1': { openapi: '3.0.0', paths: {} },
}

interface Seen {
  line: string
  client: string
  headers: IncomingMessage['headers']
  body: string
}

let seen: Seen[]
let backend: Server
let port: number
let cluster: TestCluster

function answerBackend(): Server {
  const server = createServer({
    cert: serving.certificate,
    key: serving.key,
    ca: frontAuthority.certificate,
    requestCert: true,
    rejectUnauthorized: true,
  })
  server.on('request', async (message, response) => {
    const body = Buffer.concat(await Array.fromAsync(message as AsyncIterable<Buffer>)).toString()
    const { subject } = (message.socket as TLSSocket).getPeerCertificate()
    seen.push({
      line: `${message.method} ${message.url}`,
      client: String(subject.CN),
      headers: message.headers,
      body,
    })
    const url = message.url ?? ''
    if (url.includes('/redirect')) {
      response.writeHead(302, { location: 'https://10.0.0.1/' }).end()
      return
    }
    const known = DOCUMENTS[url.split('?', 1)[0] ?? '']
    const [status, value] = known ? [200, known] : url.startsWith('/apis/things') ? [200, { kind: 'Thing' }] : [404, {}]
    response.writeHead(status, {
      'content-type': 'application/json',
      'x-backend': 'here',
      connection: 'x-hop',
      'x-hop': '1',
    })
    response.end(JSON.stringify(value))
  })
  server.on('upgrade', (message, socket) => {
    seen.push({ line: `UPGRADE ${message.url}`, client: '', headers: message.headers, body: '' })
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello')
  })
  return server
}

async function listen(server: Server, at = 0): Promise<number> {
  server.listen(at, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

beforeEach(async () => {
  seen = []
  backend = answerBackend()
  port = await listen(backend)
  cluster = await startCluster({
    server: {
      frontProxy: { ca: frontAuthority.certificate, ...front },
      resolveService: () => ({ host: '127.0.0.1', port }),
    },
  })
})
afterEach(async () => {
  await cluster[Symbol.asyncDispose]()
  backend.closeAllConnections()
  backend.close()
})

async function addBackendService(): Promise<void> {
  const metadata = { name: 'backend', namespace: 'default' }
  await cluster.client.create(services, { metadata, spec: { ports: [{ name: 'https', port: 443 }] } } as never)
  await cluster.client.create(endpointSlices, {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'backend' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.244.0.9'], conditions: { ready: true } }],
    ports: [{ name: 'https', port: 8443, protocol: 'TCP' }],
  } as unknown as EndpointSlice)
}

async function register(spec: object = {}): Promise<void> {
  await cluster.client.create(apiServices, {
    metadata: { name: 'v1.things.example.com' },
    spec: {
      group: 'things.example.com',
      version: 'v1',
      groupPriorityMinimum: 100,
      versionPriority: 15,
      service: { namespace: 'default', name: 'backend' },
      caBundle: Buffer.from(backendAuthority.certificate).toString('base64'),
      ...spec,
    },
  } as unknown as APIService)
  await settled()
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The change has reached the checker, and has been checked. */
async function settled(): Promise<void> {
  await turn()
  await cluster.server.settled()
}

async function available(): Promise<unknown[]> {
  const service = await cluster.get(apiServices, { name: 'v1.things.example.com' })
  const condition = service?.status?.conditions?.find(({ type }) => type === 'Available')
  return [condition?.status, condition?.reason, condition?.message]
}

const JANE: Identity = {
  username: 'jané',
  uid: '7',
  groups: ['a', 'b', 'system:authenticated'],
  extra: { 'example.com/Scope': ['x', 'y'] },
}
const THINGS = '/apis/things.example.com/v1/namespaces/default/things'
const as = (identity: Identity) => callsTo(cluster.server.handle, identity)

test('requests are passed on under the name of the caller, with the certificate of the front proxy', async () => {
  await addBackendService()
  await register()
  assert.deepEqual(await available(), ['True', 'Passed', 'all checks passed'])
  const refused = await as(JANE)('GET', THINGS)
  assert.equal(refused.status, 403, refused.text)
  await cluster.client.create(clusterRoleBindings, {
    metadata: { name: 'jane' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jané' }],
  } as never)
  seen = []
  const answer = await as(JANE)('POST', `${THINGS}?dryRun=All`, {
    headers: { authorization: 'Bearer secret', 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' },
    body: { a: 1 },
  })
  assert.deepEqual([answer.status, answer.json, answer.headers['x-backend']], [200, { kind: 'Thing' }, 'here'])
  assert.equal(answer.headers['x-hop'], undefined)
  const [asked] = seen
  assert.ok(asked)
  assert.deepEqual(
    [asked.line, asked.client, asked.body],
    [`POST ${THINGS}?dryRun=All`, 'front-proxy-client', '{"a":1}'],
  )
  const { headers } = asked
  assert.equal(Buffer.from(String(headers['x-remote-user']), 'latin1').toString(), 'jané')
  assert.deepEqual(
    [headers['x-remote-uid'], headers['x-remote-group'], headers['x-remote-extra-example.com%2fscope']],
    ['7', 'a, b, system:authenticated', 'x, y'],
  )
  assert.deepEqual([headers['authorization'], headers.host], [undefined, 'backend.default.svc'])
})

test('redirects are not followed, and slashes that hide in names are not passed on', async () => {
  await addBackendService()
  await register()
  const redirected = await as(ADMIN)('GET', `${THINGS}/redirect`)
  assert.deepEqual(
    [redirected.status, redirected.text],
    [502, 'the backend attempted to redirect this request, which is not permitted\n'],
  )
  assert.equal((await as(ADMIN)('GET', `${THINGS}/a%2fb`)).status, 400)
  assert.equal((await as(ADMIN)('GET', `${THINGS}/..`)).status, 400)
})

test('discovery and OpenAPI know what a backend serves', async () => {
  await addBackendService()
  await register()
  const call = as(ADMIN)
  const groups = (await call('GET', '/apis')).json['groups'] as { name: string }[]
  assert.equal(groups.at(-1)?.name, 'things.example.com')
  assert.deepEqual((await call('GET', '/apis/things.example.com/v1')).json, RESOURCES)
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
  assert.deepEqual(await documented(accept), [
    {
      version: 'v1',
      freshness: 'Current',
      resources: [
        {
          resource: 'things',
          responseKind: { group: 'things.example.com', version: 'v1', kind: 'Thing' },
          scope: 'Namespaced',
          singularResource: 'thing',
          verbs: ['get', 'list'],
          subresources: [
            {
              subresource: 'status',
              responseKind: { group: 'things.example.com', version: 'v1', kind: 'Thing' },
              verbs: ['get'],
            },
          ],
        },
      ],
    },
  ])
  const swagger = (await call('GET', '/openapi/v2')).json as unknown as typeof SWAGGER
  assert.ok('/apis/things.example.com/v1/' in swagger.paths && !('/apis/other/v1/' in swagger.paths))
  assert.ok('com.example.Thing' in swagger.definitions)
  const protobuf = { accept: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' }
  assert.ok((await call('GET', '/openapi/v2', { headers: protobuf })).bytes.includes('com.example.Thing'))
  const paths = (await call('GET', '/openapi/v3')).json['paths'] as Record<string, { serverRelativeURL: string }>
  const url = paths['apis/things.example.com/v1']?.serverRelativeURL ?? ''
  assert.equal(url, '/openapi/v3/apis/things.example.com/v1?hash=AB12')
  assert.deepEqual((await call('GET', url)).json, { openapi: '3.0.0', paths: {} })
  await cluster.client.delete(apiServices, { name: 'v1.things.example.com' })
  await settled()
  assert.equal((await call('GET', THINGS)).status, 404)
  assert.equal((await call('GET', '/apis')).text.includes('things.example.com'), false)
})

async function documented(accept: string): Promise<unknown> {
  const { json } = await as(ADMIN)('GET', '/apis', { headers: { accept } })
  const items = json['items'] as { metadata: { name: string }; versions: unknown }[]
  return items.find(({ metadata }) => metadata.name === 'things.example.com')?.versions
}

test('one that is gone is said to be, and harms nobody else', async () => {
  await addBackendService()
  await register()
  backend.closeAllConnections()
  await new Promise((resolve) => backend.close(resolve))
  await cluster.advance('30s')
  await settled()
  const [status, reason, message] = await available()
  assert.deepEqual([status, reason], ['False', 'FailedDiscoveryCheck'])
  assert.match(String(message), /^failing or missing response from https:\/\/backend\.default\.svc:443\/apis\/things/)
  const call = as(ADMIN)
  const answer = await call('GET', THINGS)
  assert.deepEqual([answer.status, answer.json['message']], [503, 'service unavailable'])
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
  const [version] = (await documented(accept)) as { freshness: string; resources: object[] }[]
  assert.deepEqual([version?.freshness, version?.resources.length], ['Stale', 1])
  for (const path of ['/apis', '/openapi/v2', '/openapi/v3', '/api/v1/configmaps', '/apis/apps/v1/deployments'])
    assert.equal((await call('GET', path)).status, 200, path)
  backend = answerBackend()
  await listen(backend, port)
  await cluster.advance('30s')
  await settled()
  assert.equal((await available())[0], 'True')
  assert.equal((await call('GET', THINGS)).status, 200)
})

test('what leads to it is said to be missing', async () => {
  await register()
  assert.deepEqual(await available(), ['False', 'ServiceNotFound', 'service/backend in "default" is not present'])
  await addBackendService()
  await settled()
  assert.equal((await available())[0], 'True')
})

test('a certificate of nobody is not trusted, unless told so', async () => {
  await addBackendService()
  await register({ caBundle: Buffer.from(frontAuthority.certificate).toString('base64') })
  assert.equal((await available())[1], 'FailedDiscoveryCheck')
  const service = await cluster.client.get(apiServices, { name: 'v1.things.example.com' })
  const { caBundle: _, ...spec } = service.spec ?? ({} as never)
  await cluster.client.update(apiServices, { ...service, spec: { ...spec, insecureSkipTLSVerify: true } } as APIService)
  await settled()
  assert.equal((await available())[0], 'True')
})

test('who is aggregated can read whom to trust', async () => {
  const { data } = await cluster.client.get(configMaps, {
    namespace: 'kube-system',
    name: 'extension-apiserver-authentication',
  })
  assert.equal(data?.['requestheader-client-ca-file'], frontAuthority.certificate)
  assert.equal(data?.['requestheader-allowed-names'], '["front-proxy-client"]')
})

test('upgrades pass, after the same checks', async () => {
  await addBackendService()
  await register()
  const door = await openHttps({
    handle: cluster.server.handle,
    upgrade: (request, ...rest) => cluster.server.upgrade(withIdentity(request), ...rest),
    takesUpgrade: (message) => cluster.server.takesUpgrade(message),
    host: '127.0.0.1',
    port: 0,
    certificate: serving.certificate,
    key: serving.key,
    clientCA: backendAuthority.certificate,
    clock: systemClock,
    log: silentLogger,
  })
  await using _ = door
  const connect = (user: string) =>
    httpsRequest({
      host: '127.0.0.1',
      port: door.port,
      path: `${THINGS}/a/connect?x=1`,
      rejectUnauthorized: false,
      headers: { connection: 'Upgrade', upgrade: 'echo', 'x-test-user': user },
    }).end()
  const [answer, socket, head] = (await once(connect('admin'), 'upgrade')) as [IncomingMessage, TLSSocket, Buffer]
  assert.equal(answer.statusCode, 101)
  const rest = await Array.fromAsync(socket as AsyncIterable<Buffer>)
  assert.equal(Buffer.concat([head, ...rest]).toString(), 'hello')
  const asked = seen.find(({ line }) => line.startsWith('UPGRADE'))
  assert.equal(asked?.line, `UPGRADE ${THINGS}/a/connect?x=1`)
  assert.equal(asked?.headers['x-remote-user'], 'kubernetes-admin')
  const [refused] = (await once(connect('nobody'), 'response')) as [IncomingMessage]
  assert.equal(refused.statusCode, 403)
  refused.destroy()
})

/** The test's clients have no credentials: they say who they are. */
const withIdentity = (request: ApiRequest): ApiRequest => ({
  ...request,
  identity: request.headers['x-test-user'] === 'admin' ? ADMIN : { username: 'nobody', groups: [] },
})
