// Two `drover server` over one etcd: one is killed, and clients that try again lose nothing; the other takes its work over.

import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { configMaps } from '../../../src/api/core/config-map.ts'
import { namespaces } from '../../../src/api/core/namespace.ts'
import { leases } from '../../../src/api/coordination/lease.ts'
import { isAlreadyExists } from '../../../src/apimachinery/errors.ts'
import type { Client } from '../../../src/client/client.ts'
import { startEtcd } from '../../../src/testing/etcd.ts'
import { adminClient, freePort, type Program, spawnProgram } from '../../robustness/server-process.ts'

const OBJECTS = 60
const KILLED_AFTER = 20

test('a server is killed while it is written to: nothing acknowledged is lost, no event is missed or doubled, and the other runs the controllers', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-etcd-servers-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(directory, { recursive: true, force: true }))
  const etcd = stack.use(await startEtcd())
  const places = await Promise.all(
    ['a', 'b'].map(async (name) => ({ directory: join(directory, name), port: await freePort() })),
  )
  const [first, second] = places
  assert.ok(first && second)
  const serve = (place: typeof first): Program =>
    stack.use(
      spawnProgram([
        ...['server', '--data-dir', place.directory, '--port', String(place.port), '--bind-address', '127.0.0.1'],
        ...['--store', `etcd=${etcd.endpoint}`],
      ]),
    )
  const serverA = serve(first)
  await serverA.ready
  cpSync(join(first.directory, 'pki'), join(second.directory, 'pki'), { recursive: true })
  const serverB = serve(second)
  await serverB.ready
  const a = stack.use(adminClient(first))
  const b = stack.use(adminClient(second))

  const seen: string[] = []
  const { resourceVersion } = await b.list(configMaps, { namespace: 'default' })
  const watching = (async () => {
    for await (const events of b.watch(configMaps, { namespace: 'default', resourceVersion }))
      for (const { type, object } of events) {
        if (object.metadata.name?.startsWith('written-')) seen.push(`${type} ${object.metadata.name}`)
        if (seen.length === OBJECTS) return
      }
  })()
  let client: Client = a
  for (let n = 0; n < OBJECTS; n++) {
    // Not waited for: the write that follows meets a server that is about to die.
    if (n === KILLED_AFTER) serverA.signal('SIGKILL')
    const metadata = { namespace: 'default', name: `written-${n}` }
    const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { n: String(n) } } as const
    try {
      await client.create(configMaps, made)
    } catch (error) {
      // It may have been written before the answer was lost.
      if (isAlreadyExists(error)) continue
      client = b
      n--
    }
  }
  await watching
  assert.deepEqual(
    seen,
    Array.from({ length: OBJECTS }, (_, n) => `ADDED written-${n}`),
  )
  assert.equal(
    (await b.list(configMaps, { namespace: 'default' })).items.filter(({ data }) => data?.['n']).length,
    OBJECTS,
  )

  // The controllers' lease was the dead server's: it has to run out first.
  await b.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'after' } })
  const root = b.watch(configMaps, { namespace: 'after', sendInitialEvents: true })
  for await (const events of root) if (events.some(({ object }) => object.metadata.name === 'kube-root-ca.crt')) break
  const lease = await b.get(leases, { namespace: 'kube-system', name: 'kube-controller-manager' })
  assert.equal(lease.spec?.leaseTransitions, 1)
})
