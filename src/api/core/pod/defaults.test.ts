// What pods and replication controllers look like once defaults are filled in.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode } from '../../../apimachinery/decode.ts'
import { applyDefaults } from '../../../apimachinery/defaults.ts'
import type { Resource } from '../../../apimachinery/resource.ts'
import { replicationControllers } from '../replication-controller.ts'
import { pullPolicyOf } from './defaults.ts'
import { pods } from './pod.ts'

function defaulted<T>(resource: Resource<T>, object: object): T {
  const { value, unknown } = decode(resource.struct, object, { unknownFields: 'strict' })
  assert.deepEqual(unknown, [])
  applyDefaults(resource.struct, value)
  resource.defaults?.(value)
  return value
}

const NGINX = { name: 'nginx', image: 'nginx', ports: [{ containerPort: 80 }] }
const CONTAINER = {
  name: 'nginx',
  image: 'nginx',
  ports: [{ containerPort: 80, protocol: 'TCP' }],
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'Always',
}
const SPEC = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
}

describe('defaults', () => {
  test('fill in the nginx pod', () => {
    const pod = defaulted(pods, { metadata: { name: 'nginx' }, spec: { containers: [NGINX] } })
    assert.deepEqual(pod.spec, { containers: [CONTAINER], ...SPEC, enableServiceLinks: true })
  })

  test('fill in the nginx replication controller', () => {
    const controller = defaulted(replicationControllers, {
      metadata: { name: 'nginx' },
      spec: {
        replicas: 3,
        selector: { app: 'nginx' },
        template: { metadata: { name: 'nginx', labels: { app: 'nginx' } }, spec: { containers: [NGINX] } },
      },
    })
    assert.deepEqual(controller.metadata.labels, { app: 'nginx' })
    assert.deepEqual(controller.spec, {
      replicas: 3,
      selector: { app: 'nginx' },
      template: {
        metadata: { name: 'nginx', labels: { app: 'nginx' } },
        spec: { containers: [CONTAINER], ...SPEC },
      },
    })
  })

  test('take the selector of a replication controller from its template', () => {
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [NGINX] } }
    const controller = defaulted(replicationControllers, { metadata: { name: 'x' }, spec: { template } })
    assert.deepEqual([controller.spec.selector, controller.spec.replicas], [{ a: 'b' }, 1])
  })

  test('request what is limited, and give host ports on the network of the host', () => {
    const limits = { cpu: '1', memory: '1Gi' }
    const resources = { limits, requests: { cpu: '500m' } }
    const pod = defaulted(pods, {
      metadata: { name: 'x' },
      spec: { hostNetwork: true, containers: [{ ...NGINX, resources }], volumes: [{ name: 'v' }] },
    })
    const [container] = pod.spec.containers
    assert.deepEqual(container?.resources?.requests, { cpu: '500m', memory: '1Gi' })
    assert.deepEqual(container?.ports, [{ containerPort: 80, protocol: 'TCP', hostPort: 80 }])
    assert.deepEqual(pod.spec.volumes, [{ name: 'v', emptyDir: {} }])
  })

  test('pull moving tags always', () => {
    const images: [string, string][] = [
      ['nginx', 'Always'],
      ['nginx:latest', 'Always'],
      ['nginx:1.27', 'IfNotPresent'],
      ['localhost:5000/nginx', 'Always'],
      ['localhost:5000/nginx:1', 'IfNotPresent'],
      [`nginx@sha256:${'0'.repeat(64)}`, 'IfNotPresent'],
    ]
    assert.deepEqual(
      images.map(([image]) => [image, pullPolicyOf(image)]),
      images,
    )
  })
})
