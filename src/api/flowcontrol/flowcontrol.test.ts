// What is wrong with flow schemas and priority levels, and which of them must be as they are.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, problems, ready, statusChanged } from '../../testing/kinds.ts'
import { flowSchemas } from './flow-schema.ts'
import { MANDATORY_FLOW_SCHEMAS, MANDATORY_PRIORITY_LEVELS } from './mandatory.ts'
import { priorityLevelConfigurations } from './priority-level-configuration.ts'

type Cases = Record<string, [object, string[]]>

describe('flow schemas', () => {
  const nonResourceRules = [{ verbs: ['get'], nonResourceURLs: ['/healthz/*'] }]
  const subjects = [{ kind: 'User', user: { name: '*' } }]
  const schema = (fields: object): object => ({
    spec: {
      priorityLevelConfiguration: { name: 'global-default' },
      rules: [{ subjects, nonResourceRules }],
      ...fields,
    },
  })
  const rule = (fields: object): object => schema({ rules: [{ subjects, nonResourceRules, ...fields }] })
  const resources = (fields: object): object =>
    rule({ resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['*'], ...fields }] })
  const cases: Cases = {
    'are valid': [resources({}), []],
    'name a level and a precedence': [
      schema({ priorityLevelConfiguration: {}, matchingPrecedence: 10_001 }),
      [
        'spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000',
        'spec.priorityLevelConfiguration.name: Required value: must reference a priority level',
      ],
    ],
    'come after the exempt': [
      schema({ matchingPrecedence: 1 }),
      ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
    ],
    'sort out something of somebody': [
      rule({ subjects: [], nonResourceRules: [] }),
      [
        'spec.rules[0].subjects: Required value: subjects must contain at least one value',
        'spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty',
      ],
    ],
    'name subjects of their kind': [
      rule({
        subjects: [
          { kind: 'Group', user: { name: 'a' } },
          { kind: 'Robot' },
          { kind: 'ServiceAccount', serviceAccount: { name: '*' } },
        ],
      }),
      [
        "spec.rules[0].subjects[0].group: Required value: group is required when subject kind is 'Group'",
        "spec.rules[0].subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'",
        'spec.rules[0].subjects[1].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"',
        'spec.rules[0].subjects[2].serviceAccount.namespace: Required value: must specify namespace for service account',
      ],
    ],
    'know the verbs': [
      resources({ verbs: ['fetch'] }),
      [
        'spec.rules[0].resourceRules[0].verbs: Unsupported value: ["fetch"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"',
      ],
    ],
    'ask for all or some': [
      resources({ verbs: ['*', 'get'], apiGroups: [], namespaces: [] }),
      [
        `spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if '*' is present, must not specify other verbs`,
        'spec.rules[0].resourceRules[0].apiGroups: Required value: resource rules must supply at least one api group',
        'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
      ],
    ],
    'name paths': [
      rule({ nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['healthz', '/a*', '/a//b', '/a b', '/'] }] }),
      [
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "healthz": must start with slash',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[1]: Invalid value: "/a*": wildcard can only do suffix matching',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[2]: Invalid value: "/a//b": must not contain double slash',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[3]: Invalid value: "/a b": must not contain white-space',
      ],
    ],
  }
  for (const [name, [object, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(flowSchemas, object), want))
  }
  test('that are mandatory are valid, and no other', () => {
    for (const [name, spec] of Object.entries(MANDATORY_FLOW_SCHEMAS)) {
      assert.deepEqual(ready(flowSchemas, { spec }).spec, spec, 'defaults change nothing')
      assert.deepEqual(problems(flowSchemas, { metadata: { name }, spec }), [])
      const [problem] = problems(flowSchemas, { metadata: { name }, spec: { ...spec, rules: [] } })
      assert.match(problem ?? '', new RegExp(`spec of '${name}' must equal the fixed value$`))
    }
  })
  test('have a precedence', () => assert.equal(ready(flowSchemas, schema({})).spec?.matchingPrecedence, 1000))
  test('have conditions of a type', () => {
    assert.deepEqual(statusChanged(flowSchemas, {}, { status: { conditions: [{ status: 'True' }] } }), [
      'status.conditions[0].type: Required value: must not be empty',
    ])
  })
  test('are shown', () => {
    const status = { conditions: [{ type: 'Dangling', status: 'False' }] }
    assert.deepEqual(cells(flowSchemas, { ...schema({ distinguisherMethod: { type: 'ByUser' } }), status }), {
      PriorityLevel: 'global-default',
      MatchingPrecedence: 1000,
      DistinguisherMethod: 'ByUser',
      Age: '<unknown>',
      MissingPL: 'False',
    })
  })
})

