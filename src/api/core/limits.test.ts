// Limit ranges and quotas: what is filled in, what is refused, what may change, and their rows.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, changed, created, problems, statusChanged } from '../../testing/kinds.ts'
import { type LimitRange, limitRanges } from './limit-range/limit-range.ts'
import { type ResourceQuota, resourceQuotas } from './resource-quota/resource-quota.ts'

const range = (...limits: object[]): LimitRange => created(limitRanges, { spec: { limits } })

describe('limit ranges', () => {
  test('give containers what they do not ask for', () => {
    const item = { type: 'Container', max: { cpu: '4', memory: '1Gi' }, min: { pods: '1' }, default: { cpu: '2' } }
    const [filled] = range(item, { type: 'Pod', max: { cpu: '8' } }).spec.limits
    assert.deepEqual(filled?.default, { cpu: '2', memory: '1Gi' })
    assert.deepEqual(filled?.defaultRequest, { cpu: '2', memory: '1Gi', pods: '1' })
    assert.deepEqual(range({ type: 'Pod', max: { cpu: '8' } }).spec.limits, [{ type: 'Pod', max: { cpu: '8' } }])
  })

  const at = 'spec.limits[0]'
  const cases: Record<string, [items: object[], want: string[]]> = {
    'a bound that is turned around': [
      [{ type: 'Pod', min: { cpu: '2' }, max: { cpu: '1' } }],
      [`${at}.min[cpu]: Invalid value: "2": min value 2 is greater than max value 1`],
    ],
    'a default for pods': [
      [{ type: 'Pod', default: { cpu: '1' } }],
      [`${at}.default: Forbidden: may not be specified when \`type\` is 'Pod'`],
    ],
    'a default outside the bounds': [
      [{ type: 'Container', max: { cpu: '2' }, default: { cpu: '3' }, defaultRequest: { cpu: '1' } }],
      [`${at}.default[cpu]: Invalid value: "2": default value 3 is greater than max value 2`],
    ],
    'a request above the limit': [
      [{ type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '2' } }],
      [`${at}.defaultRequest[cpu]: Invalid value: "2": default request value 2 is greater than default limit value 1`],
    ],
    'a promise of what cannot be shared': [
      [{ type: 'Container', default: { 'a.io/gpu': '2' }, defaultRequest: { 'a.io/gpu': '1' } }],
      [
        `${at}.defaultRequest[a.io/gpu]: Invalid value: "1": default value 2 must equal to defaultRequest value 1 in a.io/gpu`,
      ],
    ],
    'a ratio that cannot be met': [
      [{ type: 'Pod', min: { cpu: '1' }, max: { cpu: '2' }, maxLimitRequestRatio: { cpu: '3', memory: '500m' } }],
      [
        `${at}.maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000`,
        `${at}.maxLimitRequestRatio[memory]: Invalid value: "500m": ratio 500m is less than 1`,
      ],
    ],
    'a name that containers do not know': [
      [{ type: 'Container', max: { storage: '1' } }],
      [
        `${at}.max[storage]: Invalid value: "storage": must be a standard resource for containers`,
        `${at}.default[storage]: Invalid value: "storage": must be a standard resource for containers`,
        `${at}.defaultRequest[storage]: Invalid value: "storage": must be a standard resource for containers`,
      ],
    ],
    'claims without storage': [
      [{ type: 'PersistentVolumeClaim' }],
      [`${at}.limits: Required value: either minimum or maximum storage value is required, but neither was provided`],
    ],
    'a type twice, or none': [
      [{ type: 'Pod' }, { type: 'Pod' }, { type: 'x' }],
      [
        'spec.limits[1].type: Duplicate value: "Pod"',
        'spec.limits[2].type: Invalid value: "x": must be a standard limit type or fully qualified',
      ],
    ],
  }
  for (const [name, [items, want]] of Object.entries(cases)) {
    test(`are refused with ${name}`, () => assert.deepEqual(problems(limitRanges, range(...items)), want))
  }

  test('are shown with their time', () => {
    const metadata = { creationTimestamp: '2030-01-01T00:00:00Z' }
    const shown = cells(limitRanges, created(limitRanges, { metadata, spec: {} }))
    assert.deepEqual(shown, { 'Created At': '2030-01-01T00:00:00Z' })
  })
})

const quota = (spec: object): ResourceQuota => created(resourceQuotas, { spec })

describe('quotas', () => {
  const cases: Record<string, [spec: object, want: string[]]> = {
    'everything that is counted': [
      {
        hard: {
          pods: '1',
          'count/jobs.batch': '2',
          'requests.nvidia.com/gpu': '1',
          'requests.hugepages-2Mi': '4Mi',
          'gold.storageclass.storage.k8s.io/requests.storage': '1Gi',
        },
      },
      [],
    ],
    'an unknown name': [
      { hard: { beds: '1' } },
      [
        'spec.hard[beds]: Invalid value: "beds": must be a standard resource type or fully qualified',
        'spec.hard[beds]: Invalid value: "beds": must be a standard resource for quota',
      ],
    ],
    'half a pod': [
      { hard: { pods: '500m', services: '-1' } },
      [
        'spec.hard[pods]: Invalid value: "500m": must be an integer',
        'spec.hard[services]: Invalid value: "-1": must be greater than or equal to 0',
      ],
    ],
    'scopes that exclude each other': [
      { hard: { pods: '1' }, scopes: ['BestEffort', 'NotBestEffort'] },
      ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes'],
    ],
    'a scope that does not apply': [
      { hard: { cpu: '1' }, scopes: ['BestEffort', 'x'] },
      [
        'spec.scopes: Invalid value: ["BestEffort","x"]: unsupported scope applied to resource',
        'spec.scopes: Invalid value: ["BestEffort","x"]: unsupported scope',
      ],
    ],
    'a selector that compares nothing': [
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In' }] } },
      [
        "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      ],
    ],
    'a selector that compares what is or is not': [
      { scopeSelector: { matchExpressions: [{ scopeName: 'Terminating', operator: 'In', values: ['a'] }] } },
      [
        `spec.scopeSelector.matchExpressions.operator: Invalid value: "In": must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity`,
      ],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(`${want.length === 0 ? 'bound' : 'are refused with'} ${name}`, () =>
      assert.deepEqual(problems(resourceQuotas, quota(spec)), want))
  }

  test('keep their scopes', () => {
    const [one, other] = [quota({ scopes: ['BestEffort'] }), quota({ scopes: [], hard: { pods: '2' } })]
    assert.deepEqual(changed(resourceQuotas, one, other), ['spec.scopes: Invalid value: null: field is immutable'])
    assert.deepEqual(changed(resourceQuotas, quota({ hard: { pods: '1' } }), quota({ hard: { pods: '2' } })), [])
  })

  test('are shown with what is used', () => {
    const hard = { 'requests.cpu': '4', pods: '10', 'limits.cpu': '8' }
    const next = { ...quota({ hard }), status: { hard, used: { pods: '3', 'limits.cpu': '1' } } }
    assert.deepEqual(statusChanged(resourceQuotas, quota({ hard }), next), [])
    assert.deepEqual(cells(resourceQuotas, next), {
      Request: 'pods: 3/10, requests.cpu: 0/4',
      Limit: 'limits.cpu: 1/8',
      Age: '<unknown>',
    })
  })
})
