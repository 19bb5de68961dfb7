// The OpenAPI documents of all kinds: every reference resolves, every kind is found the way kubectl looks for it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ALL_RESOURCES, VIEWS } from '../../src/api/all.ts'
import { isObject } from '../../src/apimachinery/objects.ts'
import type { Resource } from '../../src/apimachinery/resource.ts'
import { OpenApi } from '../../src/apimachinery/openapi/documents.ts'

const resources = [...ALL_RESOURCES, ...VIEWS.map((view) => view.resource)] as unknown as readonly Resource[]
const openApi = new OpenApi({ resources, version: 'v1.36.0' })
const parse = (bytes: Buffer): Record<string, unknown> => JSON.parse(bytes.toString())

function refsOf(value: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const item of value) refsOf(item, found)
  else if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      if (key === '$ref' && typeof member === 'string') found.add(member)
      else refsOf(member, found)
    }
  }
  return found
}

function at(document: unknown, path: string): unknown {
  let value = document
  for (const part of path.replace('#/', '').split('/')) value = isObject(value) ? value[part] : undefined
  return value
}

const groups = Object.keys(at(parse(openApi.index().bytes), 'paths') ?? {})

describe('every $ref resolves', () => {
  for (const path of groups) {
    test(path, () => {
      const document = parse(openApi.groupVersion(path)?.bytes ?? Buffer.from('{}'))
      for (const ref of refsOf(document)) assert.ok(isObject(at(document, ref)), ref)
    })
  }
  test('version 2', () => {
    const document = parse(openApi.swagger().bytes)
    const refs = refsOf(document)
    assert.ok(refs.size > 100)
    for (const ref of refs) assert.ok(isObject(at(document, ref)), ref)
  })
})

test('the index names a document by its hash', () => {
  const entry = at(parse(openApi.index().bytes), 'paths')
  assert.ok(isObject(entry))
  const hash = openApi.groupVersion('api/v1')?.hash
  assert.deepEqual(entry['api/v1'], { serverRelativeURL: `/openapi/v3/api/v1?hash=${hash}` })
  assert.equal(openApi.groupVersion('apis/none/v1'), undefined)
})

test('a kind, its patch operation and its merge keys are where clients look', () => {
  const document = parse(openApi.groupVersion('api/v1')?.bytes ?? Buffer.from('{}'))
  const paths = document['paths']
  assert.ok(isObject(paths))
  const item = paths['/api/v1/namespaces/{namespace}/pods/{name}']
  const patch = isObject(item) ? item['patch'] : undefined
  assert.ok(isObject(patch) && Array.isArray(patch['parameters']))
  assert.deepEqual(patch['x-kubernetes-group-version-kind'], { group: '', version: 'v1', kind: 'Pod' })
  const names = patch['parameters'].map((parameter: { name: string }) => parameter.name)
  assert.ok(names.includes('fieldValidation') && names.includes('dryRun'))
  const schemas = at(document, '#/components/schemas')
  assert.ok(isObject(schemas))
  const spec = schemas['io.k8s.api.core.v1.PodSpec']
  const containers = isObject(spec) && isObject(spec['properties']) ? spec['properties']['containers'] : undefined
  assert.ok(isObject(containers))
  assert.equal(containers['x-kubernetes-patch-merge-key'], 'name')
})
