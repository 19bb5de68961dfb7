// Logs, proxied requests and upgrades, over the real HTTPS door to a kubelet that tells what it was asked.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer, type Server, request as httpsRequest } from 'node:https'
import { test } from 'node:test'
import { systemClock } from '../../base/clock.ts'
import { createAuthority, type Credentials, issueCertificate } from '../../base/node/certificates.ts'
import { silentLogger } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import * as errors from '../../apimachinery/errors.ts'
import { nodes } from '../../api/core/node/node.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { serviceAccounts } from '../../api/core/service-account.ts'
import type { ApiRequest } from '../../client/door.ts'
import { ADMIN, startCluster, type TestCluster } from '../../testing/cluster.ts'
import { type HttpsDoor, openHttps } from '../https.ts'
import type { RequestContext } from '../registry/context.ts'
import type { Registry } from '../registry/registry.ts'
import { parseRequest } from '../request-info.ts'
import { errorResponse } from '../responses.ts'
import type { SubresourceHandler } from '../server.ts'
import { nodeProxy, nodeProxyUpgrade } from './node-proxy.ts'

const sources = { clock: systemClock, random: seededRandom(7) }
const authority = createAuthority('cluster', sources)
const issue = (commonName: string): Credentials =>
  issueCertificate(authority, { commonName, usages: ['server', 'client'], names: ['127.0.0.1'] }, sources)
const credentials = issue('kube-apiserver-kubelet-client')
const serving = issue('kube-apiserver')

interface Setting extends AsyncDisposable {
  door: HttpsDoor
  cluster: TestCluster
  /** What the kubelet was asked: method, URL, the client's name, headers. */
  seen: { line: string; client: string; headers: IncomingMessage['headers'] }[]
  /** What authorization was asked. */
  verbs: string[]
}

const context = (request: ApiRequest): RequestContext => ({
  info: parseRequest(request.method, request.path, request.query),
  identity: ADMIN,
  requestID: 'id',
  userAgent: '',
  fieldManager: '',
  fieldValidation: 'Warn',
  dryRun: false,
  warnings: [],
  signal: request.signal,
})

function kubelet(seen: Setting['seen'], server: Credentials): Server {
  const listener = createServer({
    cert: server.certificate,
    key: server.key,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: true,
  })
  const note = (message: IncomingMessage): void => {
    const { subject } = (message.socket as import('node:tls').TLSSocket).getPeerCertificate()
    seen.push({
      line: `${message.method} ${message.url}`,
      client: [subject.CN].flat().join(),
      headers: message.headers,
    })
  }
  listener.on('request', (message, response) => {
    note(message)
    if (message.url?.includes('/broken')) response.writeHead(400).end('container "a" is waiting to start\n')
    else if (message.url?.includes('/moved')) response.writeHead(302, { location: '/elsewhere?x=1' }).end()
    else response.writeHead(200, { 'content-type': 'text/odd', connection: 'close' }).end('line 1\nline 2\n')
  })
  listener.on('upgrade', (message, socket) => {
    note(message)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    socket.pipe(socket)
    socket.on('error', () => socket.destroy())
  })
  return listener
}

async function setUp(options: { kubeletCertificate?: Credentials } = {}): Promise<Setting> {
  const seen: Setting['seen'] = []
  const verbs: string[] = []
  const listener = kubelet(seen, options.kubeletCertificate ?? serving)
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  assert(address && typeof address === 'object')
  const cluster = await startCluster()
  await populate(cluster, address.port)
  const { registry } = cluster.server
  const proxyOptions = {
    registry,
    log: silentLogger,
    kubelet: { ca: authority.certificate, certificate: credentials.certificate, key: credentials.key },
  }
  const handlers = nodeProxy(proxyOptions)
  const door = await openHttps({
    host: '127.0.0.1',
    port: 0,
    certificate: serving.certificate,
    key: serving.key,
    clientCA: authority.certificate,
    clock: systemClock,
    log: silentLogger,
    handle: (request) => answer(request, registry, handlers),
    upgrade: nodeProxyUpgrade({
      clock: systemClock,
      ...proxyOptions,
      authorizeRequest: async (request) => {
        const made = context(request)
        verbs.push(`${made.info.verb} ${made.info.resource}/${made.info.subresource}`)
        if (request.headers['authorization'] !== 'Bearer good')
          throw errors.forbiddenRequest({ ...made.info, user: 'nobody', reason: '' })
        return made
      },
    }),
  })
  return {
    door,
    cluster,
    seen,
    verbs,
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]()
      listener.closeAllConnections()
      listener.close()
      await cluster[Symbol.asyncDispose]()
    },
  }
}

