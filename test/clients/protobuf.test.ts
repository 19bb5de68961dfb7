// A client as controller-runtime has one: it speaks protobuf alone, and knows of most objects only their metadata.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { after, before, describe, test } from 'node:test'
import { customResourceDefinitions } from '../../src/api/apiextensions/custom-resource-definition.ts'
import { deployments } from '../../src/api/apps/deployment.ts'
import { selfSubjectReviews } from '../../src/api/authentication/self-subject-review.ts'
import { tokenRequests } from '../../src/api/authentication/token-request.ts'
import { tokenReviews } from '../../src/api/authentication/token-review.ts'
import { selfSubjectAccessReviews } from '../../src/api/authorization/self-subject-access-review.ts'
import { selfSubjectRulesReviews } from '../../src/api/authorization/self-subject-rules-review.ts'
import { subjectAccessReviews } from '../../src/api/authorization/subject-access-review.ts'
import { scales } from '../../src/api/autoscaling/scale.ts'
import { jobs } from '../../src/api/batch/job/job.ts'
import { bindings } from '../../src/api/core/binding.ts'
import { configMaps } from '../../src/api/core/config-map.ts'
import { pods } from '../../src/api/core/pod/pod.ts'
import { secrets } from '../../src/api/core/secret.ts'
import { serviceAccounts } from '../../src/api/core/service-account.ts'
import { evictions } from '../../src/api/policy/eviction.ts'
import { listStruct, partialObjectMetadata, status } from '../../src/apimachinery/messages.ts'
import type { AnyObject } from '../../src/apimachinery/metadata.ts'
import { decodeEnvelope, decodeMessage, encodeProtobuf } from '../../src/apimachinery/protobuf/protobuf.ts'
import type { Resource } from '../../src/apimachinery/resource.ts'
import type { Struct } from '../../src/apimachinery/schema.ts'
import { Reader } from '../../src/base/protobuf/protobuf.ts'
import { LIMIT, type ServedCluster, serveCluster } from './server.ts'

const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const METADATA = `${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json`
const METADATA_LIST = METADATA.replaceAll('PartialObjectMetadata', 'PartialObjectMetadataList')

interface Decoded {
  apiVersion: string
  kind: string
  object: AnyObject & { items?: AnyObject[]; message?: string; code?: number }
}

interface WatchEvent extends Decoded {
  type: string
}

class ProtobufClient implements Disposable {
  readonly #agent: Agent
  readonly #port: number

  constructor({ port, ca, certificate, key }: ServedCluster) {
    this.#port = port
    this.#agent = new Agent({ keepAlive: true, ca, cert: certificate, key })
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  async send(method: string, path: string, accept = PROTOBUF, body?: Buffer): Promise<IncomingMessage> {
    const sent = request({
      host: '127.0.0.1',
      port: this.#port,
      agent: this.#agent,
      method,
      path,
      headers: { accept, ...(body ? { 'content-type': PROTOBUF, 'content-length': body.length } : {}) },
    }).end(body)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return response
  }

  async call(
    method: string,
    path: string,
    struct: Struct,
    options: { accept?: string; body?: Buffer } = {},
  ): Promise<Decoded> {
    const response = await this.send(method, path, options.accept, options.body)
    assert.equal(response.headers['content-type'], PROTOBUF)
    const bytes = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>))
    return decoded((response.statusCode ?? 0) < 400 ? struct : status, bytes)
  }

  /** Frames of a watch: a length of four bytes, then WatchEvent{type = 1, object = 2 {raw = 1}}. */
  async *watch(path: string, struct: Struct, accept = PROTOBUF): AsyncGenerator<WatchEvent> {
    const response = await this.send('GET', path, accept)
    assert.equal(response.statusCode, 200)
    assert.equal(response.headers['content-type'], `${PROTOBUF};stream=watch`)
    let rest: Buffer = Buffer.alloc(0)
    for await (const chunk of response as AsyncIterable<Buffer>) {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
        const end = 4 + rest.readUInt32BE(0)
        const { type, raw } = frameOf(rest.subarray(4, end))
        rest = rest.subarray(end)
        yield { type, ...decoded(type === 'ERROR' ? status : struct, raw) }
      }
    }
  }
}

