// What is wrong with policies and their bindings.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, problems, statusChanged } from '../../testing/kinds.ts'
import { mutatingAdmissionPolicies } from './mutating-admission-policy.ts'
import { mutatingAdmissionPolicyBindings } from './mutating-admission-policy-binding.ts'
import { validatingAdmissionPolicies } from './validating-admission-policy.ts'
import { validatingAdmissionPolicyBindings } from './validating-admission-policy-binding.ts'

type Cases = Record<string, [object, string[]]>

const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }
const matchConstraints = { resourceRules: [rule] }
const validations = [{ expression: 'true' }]

describe('validating policies', () => {
  const cases: Cases = {
    'are valid': [{ paramKind: { apiVersion: 'rules.example.com/v1', kind: 'Limit' } }, []],
    'see something': [{ matchConstraints: {} }, ['spec.matchConstraints.resourceRules: Required value']],
    'say something': [
      { validations: [] },
      [
        'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
        'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
      ],
    ],
    'say it in one line': [
      { validations: [{ expression: ' ', message: 'a\nb', messageExpression: ' ' }] },
      [
        'spec.validations[0].expression: Required value: expression is not specified',
        'spec.validations[0].messageExpression: Invalid value: " ": must be non-empty if specified',
        'spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks',
      ],
    ],
    'refuse for a reason that there is': [
      { validations: [{ expression: 'true', reason: 'Mood' }] },
      [
        'spec.validations[0].reason: Unsupported value: "Mood": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
      ],
    ],
    'name variables': [
      {
        variables: [
          { name: 'in', expression: 'a' },
          { name: ' ', expression: '' },
        ],
      },
      [
        'spec.variables[0].name: Invalid value: "in": name is not a valid CEL identifier',
        'spec.variables[1].name: Required value: name is not specified',
        'spec.variables[1].expression: Required value: expression is not specified',
      ],
    ],
    'note a key once': [
      {
        auditAnnotations: [
          { key: 'a', valueExpression: 'b' },
          { key: 'a', valueExpression: '' },
        ],
      },
      [
        'spec.auditAnnotations[1].valueExpression: Required value: valueExpression is not specified',
        'spec.auditAnnotations[1].key: Duplicate value: "a"',
      ],
    ],
    'have parameters of a kind': [
      { paramKind: { apiVersion: 'a/b/c' } },
      [
        'spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
        'spec.paramKind.kind: Required value',
      ],
    ],
    'see names once': [
      { matchConstraints: { resourceRules: [{ ...rule, resourceNames: ['a', 'a', 'b/c'] }] } },
      [
        'spec.matchConstraints.resourceRules[0].resourceNames[1]: Duplicate value: "a"',
        `spec.matchConstraints.resourceRules[0].resourceNames[2]: Invalid value: "b/c": may not contain '/'`,
      ],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(name, () => {
      assert.deepEqual(
        problems(validatingAdmissionPolicies, { spec: { matchConstraints, validations, ...spec } }),
        want,
      )
    })
  }
  test('have a status that says something', () => {
    const status = { typeChecking: { expressionWarnings: [{ fieldRef: '', warning: '' }] } }
    assert.deepEqual(statusChanged(validatingAdmissionPolicies, {}, { status }), [
      'status.typeChecking.expressionWarnings[0].warning: Required value',
      'status.typeChecking.expressionWarnings[0].fieldRef: Required value',
    ])
  })
})

describe('bindings', () => {
  const good = { policyName: 'p', validationActions: ['Deny'] }
  const paramRef = { name: 'a', parameterNotFoundAction: 'Deny' }
  const cases: Cases = {
    'are valid': [{ ...good, paramRef }, []],
    'name a policy and do something': [
      {},
      [
        'spec.policyName: Required value',
        'spec.validationActions: Required value: at least one validation action is required',
      ],
    ],
    'deny or warn': [
      { ...good, validationActions: ['Deny', 'Warn'] },
      [
        'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ],
    ],
    'name parameters or select them': [
      { ...good, paramRef: { ...paramRef, selector: {} } },
      [
        'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
        'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
      ],
    ],
    'say what to do without parameters': [
      { ...good, paramRef: {} },
      [
        'spec.paramRef: Required value: one of name or selector must be specified',
        'spec.paramRef.parameterNotFoundAction: Required value',
      ],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(validatingAdmissionPolicyBindings, { spec }), want))
  }
  test('are shown', () => {
    const shown = (ref?: object): unknown =>
      cells(mutatingAdmissionPolicyBindings, { spec: { policyName: 'p', ...(ref && { paramRef: ref }) } })['ParamRef']
    assert.equal(shown(), '<unset>')
    assert.equal(shown({ name: 'a' }), '*/a')
    assert.equal(shown({ name: 'a', namespace: 'n' }), 'n/a')
    assert.equal(
      shown({ selector: { matchLabels: { a: 'b' } } }),
      '&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}',
    )
  })
})

describe('mutating policies', () => {
  const good = {
    matchConstraints,
    reinvocationPolicy: 'Never',
    mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }],
  }
  const cases: Cases = {
    'are valid': [{}, []],
    'change something, once or again': [
      { mutations: [], reinvocationPolicy: undefined },
      [
        'spec.mutations: Required value: mutations must contain at least one item',
        'spec.reinvocationPolicy: Required value',
      ],
    ],
    'change in the way they say': [
      { mutations: [{ patchType: 'JSONPatch', applyConfiguration: { expression: 'a' } }] },
      [
        'spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch',
        'spec.mutations[0].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch',
      ],
    ],
    'change with an expression': [
      { mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: {} }] },
      ['spec.mutations[0].applyConfiguration.expression: Required value'],
    ],
    'do not change what is deleted': [
      { matchConstraints: { resourceRules: [{ ...rule, operations: ['DELETE'] }] } },
      [
        'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
      ],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(mutatingAdmissionPolicies, { spec: { ...good, ...spec } }), want))
  }
})
