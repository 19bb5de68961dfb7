// Custom resources: pruning, defaults and validation by a CRD's schema.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode } from './decode.ts'
import { applyDefaults } from './defaults.ts'
import { Issues } from './issues.ts'
import { compileObjectCheck, structFromSchema } from './structural.ts'

const schema = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['replicas'],
      properties: {
        replicas: { type: 'integer', minimum: 0, maximum: 10 },
        size: { type: 'string', enum: ['S', 'M'], default: 'S' },
        name: { type: 'string', pattern: '^[a-z]+$', minLength: 2, maxLength: 5 },
        port: { 'x-kubernetes-int-or-string': true },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        halfFree: {
          type: 'object',
          'x-kubernetes-preserve-unknown-fields': true,
          properties: { a: { type: 'object', properties: { b: { type: 'string' } } } },
        },
        maybe: { type: 'string', nullable: true },
        labels: { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 2 },
        items: {
          type: 'array',
          minItems: 1,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['id'],
          items: { type: 'object', properties: { id: { type: 'string' }, on: { type: 'boolean', default: true } } },
        },
        step: { type: 'number', multipleOf: 0.1 },
        at: { type: 'string', format: 'date-time' },
        either: {
          type: 'object',
          properties: { a: { type: 'string' }, b: { type: 'string' } },
          oneOf: [{ required: ['a'] }, { required: ['b'] }],
        },
        template: {
          type: 'object',
          'x-kubernetes-embedded-resource': true,
          'x-kubernetes-preserve-unknown-fields': true,
        },
      },
    },
  },
}
const widget = structFromSchema('com.example.v1.Widget', schema)
const check = compileObjectCheck(schema)
const load = (spec: unknown): { value: Record<string, unknown>; unknown: string[] } =>
  decode(
    widget,
    { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a' }, spec },
    { unknownFields: 'strict' },
  )

test('unknown fields are pruned except where they are to be kept, nulls are dropped except where they are allowed', () => {
  const { value, unknown } = load({
    bogus: 1,
    free: { x: { y: null } },
    halfFree: { z: 1, a: { b: 'x', c: 1 } },
    maybe: null,
    size: null,
    items: [{ id: 'a', q: 1 }],
    labels: { a: null, b: 'x' },
  })
  assert.deepEqual(unknown, [
    'unknown field "spec.bogus"',
    'unknown field "spec.halfFree.a.c"',
    'unknown field "spec.items[0].q"',
  ])
  applyDefaults(widget, value)
  assert.deepEqual(value, {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'a' },
    spec: {
      size: 'S',
      free: { x: { y: null } },
      halfFree: { z: 1, a: { b: 'x' } },
      maybe: null,
      items: [{ id: 'a', on: true }],
      labels: { b: 'x' },
    },
  })
})

describe('validate', () => {
  const cases: Record<string, [spec: unknown, want: string[]]> = {
    good: [{ replicas: 1, port: 'http', maybe: null, either: { a: 'x' }, step: 0.3, at: '2020-01-01T00:00:00Z' }, []],
    'wrong type': [
      { replicas: 'x' },
      ['spec.replicas: Invalid value: "x": spec.replicas in body must be of type integer: "string"'],
    ],
    'wrong type of an object': [
      { replicas: 1, labels: [] },
      ['spec.labels: Invalid value: "array": spec.labels in body must be of type object: "array"'],
    ],
    required: [{}, ['spec.replicas: Required value']],
    bounds: [
      { replicas: 11 },
      ['spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10'],
    ],
    enum: [{ replicas: 1, size: 'X' }, ['spec.size: Unsupported value: "X": supported values: "M", "S"']],
    pattern: [
      { replicas: 1, name: 'A1' },
      [`spec.name: Invalid value: "A1": spec.name in body should match '^[a-z]+$'`],
    ],
    'too long': [{ replicas: 1, name: 'abcdef' }, ['spec.name: Too long: may not be more than 5 bytes']],
    'int or string': [
      { replicas: 1, port: true },
      ['spec.port: Invalid value: true: spec.port in body must be of type integer,string: "boolean"'],
    ],
    'duplicate keys': [
      { replicas: 1, items: [{ id: 'a' }, { id: 'a' }] },
      ['spec.items[1]: Duplicate value: {"id":"a"}'],
    ],
    'too few': [
      { replicas: 1, items: [] },
      ['spec.items: Invalid value: 0: spec.items in body should have at least 1 items'],
    ],
    'too many': [
      { replicas: 1, labels: { a: 'x', b: 'x', c: 'x' } },
      ['spec.labels: Too many: 3: must have at most 2 items'],
    ],
    union: [
      { replicas: 1, either: {} },
      ['<nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found none valid'],
    ],
    format: [
      { replicas: 1, at: 'noon' },
      ['spec.at: Invalid value: "noon": spec.at in body must be of type date-time: "noon"'],
    ],
    embedded: [
      { replicas: 1, template: { kind: 'X' } },
      ['spec.template.apiVersion: Required value: must not be empty'],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(name, () => {
      const issues = new Issues()
      check({ object: load(spec).value, issues, warnings: [] })
      assert.deepEqual(
        issues.list.map((issue) => `${issue.field}: ${issue.message}`),
        want,
      )
    })
  }
})

test('what an update does not touch may be wrong; what it touches may not', () => {
  const wrong = { replicas: 99, name: 'A1', items: [{ id: 'a', on: 'x' }, { id: 'b' }] }
  const says = (next: object): string[] => {
    const issues = new Issues()
    check({ object: load(next).value, previous: load(wrong).value, issues, warnings: [] })
    return issues.list.map(({ field }) => field)
  }
  assert.deepEqual(says({ ...wrong, size: 'M' }), [])
  assert.deepEqual(says({ ...wrong, replicas: 98 }), ['spec.replicas'])
  // Items of a list by key are found wherever they are; the list around them has changed, and is well.
  assert.deepEqual(says({ ...wrong, items: [{ id: 'c' }, ...wrong.items] }), [])
  assert.deepEqual(says({ ...wrong, items: [{ id: 'a', on: 'y' }] }), ['spec.items[0].on'])
})