function frameOf(bytes: Buffer): { type: string; raw: Buffer } {
  const frame: { type: string; raw: Buffer } = { type: '', raw: Buffer.alloc(0) }
  const reader = new Reader(bytes)
  while (reader.more) {
    const tag = reader.tag()
    if (tag >>> 3 === 1) frame.type = reader.string()
    else {
      const inner = new Reader(reader.bytes())
      assert.equal(inner.tag() >>> 3, 1)
      frame.raw = inner.bytes()
    }
  }
  return frame
}

function decoded(struct: Struct, bytes: Buffer): Decoded {
  const { apiVersion, kind, raw } = decodeEnvelope(bytes)
  return { apiVersion, kind, object: decodeMessage(struct, raw) as Decoded['object'] }
}

const body = <T extends AnyObject>(resource: Resource<T>, object: object): Buffer =>
  encodeProtobuf(resource.struct as Struct, resource, object)

const erased = <T extends AnyObject>(resource: Resource<T>): Resource<AnyObject> =>
  resource as unknown as Resource<AnyObject>

const pathOf = ({ group, version, plural }: { group: string; version: string; plural: string }): string =>
  `${group === '' ? '/api' : `/apis/${group}`}/${version}/namespaces/default/${plural}`

const MAPS = pathOf(configMaps)
const mapStruct = configMaps.struct as Struct
const configMap = (name: string, data: Record<string, string>, metadata = {}): Buffer =>
  body(configMaps as unknown as Resource<AnyObject>, { metadata: { name, ...metadata }, data })

async function take(events: AsyncGenerator<WatchEvent>, until: (event: WatchEvent) => boolean): Promise<WatchEvent[]> {
  const taken: WatchEvent[] = []
  for await (const event of events) {
    taken.push(event)
    if (until(event)) break
  }
  return taken
}

const shown = ({ type, object }: WatchEvent): string => `${type} ${object.metadata.name}`

