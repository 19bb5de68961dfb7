// A patch of the status reads anew only what it changes. What is stored must be what a patch stores that has everything read anew.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { pods } from '../../api/core/pod/pod.ts'
import { serviceAccounts } from '../../api/core/service-account.ts'
import { isInvalid } from '../../apimachinery/errors.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'

const at = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name })

const ACCOUNT = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: at('default') }
const STATUS = { subresource: 'status' } as const

async function seed({ client }: TestCluster, name: string): Promise<void> {
  const metadata = {
    ...at(name),
    labels: { app: 'x' },
    annotations: { note: 'y' },
    finalizers: ['example.com/hold'],
    ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'u' }],
  }
  const spec = {
    automountServiceAccountToken: false,
    containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }],
  }
  await client.create(serviceAccounts, ACCOUNT as never).catch(() => undefined)
  await client.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec } as never)
}

async function textOf({ client }: TestCluster, name: string): Promise<string> {
  const { metadata, ...rest } = await client.get(pods, at(name))
  return JSON.stringify({ ...rest, metadata: { ...metadata, name: '', uid: '', resourceVersion: '' } })
}

const condition = fc.record({ type: fc.constantFrom('Ready', 'Initialized'), status: fc.constantFrom('True', 'False') })
const status = fc.record(
  {
    phase: fc.constantFrom('Pending', 'Running'),
    podIP: fc.constantFrom('10.0.0.1', '10.0.0.2', null),
    conditions: fc.uniqueArray(condition, { selector: ({ type }) => type }),
    reason: fc.constantFrom('a', '', null),
  },
  { requiredKeys: [] },
)

test('a merge patch of the status stores what the same JSON patch stores', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  let count = 0
  await fc.assert(
    fc.asyncProperty(fc.array(status, { minLength: 1, maxLength: 4 }), async (statuses) => {
      const [merged, read] = [`merged-${++count}`, `read-${count}`]
      await Promise.all([seed(cluster, merged), seed(cluster, read)])
      for (const body of statuses) {
        await client.patch(pods, at(merged), { type: 'merge', body: { status: body } }, STATUS)
        const present = (await client.get(pods, at(read))).status as Record<string, unknown>
        const operations = Object.entries(body).flatMap(([key, value]) => {
          const path = `/status/${key}`
          if (value !== null) return [{ op: 'add', path, value }]
          return Object.hasOwn(present, key) ? [{ op: 'remove', path }] : []
        })
        await client.patch(pods, at(read), { type: 'json', body: operations }, STATUS)
        assert.equal(await textOf(cluster, merged), await textOf(cluster, read))
      }
    }),
    { numRuns: 30 },
  )
})

test('a patch of the status changes labels where it names them, checks them, and leaves the rest of the metadata', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  await seed(cluster, 'p')
  const before = await client.get(pods, at('p'))
  const patch = (body: object): Promise<unknown> => client.patch(pods, at('p'), { type: 'merge', body }, STATUS)
  await patch({ metadata: { labels: { tier: 'z' }, generateName: 'q' }, status: { phase: 'Running' } })
  const { metadata } = await client.get(pods, at('p'))
  assert.deepEqual(metadata.labels, { app: 'x', tier: 'z' })
  const { labels: _, resourceVersion: __, managedFields: ___, ...rest } = metadata
  const { labels: ____, resourceVersion: _____, managedFields: ______, ...old } = before.metadata
  assert.deepEqual(rest, old)
  await assert.rejects(patch({ metadata: { labels: { 'no label!': 'z' } } }), isInvalid)
  assert.equal((await client.get(pods, at('p'))).status?.phase, 'Running')
})
