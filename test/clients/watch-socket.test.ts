// Watches over WebSockets: by a plain client and by the JavaScript client library, as browsers would, with the refusals of HTTP.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { after, before, test } from 'node:test'
import { KubeConfig } from '@kubernetes/client-node'
import { WebSocketHandler } from '@kubernetes/client-node/dist/web-socket-handler.js'
import { WebSocket } from 'ws'
import { type ConfigMap, configMaps } from '../../src/api/core/config-map.ts'
import { secrets } from '../../src/api/core/secret.ts'
import { roleBindings } from '../../src/api/rbac/role-binding.ts'
import { roles } from '../../src/api/rbac/role.ts'
import { serviceAccounts } from '../../src/api/core/service-account.ts'
import { LIMIT, type ServedCluster, serveCluster } from './server.ts'

let cluster: ServedCluster
before(async () => {
  cluster = await serveCluster()
}, LIMIT)
after(() => cluster[Symbol.asyncDispose](), LIMIT)

interface Event {
  type: string
  object: { metadata: { name: string; resourceVersion: string }; code?: number; reason?: string }
}

const WATCH = '/api/v1/namespaces/default/configmaps?watch=1&labelSelector=test='

async function make(test: string, name: string): Promise<void> {
  const metadata = { namespace: 'default', name: `${test}-${name}`, labels: { test } }
  await cluster.client.create(configMaps, { metadata, data: { a: '1' } } as unknown as ConfigMap)
}

const open = (path: string, protocols: string[] = [], options: object = {}): WebSocket =>
  new WebSocket(cluster.url.replace('https', 'wss') + path, protocols, {
    ca: cluster.ca,
    cert: cluster.certificate,
    key: cluster.key,
    ...options,
  })

async function refusal(ws: WebSocket): Promise<{ code: number | undefined; body: string }> {
  const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage]
  const parts = await Array.fromAsync(response as AsyncIterable<Buffer>)
  return { code: response.statusCode, body: Buffer.concat(parts).toString() }
}

/** The next `count` messages. */
async function messages(ws: WebSocket, count: number): Promise<{ data: Buffer; binary: boolean }[]> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const seen: { data: Buffer; binary: boolean }[] = []
  ws.on('message', (data: Buffer, binary) => {
    seen.push({ data, binary })
    if (seen.length === count) resolve()
  })
  ws.on('error', reject)
  ws.on('close', () => reject(new Error(`Closed after ${seen.length} messages`)))
  await promise
  return seen
}

const eventOf = ({ data }: { data: Buffer }): Event => JSON.parse(data.toString()) as Event

test('every event is one text message', async () => {
  await make('text', 'before')
  const ws = open(`${WATCH}text`)
  const seen = messages(ws, 3)
  await once(ws, 'open')
  assert.equal(ws.protocol, '')
  await make('text', 'after')
  await cluster.client.delete(configMaps, { namespace: 'default', name: 'text-before' })
  const events = await seen
  assert.deepEqual(
    events.map((message) => [message.binary, eventOf(message).type, eventOf(message).object.metadata.name]),
    [
      [false, 'ADDED', 'text-before'],
      [false, 'ADDED', 'text-after'],
      [false, 'DELETED', 'text-before'],
    ],
  )
  ws.close()
  await once(ws, 'close')
})

test('a table is watched, and by the path of old', async () => {
  await make('table', 'a')
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  const path = '/api/v1/watch/namespaces/default/configmaps?labelSelector=test=table'
  const ws = open(path, ['one'], { headers: { accept } })
  const [first] = await messages(ws, 1)
  assert.ok(first)
  assert.equal(ws.protocol, 'one')
  assert.equal((JSON.parse(first.data.toString()) as { object: { kind: string } }).object.kind, 'Table')
  ws.terminate()
})

test('protobuf comes in binary messages without a length', async () => {
  await make('protobuf', 'a')
  const ws = open(`${WATCH}protobuf`, [], { headers: { accept: 'application/vnd.kubernetes.protobuf;stream=watch' } })
  const [first] = await messages(ws, 1)
  assert.ok(first)
  assert.equal(first.binary, true)
  assert.equal(first.data.subarray(0, 7).toString('latin1'), '\n\x05ADDED')
  ws.terminate()
})

