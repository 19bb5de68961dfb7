// What must hold for every kind and every struct that a kind reaches.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode } from '../apimachinery/decode.ts'
import { applyDefaults } from '../apimachinery/defaults.ts'
import { Issues } from '../apimachinery/issues.ts'
import type { AnyObject } from '../apimachinery/metadata.ts'
import { type Inline, INLINE_MESSAGES } from '../apimachinery/protobuf/inline.ts'
import type { Field, Struct } from '../apimachinery/schema.ts'
import { validate } from '../apimachinery/validate.ts'
import { ALL_RESOURCES, type AnyResource, kindOf, resourceOf, SUBRESOURCE_BODIES, VIEWS } from './all.ts'

function structsBelow(roots: readonly Struct[]): Map<string, Struct> {
  const found = new Map<string, Struct>()
  const visit = (struct: Struct): void => {
    const known = found.get(struct.name)
    if (known !== undefined) {
      assert.equal(known, struct, `two structs are called ${struct.name}`)
      return
    }
    found.set(struct.name, struct)
    Object.values(struct.fields).forEach(visitField)
  }
  const visitField = (field: Field): void => {
    if (field.struct !== undefined) visit(field.struct())
    if (field.of !== undefined) visitField(field.of)
  }
  roots.forEach(visit)
  return found
}

/** In how many messages a field is wrapped on the wire. */
function depthOf(key: string, inline: Inline | undefined): number {
  if (inline === undefined || !(inline.only?.includes(key) ?? !inline.except?.includes(key))) return 0
  return 1 + depthOf(key, inline.inner)
}

const KINDS = [...ALL_RESOURCES, ...SUBRESOURCE_BODIES]
const STRUCTS = structsBelow([...KINDS, ...VIEWS.map((view) => view.resource)].map(({ struct }) => struct))

describe('all kinds', () => {
  test('have a path, a kind and short names of their own', () => {
    for (const key of ['groupResource', 'kind'] as const) {
      const names = ALL_RESOURCES.map((resource) => `${resource.apiVersion}/${resource[key]}`)
      assert.deepEqual(names, [...new Set(names)])
    }
    const short = ALL_RESOURCES.flatMap(({ shortNames = [] }) => shortNames)
    assert.deepEqual(short, [...new Set(short)])
  })

  test('are found by plural and by kind', () => {
    for (const resource of ALL_RESOURCES) {
      assert.equal(resourceOf(resource.group, resource.version, resource.plural), resource)
    }
    for (const resource of KINDS) assert.equal(kindOf(resource.group, resource.version, resource.kind), resource)
  })

  test('are called after their model', () => {
    for (const { kind, struct } of KINDS) assert.ok(struct.name.endsWith(`.${kind}`), struct.name)
  })

  test('say how every list merges', () => {
    for (const struct of STRUCTS.values()) {
      for (const [key, field] of Object.entries(struct.fields)) {
        if (field.type !== 'list') continue
        assert.ok(field.list, `${struct.name}.${key} has no list type`)
        assert.equal(field.list === 'map', (field.keys ?? []).length > 0, `${struct.name}.${key} and its keys disagree`)
      }
    }
  })

  test('use every protobuf number once', () => {
    for (const struct of STRUCTS.values()) {
      const messages = new Map<number, number[]>()
      for (const [key, { number }] of Object.entries(struct.fields)) {
        const depth = depthOf(key, INLINE_MESSAGES[struct.name])
        messages.set(depth, [...(messages.get(depth) ?? []), number])
      }
      for (const numbers of messages.values()) {
        assert.deepEqual(numbers, [...new Set(numbers)], struct.name)
        assert.ok(
          numbers.every((number) => number > 0),
          `${struct.name} has a field without a number`,
        )
      }
    }
  })
})

// What clients leave out, in every kind at once.
const SCANTY: object[] = [
  {},
  { spec: {} },
  { spec: {}, status: {} },
  { spec: { template: {}, ports: [{}], selector: {}, taints: [{}] } },
  {
    spec: { containers: [{}], initContainers: [{}], volumes: [{}], tolerations: [{}], affinity: { nodeAffinity: {} } },
  },
  {
    spec: {
      containers: [{ env: [{}], ports: [{}], volumeMounts: [{}], livenessProbe: {}, lifecycle: { preStop: {} } }],
    },
  },
  { spec: { volumes: [{ projected: { sources: [{}] } }, { secret: {} }, { configMap: {} }, { hostPath: {} }] } },
  {
    spec: {
      completionMode: 'Indexed',
      podFailurePolicy: { rules: [{ onExitCodes: {}, onPodConditions: [{}] }] },
      successPolicy: { rules: [{}] },
      jobTemplate: {},
    },
  },
  { spec: { volumeClaimTemplates: [{}], updateStrategy: {}, ordinals: {} } },
  { spec: { rules: [{ http: { paths: [{}] } }], tls: [{}], defaultBackend: {} } },
  { spec: { ingress: [{ ports: [{}], from: [{}] }], egress: [{ ports: [{}], to: [{ ipBlock: {} }] }] } },
  { spec: { metrics: [{}, { resource: {} }], behavior: { scaleUp: { policies: [{}] } } } },
  { spec: { limits: [{}], scopeSelector: { matchExpressions: [{}] } } },
  { spec: { csi: {}, nodeAffinity: { required: {} } } },
  { spec: { versions: [{}], names: {} } },
  { spec: { versions: [{ schema: { openAPIV3Schema: { items: {}, properties: { a: {} } } } }] } },
  { rules: [{}] },
  { subjects: [{}], roleRef: {} },
  { endpoints: [{}], ports: [{}] },
  { subsets: [{ addresses: [{}], ports: [{}] }] },
  {
    status: { containerStatuses: [{}], initContainerStatuses: [{}], conditions: [{}], loadBalancer: { ingress: [{}] } },
  },
]

/** Puts `object` through all that a kind does with objects. */
function exercise(resource: AnyResource, object: object): void {
  const make = (): AnyObject => {
    const text = { metadata: { name: 'x', namespace: 'default' }, ...object }
    const { value } = decode(resource.struct, text, { unknownFields: 'ignore' })
    applyDefaults(resource.struct, value)
    resource.defaults?.(value)
    return value
  }
  const next = make()
  resource.prepareCreate?.(next)
  const issues = new Issues()
  validate(resource.struct, next, issues)
  resource.validate?.(next, issues)
  const previous = make()
  resource.prepareUpdate?.(next, previous)
  resource.validateUpdate?.(next, previous, issues)
  resource.gracePeriodSeconds?.(next)
  for (const shown of [next, previous]) {
    for (const read of Object.values(resource.selectable ?? {})) assert.equal(typeof read(shown), 'string')
    for (const column of resource.columns ?? []) assert.notEqual(column.cell(shown, { nowMs: 0 }), undefined)
  }
}

describe('hooks and columns survive whatever can be decoded:', () => {
  for (const resource of KINDS) {
    test(resource.kind, () => {
      for (const object of SCANTY) exercise(resource, object)
    })
  }
})
