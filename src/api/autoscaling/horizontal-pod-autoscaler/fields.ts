// What an autoscaler says and what is known of it: metrics, their targets, and how fast to follow them.

import { labelSelector } from '../../../apimachinery/metadata.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import {
  int32,
  int64,
  list,
  oneOf,
  quantity,
  ref,
  required,
  string,
  struct,
  time,
} from '../../../apimachinery/schema.ts'

export const METRIC_SOURCES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'] as const
export const SELECT_POLICIES = ['Disabled', 'Max', 'Min'] as const
export const SCALING_POLICIES = ['Percent', 'Pods'] as const

export const crossVersionObjectReference = struct('io.k8s.api.autoscaling.v2.CrossVersionObjectReference', {
  kind: required(string(1)),
  name: required(string(2)),
  apiVersion: string(3),
})
export interface CrossVersionObjectReference extends TypeOf<typeof crossVersionObjectReference> {}

export const metricIdentifier = struct('io.k8s.api.autoscaling.v2.MetricIdentifier', {
  name: required(string(1, { unchecked: true })),
  selector: ref(2, labelSelector),
})
export interface MetricIdentifier extends TypeOf<typeof metricIdentifier> {}

export const metricTarget = struct('io.k8s.api.autoscaling.v2.MetricTarget', {
  type: required(oneOf(1, ['Utilization', 'Value', 'AverageValue'], { unchecked: true })),
  value: quantity(2),
  averageValue: quantity(3),
  averageUtilization: int32(4),
})
export interface MetricTarget extends TypeOf<typeof metricTarget> {}

export const metricValueStatus = struct('io.k8s.api.autoscaling.v2.MetricValueStatus', {
  value: quantity(1),
  averageValue: quantity(2),
  averageUtilization: int32(3),
})
export interface MetricValueStatus extends TypeOf<typeof metricValueStatus> {}

const target = (number: number) => required(ref(number, metricTarget, { default: {} }))
const metric = (number: number) => required(ref(number, metricIdentifier, { default: {} }))
const current = required(ref(2, metricValueStatus, { default: {} }))
const described = (number: number) => required(ref(number, crossVersionObjectReference, { default: {} }))

export const objectMetricSource = struct('io.k8s.api.autoscaling.v2.ObjectMetricSource', {
  describedObject: described(1),
  target: target(2),
  metric: metric(3),
})
export interface ObjectMetricSource extends TypeOf<typeof objectMetricSource> {}

export const podsMetricSource = struct('io.k8s.api.autoscaling.v2.PodsMetricSource', {
  metric: metric(1),
  target: target(2),
})
export interface PodsMetricSource extends TypeOf<typeof podsMetricSource> {}

export const resourceMetricSource = struct('io.k8s.api.autoscaling.v2.ResourceMetricSource', {
  name: required(string(1, { unchecked: true })),
  target: target(2),
})
export interface ResourceMetricSource extends TypeOf<typeof resourceMetricSource> {}

export const containerResourceMetricSource = struct('io.k8s.api.autoscaling.v2.ContainerResourceMetricSource', {
  name: required(string(1, { unchecked: true })),
  target: target(2),
  container: required(string(3, { unchecked: true })),
})
export interface ContainerResourceMetricSource extends TypeOf<typeof containerResourceMetricSource> {}

export const externalMetricSource = struct('io.k8s.api.autoscaling.v2.ExternalMetricSource', {
  metric: metric(1),
  target: target(2),
})
export interface ExternalMetricSource extends TypeOf<typeof externalMetricSource> {}

export const metricSpec = struct('io.k8s.api.autoscaling.v2.MetricSpec', {
  type: required(oneOf(1, METRIC_SOURCES, { unchecked: true })),
  object: ref(2, objectMetricSource),
  pods: ref(3, podsMetricSource),
  resource: ref(4, resourceMetricSource),
  containerResource: ref(7, containerResourceMetricSource),
  external: ref(5, externalMetricSource),
})
export interface MetricSpec extends TypeOf<typeof metricSpec> {}

