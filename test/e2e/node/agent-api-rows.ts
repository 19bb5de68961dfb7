// The agent's own API: who may ask, and what it tells; and logs that are rotated while they are read.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { clusterRoleBindings } from '../../../src/api/rbac/cluster-role-binding.ts'
import { clusterRoles } from '../../../src/api/rbac/cluster-role.ts'
import { serviceAccounts } from '../../../src/api/core/service-account.ts'
import type { World } from './world.ts'

export function agentApiRows(t: TestContext, world: World): Promise<void>[] {
  const { node, port } = world
  return [
    world.row(t, 'health, pods and figures are served to the API server, and to nobody else', async () => {
      await world.create('figures', 'i=0; while [ $i -lt 9999 ]; do i=$((i+1)); done; sleep 1000')
      const pod = await world.running('figures')
      assert.deepEqual(await node.get(port, '/healthz'), { status: 200, body: 'ok' })
      for (const path of ['/healthz', '/pods', '/metrics', '/stats/summary'])
        assert.equal((await node.get(port, path, node.stranger)).status, 403)
      const { items } = JSON.parse((await node.get(port, '/pods')).body)
      assert.ok(items.some(({ metadata }: typeof pod) => metadata.uid === pod.metadata.uid))
      const summary = JSON.parse((await node.get(port, '/stats/summary')).body)
      const found = summary.pods.find(({ podRef }: { podRef: { name: string } }) => podRef.name === 'figures')
      const [main] = found.containers
      assert.equal(main.name, 'main')
      assert.ok(main.cpu.usageCoreNanoSeconds > 0 && main.memory.workingSetBytes > 0)
      assert.ok(found.memory.workingSetBytes >= main.memory.workingSetBytes)
      const { body: metrics } = await node.get(port, '/metrics')
      assert.match(metrics, /^kubelet_node_name\{node="node1"\} 1$/m)
      const { body: resource } = await node.get(port, '/metrics/resource')
      assert.match(
        resource,
        /^container_cpu_usage_seconds_total\{container="main",namespace="default",pod="figures"\} [\d.e-]+$/m,
      )
    }),

    world.row(t, 'whoever has a token and the right to it may ask, and nobody else', async () => {
      const token = async (name: string): Promise<string> => {
        const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec: {} }
        const metadata = { name, namespace: 'default' }
        await node.client.create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
        const answer = await node.client.post(serviceAccounts, metadata, 'token', body)
        return (answer as { status: { token: string } }).status.token
      }
      const meter = await token('meter')
      await node.client.create(clusterRoles, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'meter' },
        rules: [{ apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] }],
      })
      await node.client.create(clusterRoleBindings, {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'meter' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'meter' },
        subjects: [{ kind: 'ServiceAccount', name: 'meter', namespace: 'default' }],
      })
      assert.equal((await node.getWithToken(port, '/metrics/resource', undefined)).status, 401)
      assert.equal((await node.getWithToken(port, '/metrics/resource', 'x.y.z')).status, 401)
      const cadvisor = await node.getWithToken(port, '/metrics/cadvisor', meter)
      assert.equal(cadvisor.status, 200)
      assert.match(cadvisor.body, /^# TYPE container_memory_working_set_bytes gauge$/m)
      assert.deepEqual(await node.getWithToken(port, '/pods', meter), {
        status: 403,
        body: 'Forbidden (user=system:serviceaccount:default:meter, verb=get, resource=nodes, subresource(s)=[pods proxy])',
      })
    }),

    world.row(t, 'a log is rotated while somebody follows it, and no line is lost', async () => {
      // Some 170 bytes a line: the log is set aside again and again.
      const filler = 'x'.repeat(120)
      const line = `echo $i ${filler}; [ $((i % 100)) -ne 0 ] || sleep 0.05`
      const script = `until [ -e /tmp/go ]; do sleep 0.1; done; i=0; while [ $i -lt 6000 ]; do i=$((i+1)); ${line}; done`
      await world.create('chatty', script, { restartPolicy: 'Never' })
      const pod = await world.running('chatty')
      const follow = world.log('chatty', '?follow=true')
      await world.inside(pod, 'touch /tmp/go')
      await world.ended('chatty')
      const { name, namespace = '', uid = '' } = pod.metadata
      const directory = join(node.agentDirectory, 'pods-logs', `${namespace}_${name}_${uid}`, 'main')
      const files = readdirSync(directory)
      assert.ok(files.length > 1, 'it was rotated')
      assert.ok(files.length <= 3, files.join())
      const numbers = (await follow)
        .trimEnd()
        .split('\n')
        .map((line) => Number(line.split(' ')[0]))
      assert.deepEqual(
        numbers,
        Array.from({ length: 6000 }, (_, i) => i + 1),
      )
    }),
  ]
}