test('the time-out ends it with a clean close', async () => {
  const ws = open(`${WATCH}none&timeoutSeconds=1`)
  const [code] = (await once(ws, 'close')) as [number]
  assert.equal(code, 1000)
})

test('a revision that cannot be watched is refused in HTTP', async () => {
  assert.equal((await refusal(open(`${WATCH}none&resourceVersion=x`))).code, 400)
})

test('who may not watch hears so in HTTP', async () => {
  const anonymous = { cert: undefined, key: undefined }
  const forbidden = await refusal(open(`${WATCH}none`, [], anonymous))
  assert.equal(forbidden.code, 403)
  assert.match(forbidden.body, /"reason":"Forbidden"/)
  const wrong = await refusal(open(`${WATCH}none`, [], { ...anonymous, headers: { authorization: 'Bearer no' } }))
  assert.equal(wrong.code, 401)
  const invalid = await refusal(open('/api/v1/configmaps?watch=1&labelSelector=%3D%3D'))
  assert.equal(invalid.code, 400)
})

test("a browser's token comes as a protocol, and is not sent back", async () => {
  const metadata = { namespace: 'default', name: 'browser' }
  await cluster.client.create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  const { token } = cluster.api.tokens.issue({
    namespace: 'default',
    name: 'browser',
    uid: (await cluster.client.get(serviceAccounts, metadata)).metadata.uid ?? '',
    audiences: [],
    expirationSeconds: 3600,
  })
  const anonymous = { cert: undefined, key: undefined }
  const protocol = `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString('base64url')}`
  const known = await refusal(open(`${WATCH}none`, [protocol, 'plain'], anonymous))
  assert.equal(known.code, 403)
  assert.match(known.body, /User \\"system:serviceaccount:default:browser\\" cannot watch/)
  assert.equal((await refusal(open(`${WATCH}none`, [protocol], anonymous))).code, 401)
})

test('a bootstrap token opens a watch, as header and as protocol, and is never sent back', async () => {
  const [id, secret] = ['abcdef', '0123456789abcdef']
  const fields = {
    'token-id': id,
    'token-secret': secret,
    'usage-bootstrap-authentication': 'true',
    'auth-extra-groups': 'system:bootstrappers:watchers',
  }
  await cluster.client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(Object.entries(fields).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
  })
  const apiGroup = 'rbac.authorization.k8s.io'
  const metadata = { namespace: 'default', name: 'watchers' }
  await cluster.client.create(roles, {
    apiVersion: `${apiGroup}/v1`,
    kind: 'Role',
    metadata,
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['watch'] }],
  })
  await cluster.client.create(roleBindings, {
    apiVersion: `${apiGroup}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup, kind: 'Role', name: 'watchers' },
    subjects: [{ apiGroup, kind: 'Group', name: 'system:bootstrappers:watchers' }],
  })
  await make('token', 'a')
  const anonymous = { cert: undefined, key: undefined }
  const protocolOf = (text: string): string =>
    `base64url.bearer.authorization.k8s.io.${Buffer.from(text).toString('base64url')}`
  const authorization = `Bearer ${id}.${secret}`
  for (const [protocols, headers] of [
    [[protocolOf(`${id}.${secret}`), 'plain'], {}],
    [[], { authorization }],
    [[protocolOf(`${id}.${secret}`), 'plain'], { authorization }],
  ] as const) {
    const ws = open(`${WATCH}token`, [...protocols], { ...anonymous, headers })
    const [first] = await messages(ws, 1)
    assert.ok(first)
    assert.deepEqual([eventOf(first).object.metadata.name, ws.protocol], ['token-a', protocols[1] ?? ''])
    ws.terminate()
  }
  for (const protocol of [protocolOf(`${id}.0123456789abcdee`), `${protocolOf('x')}!`, protocolOf('a b')])
    assert.equal((await refusal(open(`${WATCH}token`, [protocol, 'plain'], anonymous))).code, 401)
})

test("the client library's WebSockets watch too", async () => {
  await make('library', 'a')
  const config = new KubeConfig()
  config.loadFromFile(cluster.kubeconfig)
  const { promise, resolve } = Promise.withResolvers<Event>()
  const handler = new WebSocketHandler(config)
  const socket = await handler.connect(
    `${WATCH}library`,
    (text) => {
      resolve(JSON.parse(text) as Event)
      return true
    },
    null,
  )
  assert.equal((await promise).object.metadata.name, 'library-a')
  socket.close()
})
