// HorizontalPodAutoscaler: sets the number of something's pods by what is measured on them.

import type { ObjectWith } from '../../../apimachinery/resource.ts'
import { defineResource } from '../../../apimachinery/resource.ts'
import { ref, required } from '../../../apimachinery/schema.ts'
import { targetsText } from './columns.ts'
import { type HPAScalingRules, horizontalPodAutoscalerSpec, horizontalPodAutoscalerStatus } from './fields.ts'
import { horizontalPodAutoscalerViews } from './views.ts'
import { validateAutoscalerSpec } from './validate.ts'

const horizontalPodAutoscalerFields = {
  spec: required(ref(2, horizontalPodAutoscalerSpec, { default: {} })),
  status: ref(3, horizontalPodAutoscalerStatus, { default: {} }),
}
export interface HorizontalPodAutoscaler extends ObjectWith<typeof horizontalPodAutoscalerFields> {}

/** Double, or four more, every quarter of a minute. */
const SCALE_UP: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
}
/** All at once, but by what the whole stabilization window wants, whose length is the controller's to say. */
const SCALE_DOWN: HPAScalingRules = {
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
}

export const horizontalPodAutoscalers = defineResource({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  scope: 'Namespaced',
  shortNames: ['hpa'],
  categories: ['all'],
  generation: false,
  subresources: { status: true },
  model: 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
  views: horizontalPodAutoscalerViews,
  fields: horizontalPodAutoscalerFields,
  columns: [
    {
      name: 'Reference',
      description: 'What is scaled.',
      cell: ({ spec: { scaleTargetRef: target } }) => `${target.kind ?? ''}/${target.name ?? ''}`,
    },
    {
      name: 'Targets',
      description: 'What is measured, of what is wanted.',
      cell: ({ spec, status }) => targetsText(spec.metrics, status?.currentMetrics),
    },
    {
      name: 'MinPods',
      description: 'The least pods there may be.',
      cell: ({ spec }) => String(spec.minReplicas ?? '<unset>'),
    },
    {
      name: 'MaxPods',
      type: 'integer',
      description: 'The most pods there may be.',
      cell: ({ spec }) => spec.maxReplicas,
    },
    {
      name: 'Replicas',
      type: 'integer',
      description: 'How many pods there are.',
      cell: ({ status }) => status?.currentReplicas ?? 0,
    },
  ],
  defaults({ spec }) {
    if ((spec.metrics ?? []).length === 0) {
      const target = { type: 'Utilization' as const, averageUtilization: 80 }
      spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }]
    }
    if (spec.behavior === undefined) return
    spec.behavior = {
      scaleUp: { ...structuredClone(SCALE_UP), ...spec.behavior.scaleUp },
      scaleDown: { ...structuredClone(SCALE_DOWN), ...spec.behavior.scaleDown },
    }
  },
  validate({ spec }, issues) {
    validateAutoscalerSpec(spec, 'spec', issues)
  },
})
