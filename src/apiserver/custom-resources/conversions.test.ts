// Custom resources of several versions, converted by a webhook that listens on this machine's loopback.

import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { systemClock } from '../../base/clock.ts'
import { createAuthority, issueCertificate } from '../../base/node/certificates.ts'
import { ADMIN, startCluster, type TestCluster } from '../../testing/cluster.ts'
import { type Call, callsTo } from '../../testing/http.ts'
import {
  checkedObject,
  ConversionError,
  convertedObjects,
  type JsonObject,
  reviewVersion,
} from './conversion-review.ts'

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const at = (version: string): string => `/apis/example.com/${version}/namespaces/default/gadgets`

/** v1 says `size: 3`, v2 says `spec: { width: 3 }`. */
function convert(object: JsonObject, desired: string): JsonObject {
  const { apiVersion, size, spec, ...rest } = object
  if (apiVersion === desired) return object
  const width = (spec as { width?: number } | undefined)?.width
  if (desired === 'example.com/v1') return { ...rest, apiVersion: desired, size: width }
  return { ...rest, apiVersion: desired, spec: { width: size, surplus: true } }
}

interface Webhook extends AsyncDisposable {
  clientConfig: { url: string; caBundle: string }
  /** Replaces the whole answer. */
  answer: ((review: JsonObject) => unknown) | undefined
  asked: number
}

async function startWebhook({ random }: TestCluster): Promise<Webhook> {
  // Certificates are checked by TLS, which knows the real time only.
  const sources = { clock: systemClock, random }
  const authority = createAuthority('webhooks', sources)
  const leaf = issueCertificate(authority, { commonName: 'webhook', usages: ['server'], names: ['127.0.0.1'] }, sources)
  const server = createServer({ key: leaf.key, cert: leaf.certificate }, (request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(parts).toString()) as JsonObject
      webhook.asked++
      const { uid, objects, desiredAPIVersion } = review['request'] as {
        uid: string
        objects: JsonObject[]
        desiredAPIVersion: string
      }
      const convertedObjects = objects.map((object) => convert(object, desiredAPIVersion))
      const normal = {
        ...review,
        request: undefined,
        response: { uid, convertedObjects, result: { status: 'Success' } },
      }
      response.end(JSON.stringify(webhook.answer ? webhook.answer(normal) : normal))
    })
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const { port } = server.address() as AddressInfo
  const webhook: Webhook = {
    clientConfig: {
      url: `https://127.0.0.1:${port}/convert`,
      caBundle: Buffer.from(authority.certificate).toString('base64'),
    },
    answer: undefined,
    asked: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
  return webhook
}

function definition(clientConfig: object): object {
  const version = (name: string, storage: boolean, properties: object): object => ({
    name,
    served: true,
    storage,
    schema: { openAPIV3Schema: { type: 'object', properties } },
    additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: name === 'v1' ? '.size' : '.spec.width' }],
  })
  const spec = { type: 'object', properties: { width: { type: 'integer' }, unit: { type: 'string', default: 'mm' } } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'gadgets.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'gadgets', kind: 'Gadget' },
      scope: 'Namespaced',
      versions: [version('v1', true, { size: { type: 'integer' } }), version('v2', false, { spec })],
      conversion: { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } },
    },
  }
}

interface Setting extends AsyncDisposable {
  cluster: TestCluster
  webhook: Webhook
  call: Call
}