export const hpaScalingPolicy = struct('io.k8s.api.autoscaling.v2.HPAScalingPolicy', {
  type: required(oneOf(1, SCALING_POLICIES, { unchecked: true })),
  value: required(int32(2, { default: 0 })),
  periodSeconds: required(int32(3, { default: 0 })),
})
export interface HPAScalingPolicy extends TypeOf<typeof hpaScalingPolicy> {}

export const hpaScalingRules = struct('io.k8s.api.autoscaling.v2.HPAScalingRules', {
  stabilizationWindowSeconds: int32(3),
  selectPolicy: oneOf(1, SELECT_POLICIES),
  policies: list(2, hpaScalingPolicy, { list: 'atomic', nilable: true }),
  tolerance: quantity(4),
})
export interface HPAScalingRules extends TypeOf<typeof hpaScalingRules> {}

export const horizontalPodAutoscalerBehavior = struct('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior', {
  scaleUp: ref(1, hpaScalingRules),
  scaleDown: ref(2, hpaScalingRules),
})
export interface HorizontalPodAutoscalerBehavior extends TypeOf<typeof horizontalPodAutoscalerBehavior> {}

export const horizontalPodAutoscalerSpec = struct('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerSpec', {
  scaleTargetRef: described(1),
  minReplicas: int32(2, { default: 1 }),
  maxReplicas: required(int32(3, { default: 0 })),
  metrics: list(4, metricSpec, { list: 'atomic' }),
  behavior: ref(5, horizontalPodAutoscalerBehavior),
})
export interface HorizontalPodAutoscalerSpec extends TypeOf<typeof horizontalPodAutoscalerSpec> {}

export const objectMetricStatus = struct('io.k8s.api.autoscaling.v2.ObjectMetricStatus', {
  metric: metric(1),
  current,
  describedObject: described(3),
})
export interface ObjectMetricStatus extends TypeOf<typeof objectMetricStatus> {}

export const podsMetricStatus = struct('io.k8s.api.autoscaling.v2.PodsMetricStatus', { metric: metric(1), current })
export interface PodsMetricStatus extends TypeOf<typeof podsMetricStatus> {}

export const resourceMetricStatus = struct('io.k8s.api.autoscaling.v2.ResourceMetricStatus', {
  name: required(string(1)),
  current,
})
export interface ResourceMetricStatus extends TypeOf<typeof resourceMetricStatus> {}

export const containerResourceMetricStatus = struct('io.k8s.api.autoscaling.v2.ContainerResourceMetricStatus', {
  name: required(string(1)),
  current,
  container: required(string(3)),
})
export interface ContainerResourceMetricStatus extends TypeOf<typeof containerResourceMetricStatus> {}

export const externalMetricStatus = struct('io.k8s.api.autoscaling.v2.ExternalMetricStatus', {
  metric: metric(1),
  current,
})
export interface ExternalMetricStatus extends TypeOf<typeof externalMetricStatus> {}

export const metricStatus = struct('io.k8s.api.autoscaling.v2.MetricStatus', {
  type: required(string(1)),
  object: ref(2, objectMetricStatus),
  pods: ref(3, podsMetricStatus),
  resource: ref(4, resourceMetricStatus),
  containerResource: ref(7, containerResourceMetricStatus),
  external: ref(5, externalMetricStatus),
})
export interface MetricStatus extends TypeOf<typeof metricStatus> {}

export const horizontalPodAutoscalerCondition = struct('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerCondition', {
  type: required(string(1)),
  status: required(string(2)),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
})
export interface HorizontalPodAutoscalerCondition extends TypeOf<typeof horizontalPodAutoscalerCondition> {}

export const horizontalPodAutoscalerStatus = struct('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerStatus', {
  observedGeneration: int64(1),
  lastScaleTime: time(2),
  currentReplicas: int32(3, { min: 0 }),
  desiredReplicas: required(int32(4, { default: 0, min: 0 })),
  currentMetrics: list(5, metricStatus, { list: 'atomic' }),
  conditions: list(6, horizontalPodAutoscalerCondition, {
    list: 'map',
    keys: ['type'],
    mergeKey: 'type',
    strategy: 'merge',
  }),
})
export interface HorizontalPodAutoscalerStatus extends TypeOf<typeof horizontalPodAutoscalerStatus> {}
