// SubjectAccessReview: asks whether somebody may do something.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, mapOf, ref, required, string, struct } from '../../apimachinery/schema.ts'
import { nonResourceAttributes, resourceAttributes, subjectAccessReviewStatus } from './attributes.ts'
import { validateAsker, validateQuestion } from './validate.ts'

export const subjectAccessReviewSpec = struct('io.k8s.api.authorization.v1.SubjectAccessReviewSpec', {
  resourceAttributes: ref(1, resourceAttributes),
  nonResourceAttributes: ref(2, nonResourceAttributes),
  user: string(3),
  groups: list(4, string(), { list: 'atomic' }),
  extra: mapOf(5, list(1, string(), { list: 'atomic' })),
  uid: string(6),
})
export interface SubjectAccessReviewSpec extends TypeOf<typeof subjectAccessReviewSpec> {}

export const subjectAccessReviews = defineResource({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  scope: 'Cluster',
  verbs: ['create'],
  generation: false,
  model: 'io.k8s.api.authorization.v1.SubjectAccessReview',
  fields: {
    spec: required(ref(2, subjectAccessReviewSpec, { default: {} })),
    status: ref(3, subjectAccessReviewStatus, { default: {} }),
  },
  validate({ spec }, issues) {
    validateQuestion(spec, issues)
    validateAsker(spec, issues)
  },
})
export interface SubjectAccessReview extends ObjectOf<typeof subjectAccessReviews> {}
