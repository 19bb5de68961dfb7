// SelfSubjectRulesReview: asks for all that the asker may do in a namespace.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { bool, list, ref, required, string, struct } from '../../apimachinery/schema.ts'

export const selfSubjectRulesReviewSpec = struct('io.k8s.api.authorization.v1.SelfSubjectRulesReviewSpec', {
  namespace: string(1),
})
export interface SelfSubjectRulesReviewSpec extends TypeOf<typeof selfSubjectRulesReviewSpec> {}

export const resourceRule = struct('io.k8s.api.authorization.v1.ResourceRule', {
  verbs: required(list(1, string(), { list: 'atomic', default: [] })),
  apiGroups: list(2, string(), { list: 'atomic' }),
  resources: list(3, string(), { list: 'atomic' }),
  resourceNames: list(4, string(), { list: 'atomic' }),
})
export interface ResourceRule extends TypeOf<typeof resourceRule> {}

export const nonResourceRule = struct('io.k8s.api.authorization.v1.NonResourceRule', {
  verbs: required(list(1, string(), { list: 'atomic', default: [] })),
  nonResourceURLs: list(2, string(), { list: 'atomic' }),
})
export interface NonResourceRule extends TypeOf<typeof nonResourceRule> {}

export const subjectRulesReviewStatus = struct('io.k8s.api.authorization.v1.SubjectRulesReviewStatus', {
  resourceRules: required(list(1, resourceRule, { list: 'atomic', default: [] })),
  nonResourceRules: required(list(2, nonResourceRule, { list: 'atomic', default: [] })),
  incomplete: required(bool(3)),
  evaluationError: string(4),
})
export interface SubjectRulesReviewStatus extends TypeOf<typeof subjectRulesReviewStatus> {}

export const selfSubjectRulesReviews = defineResource({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  scope: 'Cluster',
  verbs: ['create'],
  generation: false,
  model: 'io.k8s.api.authorization.v1.SelfSubjectRulesReview',
  fields: {
    spec: required(ref(2, selfSubjectRulesReviewSpec, { default: {} })),
    status: ref(3, subjectRulesReviewStatus, { default: {} }),
  },
})
export interface SelfSubjectRulesReview extends ObjectOf<typeof selfSubjectRulesReviews> {}
