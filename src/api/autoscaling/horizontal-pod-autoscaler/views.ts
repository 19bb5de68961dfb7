// The other versions of HorizontalPodAutoscaler: autoscaling/v1 knows the processor alone, and keeps the rest in annotations.

import type { AnyObject } from '../../../apimachinery/metadata.ts'
import { isObject, type JsonObject } from '../../../apimachinery/objects.ts'
import { int32, ref, required } from '../../../apimachinery/schema.ts'
import { type View, variantOf } from '../../../apimachinery/view.ts'
import { keepAnnotation, takeAnnotation } from '../../annotations.ts'
import { horizontalPodAutoscalerSpec, horizontalPodAutoscalerStatus } from './fields.ts'
import {
  behaviorOf,
  behaviorText,
  conditionsOf,
  currentMetricsOf,
  currentMetricsText,
  metricsOf,
  metricsText,
} from './old-metrics.ts'

const KEPT = 'autoscaling.alpha.kubernetes.io'
const METRICS = `${KEPT}/metrics`
const BEHAVIOR = `${KEPT}/behavior`
const CURRENT_METRICS = `${KEPT}/current-metrics`
const CONDITIONS = `${KEPT}/conditions`
const V1 = 'io.k8s.api.autoscaling.v1'

const fields: View['fields'] = {
  spec: required(
    ref(
      2,
      variantOf(horizontalPodAutoscalerSpec, `${V1}.HorizontalPodAutoscalerSpec`, {
        targetCPUUtilizationPercentage: int32(4, { nilable: true }),
        metrics: null,
        behavior: null,
      }),
    ),
  ),
  status: ref(
    3,
    variantOf(horizontalPodAutoscalerStatus, `${V1}.HorizontalPodAutoscalerStatus`, {
      currentCPUUtilizationPercentage: int32(5, { nilable: true }),
      currentMetrics: null,
      conditions: null,
    }),
  ),
}

function objectsIn(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** What a metric says of the processor's utilization: `target` or `current` of its source. */
function processorOf(metric: JsonObject, part: 'target' | 'current'): number | undefined {
  const { type, resource } = metric
  if (type !== 'Resource' || !isObject(resource) || resource['name'] !== 'cpu' || !isObject(resource[part])) {
    return undefined
  }
  const { averageUtilization } = resource[part]
  return typeof averageUtilization === 'number' ? averageUtilization : undefined
}

const cpu = (part: object): JsonObject => ({ type: 'Resource', resource: { name: 'cpu', ...part } })

function toHub({ metadata, spec, status }: AnyObject): void {
  const metrics = metricsOf(takeAnnotation(metadata, METRICS)) ?? []
  const behavior = behaviorOf(takeAnnotation(metadata, BEHAVIOR))
  const currentMetrics = currentMetricsOf(takeAnnotation(metadata, CURRENT_METRICS))
  const conditions = conditionsOf(takeAnnotation(metadata, CONDITIONS))
  if (isObject(spec)) {
    const { targetCPUUtilizationPercentage: averageUtilization } = spec
    delete spec['targetCPUUtilizationPercentage']
    const processor =
      averageUtilization === undefined ? [] : [cpu({ target: { type: 'Utilization', averageUtilization } })]
    if (metrics.length + processor.length > 0) spec['metrics'] = [...metrics, ...processor]
    if (behavior !== undefined) spec['behavior'] = behavior
  }
  if (isObject(status)) {
    const { currentCPUUtilizationPercentage: averageUtilization } = status
    delete status['currentCPUUtilizationPercentage']
    // The annotation says more.
    if (currentMetrics !== undefined) status['currentMetrics'] = currentMetrics
    else if (averageUtilization !== undefined) status['currentMetrics'] = [cpu({ current: { averageUtilization } })]
    if (conditions !== undefined) status['conditions'] = conditions
  }
}

function fromHub({ metadata, spec, status }: AnyObject): void {
  for (const name of [METRICS, BEHAVIOR, CURRENT_METRICS, CONDITIONS]) takeAnnotation(metadata, name)
  if (isObject(spec)) {
    const metrics = objectsIn(spec['metrics'])
    const { behavior } = spec
    delete spec['metrics']
    delete spec['behavior']
    const processor = metrics.find((metric) => processorOf(metric, 'target') !== undefined)
    if (processor) spec['targetCPUUtilizationPercentage'] = processorOf(processor, 'target')
    const others = metrics.filter((metric) => metric !== processor)
    if (others.length > 0) keepAnnotation(metadata, METRICS, metricsText(others))
    if (isObject(behavior)) keepAnnotation(metadata, BEHAVIOR, behaviorText(behavior))
  }
  if (isObject(status)) {
    const metrics = objectsIn(status['currentMetrics'])
    const conditions = objectsIn(status['conditions'])
    delete status['currentMetrics']
    delete status['conditions']
    const processor = metrics.find((metric) => processorOf(metric, 'current') !== undefined)
    if (processor) status['currentCPUUtilizationPercentage'] = processorOf(processor, 'current')
    if (metrics.length > 0) keepAnnotation(metadata, CURRENT_METRICS, currentMetricsText(metrics))
    if (conditions.length > 0) keepAnnotation(metadata, CONDITIONS, JSON.stringify(conditions))
  }
}

export const horizontalPodAutoscalerViews: readonly View[] = [
  { version: 'v1', fields, toHub, fromHub },
  { version: 'v2beta2', deprecated: { since: '1.23', removed: '1.26' } },
]
