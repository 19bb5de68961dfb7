// An aggregated API whose service is missing: kubectl says so, and goes on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type APIService, apiServices } from '../../src/api/apiregistration/api-service.ts'
import { serveCluster } from './server.ts'

test('a dead backend stands in nobody’s way', { timeout: 120_000 }, async () => {
  await using cluster = await serveCluster()
  await cluster.client.create(apiServices, {
    metadata: { name: 'v1.dead.example.com' },
    spec: {
      group: 'dead.example.com',
      version: 'v1',
      groupPriorityMinimum: 100,
      versionPriority: 15,
      insecureSkipTLSVerify: true,
      service: { namespace: 'default', name: 'nobody' },
    },
  } as unknown as APIService)
  await new Promise((resolve) => setImmediate(resolve))
  await cluster.api.settled()
  const kubectl = await cluster.kubectl('1.35')
  const shown = await kubectl(['get', 'apiservice', 'v1.dead.example.com'])
  assert.match(shown.stdout, /default\/nobody +False \(ServiceNotFound\)/)
  const others = await kubectl(['get', 'configmaps,deployments', '-A'])
  assert.equal(others.code, 0, others.stderr)
  const resources = await kubectl(['api-resources'])
  assert.match(resources.stdout, /configmaps/)
  const applied = await kubectl(['apply', '-f', '-'], {
    stdin: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data: { a: '1' } }),
  })
  assert.equal(applied.code, 0, applied.stderr)
})
