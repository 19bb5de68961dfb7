// Decoding: types, pruning, Go's normal form and Go's words.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DecodeError, decode } from './decode.ts'
import { applyDefaults } from './defaults.ts'
import { Issues } from './issues.ts'
import { defineResource } from './resource.ts'
import {
  any,
  bool,
  bytes,
  int32,
  int64,
  intOrString,
  list,
  mapOf,
  microTime,
  oneOf,
  quantity,
  ref,
  required,
  string,
  struct,
  time,
} from './schema.ts'
import { validate } from './validate.ts'

const port = struct('io.k8s.api.core.v1.ContainerPort', {
  name: string(1),
  containerPort: required(int32(3, { min: 1, max: 65535 })),
  protocol: oneOf(4, ['TCP', 'UDP'], { default: 'TCP' }),
})
const box = struct(
  'io.k8s.api.core.v1.Container',
  {
    name: required(string(1)),
    args: list(4, string()),
    ports: list(6, port, { unique: true, keys: ['name'] }),
    limits: mapOf(8, quantity()),
    tty: bool(18),
    probe: int32(2, { min: 0 }),
    anything: any(3),
  },
  {
    defaults(value) {
      value.args ??= ['run']
    },
    validate(value, at, issues) {
      if (value.name === 'bad') issues.forbidden(`${at}.name`, 'no')
    },
  },
)
const podSpec = struct('io.k8s.api.core.v1.PodSpec', {
  containers: required(list(2, box)),
  hostname: string(3),
  terminationGracePeriodSeconds: int64(4),
  activeDeadlineSeconds: int64(5),
  enableServiceLinks: bool(30),
  data: mapOf(6, bytes()),
  at: time(7),
  precise: microTime(8),
  target: intOrString(9),
  ready: required(bool(10)),
})
const things = defineResource({
  group: '',
  version: 'v1',
  kind: 'Thing',
  plural: 'things',
  scope: 'Namespaced',
  model: 'io.k8s.api.core.v1.Thing',
  fields: { spec: ref(2, podSpec) },
})

const strict = { unknownFields: 'strict' } as const
const spec = (value: unknown): unknown => decode(things.struct, { spec: value }, strict).value.spec

