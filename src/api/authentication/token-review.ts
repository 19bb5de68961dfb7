// TokenReview: asks whose token this is.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { bool, list, ref, required, string, struct } from '../../apimachinery/schema.ts'
import { userInfo } from './user-info.ts'

export const tokenReviewSpec = struct('io.k8s.api.authentication.v1.TokenReviewSpec', {
  token: string(1),
  audiences: list(2, string(), { list: 'atomic' }),
})
export interface TokenReviewSpec extends TypeOf<typeof tokenReviewSpec> {}

export const tokenReviewStatus = struct('io.k8s.api.authentication.v1.TokenReviewStatus', {
  authenticated: bool(1),
  user: ref(2, userInfo, { default: {} }),
  audiences: list(4, string(), { list: 'atomic' }),
  error: string(3),
})
export interface TokenReviewStatus extends TypeOf<typeof tokenReviewStatus> {}

export const tokenReviews = defineResource({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  scope: 'Cluster',
  verbs: ['create'],
  generation: false,
  model: 'io.k8s.api.authentication.v1.TokenReview',
  fields: {
    spec: required(ref(2, tokenReviewSpec, { default: {} })),
    status: ref(3, tokenReviewStatus, { default: {} }),
  },
})
export interface TokenReview extends ObjectOf<typeof tokenReviews> {}
