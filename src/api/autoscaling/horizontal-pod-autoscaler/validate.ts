// Checks what an autoscaler scales, by what, and how fast.

import type { Issues } from '../../../apimachinery/issues.ts'
import { parseQuantity } from '../../../apimachinery/quantity.ts'
import { isQuantity } from '../../../apimachinery/scalars.ts'
import { checkLabel, checkPathSegment, checkValue, NEGATIVE } from '../../../apimachinery/validation.ts'
import { validateContainerResourceName } from '../../core/resource-names.ts'
import {
  type CrossVersionObjectReference,
  type HorizontalPodAutoscalerSpec,
  type HPAScalingPolicy,
  type HPAScalingRules,
  METRIC_SOURCES,
  type MetricIdentifier,
  type MetricSpec,
  type MetricTarget,
  SCALING_POLICIES,
} from './fields.ts'

const MAX_PERIOD_SECONDS = 1800
const MAX_STABILIZATION_WINDOW_SECONDS = 3600

export function validateAutoscalerSpec(spec: HorizontalPodAutoscalerSpec, at: string, issues: Issues): void {
  const { minReplicas, maxReplicas, behavior } = spec
  // No pods at all are an alpha feature of upstream, and off.
  if (minReplicas !== undefined && minReplicas < 1) {
    issues.invalid(`${at}.minReplicas`, minReplicas, 'must be greater than or equal to 1')
  }
  if (maxReplicas < 1) issues.invalid(`${at}.maxReplicas`, maxReplicas, 'must be greater than 0')
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    issues.invalid(`${at}.maxReplicas`, maxReplicas, 'must be greater than or equal to `minReplicas`')
  }
  validateReference(spec.scaleTargetRef, `${at}.scaleTargetRef`, issues)
  spec.metrics?.forEach((metric, i) => {
    validateMetric(metric, `${at}.metrics[${i}]`, issues)
  })
  if (behavior?.scaleUp !== undefined) validateRules(behavior.scaleUp, `${at}.behavior.scaleUp`, issues)
  if (behavior?.scaleDown !== undefined) validateRules(behavior.scaleDown, `${at}.behavior.scaleDown`, issues)
}

function validateReference(reference: CrossVersionObjectReference, at: string, issues: Issues): void {
  for (const key of ['kind', 'name'] as const) {
    const value = reference[key]
    if (value === '') issues.required(`${at}.${key}`)
    else if (value !== undefined) checkValue(value, checkPathSegment, `${at}.${key}`, issues)
  }
}

function validateRules(rules: HPAScalingRules, at: string, issues: Issues): void {
  const { stabilizationWindowSeconds: window, policies = [], tolerance } = rules
  const windowAt = `${at}.stabilizationWindowSeconds`
  if (window !== undefined && window < 0) issues.invalid(windowAt, window, 'must be greater than or equal to zero')
  if (window !== undefined && window > MAX_STABILIZATION_WINDOW_SECONDS) {
    issues.invalid(windowAt, window, `must be less than or equal to ${MAX_STABILIZATION_WINDOW_SECONDS}`)
  }
  if (policies.length === 0) issues.required(`${at}.policies`, 'must specify at least one Policy')
  policies.forEach((policy, i) => {
    validatePolicy(policy, `${at}.policies[${i}]`, issues)
  })
  if (tolerance !== undefined && isQuantity(tolerance) && parseQuantity(tolerance).nanos < 0n) {
    issues.invalid(`${at}.tolerance`, tolerance, NEGATIVE)
  }
}

function validatePolicy({ type, value, periodSeconds }: HPAScalingPolicy, at: string, issues: Issues): void {
  if (!SCALING_POLICIES.includes(type)) issues.notSupported(`${at}.type`, type ?? '', SCALING_POLICIES)
  if (value <= 0) issues.invalid(`${at}.value`, value, 'must be greater than zero')
  if (periodSeconds <= 0) issues.invalid(`${at}.periodSeconds`, periodSeconds, 'must be greater than zero')
  if (periodSeconds > MAX_PERIOD_SECONDS) {
    issues.invalid(`${at}.periodSeconds`, periodSeconds, `must be less than or equal to ${MAX_PERIOD_SECONDS}`)
  }
}

/** Which field a type of metric fills in. */
const FIELDS = {
  Object: 'object',
  External: 'external',
  Pods: 'pods',
  Resource: 'resource',
  ContainerResource: 'containerResource',
} as const

