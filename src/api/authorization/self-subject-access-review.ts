// SelfSubjectAccessReview: asks whether the asker may do something.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { ref, required, struct } from '../../apimachinery/schema.ts'
import { nonResourceAttributes, resourceAttributes, subjectAccessReviewStatus } from './attributes.ts'
import { validateQuestion } from './validate.ts'

export const selfSubjectAccessReviewSpec = struct('io.k8s.api.authorization.v1.SelfSubjectAccessReviewSpec', {
  resourceAttributes: ref(1, resourceAttributes),
  nonResourceAttributes: ref(2, nonResourceAttributes),
})
export interface SelfSubjectAccessReviewSpec extends TypeOf<typeof selfSubjectAccessReviewSpec> {}

export const selfSubjectAccessReviews = defineResource({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  scope: 'Cluster',
  verbs: ['create'],
  generation: false,
  model: 'io.k8s.api.authorization.v1.SelfSubjectAccessReview',
  fields: {
    spec: required(ref(2, selfSubjectAccessReviewSpec, { default: {} })),
    status: ref(3, subjectAccessReviewStatus, { default: {} }),
  },
  validate({ spec }, issues) {
    validateQuestion(spec, issues)
  },
})
export interface SelfSubjectAccessReview extends ObjectOf<typeof selfSubjectAccessReviews> {}
