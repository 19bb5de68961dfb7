// What a definition of a custom resource may not say.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Issues } from '../../apimachinery/issues.ts'
import type { CustomResourceDefinition } from './custom-resource-definition.ts'
import type { JSONSchemaProps } from './json-schema.ts'
import { validateApproval, validateDefinition } from './validate.ts'

const text: JSONSchemaProps = { type: 'string' }
const spec: JSONSchemaProps = {
  type: 'object',
  properties: { color: text, size: { type: 'integer' }, tags: { type: 'array', items: text } },
}

interface Parts {
  group?: string
  annotations?: Record<string, string>
  schema?: JSONSchemaProps
  selectable?: string[]
  conversion?: CustomResourceDefinition['spec']['conversion']
  column?: { name: string; type: string; jsonPath: string; format?: string }
}

function definition({
  group = 'example.com',
  annotations,
  schema = spec,
  selectable,
  conversion,
  column,
}: Parts): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `gadgets.${group}`, ...(annotations ? { annotations } : {}) },
    spec: {
      group,
      names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: schema } } },
          ...(column ? { additionalPrinterColumns: [column] } : {}),
          ...(selectable ? { selectableFields: selectable.map((jsonPath) => ({ jsonPath })) } : {}),
        },
      ],
      ...(conversion ? { conversion } : {}),
    },
  }
}

function says(parts: Parts): string[] {
  const issues = new Issues()
  validateDefinition(definition(parts), issues)
  return issues.list.map(({ field, message }) => `${field}: ${message}`)
}

describe('selectable fields', () => {
  const at = 'spec.versions[0].selectableFields'
  const cases: Record<string, [paths: string[], want: string[]]> = {
    'may be texts and numbers': [['.spec.color', '.spec.size'], []],
    'must be there': [
      ['.spec.shape'],
      [`${at}[0].jsonPath: Invalid value: ".spec.shape": is an invalid path: does not refer to a valid field`],
    ],
    'are not items': [
      ["['spec'].color"],
      [`${at}[0].jsonPath: Invalid value: "['spec'].color": is an invalid path: array notation is not allowed`],
    ],
    'are no lists': [
      ['.spec.tags'],
      [
        `${at}[0].jsonPath: Invalid value: ".spec.tags": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.`,
      ],
    ],
    'are named once': [['.spec.color', '.spec.color'], [`${at}[1].jsonPath: Duplicate value: ".spec.color"`]],
  }
  for (const [name, [selectable, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(says({ selectable }), want))
  }
})

test('a column is of a type, in a format, from a path', () => {
  const at = 'spec.versions[0].additionalPrinterColumns[0]'
  assert.deepEqual(
    says({ column: { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' } }),
    [],
  )
  assert.deepEqual(says({ column: { name: '', type: 'text', jsonPath: 'spec', format: 'long' } }), [
    `${at}.name: Required value`,
    `${at}.type: Invalid value: "text": must be one of boolean,date,integer,number,string`,
    `${at}.format: Invalid value: "long": must be one of byte,date,date-time,double,float,int32,int64,password`,
    `${at}.JSONPath: Invalid value: "spec": must be a simple json path starting with .`,
  ])
})

describe('a conversion', () => {
  const webhook = (clientConfig: object, conversionReviewVersions = ['v1']): Parts['conversion'] => ({
    strategy: 'Webhook',
    webhook: { clientConfig, conversionReviewVersions },
  })
  const at = 'spec.conversion'
  const cases: Record<string, [conversion: Parts['conversion'], want: string[]]> = {
    'by a service': [webhook({ service: { namespace: 'n', name: 's', path: '/convert/v1', port: 443 } }), []],
    'by nobody': [
      { strategy: 'Webhook' },
      [
        `${at}.webhookClientConfig: Required value: required when strategy is set to Webhook`,
        `${at}.conversionReviewVersions: Required value`,
      ],
    ],
    'by two': [
      webhook({ url: 'https://a', service: { namespace: 'n', name: 's' } }),
      [`${at}.webhookClientConfig: Required value: exactly one of url or service is required`],
    ],
    'in the clear': [
      webhook({ url: 'http://a' }),
      [
        `${at}.webhookClientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
      ],
    ],
    'in an unknown tongue': [
      webhook({ url: 'https://a' }, ['v9']),
      [`${at}.conversionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1`],
    ],
    'with trust in nothing': [
      webhook({ url: 'https://a', caBundle: 'eA==' }),
      [
        `${at}.webhookClientConfig.caBundle: Invalid value: "eA==": unable to load root certificates: unable to parse bytes as PEM block`,
      ],
    ],
    'that is none, by somebody': [
      { strategy: 'None', webhook: { clientConfig: { url: 'https://a' }, conversionReviewVersions: [] } },
      [`${at}.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook`],
    ],
  }
  for (const [name, [conversion, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(says({ conversion }), want))
  }
})

describe('a default', () => {
  const at = 'spec.versions[0].schema.openAPIV3Schema.properties[spec]'
  const withDefault = (value: unknown, more: JSONSchemaProps = {}): JSONSchemaProps => ({
    ...spec,
    ...more,
    default: value,
  })
  const rule = { 'x-kubernetes-validations': [{ rule: 'self.size > 1' }] }
  const cases: Record<string, [schema: JSONSchemaProps, want: string[]]> = {
    'that is valid': [withDefault({ size: 2 }, rule), []],
    'of another type': [
      withDefault({ size: 'x' }),
      [`${at}.default.size: Invalid value: "x": ${at}.default.size in body must be of type integer: "string"`],
    ],
    'with more than the schema knows': [
      withDefault({ bogus: 1 }),
      [`${at}.default: Invalid value: {"bogus":1}: must not have unknown fields`],
    ],
    'against a rule': [withDefault({ size: 1 }, rule), [`${at}.default: Invalid value: failed rule: self.size > 1`]],
  }
  for (const [name, [schema, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(says({ schema }), want))
  }
})

test("groups of the community's need its approval, or a word that they have none", () => {
  const judged = (annotations?: Record<string, string>, previous?: Record<string, string>): string[] => {
    const issues = new Issues()
    const of = (found?: Record<string, string>): CustomResourceDefinition =>
      definition({ group: 'x.k8s.io', ...(found ? { annotations: found } : {}) })
    validateApproval(of(annotations), previous && of(previous), issues)
    return issues.list.map(({ field, message }) => `${field}: ${message}`)
  }
  const key = 'api-approved.kubernetes.io'
  const must = `protected groups must have approval annotation "${key}"`
  const see = 'see https://github.com/kubernetes/enhancements/pull/1111'
  assert.deepEqual(judged(), [`metadata.annotations[${key}]: Required value: ${must}, ${see}`])
  assert.deepEqual(judged({ [key]: 'please' }), [
    `metadata.annotations[${key}]: Invalid value: "please": ${must} with either a URL or a reason starting with "unapproved", ${see}`,
  ])
  assert.deepEqual(judged({ [key]: 'unapproved, experimental' }), [])
  assert.deepEqual(judged({ [key]: 'https://github.com/kubernetes/kubernetes/pull/1' }), [])
  // What was so before may stay so.
  assert.deepEqual(judged({ [key]: 'please' }, { [key]: 'perhaps' }), [])
})
