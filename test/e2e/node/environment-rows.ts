// The environment of containers: variables from everywhere, names, hosts, resolvers.

import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import type { TestContext } from 'node:test'
import { configMaps } from '../../../src/api/core/config-map.ts'
import type { Pod } from '../../../src/api/core/pod/pod.ts'
import { secrets } from '../../../src/api/core/secret.ts'
import { services } from '../../../src/api/core/service/service.ts'
import { container, NODE, type World } from './world.ts'

const meta = (name: string) => ({ name, namespace: 'default' })

export function environmentRows(t: TestContext, world: World): Promise<void>[] {
  const { node } = world
  return [
    world.row(
      t,
      'variables come from fields, resources, configMaps, secrets and services, and refer to each other',
      async () => {
        const { client } = node
        await client.create(configMaps, {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: meta('env'),
          data: { COLOR: 'red', SIZE: 'big' },
        })
        await client.create(secrets, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: meta('env'),
          data: { PASSWORD: Buffer.from('word').toString('base64') },
        })
        const service = await client.create(services, {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: meta('my-db'),
          spec: { ports: [{ name: 'sql', port: 5432 }] },
        } as never)
        const env = [
          { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
          { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
          { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'env', key: 'COLOR' } } },
          { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'env', key: 'PASSWORD' } } },
          { name: 'NONE', valueFrom: { secretKeyRef: { name: 'none', key: 'x', optional: true } } },
          { name: 'JOINED', value: '$(COLOR)-$(X_SIZE)-$(MY_DB_SERVICE_PORT)-$(UNKNOWN)-$$(COLOR)' },
        ]
        const envFrom = [
          { prefix: 'X_', configMapRef: { name: 'env' } },
          { secretRef: { name: 'env' } },
          { configMapRef: { name: 'none', optional: true } },
        ]
        const shown = `$NODE $LIMIT $COLOR $PASSWORD \${NONE-unset} $JOINED $X_COLOR $X_SIZE`
        const script = `echo "${shown}"; echo $MY_DB_SERVICE_HOST $MY_DB_PORT_5432_TCP_ADDR $MY_DB_SERVICE_PORT_SQL`
        const more = { env, envFrom, resources: { limits: { memory: '32Mi' } } }
        const ip = service.spec.clusterIP
        assert.equal(
          await world.output('variables', script, {}, more),
          `${NODE} 32 red word unset red-big-5432-$(UNKNOWN)-$(COLOR) red big\n${ip} ${ip} 5432\n`,
        )
        assert.equal(
          await world.output('no-links', `echo "\${MY_DB_SERVICE_HOST-unset}"`, { enableServiceLinks: false }),
          'unset\n',
        )
      },
    ),

    world.row(
      t,
      'a variable that leads nowhere keeps the container from being made, until it leads somewhere',
      async () => {
        const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'later', key: 'a' } } }]
        await world.create('nowhere', 'echo $A', { restartPolicy: 'Never' }, { env })
        assert.equal(await world.waiting('nowhere', 'CreateContainerConfigError'), 'configmap "later" not found')
        const failed = await world.event('nowhere', ({ reason }) => reason === 'Failed')
        assert.equal(failed.message, 'Error: configmap "later" not found')
        await node.client.create(configMaps, {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: meta('later'),
          data: { a: 'came' },
        })
        await world.ended('nowhere')
        assert.equal(await world.log('nowhere'), 'came\n')
      },
    ),

    world.row(t, 'a pod has its name, its aliases and the resolvers it asks for', async () => {
      const spec: Partial<Pod['spec']> = {
        hostname: 'box',
        subdomain: 'sub',
        hostAliases: [{ ip: '192.0.2.7', hostnames: ['a.example', 'b.example'] }],
        dnsPolicy: 'None',
        dnsConfig: {
          nameservers: ['192.0.2.53'],
          searches: ['one.example', 'two.example'],
          options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
        },
      }
      const script = 'hostname; grep -E "sub|a.example" /etc/hosts; cat /etc/resolv.conf'
      const text = await world.output('named', script, spec)
      const ip = (await node.until('named', () => true))?.status?.podIP
      assert.equal(
        text,
        [
          'box',
          `${ip}\tbox.sub.default.svc.cluster.local\tbox`,
          '192.0.2.7\ta.example\tb.example',
          'search one.example two.example',
          'nameserver 192.0.2.53',
          'options ndots:2 edns0',
          '',
        ].join('\n'),
      )
    }),

    world.row(t, 'cluster DNS, the DNS of the node, and a full name as the host name', async () => {
      const cluster = await world.output('cluster-dns', 'cat /etc/resolv.conf; hostname')
      assert.match(cluster, /^search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local/)
      assert.match(cluster, /\nnameserver 10\.96\.0\.10\noptions ndots:5\ncluster-dns\n$/)
      const own = await world.output('default-dns', 'cat /etc/resolv.conf', { dnsPolicy: 'Default' })
      assert.doesNotMatch(own, /10\.96\.0\.10|ndots:5/)
      const full = { hostname: 'h', subdomain: 's', setHostnameAsFQDN: true }
      assert.equal(await world.output('full-name', 'hostname', full), 'h.s.default.svc.cluster.local\n')
    }),

    world.row(t, "a pod on the host's network and processes sees them, and its aliases", async () => {
      const spec = {
        hostNetwork: true,
        hostPID: true,
        hostAliases: [{ ip: '192.0.2.8', hostnames: ['c.example'] }],
      }
      const script = `hostname; [ -d /proc/${process.pid} ] && echo sees; grep c.example /etc/hosts; head -n 1 /etc/hosts`
      assert.equal(
        await world.output('on-host', script, spec),
        `${hostname()}\nsees\n192.0.2.8\tc.example\n# Kubernetes-managed hosts file (host network).\n`,
      )
      const pod = await node.until('on-host', () => true)
      assert.deepEqual([pod?.status?.hostIP, pod?.status?.podIP], ['127.0.0.1', '127.0.0.1'])
    }),

    world.row(t, 'containers share their processes when the pod says so', async () => {
      await world.createPod('shared-processes', {
        terminationGracePeriodSeconds: 1,
        shareProcessNamespace: true,
        containers: [container('main', 'exec sleep 1234'), container('other', 'exec sleep 4321')],
      })
      const pod = await world.running('shared-processes')
      await world.running('shared-processes', 'other')
      assert.match(await world.inside(pod, 'ps'), /sleep 1234[\s\S]*sleep 4321|sleep 4321[\s\S]*sleep 1234/)
      await world.create('own-processes', 'exec sleep 1234')
      assert.equal((await world.inside(await world.running('own-processes'), 'ps')).match(/sleep/g)?.length, 1)
    }),
  ]
}