describe('decode', () => {
  const kept: Record<string, [given: unknown, want: unknown]> = {
    'unchanged values': [
      { hostname: 'a', ready: true },
      { hostname: 'a', ready: true },
    ],
    'absent required bool is false': [{}, { ready: false }],
    'null is absent': [{ hostname: null, containers: null, ready: true }, { ready: true }],
    'zero of a plain field is absent': [
      { hostname: '', ready: true, data: {}, containers: [{ name: '', probe: 0, tty: false, args: [] }] },
      { ready: true, containers: [{ name: '' }] },
    ],
    'zero of a nilable field stays': [
      { terminationGracePeriodSeconds: 0, enableServiceLinks: false, ready: true },
      { terminationGracePeriodSeconds: 0, enableServiceLinks: false, ready: true },
    ],
    'times become UTC': [
      { ready: true, at: '2030-01-01T12:00:00.5+02:00' },
      { ready: true, at: '2030-01-01T10:00:00Z' },
    ],
    'micro times keep micros': [
      { ready: true, precise: '2030-01-01T12:00:00.123456+02:00' },
      { ready: true, precise: '2030-01-01T10:00:00.123456Z' },
    ],
    'null in a list is the zero value': [
      { ready: true, containers: [{ name: 'x', args: ['a', null] }] },
      { ready: true, containers: [{ name: 'x', args: ['a', ''] }] },
    ],
    'a number is a quantity': [
      { ready: true, containers: [{ name: 'x', limits: { cpu: 2 } }] },
      { ready: true, containers: [{ name: 'x', limits: { cpu: '2' } }] },
    ],
    'line breaks in base64': [
      { ready: true, data: { a: 'YWJj\nZGVm' } },
      { ready: true, data: { a: 'YWJjZGVm' } },
    ],
  }
  for (const [name, [given, want]] of Object.entries(kept)) test(name, () => assert.deepEqual(spec(given), want))

  const refused: Record<string, [given: unknown, message: string]> = {
    string: [
      { terminationGracePeriodSeconds: 'x' },
      'json: cannot unmarshal string into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64',
    ],
    'in a list': [
      { containers: [{ name: 'a', ports: [{ containerPort: '80' }] }] },
      'json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
    ],
    'int32 overflow': [
      { containers: [{ probe: 3e9 }] },
      'json: cannot unmarshal number 3000000000 into Go struct field Container.spec.containers.probe of type int32',
    ],
    fraction: [
      { containers: [{ probe: 1.5 }] },
      'json: cannot unmarshal number 1.5 into Go struct field Container.spec.containers.probe of type int32',
    ],
    'object for list': [
      { containers: {} },
      'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    'list for object': [[], 'json: cannot unmarshal array into Go struct field Thing.spec of type v1.PodSpec'],
    'in a map': [
      { containers: [{ limits: { cpu: true } }] },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    'a quantity without end': [
      { containers: [{ limits: { cpu: '9'.repeat(1_000_000) } }] },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    base64: [{ data: { a: '!!' } }, 'illegal base64 data at input byte 0'],
    'bytes of a number': [
      { data: { a: 1 } },
      'json: cannot unmarshal number into Go struct field PodSpec.spec.data of type []uint8',
    ],
    time: [{ at: 'soon' }, 'parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"'],
    'no such day': [{ at: '2030-02-30T00:00:00Z' }, 'parsing time "2030-02-30T00:00:00Z": day out of range'],
    intOrString: [{ target: true }, 'json: cannot unmarshal bool into Go value of type int32'],
  }
  for (const [name, [given, message]] of Object.entries(refused)) {
    test(`refuses ${name}`, () => assert.throws(() => spec(given), new DecodeError(message)))
  }

  test('a whole document of another type names the kind', () => {
    assert.throws(
      () => decode(things.struct, 'x', strict),
      new DecodeError('json: cannot unmarshal string into Go value of type v1.Thing'),
    )
  })

  test('map values name the struct around the map', () => {
    assert.throws(
      () => decode(things.struct, { metadata: { labels: { a: 1 } } }, strict),
      new DecodeError('json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string'),
    )
  })

  test('unknown fields are pruned and named', () => {
    const given = { kind: 'Thing', bogus: 1, spec: { Hostname: 'x', containers: [{}, { name: 'a', foo: null }] } }
    const { value, unknown } = decode(things.struct, given, strict)
    assert.deepEqual(unknown, [
      'unknown field "bogus"',
      'unknown field "spec.Hostname"',
      'unknown field "spec.containers[1].foo"',
    ])
    assert.deepEqual(value, { kind: 'Thing', spec: { ready: false, containers: [{}, { name: 'a' }] } })
    assert.deepEqual(decode(things.struct, given, { unknownFields: 'ignore' }).unknown, [])
  })

  test('prototype keys are data, and never reach a prototype', () => {
    const given: unknown = JSON.parse(
      '{"metadata":{"labels":{"__proto__":"x","constructor":"y"}},"__proto__":{"spec":{}},"constructor":{}}',
    )
    const { value, unknown } = decode(things.struct, given, strict)
    assert.equal(JSON.stringify(value), '{"metadata":{"labels":{"__proto__":"x","constructor":"y"}}}')
    assert.equal(Object.getPrototypeOf(value.metadata.labels), Object.prototype)
    assert.deepEqual(unknown, ['unknown field "__proto__"', 'unknown field "constructor"'])
  })
})

test('applyDefaults fills fields, then rules, children first', () => {
  const { value } = decode(
    things.struct,
    { spec: { containers: [{ name: 'a', ports: [{ containerPort: 1 }] }] } },
    strict,
  )
  applyDefaults(things.struct, value)
  assert.deepEqual(value.spec?.containers, [
    { name: 'a', ports: [{ containerPort: 1, protocol: 'TCP' }], args: ['run'] },
  ])
})

test('validate reports fields and rules with their paths', () => {
  const { value } = decode(
    things.struct,
    {
      spec: {
        containers: [
          { name: 'bad', probe: -1 },
          { ports: [{ name: 'a', containerPort: 0, protocol: 'X' }, { name: 'a' }] },
        ],
      },
    },
    strict,
  )
  const issues = new Issues()
  validate(things.struct, value, issues)
  assert.deepEqual(
    issues.list.map((issue) => `${issue.field}: ${issue.message}`),
    [
      'spec.containers[0].probe: Invalid value: -1: must be greater than or equal to 0',
      'spec.containers[0].name: Forbidden: no',
      'spec.containers[1].name: Required value',
      'spec.containers[1].ports[1].name: Duplicate value: "a"',
      'spec.containers[1].ports[0].containerPort: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.containers[1].ports[0].protocol: Unsupported value: "X": supported values: "TCP", "UDP"',
      'spec.containers[1].ports[1].containerPort: Required value',
    ],
  )
})

test('the path of an issue leads through maps, lists and what the caller stands at', () => {
  const inner = struct('test.Inner', { amounts: mapOf(1, quantity()), ports: list(2, port) })
  const outer = struct('test.Outer', { byName: mapOf(1, inner), lists: mapOf(2, list(0, inner)) })
  const value = {
    byName: { 'a.b': { amounts: { cpu: 'x' } }, b: { ports: [{ containerPort: 1 }, { containerPort: 0 }] } },
    lists: { c: [{}, { amounts: { cpu: '1', memory: 'y' } }] },
  }
  const fields = (at?: string): string[] => {
    const issues = new Issues()
    validate(outer, value, issues, at)
    return issues.list.map((issue) => issue.field)
  }
  const want = ['byName[a.b].amounts[cpu]', 'byName[b].ports[1].containerPort', 'lists[c][1].amounts[memory]']
  assert.deepEqual(fields(), want)
  assert.deepEqual(
    fields('spec.templates[0]'),
    want.map((field) => `spec.templates[0].${field}`),
  )
})

test('unknown fields and type errors inside maps: the first are named with the key, the others without', () => {
  const inner = struct('io.k8s.api.core.v1.Inner', { count: int32(1) })
  const outer = struct('io.k8s.api.core.v1.Outer', { byName: mapOf(1, inner) })
  assert.deepEqual(decode(outer, { byName: { a: { odd: 1 }, b: { odd: 1 } } }, strict).unknown, [
    'unknown field "byName.a.odd"',
    'unknown field "byName.b.odd"',
  ])
  assert.throws(
    () => decode(outer, { byName: { a: { count: 'x' } } }, strict),
    new DecodeError('json: cannot unmarshal string into Go struct field Inner.byName.count of type int32'),
  )
})
