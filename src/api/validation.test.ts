// What is wrong with services, workloads, data, roles and definitions: one valid object, one tweak a case.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode } from '../apimachinery/decode.ts'
import { applyDefaults } from '../apimachinery/defaults.ts'
import { Issues } from '../apimachinery/issues.ts'
import type { Resource } from '../apimachinery/resource.ts'
import { validate } from '../apimachinery/validate.ts'
import { customResourceDefinitions } from './apiextensions/custom-resource-definition.ts'
import { deployments } from './apps/deployment.ts'
import { configMaps } from './core/config-map.ts'
import { secrets } from './core/secret.ts'
import { services } from './core/service/service.ts'
import { roleBindings } from './rbac/role-binding.ts'
import { roles } from './rbac/role.ts'

function ready<T>(resource: Resource<T>, object: object): T {
  const { value } = decode(
    resource.struct,
    { metadata: { name: 'x', namespace: 'default' }, ...object },
    { unknownFields: 'strict' },
  )
  applyDefaults(resource.struct, value)
  resource.defaults?.(value)
  return value
}

function problems<T>(resource: Resource<T>, object: object): string[] {
  const value = ready(resource, object)
  const issues = new Issues()
  validate(resource.struct, value, issues)
  resource.validate?.(value, issues)
  return issues.list.map(({ field, message }) => `${field}: ${message}`)
}

function changed<T>(resource: Resource<T>, previous: object, next: object): string[] {
  const issues = new Issues()
  resource.validateUpdate?.(ready(resource, next), ready(resource, previous), issues)
  return issues.list.map(({ field, message }) => `${field}: ${message}`)
}

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'x' }] } }
const deployment = (spec: object): object => ({ spec: { selector: { matchLabels: { app: 'a' } }, template, ...spec } })

describe('deployments', () => {
  test('are valid with a selector that fits', () => assert.deepEqual(problems(deployments, deployment({})), []))
  test('need a selector that fits', () => {
    const found = problems(deployments, deployment({ selector: { matchLabels: { app: 'b' } } }))
    assert.deepEqual(found, [
      'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
    ])
  })
  test('run pods for good', () => {
    const once = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } }
    assert.deepEqual(problems(deployments, deployment({ template: once })), [
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ])
  })
  test('must be able to move', () => {
    const strategy = { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } }
    assert.deepEqual(problems(deployments, deployment({ strategy })), [
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
    ])
  })
  test('keep their selector', () => {
    const found = changed(deployments, deployment({}), deployment({ selector: { matchLabels: { app: 'b' } } }))
    assert.deepEqual(found, ['spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable'])
  })
})

describe('services', () => {
  const service = (spec: object): object => ({ spec: { ports: [{ port: 80 }], ...spec } })
  test('are valid with a port', () => {
    assert.deepEqual(problems(services, service({})), [])
    assert.deepEqual(ready(services, service({})).spec.ports, [{ port: 80, protocol: 'TCP', targetPort: 80 }])
  })
  test('name their ports when there are several', () => {
    assert.deepEqual(problems(services, service({ ports: [{ port: 80 }, { port: 81, name: 'b' }] })), [
      'spec.ports[0].name: Required value',
    ])
  })
  test('use no node port inside the cluster', () => {
    assert.deepEqual(problems(services, service({ ports: [{ port: 80, nodePort: 30_000 }] })), [
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ])
  })
  test('keep what was allocated', () => {
    const previous = ready(services, service({ clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'] }))
    const next = ready(services, service({}))
    services.prepareUpdate?.(next, previous)
    assert.deepEqual([next.spec.clusterIP, next.spec.clusterIPs], ['10.96.0.1', ['10.96.0.1']])
    assert.deepEqual(changed(services, previous, service({ clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.2'] })), [
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.2"]: may not change once set',
    ])
  })
})

describe('config maps and secrets', () => {
  test('stay once immutable', () => {
    const before = { immutable: true, data: { a: '1' } }
    assert.deepEqual(changed(configMaps, before, { immutable: true, data: { a: '2' } }), [
      'data: Forbidden: field is immutable when `immutable` is set',
    ])
  })
  test('hold no more than a mebibyte', () => {
    const data = { a: Buffer.alloc(1024 * 1024 + 1).toString('base64') }
    assert.deepEqual(problems(secrets, { data }), ['data: Too long: may not be more than 1048576 bytes'])
  })
  test('hold what their type promises', () => {
    assert.deepEqual(problems(secrets, { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }), [
      'data[tls.key]: Required value',
    ])
    assert.deepEqual(ready(secrets, { stringData: { a: 'b' } }).data, { a: 'Yg==' })
  })
})

describe('roles', () => {
  test('say verbs, groups and resources', () => {
    assert.deepEqual(problems(roles, { rules: [{ verbs: [], resources: ['pods'] }] }), [
      'rules[0].verbs: Required value: verbs must contain at least one value',
      'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
    ])
  })
  test('are bound for good', () => {
    const binding = (name: string): object => ({ roleRef: { kind: 'Role', name } })
    assert.deepEqual(changed(roleBindings, binding('a'), binding('b')), [
      'roleRef: Invalid value: {"kind":"Role","name":"b","apiGroup":"rbac.authorization.k8s.io"}: cannot change roleRef',
    ])
  })
})

describe('definitions of custom resources', () => {
  const definition = (schema: object, version: object = {}): object => ({
    metadata: { name: 'foos.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'foos', kind: 'Foo' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }],
    },
  })
  const at = 'spec.versions[0].schema.openAPIV3Schema'
  const cases: Record<string, [object, string[]]> = {
    'are valid with a structural schema': [
      definition({ type: 'object', properties: { spec: { type: 'object', properties: { n: { type: 'integer' } } } } }),
      [],
    ],
    'type every field': [
      definition({ type: 'object', properties: { spec: {} } }),
      [`${at}.properties[spec].type: Required value: must not be empty for specified object fields`],
    ],
    'type the root': [definition({}), [`${at}.type: Required value: must not be empty at the root`]],
    'restrict, but do not shape, in junctors': [
      definition({ type: 'object', anyOf: [{ type: 'object' }] }),
      [`${at}.anyOf[0].type: Forbidden: must be empty to be structural`],
    ],
  }
  for (const [name, [object, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(customResourceDefinitions, object), want))
  }
  test('name their kind in full', () => {
    assert.deepEqual(ready(customResourceDefinitions, definition({ type: 'object' })).spec.names, {
      plural: 'foos',
      kind: 'Foo',
      singular: 'foo',
      listKind: 'FooList',
    })
  })
})