describe('a client that speaks protobuf', LIMIT, () => {
  let cluster: ServedCluster | undefined
  let client: ProtobufClient | undefined
  const opened = (): ProtobufClient => {
    if (!client) throw new Error('The server is not started')
    return client
  }
  before(async () => {
    cluster = await serveCluster()
    client = new ProtobufClient(cluster)
  }, LIMIT)
  after(async () => {
    client?.[Symbol.dispose]()
    await cluster?.[Symbol.asyncDispose]()
  }, LIMIT)

  test('creates, reads, updates, lists and deletes built-in kinds', async () => {
    const call: ProtobufClient['call'] = (...args) => opened().call(...args)
    const made = await call('POST', MAPS, mapStruct, {
      body: configMap('crud', { a: '1' }, { labels: { of: 'crud' } }),
    })
    assert.deepEqual([made.apiVersion, made.kind, made.object['data']], ['v1', 'ConfigMap', { a: '1' }])
    const { metadata } = made.object
    const changed = await call('PUT', `${MAPS}/crud`, mapStruct, {
      body: body(configMaps as unknown as Resource<AnyObject>, { metadata, data: { b: '2' } }),
    })
    assert.deepEqual(changed.object['data'], { b: '2' })
    const stale = await call('PUT', `${MAPS}/crud`, mapStruct, {
      body: body(configMaps as unknown as Resource<AnyObject>, { metadata, data: {} }),
    })
    assert.deepEqual([stale.kind, stale.object.code], ['Status', 409])
    const list = await call('GET', `${MAPS}?labelSelector=of%3Dcrud`, listStruct(mapStruct, 'ConfigMapList'))
    assert.deepEqual([list.kind, list.object.items?.map((item) => item.metadata.name)], ['ConfigMapList', ['crud']])
    assert.deepEqual(list.object.items?.[0], { metadata: changed.object.metadata, data: { b: '2' } })
    assert.equal((await call('DELETE', `${MAPS}/crud`, status)).object['status'], 'Success')
    assert.match((await call('GET', `${MAPS}/crud`, mapStruct)).object.message ?? '', /^configmaps "crud" not found$/)
  })

  test('gets what was defaulted, of kinds with much in them', async () => {
    const template = { metadata: { labels: { app: 'p' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const spec = { selector: { matchLabels: { app: 'p' } }, template }
    const deployment = body(deployments as unknown as Resource<AnyObject>, { metadata: { name: 'p' }, spec })
    const { object } = await opened().call('POST', pathOf(deployments), deployments.struct as Struct, {
      body: deployment,
    })
    assert.partialDeepStrictEqual(object, { spec: { replicas: 1, strategy: { rollingUpdate: { maxSurge: '25%' } } } })
    const job = { metadata: { name: 'p' }, spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } }
    const made = await opened().call('POST', pathOf(jobs), jobs.struct as Struct, {
      body: body(jobs as unknown as Resource<AnyObject>, job),
    })
    assert.partialDeepStrictEqual(made.object, { spec: { backoffLimit: 6, completions: 1 } })
    const secret = { metadata: { name: 'bytes' }, data: { b: 'AAH/gA==' } }
    const kept = await opened().call('POST', pathOf(secrets), secrets.struct as Struct, {
      body: body(secrets as unknown as Resource<AnyObject>, secret),
    })
    assert.deepEqual(kept.object['data'], secret.data)
  })

  test('watches from the list on', async () => {
    const list = await opened().call('GET', MAPS, listStruct(mapStruct, 'ConfigMapList'))
    const from = (list.object.metadata as { resourceVersion?: string }).resourceVersion
    const events = opened().watch(`${MAPS}?watch=1&resourceVersion=${from}&timeoutSeconds=30`, mapStruct)
    const taken = take(events, ({ type }) => type === 'DELETED')
    await opened().call('POST', MAPS, mapStruct, { body: configMap('w', { a: '1' }) })
    await opened().call('PUT', `${MAPS}/w`, mapStruct, { body: configMap('w', { a: '2' }) })
    await opened().call('DELETE', `${MAPS}/w`, status)
    const seen = await taken
    assert.deepEqual(seen.map(shown), ['ADDED w', 'MODIFIED w', 'DELETED w'])
    assert.deepEqual(seen[1]?.object['data'], { a: '2' })
    assert.deepEqual([seen[0]?.apiVersion, seen[0]?.kind], ['v1', 'ConfigMap'])
  })

  test('begins a watch with what is there (WatchList)', async () => {
    await opened().call('POST', MAPS, mapStruct, { body: configMap('first', {}) })
    const query =
      'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=30'
    for (const [struct, accept, kind] of [
      [mapStruct, PROTOBUF, 'ConfigMap'],
      [partialObjectMetadata, METADATA, 'PartialObjectMetadata'],
    ] as const) {
      const seen = await take(opened().watch(`${MAPS}?${query}`, struct, accept), ({ type }) => type === 'BOOKMARK')
      assert.ok(seen.map(shown).includes('ADDED first'))
      const end = seen.at(-1)
      assert.equal(end?.object.metadata.annotations?.['k8s.io/initial-events-end'], 'true')
      assert.match(end?.object.metadata.resourceVersion ?? '', /^\d+$/)
      assert.ok(seen.every((event) => event.kind === kind))
    }
  })

  test('is told in its own tongue what went wrong', async () => {
    const bad = await opened().call('GET', `${MAPS}?limit=1&continue=nothing`, mapStruct)
    assert.deepEqual(
      [bad.apiVersion, bad.kind, bad.object['status'], bad.object.code],
      ['v1', 'Status', 'Failure', 400],
    )
    const wrong = await opened().call('POST', MAPS, mapStruct, { body: configMap('Wrong_Name', {}) })
    assert.deepEqual([wrong.kind, wrong.object.code], ['Status', 422])
  })

  test('follows metadata alone', async () => {
    await opened().call('POST', MAPS, mapStruct, { body: configMap('meta', { much: 'x' }) })
    const meta = await opened().call('GET', `${MAPS}/meta`, partialObjectMetadata, { accept: METADATA })
    assert.deepEqual(
      [meta.apiVersion, meta.kind, Object.keys(meta.object)],
      ['meta.k8s.io/v1', 'PartialObjectMetadata', ['metadata']],
    )
    const struct = listStruct(partialObjectMetadata, 'PartialObjectMetadataList')
    const list = await opened().call('GET', `${MAPS}?limit=1`, struct, { accept: METADATA_LIST })
    assert.deepEqual([list.kind, list.object.items?.length], ['PartialObjectMetadataList', 1])
    const { resourceVersion } = list.object.metadata as { resourceVersion?: string }
    const events = opened().watch(
      `${MAPS}?watch=1&resourceVersion=${resourceVersion}&timeoutSeconds=30`,
      partialObjectMetadata,
      METADATA,
    )
    const taken = take(events, ({ type }) => type === 'DELETED')
    await opened().call('DELETE', `${MAPS}/meta`, status)
    const [gone] = await taken
    assert.deepEqual([gone?.kind, gone?.object.metadata.name], ['PartialObjectMetadata', 'meta'])
  })

  test('is shown the metadata of custom kinds in protobuf, and the objects in JSON', async () => {
    const names = { plural: 'things', singular: 'thing', kind: 'Thing' }
    const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
    const versions = [{ name: 'v1', served: true, storage: true, schema }]
    const spec = { group: 'example.org', scope: 'Namespaced', names, versions }
    const definition = { metadata: { name: 'things.example.org' }, spec }
    const struct = customResourceDefinitions.struct as Struct
    await opened().call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', struct, {
      body: body(customResourceDefinitions as unknown as Resource<AnyObject>, definition),
    })
    const path = '/apis/example.org/v1/namespaces/default/things'
    const list = listStruct(partialObjectMetadata, 'PartialObjectMetadataList')
    assert.deepEqual((await opened().call('GET', path, list, { accept: METADATA_LIST })).object.items, [])
    const whole = await opened().send('GET', path, `${PROTOBUF},application/json`)
    assert.equal(whole.headers['content-type'], 'application/json')
    whole.resume()
  })

  test('scales, asks and is answered, all in its own tongue', async () => {
    const template = { metadata: { labels: { app: 's' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const spec = { replicas: 2, selector: { matchLabels: { app: 's' } }, template }
    const path = pathOf(deployments)
    await opened().call('POST', path, deployments.struct as Struct, {
      body: body(erased(deployments), { metadata: { name: 's' }, spec }),
    })
    const scale = await opened().call('GET', `${path}/s/scale`, scales.struct as Struct)
    assert.deepEqual([scale.apiVersion, scale.kind, scale.object['spec']], ['autoscaling/v1', 'Scale', { replicas: 2 }])
    assert.equal((scale.object['status'] as { selector?: string }).selector, 'app=s')
    const scaled = await opened().call('PUT', `${path}/s/scale`, scales.struct as Struct, {
      body: body(erased(scales), { metadata: { name: 's', namespace: 'default' }, spec: { replicas: 3 } }),
    })
    assert.partialDeepStrictEqual(scaled.object, { spec: { replicas: 3 } })
    const account = { metadata: { name: 'asker' } }
    await opened().call('POST', pathOf(serviceAccounts), serviceAccounts.struct as Struct, {
      body: body(erased(serviceAccounts), account),
    })
    const request = await opened().call(
      'POST',
      `${pathOf(serviceAccounts)}/asker/token`,
      tokenRequests.struct as Struct,
      {
        body: body(erased(tokenRequests), { spec: { audiences: ['me'], expirationSeconds: 1200 } }),
      },
    )
    assert.deepEqual([request.apiVersion, request.kind], ['authentication.k8s.io/v1', 'TokenRequest'])
    assert.deepEqual(request.object['spec'], { audiences: ['me'], expirationSeconds: 1200 })
    const { token } = request.object['status'] as { token: string }
    const review = await ask(tokenReviews, { spec: { token, audiences: ['me'] } })
    assert.partialDeepStrictEqual(review, {
      authenticated: true,
      audiences: ['me'],
      user: { username: 'system:serviceaccount:default:asker' },
    })
  })

  test('is told who it is and what it may', async () => {
    assert.partialDeepStrictEqual(await ask(selfSubjectReviews, {}), { userInfo: { username: 'kubernetes-admin' } })
    const resourceAttributes = { verb: 'get', resource: 'pods', namespace: 'default' }
    assert.partialDeepStrictEqual(await ask(selfSubjectAccessReviews, { spec: { resourceAttributes } }), {
      allowed: true,
    })
    const extra = { scopes: ['a', 'b'] }
    const nobody = { spec: { resourceAttributes, user: 'nobody', groups: ['none'], extra } }
    assert.deepEqual(await ask(subjectAccessReviews, nobody), { allowed: false })
    const rules = await ask(selfSubjectRulesReviews, { spec: { namespace: 'default' } })
    assert.ok((rules as { resourceRules: object[] }).resourceRules.length > 0)
  })

  async function ask<T extends AnyObject>(resource: Resource<T>, question: object): Promise<object> {
    const path = `/apis/${resource.group}/${resource.version}/${resource.plural}`
    const answer = await opened().call('POST', path, resource.struct as Struct, { body: body(resource, question) })
    assert.deepEqual([answer.apiVersion, answer.kind], [resource.apiVersion, resource.kind])
    return answer.object['status'] as object
  }

  test('binds and evicts', async () => {
    const pod = {
      metadata: { name: 'p' },
      spec: { containers: [{ name: 'c', image: 'i' }], serviceAccountName: 'asker' },
    }
    await opened().call('POST', pathOf(pods), pods.struct as Struct, { body: body(erased(pods), pod) })
    const binding = { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n1' } }
    const bound = await opened().call('POST', `${pathOf(pods)}/p/binding`, status, {
      body: body(erased(bindings), binding),
    })
    assert.deepEqual([bound.kind, bound.object['status'], bound.object.code], ['Status', 'Success', 201])
    const evicted = await opened().call('POST', `${pathOf(pods)}/p/eviction`, status, {
      body: body(erased(evictions), { metadata: { name: 'p' } }),
    })
    assert.deepEqual([evicted.kind, evicted.object['status'], evicted.object.code], ['Status', 'Success', 201])
  })

  test('finds its way', async () => {
    const found = async (path: string): Promise<[string, Reader]> => {
      const response = await opened().send('GET', path)
      assert.equal(response.headers['content-type'], PROTOBUF)
      const { kind, raw } = decodeEnvelope(Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>)))
      return [kind, new Reader(raw)]
    }
    const [versions, core] = await found('/api')
    assert.deepEqual([versions, core.tag() >>> 3, core.string()], ['APIVersions', 1, 'v1'])
    const [kind, apps] = await found('/apis/apps/v1')
    assert.deepEqual([kind, apps.tag() >>> 3, apps.string(), apps.tag() >>> 3], ['APIResourceList', 1, 'apps/v1', 2])
    const [name, resource] = ['controllerrevisions', new Reader(apps.bytes())]
    assert.deepEqual([resource.tag() >>> 3, resource.string()], [1, name])
    assert.deepEqual([resource.tag() >>> 3, resource.bool()], [2, true])
    assert.deepEqual([resource.tag() >>> 3, resource.string()], [3, 'ControllerRevision'])
    assert.equal(resource.tag() >>> 3, 4)
    const verbs = new Reader(resource.bytes())
    assert.deepEqual([verbs.tag() >>> 3, verbs.string()], [1, 'create'])
    assert.equal((await found('/apis'))[0], 'APIGroupList')
    assert.equal((await found('/apis/apps'))[0], 'APIGroup')
    for (const path of ['/version', '/']) {
      const response = await opened().send('GET', path)
      assert.deepEqual([path, response.statusCode, response.headers['content-type']], [path, 200, 'application/json'])
      response.resume()
    }
  })

  test('hears what went wrong in the first form that it names', async () => {
    for (const [accept, contentType] of [
      [`${PROTOBUF},application/json`, PROTOBUF],
      [`application/json,${PROTOBUF}`, 'application/json'],
      [`application/json;q=0.5,${PROTOBUF}`, PROTOBUF],
      [`${PROTOBUF};as=Table;g=meta.k8s.io;v=v1,application/yaml`, 'application/yaml'],
      [METADATA, 'application/json'],
      [`${PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1`, 'application/json'],
      ['text/plain', 'application/json'],
    ] as const) {
      for (const path of [`${MAPS}/none`, '/apis/none/v1/things', '/nothing']) {
        const response = await opened().send('GET', path, accept)
        const code = accept === 'text/plain' && path.startsWith(MAPS) ? 406 : 404
        const { statusCode, headers } = response
        assert.deepEqual([path, accept, statusCode, headers['content-type']], [path, accept, code, contentType])
        response.resume()
      }
    }
  })

  test('has tables in JSON, which protobuf has none of', async () => {
    const accept = `${PROTOBUF};as=Table;g=meta.k8s.io;v=v1,application/json;as=Table;g=meta.k8s.io;v=v1`
    const response = await opened().send('GET', MAPS, accept)
    assert.equal(response.headers['content-type'], 'application/json')
    response.resume()
    const none = await opened().send('GET', MAPS, `${PROTOBUF};as=Table;g=meta.k8s.io;v=v1`)
    assert.equal(none.statusCode, 406)
    none.resume()
  })
})
