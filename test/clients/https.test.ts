import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { Agent, type RequestOptions, request } from 'node:https'
import { after, before, describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createAuthority, issueCertificate } from '../../src/base/node/certificates.ts'
import { systemRandom } from '../../src/base/random.ts'
import { configMaps } from '../../src/api/core/config-map.ts'
import { httpClient } from '../../src/client/http.ts'
import { MAX_BODY_BYTES, openHttps } from '../../src/apiserver/https.ts'
import { LIMIT, type ServedCluster, serveCluster } from './server.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'

let cluster: ServedCluster | undefined

function served(): ServedCluster {
  if (!cluster) throw new Error('The server is not started')
  return cluster
}

before(async () => {
  cluster = await serveCluster()
}, LIMIT)
after(() => cluster?.[Symbol.asyncDispose](), LIMIT)

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  bytes: Buffer
}

async function ask(path: string, options: RequestOptions = {}, body?: Buffer): Promise<Answer> {
  const { url, ca } = served()
  const agent = new Agent({ ca, keepAlive: false, cert: options.cert, key: options.key })
  const sent = request(new URL(path, url), { ...options, agent })
  sent.end(body)
  const [response] = await once(sent, 'response')
  const bytes = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>))
  return { status: response.statusCode, headers: response.headers, bytes }
}

const statusOf = ({ bytes }: Answer): { code: number; reason: string; message: string } =>
  JSON.parse(bytes.toString()) as { code: number; reason: string; message: string }

describe('the HTTPS door', LIMIT, () => {
  test('knows callers by certificate and by token, and nobody else', async () => {
    const { certificate: cert, key } = served()
    assert.equal((await ask(MAPS, { cert, key })).status, 200)
    const review = await ask(
      '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      { cert, key, method: 'POST', headers: { 'content-type': 'application/json' } },
      Buffer.from('{}'),
    )
    const { userInfo } = (JSON.parse(review.bytes.toString()) as { status: { userInfo: object } }).status
    const digest = createHash('sha256').update(new X509Certificate(cert).raw).digest('hex')
    assert.deepEqual(userInfo, {
      username: 'kubernetes-admin',
      groups: ['system:masters', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${digest}`] },
    })
    const anonymous = await ask(MAPS)
    assert.equal(anonymous.status, 403)
    assert.match(statusOf(anonymous).message, /User "system:anonymous" cannot list resource "configmaps"/)
    assert.equal((await ask('/healthz')).status, 200)
    const unknown = await ask(MAPS, { headers: { authorization: 'Bearer nonsense' } })
    assert.deepEqual([unknown.status, statusOf(unknown).reason], [401, 'Unauthorized'])
    const other = createAuthority('kubernetes-ca', { clock: systemClock, random: systemRandom })
    const forged = issueCertificate(
      other,
      { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'] },
      { clock: systemClock, random: systemRandom },
    )
    assert.equal((await ask(MAPS, { cert: forged.certificate, key: forged.key })).status, 403)
  })

  test('refuses a body over the limit, announced or not, and lives on', async () => {
    const { certificate: cert, key } = served()
    const headers = { 'content-type': 'application/json' }
    const big = Buffer.alloc(MAX_BODY_BYTES + 1, 0x20)
    const announced = await ask(
      MAPS,
      { cert, key, method: 'POST', headers: { ...headers, 'content-length': big.length } },
      big,
    )
    assert.deepEqual([announced.status, statusOf(announced).reason], [413, 'RequestEntityTooLarge'])
    const chunked = await ask(
      MAPS,
      { cert, key, method: 'POST', headers: { ...headers, 'transfer-encoding': 'chunked' } },
      big,
    )
    assert.equal(chunked.status, 413)
    assert.equal((await ask(MAPS, { cert, key })).status, 200)
  })

  test('compresses what is long for who wants it', async () => {
    const { certificate: cert, key, client } = served()
    const data = { text: 'x'.repeat(300_000) }
    await client.create(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'long', namespace: 'default' },
      data,
    })
    const path = `${MAPS}/long`
    const plain = await ask(path, { cert, key })
    const packed = await ask(path, { cert, key, headers: { 'accept-encoding': 'gzip' } })
    assert.equal(packed.headers['content-encoding'], 'gzip')
    assert.deepEqual(gunzipSync(packed.bytes), plain.bytes)
    const listed = await ask(MAPS, { cert, key, headers: { 'accept-encoding': 'gzip' } })
    assert.equal(JSON.parse(gunzipSync(listed.bytes).toString()).kind, 'ConfigMapList')
  })

  test('answers HEAD with the head alone', async () => {
    const { certificate: cert, key } = served()
    const { status, bytes } = await ask('/api', { cert, key, method: 'HEAD' })
    assert.deepEqual([status, bytes.length], [200, 0])
  })

  test('says which port is taken', async () => {
    const { port, ca, certificate, key } = served()
    const door = openHttps({
      handle: served().api.handle,
      upgrade: async () => {},
      host: '127.0.0.1',
      port,
      certificate,
      key,
      clientCA: ca,
      clock: systemClock,
      log: silentLogger,
    })
    await assert.rejects(door, new RegExp(`port ${port} is taken by another process`))
  })

  test('serves the same client as the in-process door', async () => {
    const { url: server, ca, certificate, key, client } = served()
    using http = httpClient({ server, ca, certificate, key, userAgent: 'test' })
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'both', namespace: 'default' } }
    const made = await http.create(configMaps, object)
    const name = { namespace: 'default', name: 'both' }
    assert.deepEqual(await http.get(configMaps, name), await client.get(configMaps, name))
    const { resourceVersion } = made.metadata
    await http.delete(configMaps, name)
    for await (const batch of http.watch(configMaps, {
      namespace: 'default',
      resourceVersion: resourceVersion ?? '',
    })) {
      assert.equal(batch[0]?.type, 'DELETED')
      break
    }
    await assert.rejects(http.get(configMaps, name), /configmaps "both" not found/)
  })
})
