// SelfSubjectReview: asks who the asker is.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { ref, struct } from '../../apimachinery/schema.ts'
import { userInfo } from './user-info.ts'

export const selfSubjectReviewStatus = struct('io.k8s.api.authentication.v1.SelfSubjectReviewStatus', {
  userInfo: ref(1, userInfo, { default: {} }),
})
export interface SelfSubjectReviewStatus extends TypeOf<typeof selfSubjectReviewStatus> {}

export const selfSubjectReviews = defineResource({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  scope: 'Cluster',
  verbs: ['create'],
  model: 'io.k8s.api.authentication.v1.SelfSubjectReview',
  fields: {
    status: ref(2, selfSubjectReviewStatus, { default: {} }),
  },
})
export interface SelfSubjectReview extends ObjectOf<typeof selfSubjectReviews> {}
