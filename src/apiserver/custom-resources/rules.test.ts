// Validation rules of custom resources through the API: refused definitions, refused objects, transitions, ratcheting.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ADMIN, startCluster, type TestCluster } from '../../testing/cluster.ts'
import { type Answer, type Call, callsTo } from '../../testing/http.ts'

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const OBJECTS = '/apis/example.com/v1/namespaces/default/gadgets'

function definition(spec: object, root: object = {}): object {
  const properties = { spec, status: { type: 'object', properties: { used: { type: 'integer' } } } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'gadgets.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'gadgets', kind: 'Gadget' },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: 'object', properties, ...root } },
        },
      ],
    },
  }
}

const rules = (...list: (string | object)[]): object => ({
  'x-kubernetes-validations': list.map((rule) => (typeof rule === 'string' ? { rule } : rule)),
})

interface Setting extends AsyncDisposable {
  cluster: TestCluster
  call: Call
  define(spec: object, root?: object): Promise<Answer>
}

async function setUp(): Promise<Setting> {
  const cluster = await startCluster()
  const call = callsTo(cluster.server.handle, ADMIN)
  return {
    cluster,
    call,
    async define(spec, root) {
      const answer = await call('POST', DEFINITIONS, { body: definition(spec, root) })
      await cluster.server.settled()
      return answer
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  }
}

const gadget = (spec: object, name = 'a'): object => ({
  apiVersion: 'example.com/v1',
  kind: 'Gadget',
  metadata: { name },
  spec,
})

/** `field: message` of every cause. */
function causes({ json }: Answer): string[] {
  const { details } = json as { details?: { causes?: { field?: string; message: string }[] } }
  return (details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`)
}

const integer = { type: 'integer' }
const text = { type: 'string' }
const AT = 'spec.versions[0].schema.openAPIV3Schema.properties[spec]'

describe('a definition is refused when a rule', () => {
  const shown = (rule: string): string =>
    `{"Rule":${JSON.stringify(rule)},"Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}`
  const cost =
    '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)'
  const list = { type: 'object', properties: { list: { type: 'array', items: text } } }
  const cases: Record<string, [spec: object, want: string[]]> = {
    'names a field that is not there': [
      { type: 'object', properties: { x: integer }, ...rules('self.y > 1') },
      [
        `${AT}.x-kubernetes-validations[0].rule: Invalid value: ${shown('self.y > 1')}: compilation failed: ERROR: <input>:1:5: undefined field 'y'\n | self.y > 1\n | ....^`,
      ],
    ],
    'compares what cannot be compared': [
      { type: 'object', properties: { x: integer }, ...rules("self.x > 'a'") },
      [
        `${AT}.x-kubernetes-validations[0].rule: Invalid value: ${shown("self.x > 'a'")}: compilation failed: ERROR: <input>:1:8: found no matching overload for '_>_' applied to '(int, string)'\n | self.x > 'a'\n | .......^`,
      ],
    ],
    'decides nothing': [
      { type: 'object', properties: { x: integer }, ...rules('self.x') },
      [
        `${AT}.x-kubernetes-validations[0].rule: Invalid value: ${shown('self.x')}: cel expression must evaluate to a bool`,
      ],
    ],
    'is empty': [
      { type: 'object', properties: { x: integer }, ...rules(' ') },
      [`${AT}.x-kubernetes-validations[0].rule: Required value: rule is not specified`],
    ],
    'has no text at all': [
      { type: 'object', properties: { x: integer }, 'x-kubernetes-validations': [{ message: 'no' }] },
      [`${AT}.x-kubernetes-validations[0].rule: Required value`],
    ],
    'can cost too much': [
      { ...list, ...rules("self.list.all(x, self.list.all(y, x == y || y.contains('a')))") },
      [
        `${AT}.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${cost}`,
        `${AT}.x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema`,
        `spec.versions[0].schema.openAPIV3Schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${cost}`,
      ],
    ],
    'looks for the past where it cannot be found': [
      {
        type: 'object',
        properties: { list: { type: 'array', maxItems: 9, items: { ...integer, ...rules('self >= oldSelf') } } },
      },
      [
        `${AT}.properties[list].items.x-kubernetes-validations[0].rule: Invalid value: "self >= oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${AT}.properties[list]`,
      ],
    ],
    'points at no field': [
      { type: 'object', properties: { x: integer }, ...rules({ rule: 'self.x > 1', fieldPath: '.y' }) },
      [`${AT}.x-kubernetes-validations[0].fieldPath: Invalid value: ".y": must be a valid path`],
    ],
    'has a message that is no text': [
      { type: 'object', properties: { x: integer }, ...rules({ rule: 'self.x > 1', messageExpression: 'self.x' }) },
      [
        `${AT}.x-kubernetes-validations[0].messageExpression: Invalid value: {"Rule":"self.x > 1","Message":"","MessageExpression":"self.x","Reason":null,"FieldPath":"","OptionalOldSelf":null}: messageExpression must evaluate to a string`,
      ],
    ],
    'does not use what it says is optional': [
      { type: 'object', properties: { x: integer }, ...rules({ rule: 'self.x > 1', optionalOldSelf: true }) },
      [
        `${AT}.x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`,
      ],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(name, async () => {
      await using setting = await setUp()
      const answer = await setting.define(spec)
      assert.equal(answer.status, 422, answer.text)
      assert.deepEqual(causes(answer), want)
    })
  }
})

describe('an object is refused in the words of the rule', () => {
  const x = { x: integer }
  const cases: Record<string, [spec: object, object: object, want: string[]]> = {
    'its text': [
      { type: 'object', properties: x, ...rules('self.x > 1') },
      { x: 1 },
      ['spec: Invalid value: failed rule: self.x > 1'],
    ],
    'its message': [
      { type: 'object', properties: { x: { ...integer, ...rules({ rule: 'self > 1', message: 'too small' }) } } },
      { x: 1 },
      ['spec.x: Invalid value: 1: too small'],
    ],
    'its message as it is computed, at the field it names, for its reason': [
      {
        type: 'object',
        properties: x,
        ...rules({
          rule: 'self.x > 1',
          message: 'unused',
          messageExpression: 'self.x > 0 ? "x is small" : "x is tiny"',
          reason: 'FieldValueForbidden',
          fieldPath: '.x',
        }),
      },
      { x: 1 },
      ['spec.x: Forbidden: x is small'],
    ],
    'an error': [
      { type: 'object', properties: x, ...rules('10 / self.x > 1') },
      { x: 0 },
      ['spec: Invalid value: "object": division by zero evaluating rule: 10 / self.x > 1'],
    ],
    'a type found out late': [
      {
        type: 'object',
        properties: { port: { 'x-kubernetes-int-or-string': true } },
        ...rules('self.port < 5'),
      },
      { port: 'http' },
      [
        `spec: Invalid value: "object": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: self.port < 5`,
      ],
    ],
    'only after the schema is satisfied': [
      { type: 'object', required: ['y'], properties: { ...x, y: text }, ...rules('self.x > 1') },
      { x: 1 },
      [
        'spec.y: Required value',
        '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
      ],
    ],
    'a key that CEL cannot write': [
      {
        type: 'object',
        properties: { 'a-b': integer, namespace: integer },
        ...rules('self.a__dash__b == self.__namespace__'),
      },
      { 'a-b': 1, namespace: 2 },
      ['spec: Invalid value: failed rule: self.a__dash__b == self.__namespace__'],
    ],
    'items and entries': [
      {
        type: 'object',
        properties: {
          list: { type: 'array', maxItems: 3, items: { ...integer, ...rules('self > 1') } },
          map: {
            type: 'object',
            maxProperties: 3,
            additionalProperties: { ...text, maxLength: 9, ...rules("self != 'x'") },
          },
        },
      },
      { list: [2, 1], map: { k: 'x' } },
      [
        'spec.list[1]: Invalid value: 1: failed rule: self > 1',
        `spec.map[k]: Invalid value: "x": failed rule: self != 'x'`,
      ],
    ],
  }
  for (const [name, [spec, object, want]] of Object.entries(cases)) {
    test(name, async () => {
      await using setting = await setUp()
      const defined = await setting.define(spec)
      assert.equal(defined.status, 201, defined.text)
      const answer = await setting.call('POST', OBJECTS, { body: gadget(object) })
      assert.equal(answer.status, 422, answer.text)
      assert.deepEqual(causes(answer), want)
    })
  }
})

test('the root sees its name; transition rules run on updates, patches, applies and of the status', async () => {
  await using setting = await setUp()
  const { call } = setting
  const spec = {
    type: 'object',
    properties: { x: { ...integer, ...rules({ rule: 'self >= oldSelf', message: 'shrinks' }) }, y: integer },
  }
  const used = 'has(self.status) && has(self.status.used) ? self.status.used <= self.spec.x : true'
  const defined = await setting.define(spec, rules("self.metadata.name.startsWith('a')", used))
  assert.equal(defined.status, 201, defined.text)
  const other = await call('POST', OBJECTS, { body: gadget({ x: 1 }, 'b') })
  assert.deepEqual(causes(other), ["<nil>: Invalid value: failed rule: self.metadata.name.startsWith('a')"])
  assert.equal((await call('POST', OBJECTS, { body: gadget({ x: 5 }) })).status, 201)
  const merge = { 'content-type': 'application/merge-patch+json' }
  const shrinks = ['spec.x: Invalid value: 4: shrinks']
  assert.deepEqual(causes(await call('PATCH', `${OBJECTS}/a`, { headers: merge, body: { spec: { x: 4 } } })), shrinks)
  const apply = { 'content-type': 'application/apply-patch+yaml' }
  const applied = await call('PATCH', `${OBJECTS}/a?fieldManager=m&force=true`, {
    headers: apply,
    body: gadget({ x: 4 }),
  })
  assert.deepEqual(causes(applied), shrinks)
  assert.equal((await call('PATCH', `${OBJECTS}/a`, { headers: merge, body: { spec: { x: 6 } } })).status, 200)
  const status = { headers: merge, body: { status: { used: 9 } } }
  assert.equal((await call('PATCH', `${OBJECTS}/a/status`, status)).status, 422)
  status.body.status.used = 6
  assert.equal((await call('PATCH', `${OBJECTS}/a/status`, status)).status, 200)
})

test('what was right before a rule came may stay, and the client is told', async () => {
  await using setting = await setUp()
  const { call, cluster } = setting
  const properties = { x: integer, y: integer }
  await setting.define({ type: 'object', properties })
  assert.equal((await call('POST', OBJECTS, { body: gadget({ x: 1, y: 1 }) })).status, 201)
  const stricter = { type: 'object', properties: { x: { ...integer, minimum: 2, ...rules('self > 5') }, y: integer } }
  const now = (await call('GET', `${DEFINITIONS}/gadgets.example.com`)).json as {
    metadata: { resourceVersion: string }
  }
  const changed = definition(stricter) as { metadata: { resourceVersion?: string } }
  changed.metadata.resourceVersion = now.metadata.resourceVersion
  assert.equal((await call('PUT', `${DEFINITIONS}/gadgets.example.com`, { body: changed })).status, 200)
  await cluster.server.settled()
  const merge = { 'content-type': 'application/merge-patch+json' }
  const touched = await call('PATCH', `${OBJECTS}/a`, { headers: merge, body: { spec: { y: 2 } } })
  assert.equal(touched.status, 200, touched.text)
  assert.match(JSON.stringify(touched.headers), /spec\.x: Invalid value: 1: failed rule: self > 5/)
  const wrong = await call('PATCH', `${OBJECTS}/a`, { headers: merge, body: { spec: { x: 3 } } })
  assert.deepEqual(causes(wrong), ['spec.x: Invalid value: 3: failed rule: self > 5'])
})