describe('priority levels', () => {
  const limited = (fields: object = {}): object => ({
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' }, ...fields } },
  })
  const queuing = (fields: object): object => limited({ limitResponse: { type: 'Queue', queuing: fields } })
  const at = 'spec.limited.limitResponse'
  const cases: Cases = {
    'are valid': [limited(), []],
    'have a type': [
      { spec: { type: 'Endless' } },
      ['spec.type: Unsupported value: "Endless": supported values: "Exempt", "Limited"'],
    ],
    'are exempt by name': [
      { spec: { type: 'Exempt' } },
      [`spec.type: Invalid value: "Exempt": type must be 'Exempt' if and only if name is 'exempt'`],
    ],
    'are limited by something': [
      { spec: { type: 'Limited', exempt: {} } },
      [
        'spec.exempt: Forbidden: must be nil if the type is Limited',
        'spec.limited: Required value: must not be empty when type is Limited',
      ],
    ],
    'share no less than nothing': [
      limited({ nominalConcurrencyShares: -1, lendablePercent: 101, borrowingLimitPercent: -1 }),
      [
        'spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
        'spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer',
        'spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer',
      ],
    ],
    'queue, or reject': [
      limited({ limitResponse: { type: 'Queue' } }),
      [`${at}.queuing: Required value: must not be empty if limited.limitResponse.type is Limited`],
    ],
    'deal from a hand that is there': [
      queuing({ queues: 4 }),
      [`${at}.queuing.handSize: Invalid value: 8: should not be greater than queues (4)`],
    ],
    'deal no more than a hash can tell': [
      queuing({ queues: 512 }),
      [
        `${at}.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60`,
      ],
    ],
    'have queues': [
      queuing({ queues: -1, queueLengthLimit: -1 }),
      [
        `${at}.queuing.queueLengthLimit: Invalid value: -1: must be positive`,
        `${at}.queuing.queues: Invalid value: -1: must be positive`,
        `${at}.queuing.handSize: Invalid value: 8: should not be greater than queues (-1)`,
      ],
    ],
  }
  for (const [name, [object, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(priorityLevelConfigurations, object), want))
  }
  test('that are mandatory are valid, and hardly another', () => {
    for (const [name, spec] of Object.entries(MANDATORY_PRIORITY_LEVELS)) {
      assert.deepEqual(ready(priorityLevelConfigurations, { spec }).spec, spec, 'defaults change nothing')
      assert.deepEqual(problems(priorityLevelConfigurations, { metadata: { name }, spec }), [])
    }
    const lent = { type: 'Exempt', exempt: { nominalConcurrencyShares: 5, lendablePercent: 10 } }
    assert.deepEqual(problems(priorityLevelConfigurations, { metadata: { name: 'exempt' }, spec: lent }), [])
    const [problem] = problems(priorityLevelConfigurations, { metadata: { name: 'catch-all' }, ...limited() })
    assert.match(problem ?? '', /spec of 'catch-all' must equal the fixed value$/)
  })
  test('have defaults', () => {
    const { nominalConcurrencyShares, lendablePercent, limitResponse } =
      ready(priorityLevelConfigurations, queuing({})).spec?.limited ?? {}
    assert.deepEqual(
      { nominalConcurrencyShares, lendablePercent, ...limitResponse?.queuing },
      { nominalConcurrencyShares: 30, lendablePercent: 0, queues: 64, handSize: 8, queueLengthLimit: 50 },
    )
  })
})
