// An autoscaler of version 2 survives the way through version 1, and version 1 says what it can.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode } from '../../../apimachinery/decode.ts'
import type { AnyObject } from '../../../apimachinery/metadata.ts'
import { viewsOf } from '../../../apimachinery/view.ts'
import type { Resource } from '../../../apimachinery/resource.ts'
import { horizontalPodAutoscalers } from './horizontal-pod-autoscaler.ts'

const [v1] = viewsOf(horizontalPodAutoscalers as unknown as Resource<AnyObject>)
assert.ok(v1)
const { resource, convert, fromHub } = v1

const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
const metric = { name: 'hits', selector: { matchLabels: { a: 'b' } } }
const resourceTarget = (target: object): object => ({ type: 'Resource', resource: { name: 'cpu', target } })
const utilization = resourceTarget({ type: 'Utilization', averageUtilization: 50 })

const stored = (spec: object, status: object = {}): AnyObject => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'web' },
  spec: { scaleTargetRef, maxReplicas: 3, ...spec },
  status: { desiredReplicas: 1, currentReplicas: 1, ...status },
})

describe('version 1', () => {
  const cases: Record<string, AnyObject> = {
    'the processor': stored({ metrics: [utilization] }),
    'every kind of metric': stored({
      metrics: [
        { type: 'Object', object: { describedObject: scaleTargetRef, metric, target: { type: 'Value', value: '1' } } },
        {
          type: 'Object',
          object: { describedObject: scaleTargetRef, metric, target: { type: 'AverageValue', averageValue: '1' } },
        },
        { type: 'Pods', pods: { metric, target: { type: 'AverageValue', averageValue: '2' } } },
        resourceTarget({ type: 'AverageValue', averageValue: '100m' }),
        {
          type: 'ContainerResource',
          containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 1 } },
        },
        { type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '3' } } },
        { type: 'External', external: { metric: { name: 'x' }, target: { type: 'Value', value: '3' } } },
        utilization,
      ],
    }),
    behaviour: stored({
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 0,
          selectPolicy: 'Max',
          policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }],
        },
        scaleDown: { tolerance: '100m' },
      },
    }),
    'what is measured': stored(
      {},
      {
        currentMetrics: [
          {
            type: 'Object',
            object: { describedObject: scaleTargetRef, metric, current: { value: '1', averageValue: '2' } },
          },
          { type: 'Pods', pods: { metric, current: { averageValue: '2' } } },
          { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 7, averageValue: '70m' } } },
          { type: 'External', external: { metric, current: { value: '3' } } },
        ],
        conditions: [{ type: 'AbleToScale', status: 'True', reason: 'r', message: 'm' }],
      },
    ),
  }
  for (const [name, object] of Object.entries(cases)) {
    test(`keeps ${name}`, () => {
      const shown = fromHub(object)
      assert.equal(shown.apiVersion, 'autoscaling/v1')
      decode(resource.struct, shown, { unknownFields: 'strict' })
      assert.deepEqual(convert(shown), object)
    })
  }

  test('says what it can in fields, and the rest in annotations', () => {
    const { spec, status, metadata } = fromHub(
      stored(
        {
          metrics: [
            utilization,
            { type: 'Pods', pods: { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '2' } } },
          ],
        },
        { currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 7 } } }] },
      ),
    ) as AnyObject & { spec: object; status: object }
    assert.deepEqual(spec, { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 })
    assert.deepEqual(status, { desiredReplicas: 1, currentReplicas: 1, currentCPUUtilizationPercentage: 7 })
    assert.deepEqual(metadata.annotations, {
      'autoscaling.alpha.kubernetes.io/metrics':
        '[{"type":"Pods","pods":{"metricName":"hits","targetAverageValue":"2"}}]',
      'autoscaling.alpha.kubernetes.io/current-metrics':
        '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":7}}]',
    })
  })

  test('drops annotations that say nothing it knows', () => {
    const annotations = {
      'autoscaling.alpha.kubernetes.io/metrics': '[{"type":5}]',
      'autoscaling.alpha.kubernetes.io/behavior': '{',
      'autoscaling.alpha.kubernetes.io/conditions': '"x"',
    }
    const object = convert({ ...stored({}), metadata: { name: 'web', annotations } })
    assert.deepEqual(object['spec'], { scaleTargetRef, maxReplicas: 3 })
    assert.deepEqual(object.metadata, { name: 'web' })
  })
})
