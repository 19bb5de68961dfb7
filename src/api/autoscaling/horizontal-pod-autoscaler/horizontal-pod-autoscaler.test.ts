// Autoscalers: what is filled in, what is refused, and the row.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, created, problems } from '../../../testing/kinds.ts'
import { type HorizontalPodAutoscaler, horizontalPodAutoscalers } from './horizontal-pod-autoscaler.ts'

const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
const autoscaler = (spec: object = {}): HorizontalPodAutoscaler =>
  created(horizontalPodAutoscalers, { spec: { scaleTargetRef, maxReplicas: 5, ...spec } })
const cpu = (target: object): object => ({ type: 'Resource', resource: { name: 'cpu', target } })
const utilization = { type: 'Utilization', averageUtilization: 50 }

describe('an autoscaler', () => {
  test('follows the processor unless it is told what to follow', () => {
    const { spec, status } = autoscaler()
    assert.equal(spec.minReplicas, 1)
    assert.deepEqual(spec.metrics, [cpu({ type: 'Utilization', averageUtilization: 80 })])
    assert.equal(spec.behavior, undefined)
    assert.deepEqual(status, { desiredReplicas: 0 })
    assert.deepEqual(problems(horizontalPodAutoscalers, autoscaler()), [])
  })

  test('fills in both directions when one is given', () => {
    const policies = [{ type: 'Pods', value: 1, periodSeconds: 60 }]
    assert.deepEqual(autoscaler({ behavior: { scaleDown: { policies } } }).spec.behavior, {
      scaleUp: {
        stabilizationWindowSeconds: 0,
        selectPolicy: 'Max',
        policies: [
          { type: 'Pods', value: 4, periodSeconds: 15 },
          { type: 'Percent', value: 100, periodSeconds: 15 },
        ],
      },
      scaleDown: { selectPolicy: 'Max', policies },
    })
  })

  const at = 'spec.metrics[0]'
  const metrics = (metric: object): object => ({ metrics: [metric] })
  const cases: Record<string, [spec: object, want: string[]]> = {
    'bounds that are turned around': [
      { minReplicas: 6 },
      ['spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`'],
    ],
    'no pods at all': [
      { minReplicas: 0, maxReplicas: 0 },
      [
        'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
        'spec.maxReplicas: Invalid value: 0: must be greater than 0',
      ],
    ],
    'nothing to scale': [
      { scaleTargetRef: { kind: 'a/b', name: '' } },
      [
        'spec.scaleTargetRef.kind: Invalid value: "a/b": may not contain \'/\'',
        'spec.scaleTargetRef.name: Required value',
      ],
    ],
    'a metric of no type': [
      metrics({}),
      [
        `${at}.type: Required value: must specify a metric source type`,
        `${at}.type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`,
        `${at}.type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`,
      ],
    ],
    'a metric of another type': [
      metrics({ type: 'Pods', resource: { name: 'cpu', target: utilization } }),
      [`${at}.pods: Required value: must populate information for the given metric source`],
    ],
    'two metrics in one': [
      metrics({
        ...cpu(utilization),
        pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1' } },
      }),
      [`${at}.pods: Forbidden: must populate the given metric source only`],
    ],
    'two targets in one': [
      metrics(cpu({ ...utilization, averageValue: '0' })),
      [
        `${at}.resource.target.averageValue: Invalid value: "0": must be positive`,
        `${at}.resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization`,
      ],
    ],
    'no target': [
      metrics({ type: 'ContainerResource', containerResource: { name: 'pods' } }),
      [
        `${at}.containerResource.name: Invalid value: "pods": must be a standard resource for containers`,
        `${at}.containerResource.container: Required value: must specify a container`,
        `${at}.containerResource.target.type: Required value: must specify a metric target type`,
        `${at}.containerResource.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue`,
        `${at}.containerResource.target.averageUtilization: Required value: must set either a target raw value or a target utilization`,
      ],
    ],
    'behaviour without bounds': [
      {
        behavior: {
          scaleUp: { stabilizationWindowSeconds: 3601, selectPolicy: 'x', policies: [], tolerance: '-1' },
          scaleDown: { policies: [{ type: 'x', value: 0, periodSeconds: 1801 }] },
        },
      },
      [
        'spec.behavior.scaleUp.selectPolicy: Unsupported value: "x": supported values: "Disabled", "Max", "Min"',
        'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600',
        'spec.behavior.scaleUp.policies: Required value: must specify at least one Policy',
        'spec.behavior.scaleUp.tolerance: Invalid value: "-1": must be greater than or equal to 0',
        'spec.behavior.scaleDown.policies[0].type: Unsupported value: "x": supported values: "Percent", "Pods"',
        'spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero',
        'spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800',
      ],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(`is refused with ${name}`, () => assert.deepEqual(problems(horizontalPodAutoscalers, autoscaler(spec)), want))
  }

  test('is shown with what it measures', () => {
    const metric = { name: 'm' }
    const all = autoscaler({
      metrics: [
        cpu(utilization),
        { type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '5' } } },
        { type: 'Pods', pods: { metric, target: { type: 'AverageValue', averageValue: '1k' } } },
      ],
    })
    const current = { averageUtilization: 20, averageValue: '100m' }
    const status = {
      currentReplicas: 2,
      desiredReplicas: 2,
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current } }],
    }
    assert.deepEqual(cells(horizontalPodAutoscalers, { ...all, status }), {
      Reference: 'Deployment/web',
      Targets: 'cpu: 20%/50%, <unknown>/5 (avg) + 1 more...',
      MinPods: '1',
      MaxPods: 5,
      Replicas: 2,
    })
  })
})
