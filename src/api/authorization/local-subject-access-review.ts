// LocalSubjectAccessReview: asks the same inside one namespace.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { ref, required } from '../../apimachinery/schema.ts'
import { subjectAccessReviewStatus } from './attributes.ts'
import { subjectAccessReviewSpec } from './subject-access-review.ts'
import { validateAsker, validateQuestion } from './validate.ts'

export const localSubjectAccessReviews = defineResource({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'LocalSubjectAccessReview',
  plural: 'localsubjectaccessreviews',
  scope: 'Namespaced',
  verbs: ['create'],
  generation: false,
  model: 'io.k8s.api.authorization.v1.LocalSubjectAccessReview',
  fields: {
    spec: required(ref(2, subjectAccessReviewSpec, { default: {} })),
    status: ref(3, subjectAccessReviewStatus, { default: {} }),
  },
  validate({ spec }, issues) {
    validateQuestion(spec, issues)
    validateAsker(spec, issues)
  },
})
export interface LocalSubjectAccessReview extends ObjectOf<typeof localSubjectAccessReviews> {}