async function setUp(): Promise<Setting> {
  const stack = new AsyncDisposableStack()
  const cluster = stack.use(await startCluster())
  const webhook = stack.use(await startWebhook(cluster))
  const call = callsTo(cluster.server.handle, ADMIN)
  const made = await call('POST', DEFINITIONS, { body: definition(webhook.clientConfig) })
  assert.equal(made.status, 201, made.text)
  await cluster.server.settled()
  return { cluster, webhook, call, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const gadget = (version: string, name: string, fields: object): object => ({
  apiVersion: `example.com/${version}`,
  kind: 'Gadget',
  metadata: { name },
  ...fields,
})

test('what is written in one version reads in the other, pruned and defaulted, and is stored in the storage version', async () => {
  await using setting = await setUp()
  const { call, cluster } = setting
  const made = await call('POST', at('v2'), { body: gadget('v2', 'a', { spec: { width: 3 } }) })
  assert.equal(made.status, 201, made.text)
  assert.equal(made.json['apiVersion'], 'example.com/v2')
  assert.deepEqual(made.json['spec'], { width: 3, unit: 'mm' })
  assert.equal((await call('GET', `${at('v1')}/a`)).json['size'], 3)
  const stored = await cluster.store.get('default/example.com/gadgets/default/a')
  assert.match(stored?.value.toString() ?? '', /^\{"kind":"Gadget","apiVersion":"example.com\/v1"/)

  const patch = { body: { spec: { width: 4 } }, headers: { 'content-type': 'application/merge-patch+json' } }
  assert.equal((await call('PATCH', `${at('v2')}/a`, patch)).status, 200)
  assert.equal((await call('GET', `${at('v1')}/a`)).json['size'], 4)
  await call('POST', at('v1'), { body: gadget('v1', 'b', { size: 7 }) })
  const { items } = (await call('GET', at('v2'))).json as { items: { spec: object }[] }
  assert.deepEqual(
    items.map(({ spec }) => spec),
    [
      { width: 4, unit: 'mm' },
      { width: 7, unit: 'mm' },
    ],
  )
  assert.equal((await call('DELETE', `${at('v2')}/a`)).status, 200)
  assert.equal((await call('GET', `${at('v1')}/a`)).status, 404)
})

test('while the webhook fails, the storage version works, the other says why, and all is well again afterwards', async () => {
  await using setting = await setUp()
  const { call, cluster, webhook } = setting
  webhook.answer = (normal) => ({ ...normal, response: { result: { status: 'Failure', message: 'out of order' } } })
  const refused = await call('POST', at('v2'), { body: gadget('v2', 'a', { spec: { width: 3 } }) })
  assert.equal(refused.status, 500)
  const uid = /expected response.uid=/
  assert.match(String(refused.json['message']), uid)
  webhook.answer = (normal) => {
    const { uid: own } = normal['response'] as { uid: string }
    return { ...normal, response: { uid: own, result: { status: 'Failure', message: 'out of order' } } }
  }
  const again = await call('POST', at('v2'), { body: gadget('v2', 'a', { spec: { width: 3 } }) })
  assert.equal(again.json['message'], 'conversion webhook for example.com/v2, Kind=Gadget failed: out of order')
  assert.equal((await call('POST', at('v1'), { body: gadget('v1', 'a', { size: 3 }) })).status, 201)
  assert.equal((await call('GET', `${at('v1')}/a`)).json['size'], 3)
  const why = 'conversion webhook for example.com/v1, Kind=Gadget failed: out of order'
  assert.equal((await call('GET', `${at('v2')}/a`)).json['message'], why)
  assert.equal((await call('GET', at('v2'))).json['message'], why)
  webhook.answer = undefined
  await cluster.advance('2s')
  const found = await call('GET', `${at('v2')}/a`)
  assert.equal(found.status, 200, found.text)
  assert.deepEqual(found.json['spec'], { width: 3, unit: 'mm' })
})

test('a webhook that nobody answers is named', async () => {
  await using setting = await setUp()
  const { call, webhook } = setting
  await webhook[Symbol.asyncDispose]()
  const refused = await call('POST', at('v2'), { body: gadget('v2', 'a', {}) })
  assert.match(
    String(refused.json['message']),
    /^conversion webhook for example.com\/v2, Kind=Gadget failed: Post "https:\/\/127\.0\.0\.1:\d+\/convert\?timeout=30s": /,
  )
})

describe('checkedObject', () => {
  const original = {
    kind: 'Gadget',
    apiVersion: 'g/v1',
    metadata: { name: 'a', uid: 'u', labels: { x: 'y' }, finalizers: ['f'] },
  }
  const as = (change: object, metadata: object = {}): unknown => ({
    ...original,
    apiVersion: 'g/v2',
    metadata: { ...original.metadata, ...metadata },
    ...change,
  })
  const cases: Record<string, [converted: unknown, want: string]> = {
    'another version': [as({ apiVersion: 'g/v3' }), 'invalid groupVersion (expected g/v2, received g/v3)'],
    'another kind': [as({ kind: 'Other' }), 'invalid kind (expected Gadget, received Other)'],
    'another name': [as({}, { name: 'b' }), 'invalid object: must have the same name: a != b'],
    'another UID': [as({}, { uid: 'v' }), 'invalid object: must have the same UID: u != v'],
    'a label that is no text': [as({}, { labels: { x: 1 } }), 'metadata.labels[x] must be a string, but is number'],
    'no object': ['x', 'not a JSON object'],
  }
  for (const [name, [converted, want]] of Object.entries(cases)) {
    test(`refuses ${name}`, () => {
      assert.throws(
        () => checkedObject(original, converted, 'g/v2'),
        (error) => error instanceof ConversionError && error.message.includes(want),
      )
    })
  }
  test('takes labels and annotations of the answer, and nothing else of its metadata', () => {
    const metadata = { labels: { z: '1' }, annotations: { n: '2' }, finalizers: ['other'], generation: 9 }
    assert.deepEqual(checkedObject(original, as({}, metadata), 'g/v2')['metadata'], {
      name: 'a',
      uid: 'u',
      labels: { z: '1' },
      annotations: { n: '2' },
      finalizers: ['f'],
    })
  })
})

test('an answer must be a review of the version that was asked in', () => {
  const question = { version: reviewVersion(['v9', 'v1', 'v1beta1']), uid: 'u', desiredAPIVersion: 'g/v2', objects: [] }
  assert.equal(question.version, 'v1')
  assert.throws(() => reviewVersion(['v9']), /no supported conversion review versions/)
  const says = (answer: unknown): string => {
    try {
      return String(convertedObjects(answer, question).length)
    } catch (error) {
      return (error as Error).message
    }
  }
  const review = { kind: 'ConversionReview', apiVersion: 'apiextensions.k8s.io/v1' }
  const other = 'expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got v1, Kind=Pod'
  assert.equal(says({ kind: 'Pod', apiVersion: 'v1' }), other)
  assert.equal(says(review), 'no response provided')
  assert.equal(says({ ...review, response: { uid: 'x' } }), 'expected response.uid="u", got "x"')
  assert.equal(says({ ...review, response: { uid: 'u' } }), "response.result.status was '', not 'Success'")
  assert.equal(says({ ...review, response: { uid: 'u', result: { status: 'Success' }, convertedObjects: [{}] } }), '1')
})