function validateMetric(metric: MetricSpec, at: string, issues: Issues): void {
  const type: string = metric.type ?? ''
  if (type === '') issues.required(`${at}.type`, 'must specify a metric source type')
  const given = Object.values(FIELDS).filter((field) => metric[field] !== undefined)
  const [first] = given
  const expected = Object.hasOwn(FIELDS, type) ? FIELDS[metric.type] : undefined
  // Upstream says so where it looks at the type, and again where it looks for the source.
  if (expected === undefined) issues.notSupported(`${at}.type`, type, METRIC_SOURCES)
  if (first !== undefined) validateSource(metric, first, `${at}.${first}`, issues)
  if (expected === undefined) issues.notSupported(`${at}.type`, type, METRIC_SOURCES)
  else if (metric[expected] === undefined) {
    issues.required(`${at}.${expected}`, 'must populate information for the given metric source')
  }
  if (given.length === 1) return
  for (const extra of given) {
    if (extra !== expected) issues.forbidden(`${at}.${extra}`, 'must populate the given metric source only')
  }
}

function validateSource(
  metric: MetricSpec,
  field: (typeof FIELDS)[keyof typeof FIELDS],
  at: string,
  issues: Issues,
): void {
  const { object, external, pods, resource, containerResource } = metric
  switch (field) {
    case 'object':
      if (object === undefined) return
      validateReference(object.describedObject, `${at}.describedObject`, issues)
      validateMeasure(object, at, issues)
      if (object.target.value === undefined && object.target.averageValue === undefined) {
        issues.required(`${at}.target.averageValue`, 'must set either a target value or averageValue')
      }
      return
    case 'external':
      if (external !== undefined) validateExternal(external, at, issues)
      return
    case 'pods':
      if (pods === undefined) return
      validateMeasure(pods, at, issues)
      if (pods.target.averageValue === undefined) {
        issues.required(`${at}.target.averageValue`, 'must specify a positive target averageValue')
      }
      return
    case 'resource':
      if (resource === undefined) return
      if ((resource.name ?? '') === '') issues.required(`${at}.name`, 'must specify a resource name')
      validateUtilization(resource.target, `${at}.target`, issues)
      return
    case 'containerResource': {
      if (containerResource === undefined) return
      const { name = '', container = '', target } = containerResource
      if (name === '') issues.required(`${at}.name`, 'must specify a resource name')
      else validateContainerResourceName(name, `${at}.name`, issues)
      if (container === '') issues.required(`${at}.container`, 'must specify a container')
      else checkValue(container, checkLabel, `${at}.container`, issues)
      validateUtilization(target, `${at}.target`, issues)
    }
  }
}

interface Measure {
  metric: MetricIdentifier
  target: MetricTarget
}

function validateMeasure({ metric: { name = '' }, target }: Measure, at: string, issues: Issues): void {
  if (name === '') issues.required(`${at}.metric.name`, 'must specify a metric name')
  else checkValue(name, checkPathSegment, `${at}.metric.name`, issues)
  validateTarget(target, `${at}.target`, issues)
}

function validateExternal(source: Measure, at: string, issues: Issues): void {
  validateMeasure(source, at, issues)
  const { value, averageValue } = source.target
  if (value === undefined && averageValue === undefined) {
    issues.required(`${at}.target.averageValue`, 'must set either a target value for metric or a per-pod target')
  } else if (value !== undefined && averageValue !== undefined) {
    issues.forbidden(`${at}.target.value`, 'may not set both a target value for metric and a per-pod target')
  }
}

function validateUtilization(target: MetricTarget, at: string, issues: Issues): void {
  validateTarget(target, at, issues)
  const { averageUtilization, averageValue } = target
  if (averageUtilization === undefined && averageValue === undefined) {
    issues.required(`${at}.averageUtilization`, 'must set either a target raw value or a target utilization')
  } else if (averageUtilization !== undefined && averageValue !== undefined) {
    issues.forbidden(`${at}.averageValue`, 'may not set both a target raw value and a target utilization')
  }
}

function validateTarget(target: MetricTarget, at: string, issues: Issues): void {
  const type: string = target.type ?? ''
  if (type === '') issues.required(`${at}.type`, 'must specify a metric target type')
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    issues.invalid(`${at}.type`, type, 'must be either Utilization, Value, or AverageValue')
  }
  for (const key of ['value', 'averageValue'] as const) {
    const amount = target[key]
    if (amount !== undefined && isQuantity(amount) && parseQuantity(amount).nanos <= 0n) {
      issues.invalid(`${at}.${key}`, amount, 'must be positive')
    }
  }
  const { averageUtilization } = target
  if (averageUtilization !== undefined && averageUtilization < 1) {
    issues.invalid(`${at}.averageUtilization`, averageUtilization, 'must be greater than 0')
  }
}
