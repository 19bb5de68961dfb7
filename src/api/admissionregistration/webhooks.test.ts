// What is wrong with webhooks.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { problems, ready } from '../../testing/kinds.ts'
import { mutatingWebhookConfigurations } from './mutating-webhook-configuration.ts'
import { validatingWebhookConfigurations } from './validating-webhook-configuration.ts'

const service = { name: 's', namespace: 'n' }
const hook = (fields: object = {}): object => ({
  name: 'a.example.com',
  clientConfig: { service },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  ...fields,
})
const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }
const rules = (fields: object): object => hook({ rules: [{ ...rule, ...fields }] })
const url = (text: string): object => hook({ clientConfig: { url: text } })
const path = (text: string): object => hook({ clientConfig: { service: { ...service, path: text } } })
const FORM = '; desired format: https://host[/path]'

describe('webhooks', () => {
  const cases: Record<string, [object, string[]]> = {
    'are valid': [hook({ rules: [rule], matchConditions: [{ name: 'a', expression: 'true' }] }), []],
    'are valid by their URL': [url('https://example.com:8443/a?'), []],
    'have full names': [
      hook({ name: 'a.b' }),
      ['name: Invalid value: "a.b": should be a domain with at least three segments separated by dots'],
    ],
    'say that they have no side effects': [
      hook({ sideEffects: undefined }),
      ['sideEffects: Required value: must specify one of None, NoneOnDryRun'],
    ],
    'have no side effects': [
      hook({ sideEffects: 'Some' }),
      ['sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
    ],
    'answer in half a minute': [
      hook({ timeoutSeconds: 31 }),
      ['timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds'],
    ],
    'are somewhere': [
      hook({ clientConfig: {} }),
      ['clientConfig: Required value: exactly one of url or service is required'],
    ],
    'read some review': [
      hook({ admissionReviewVersions: [] }),
      ['admissionReviewVersions: Required value: must specify one of v1, v1beta1'],
    ],
    'read a review that is sent': [
      hook({ admissionReviewVersions: ['v2', 'v2'] }),
      [
        'admissionReviewVersions[1]: Invalid value: "v2": duplicate version',
        'admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1',
      ],
    ],
    'are reached safely': [
      url('http://a@/#f'),
      [
        `clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme${FORM}`,
        `clientConfig.url: Invalid value: "": host must be specified${FORM}`,
        'clientConfig.url: Invalid value: "a": user information is not permitted in the URL',
        'clientConfig.url: Invalid value: "f": fragments are not permitted in the URL',
      ],
    ],
    'are reached without a query': [
      url('https://h?q=1'),
      ['clientConfig.url: Invalid value: "q=1": query parameters are not permitted in the URL'],
    ],
    'have an URL that is one': [
      url(':a'),
      [`clientConfig.url: Required value: url must be a valid URL: parse ":a": missing protocol scheme${FORM}`],
    ],
    'have a path without gaps': [
      path('/a//b'),
      ['clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty'],
    ],
    'have a port': [
      hook({ clientConfig: { service: { ...service, port: 0 } } }),
      ['clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive'],
    ],
    'see all operations, or some': [
      rules({ operations: ['*', 'CREATE'] }),
      [`rules[0].operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations`],
    ],
    'see something': [
      rules({ operations: [], apiGroups: [], apiVersions: [''], resources: [''] }),
      [
        'rules[0].operations: Required value',
        'rules[0].apiGroups: Required value',
        'rules[0].apiVersions[0]: Required value',
        'rules[0].resources[0]: Required value',
      ],
    ],
    'see a resource once': [
      rules({ resources: ['pods/*', 'pods/status', '*/scale', 'a/scale'] }),
      [
        `rules[0].resources[1]: Invalid value: "pods/status": if 'pods/*' is present, must not specify pods/status`,
        `rules[0].resources[3]: Invalid value: "a/scale": if '*/scale' is present, must not specify a/scale`,
      ],
    ],
    'see all resources, or some': [
      rules({ resources: ['*', 'pods'] }),
      [
        `rules[0].resources: Invalid value: ["*","pods"]: if '*' is present, must not specify other resources without subresources`,
      ],
    ],
    'have conditions with names': [
      hook({ matchConditions: [{ name: '', expression: ' ' }] }),
      ['matchConditions[0].expression: Required value', 'matchConditions[0].name: Required value'],
    ],
  }
  for (const [name, [object, want]] of Object.entries(cases)) {
    test(name, () => {
      const expected = want.map((text) => `webhooks[0].${text}`)
      assert.deepEqual(problems(validatingWebhookConfigurations, { webhooks: [object] }), expected)
      assert.deepEqual(problems(mutatingWebhookConfigurations, { webhooks: [object] }), expected)
    })
  }
  test('have names of their own', () => {
    assert.deepEqual(problems(validatingWebhookConfigurations, { webhooks: [hook(), hook()] }), [
      'webhooks[1].name: Duplicate value: "a.example.com"',
    ])
  })
  test('have defaults', () => {
    const [made] = ready(mutatingWebhookConfigurations, { webhooks: [rules({})] }).webhooks ?? []
    const { failurePolicy, matchPolicy, timeoutSeconds, reinvocationPolicy, namespaceSelector, objectSelector } =
      made ?? {}
    assert.deepEqual(
      { failurePolicy, matchPolicy, timeoutSeconds, reinvocationPolicy, namespaceSelector, objectSelector },
      {
        failurePolicy: 'Fail',
        matchPolicy: 'Equivalent',
        timeoutSeconds: 10,
        reinvocationPolicy: 'Never',
        namespaceSelector: {},
        objectSelector: {},
      },
    )
    assert.equal(made?.rules?.[0]?.scope, '*')
    assert.equal(made?.clientConfig.service?.port, 443)
  })
})
