// PodTemplate: a stored description of pods.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { ref, required } from '../../apimachinery/schema.ts'
import { podTemplateSpec } from './pod/template.ts'
import { labelsText, templateColumns } from '../columns.ts'
import type { PodTemplateSpec } from './pod/template.ts'

interface PodTemplateShape {
  template: PodTemplateSpec
}

export const podTemplates = defineResource({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  scope: 'Namespaced',
  returnsDeleted: true,
  model: 'io.k8s.api.core.v1.PodTemplate',
  fields: {
    template: required(ref(2, podTemplateSpec, { default: {} })),
  },
  generation: true,
  columns: templateColumns<PodTemplateShape>(
    ({ template }) => template.spec,
    ({ template }) => labelsText(template.metadata?.labels),
  ).map((column) =>
    column.name === 'Selector' ? { ...column, name: 'Pod Labels', priority: 0 } : { ...column, priority: 0 },
  ),
})
export interface PodTemplate extends ObjectOf<typeof podTemplates> {}
