// PodTemplate: a stored description of pods.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { ref, required } from '../../apimachinery/schema.ts'
import { podTemplateSpec } from './pod/template.ts'

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
})
export interface PodTemplate extends ObjectOf<typeof podTemplates> {}
