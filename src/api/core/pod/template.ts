// What controllers make pods from.

import { objectMeta } from '../../../apimachinery/metadata.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import { ref, required, struct } from '../../../apimachinery/schema.ts'
import { podSpec } from './spec.ts'
import { validateTemplate } from './validate-template.ts'

export const podTemplateSpec = struct(
  'io.k8s.api.core.v1.PodTemplateSpec',
  {
    metadata: ref(1, objectMeta, { default: {} }),
    spec: required(ref(2, podSpec, { default: {} })),
  },
  {
    validate(template, at, issues) {
      validateTemplate(template, at, issues)
    },
  },
)
export interface PodTemplateSpec extends TypeOf<typeof podTemplateSpec> {}