async function answer(
  request: ApiRequest,
  registry: Registry,
  handlers: Readonly<Record<string, SubresourceHandler>>,
): ReturnType<SubresourceHandler> {
  const made = context(request)
  const { resource, subresource } = made.info
  const served = registry.get('', 'v1', resource)
  try {
    const handler = handlers[`${resource}/${subresource}`]
    if (!handler || !served) throw errors.unknownPath()
    return await handler({ core: undefined as never, served, request, context: made })
  } catch (error) {
    return errorResponse(error, made)
  }
}

async function populate({ client }: TestCluster, port: number): Promise<void> {
  const metadata = { name: 'n1' }
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  }
  const node = await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata })
  await client.update(nodes, { ...node, status } as never, { subresource: 'status' } as never)
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } }
  await client.create(serviceAccounts, account as never)
  const pod = async (name: string, containers: string[], nodeName?: string): Promise<void> => {
    const spec = { containers: containers.map((c) => ({ name: c, image: 'i' })), ...(nodeName ? { nodeName } : {}) }
    await client.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec,
    } as never)
  }
  await pod('one', ['a'], 'n1')
  await pod('broken', ['a'], 'n1')
  await pod('two', ['a', 'b'], 'n1')
  await pod('waiting', ['a'])
}

interface Reply {
  status: number
  headers: IncomingMessage['headers']
  body: string
}

async function call(door: HttpsDoor, path: string, headers: Record<string, string> = {}): Promise<Reply> {
  const outgoing = httpsRequest({
    host: '127.0.0.1',
    port: door.port,
    path,
    headers,
    ca: authority.certificate,
    agent: false,
  })
  outgoing.end()
  const upgraded = once(outgoing, 'upgrade').then(async ([message, socket]) => {
    socket.write('hello')
    const [echo] = await once(socket, 'data')
    socket.destroy()
    return { status: message.statusCode, headers: message.headers, body: String(echo) }
  })
  const plain = once(outgoing, 'response').then(async ([message]) => {
    let body = ''
    for await (const part of message) body += String(part)
    return { status: message.statusCode, headers: message.headers, body }
  })
  return Promise.race([upgraded, plain])
}

const messageOf = (reply: Reply): string => (JSON.parse(reply.body) as { message: string }).message
const POD = '/api/v1/namespaces/default/pods'

