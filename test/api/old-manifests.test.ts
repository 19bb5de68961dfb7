// Manifests as they were written when the API was young are taken as they are, and read back through their own version.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { kindOf } from '../../src/api/all.ts'
import { namespaces } from '../../src/api/core/namespace.ts'
import { serviceAccounts } from '../../src/api/core/service-account.ts'
import { networkPolicies } from '../../src/api/networking/network-policy/network-policy.ts'
import type { AnyObject } from '../../src/apimachinery/metadata.ts'
import { isObject } from '../../src/apimachinery/objects.ts'
import { decodeYaml } from '../../src/apimachinery/yaml.ts'
import type { ApiResponse } from '../../src/client/door.ts'
import { ADMIN, startCluster, type TestCluster } from '../../src/testing/cluster.ts'

const FILES = globSync(join(import.meta.dirname, '../fixtures/old-manifests/*.yaml')).sort()

/** What `part` says is in `whole`, in the same words; a field that is null says nothing, and admission adds to lists at their ends. */
function says(whole: unknown, part: unknown, at: string): void {
  if (Array.isArray(part)) {
    assert.ok(Array.isArray(whole), at)
    part.forEach((item, i) => {
      says(whole[i], item, `${at}[${i}]`)
    })
  } else if (isObject(part)) {
    assert.ok(isObject(whole), at)
    for (const [key, value] of Object.entries(part)) says(whole[key], value, `${at}.${key}`)
  } else if (part !== null) assert.deepEqual(whole, part, at)
}

async function call(cluster: TestCluster, method: string, path: string, body?: Buffer): Promise<ApiResponse> {
  return await cluster.server.handle({
    method,
    path,
    query: new URLSearchParams({ fieldValidation: 'Strict' }),
    headers: { 'content-type': 'application/yaml' },
    ...(body ? { body } : {}),
    identity: ADMIN,
    signal: new AbortController().signal,
  })
}

function objectOf({ body }: ApiResponse): unknown {
  assert.ok(body.kind === 'object')
  return JSON.parse(body.bytes.toString())
}

async function prepared(): Promise<TestCluster> {
  const cluster = await startCluster()
  await cluster.client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'myns' }, spec: {} })
  for (const namespace of ['default', 'myns']) {
    const metadata = { name: 'default', namespace }
    await cluster.client.create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  }
  return cluster
}

for (const file of FILES) {
  test(`${basename(file)} is accepted and reads back equal`, async () => {
    await using cluster = await prepared()
    const body = readFileSync(file)
    const given = decodeYaml(body.toString()).value as AnyObject
    const [version = '', group = ''] = given.apiVersion.split('/').reverse()
    const resource = kindOf(group, version, given.kind)
    assert.ok(resource, given.kind)
    const { name, namespace = 'default' } = given.metadata
    const place = resource.scope === 'Cluster' ? '' : `namespaces/${namespace}/`
    const path = `/${group === '' ? 'api' : 'apis'}/${given.apiVersion}/${place}${resource.plural}`
    const created = await call(cluster, 'POST', path, body)
    assert.equal(created.status, 201, JSON.stringify(created.body))
    says(objectOf(await call(cluster, 'GET', `${path}/${name}`)), given, '')
  })
}

test('what was written in small letters is stored as it is meant', async () => {
  await using cluster = await prepared()
  const path = '/apis/extensions/v1beta1/namespaces/default/networkpolicies'
  const body = readFileSync(FILES.find((file) => basename(file) === 'network_policy.yaml') ?? '')
  assert.equal((await call(cluster, 'POST', path, body)).status, 201)
  const { spec } = await cluster.client.get(networkPolicies, { namespace: 'default', name: 'test-network-policy' })
  assert.equal(spec.ingress?.[0]?.ports?.[0]?.protocol, 'TCP')
})
