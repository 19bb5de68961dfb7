// Real kubectls and the versions of kinds from before: old manifests work, and what is asked for by name alone is shown once, as it is today.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { KUBECTL_VERSIONS } from '../../src/testing/kubectl.ts'
import { type ServedCluster, serveCluster } from './server.ts'

const manifest = (name: string): string => join(import.meta.dirname, '../fixtures/old-manifests', name)

const template = {
  metadata: { labels: { app: 'old' } },
  spec: { containers: [{ name: 'c', image: 'nginx' }] },
}
const OBJECTS = [
  { apiVersion: 'extensions/v1beta1', kind: 'Deployment', metadata: { name: 'old' }, spec: { replicas: 0, template } },
  { apiVersion: 'extensions/v1beta1', kind: 'DaemonSet', metadata: { name: 'old' }, spec: { template } },
  {
    apiVersion: 'apps/v1beta1',
    kind: 'StatefulSet',
    metadata: { name: 'old' },
    spec: { serviceName: 'old', replicas: 0, template },
  },
  {
    apiVersion: 'policy/v1beta1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'old' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'old' } } },
  },
  {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'old' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'old' },
      maxReplicas: 3,
      targetCPUUtilizationPercentage: 50,
    },
  },
  {
    apiVersion: 'apiextensions.k8s.io/v1beta1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: { group: 'example.com', version: 'v1', names: { plural: 'widgets', kind: 'Widget' } },
  },
]

for (const version of KUBECTL_VERSIONS) {
  describe(`kubectl ${version}`, () => {
    let cluster: ServedCluster
    before(async () => {
      cluster = await serveCluster()
    })
    after(() => cluster[Symbol.asyncDispose]())
    const ok = async (args: string): Promise<string> => {
      const kubectl = await cluster.kubectl(version)
      const { code, stdout, stderr } = await kubectl(args.split(' '))
      assert.equal(code, 0, `kubectl ${args}: ${stderr}${stdout}`)
      return stdout
    }
    const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')

    test('applies old manifests, again and changed', async () => {
      const file = cluster.file('old.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: OBJECTS }))
      const files = ['ingress_tls.yaml', 'network_policy.yaml'].map((name) => `-f ${manifest(name)}`).join(' ')
      assert.equal(lines(await ok(`apply -f ${file} ${files}`)).length, OBJECTS.length + 2)
      for (const line of lines(await ok(`apply -f ${file} ${files}`))) assert.match(line, / unchanged$/)
      const changed = cluster.file('tls.yaml', readFileSync(manifest('ingress_tls.yaml'), 'utf8').replace('80', 'http'))
      assert.match(await ok(`apply -f ${changed}`), / configured$/m)
      const port = 'jsonpath={.spec.defaultBackend.service.port.name}'
      assert.equal(await ok(`get ingress no-rules-map -o ${port}`), 'http')
      const oldPort = 'jsonpath={.spec.backend.servicePort}'
      assert.equal(await ok(`get ingresses.v1beta1.extensions no-rules-map -o ${oldPort}`), 'http')
      assert.match(await ok(`apply --server-side --force-conflicts -f ${changed}`), /serverside-applied$/m)
    })

    test('shows everything once, as it is today', async () => {
      assert.deepEqual(lines(await ok('get all -o name')).sort(), [
        'daemonset.apps/old',
        'deployment.apps/old',
        'horizontalpodautoscaler.autoscaling/old',
        'service/kubernetes',
        'statefulset.apps/old',
      ])
      for (const [kind, name] of [
        ['ing', 'ingress.networking.k8s.io/no-rules-map'],
        ['ingress', 'ingress.networking.k8s.io/no-rules-map'],
        ['netpol', 'networkpolicy.networking.k8s.io/test-network-policy'],
        ['pdb', 'poddisruptionbudget.policy/old'],
        ['hpa', 'horizontalpodautoscaler.autoscaling/old'],
        ['deploy', 'deployment.apps/old'],
        ['deployments.v1.apps', 'deployment.apps/old'],
        ['deployments.v1beta1.extensions', 'deployment.extensions/old'],
        ['crd', 'customresourcedefinition.apiextensions.k8s.io/widgets.example.com'],
      ]) {
        assert.equal(await ok(`get ${kind} -o name`), `${name}\n`)
      }
      for (const [kind, apiVersion] of [
        ['ingress', 'networking.k8s.io/v1'],
        ['netpol', 'networking.k8s.io/v1'],
        ['ds', 'apps/v1'],
        ['pdb', 'policy/v1'],
        ['hpa', 'autoscaling/v2'],
        ['crd', 'apiextensions.k8s.io/v1'],
      ]) {
        assert.equal(await ok(`get ${kind} -o jsonpath={.items[*].apiVersion}`), apiVersion)
      }
      assert.match(await ok('get ingress'), /^no-rules-map +<none> +\* +80, 443 +/m)
      assert.match(await ok('get ingresses.v1beta1.extensions'), /^no-rules-map +<none> +\* +80, 443 +/m)
      assert.match(await ok('get hpa.v1.autoscaling'), /^old +Deployment\/old +.*<unknown>\/50% +1 +3 +/m)
    })

    test('shows events once, by either group', async () => {
      const event = {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: 'it', namespace: 'default' },
        regarding: { kind: 'Pod', name: 'web', namespace: 'default' },
        reason: 'Started',
        action: 'Start',
        type: 'Normal',
        note: 'It runs.',
        reportingController: 'example.com/runner',
        reportingInstance: 'runner-0',
        eventTime: '2030-01-01T12:00:00.000000Z',
      }
      const file = cluster.file('event.json', JSON.stringify(event))
      assert.equal(await ok(`create -f ${file}`), 'event.events.k8s.io/it created\n')
      assert.equal(lines(await ok('get events --field-selector=reason=Started -o name')).join(), 'event/it')
      const regarding = '--field-selector=regarding.name=web'
      assert.equal(await ok(`get events.events.k8s.io ${regarding} -o name`), 'event.events.k8s.io/it\n')
      assert.match(await ok(`get events.events.k8s.io ${regarding}`), /Normal +Started +pod\/web +It runs\.$/m)
    })

    test('explains old versions too', async () => {
      assert.match(await ok('explain ingress.spec'), /defaultBackend/)
      assert.match(await ok('explain --api-version=extensions/v1beta1 ingress.spec.backend'), /servicePort/)
      assert.match(await ok('explain --api-version=events.k8s.io/v1 events'), /regarding/)
    })

    test('takes back what it applied', async () => {
      await ok(`delete -f ${join(cluster.directory, 'old.json')}`)
      assert.deepEqual(lines(await ok('get all -o name')), ['service/kubernetes'])
    })
  })
}
