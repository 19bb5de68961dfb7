// What an access review asks about, and the answer.

import { labelSelectorRequirement } from '../../apimachinery/metadata.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { bool, list, ref, required, string, struct } from '../../apimachinery/schema.ts'

export const fieldSelectorRequirement = struct('io.k8s.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement', {
  key: required(string(1)),
  operator: required(string(2)),
  values: list(3, string(), { list: 'atomic' }),
})
export interface FieldSelectorRequirement extends TypeOf<typeof fieldSelectorRequirement> {}

export const fieldSelectorAttributes = struct('io.k8s.api.authorization.v1.FieldSelectorAttributes', {
  rawSelector: string(1),
  requirements: list(2, fieldSelectorRequirement, { list: 'atomic' }),
})
export interface FieldSelectorAttributes extends TypeOf<typeof fieldSelectorAttributes> {}

export const labelSelectorAttributes = struct('io.k8s.api.authorization.v1.LabelSelectorAttributes', {
  rawSelector: string(1),
  requirements: list(2, labelSelectorRequirement, { list: 'atomic' }),
})
export interface LabelSelectorAttributes extends TypeOf<typeof labelSelectorAttributes> {}

export const resourceAttributes = struct('io.k8s.api.authorization.v1.ResourceAttributes', {
  namespace: string(1),
  verb: string(2),
  group: string(3),
  version: string(4),
  resource: string(5),
  subresource: string(6),
  name: string(7),
  fieldSelector: ref(8, fieldSelectorAttributes),
  labelSelector: ref(9, labelSelectorAttributes),
})
export interface ResourceAttributes extends TypeOf<typeof resourceAttributes> {}

export const nonResourceAttributes = struct('io.k8s.api.authorization.v1.NonResourceAttributes', {
  path: string(1),
  verb: string(2),
})
export interface NonResourceAttributes extends TypeOf<typeof nonResourceAttributes> {}

export const subjectAccessReviewStatus = struct('io.k8s.api.authorization.v1.SubjectAccessReviewStatus', {
  allowed: required(bool(1)),
  denied: bool(4),
  reason: string(2),
  evaluationError: string(3),
})
export interface SubjectAccessReviewStatus extends TypeOf<typeof subjectAccessReviewStatus> {}