test('logs are asked of the pod’s kubelet and streamed as text', async () => {
  await using setting = await setUp()
  const { door, seen } = setting
  const log = await call(door, `${POD}/one/log?follow=true&tailLines=5&other=1`, { authorization: 'Bearer good' })
  assert.deepEqual([log.status, log.headers['content-type'], log.body], [200, 'text/plain', 'line 1\nline 2\n'])
  assert.equal(seen[0]?.line, 'GET /containerLogs/default/one/a?follow=true&tailLines=5')
  assert.equal(seen[0]?.client, 'kube-apiserver-kubelet-client')
  assert.equal(seen[0]?.headers.authorization, undefined)
  await call(door, `${POD}/two/log?container=b`)
  assert.equal(seen[1]?.line, 'GET /containerLogs/default/two/b')
  assert.equal((await call(door, `${POD}/waiting/log`)).status, 204)
  const table: [string, number, string][] = [
    ['two/log', 400, 'a container name must be specified for pod two, choose one of: [a b]'],
    ['two/log?container=c', 400, 'container c is not valid for pod two'],
    [
      'one/log?tailLines=-1',
      422,
      'PodLogOptions "one" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    ],
    ['none/log', 404, 'pods "none" not found'],
    ['broken/log', 400, 'container "a" is waiting to start'],
    ['one/exec?command=ls', 400, 'Upgrade request required'],
  ]
  for (const [path, status, message] of table) {
    const reply = await call(door, `${POD}/${path}`)
    assert.deepEqual([reply.status, messageOf(reply)], [status, message], path)
  }
})

test('a kubelet with a certificate of another authority is not believed, unless the client says so', async () => {
  const other = createAuthority('other', sources)
  const request = { commonName: 'kubelet', usages: ['server' as const], names: ['127.0.0.1'] }
  await using setting = await setUp({ kubeletCertificate: issueCertificate(other, request, sources) })
  const { door } = setting
  const refused = await call(door, `${POD}/one/log`)
  assert.equal(refused.status, 500)
  assert.match(messageOf(refused), /^Get "https:\/\/127\.0\.0\.1:\d+\/containerLogs\/default\/one\/a": .*certificate/)
  assert.equal((await call(door, `${POD}/one/log?insecureSkipTLSVerifyBackend=true`)).status, 200)
})

test('upgrades need the right to create, lose their credentials, and pass to the kubelet', async () => {
  await using setting = await setUp()
  const { door, seen, verbs } = setting
  const upgrade = { connection: 'Upgrade', upgrade: 'echo' }
  const good = { ...upgrade, authorization: 'Bearer good', 'impersonate-user': 'root' }
  const exec = await call(door, `${POD}/one/exec?command=ls&command=-l&stdout=1&tty=false`, good)
  assert.deepEqual([exec.status, exec.body], [101, 'hello'])
  assert.equal(seen[0]?.line, 'GET /exec/default/one/a?stdout=true&command=ls&command=-l')
  assert.equal(seen[0]?.headers.authorization, undefined)
  assert.equal(seen[0]?.headers['impersonate-user'], undefined)
  const inside = await call(door, '/api/v1/nodes/n1/proxy/exec/default/one/a?command=ls', good)
  assert.equal(inside.status, 101)
  assert.equal(seen.pop()?.line, 'GET /exec/default/one/a?command=ls')
  assert.deepEqual(verbs, ['create pods/exec', 'create nodes/proxy'])
  const forward = await call(door, `${POD}/one/portforward?ports=80`, good)
  assert.equal(forward.status, 101)
  assert.equal(seen[1]?.line, 'GET /portForward/default/one?port=80')
  const table: [string, Record<string, string>, number, string][] = [
    [
      `${POD}/one/exec?command=ls&stdout=1`,
      upgrade,
      403,
      'pods "one" is forbidden: User "nobody" cannot create resource "pods/exec" in API group "" in the namespace "default"',
    ],
    [`${POD}/waiting/attach?stdout=1`, good, 400, 'pod waiting does not have a host assigned'],
    [`${POD}/one/exec?command=ls`, good, 400, 'you must specify at least 1 of stdin, stdout, stderr'],
    [`${POD}/one/portforward?ports=99999`, good, 400, 'unable to parse "99999" as a port'],
    ['/api/v1/pods?watch=1', good, 400, 'this path cannot be upgraded'],
  ]
  for (const [path, headers, status, message] of table) {
    const reply = await call(door, path, headers)
    assert.deepEqual([reply.status, messageOf(reply)], [status, message], path)
  }
  assert.equal(seen.length, 2)
})

test('nodes/proxy leads to the kubelet; the machine’s own addresses are out of reach otherwise', async () => {
  await using setting = await setUp()
  const { door, seen } = setting
  const stats = await call(door, '/api/v1/nodes/n1/proxy/stats/summary?only=cpu', { cookie: 'secret', accept: 'a/b' })
  assert.deepEqual([stats.status, stats.headers['content-type'], stats.body], [200, 'text/odd', 'line 1\nline 2\n'])
  assert.equal(seen[0]?.line, 'GET /stats/summary?only=cpu')
  assert.equal(seen[0]?.headers.cookie, undefined)
  assert.equal(seen[0]?.headers.accept, 'a/b')
  const bare = await call(door, '/api/v1/nodes/n1/proxy')
  assert.deepEqual([bare.status, bare.headers.location], [301, '/api/v1/nodes/n1/proxy/'])
  const moved = await call(door, '/api/v1/nodes/n1/proxy/moved')
  assert.equal(moved.headers.location, '/api/v1/nodes/n1/proxy/elsewhere?x=1')
  assert.equal((await call(door, '/api/v1/nodes/n1:22/proxy/')).status, 400)
  assert.equal(messageOf(await call(door, '/api/v1/nodes/n1:22/proxy/')), 'address not allowed')
  assert.equal((await call(door, '/api/v1/nodes/ftp:n1:22/proxy/')).status, 400)
})
