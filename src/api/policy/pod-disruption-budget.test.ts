// Disruption budgets: one bound, of a legal size; a status that adds up.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, created, problems, statusChanged } from '../../testing/kinds.ts'
import { type PodDisruptionBudget, podDisruptionBudgets } from './pod-disruption-budget.ts'

const budget = (spec: object = {}): PodDisruptionBudget => created(podDisruptionBudgets, { spec })

describe('a budget', () => {
  const cases: Record<string, [spec: object, want: string[]]> = {
    'may bound what stays': [{ minAvailable: '50%', selector: {} }, []],
    'may bound what is missing': [{ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' }, []],
    'may bound nothing': [{}, []],
    'does not bound both': [
      { minAvailable: 1, maxUnavailable: 1 },
      [
        'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set',
      ],
    ],
    'is not negative': [
      { minAvailable: -1 },
      ['spec.minAvailable: Invalid value: -1: must be greater than or equal to 0'],
    ],
    'is no other text': [
      { minAvailable: 'x' },
      [
        `spec.minAvailable: Invalid value: "x": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')`,
      ],
    ],
    'is no more than all': [
      { maxUnavailable: '101%' },
      ['spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
    ],
    'knows two policies': [
      { unhealthyPodEvictionPolicy: 'x' },
      ['spec.unhealthyPodEvictionPolicy: Unsupported value: "x": supported values: "AlwaysAllow", "IfHealthyBudget"'],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(podDisruptionBudgets, budget(spec)), want))
  }

  test('reports conditions of the common form', () => {
    const condition = { type: 'a b', status: 'x', reason: '-', message: '', lastTransitionTime: '2030-01-01T00:00:00Z' }
    const next = { ...budget(), status: { ...budget().status, conditions: [condition, condition] } }
    const found = statusChanged(podDisruptionBudgets, budget(), next).map((text) =>
      text.split(': ').slice(0, 2).join(': '),
    )
    assert.deepEqual(found.slice(0, 3), [
      'status.conditions[0].type: Invalid value',
      'status.conditions[0].status: Unsupported value',
      'status.conditions[0].reason: Invalid value',
    ])
    assert.equal(found[3], 'status.conditions[1].type: Duplicate value')
  })

  test('is shown with what it allows', () => {
    assert.deepEqual(cells(podDisruptionBudgets, budget({ minAvailable: '50%' })), {
      'Min Available': '50%',
      'Max Unavailable': 'N/A',
      'Allowed Disruptions': 0,
    })
  })
})
