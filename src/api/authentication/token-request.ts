// TokenRequest: asks for a token of a service account.

import type { ObjectOf } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { int64, list, ref, string, struct, time } from '../../apimachinery/schema.ts'

export const boundObjectReference = struct('io.k8s.api.authentication.v1.BoundObjectReference', {
  kind: string(1),
  apiVersion: string(2),
  name: string(3),
  uid: string(4),
})
export interface BoundObjectReference extends TypeOf<typeof boundObjectReference> {}

export const tokenRequestSpec = struct('io.k8s.api.authentication.v1.TokenRequestSpec', {
  audiences: list(1, string(), { list: 'atomic' }),
  expirationSeconds: int64(4, { default: 3600 }),
  boundObjectRef: ref(3, boundObjectReference),
})
export interface TokenRequestSpec extends TypeOf<typeof tokenRequestSpec> {}

export const tokenRequestStatus = struct('io.k8s.api.authentication.v1.TokenRequestStatus', {
  token: string(1, { always: true }),
  expirationTimestamp: time(2),
})
export interface TokenRequestStatus extends TypeOf<typeof tokenRequestStatus> {}

export const tokenRequests = defineResource({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenRequest',
  plural: 'tokenrequests',
  scope: 'Namespaced',
  verbs: ['create'],
  generation: false,
  model: 'io.k8s.api.authentication.v1.TokenRequest',
  fields: {
    spec: ref(2, tokenRequestSpec, { default: {} }),
    status: ref(3, tokenRequestStatus, { default: {} }),
  },
  validate({ spec }, issues) {
    const { expirationSeconds: seconds = 3600 } = spec ?? {}
    const at = 'spec.expirationSeconds'
    if (seconds < 600) issues.invalid(at, seconds, 'may not specify a duration less than 10 minutes')
    if (seconds > 2 ** 32) issues.invalid(at, seconds, 'may not specify a duration larger than 2^32 seconds')
  },
})
export interface TokenRequest extends ObjectOf<typeof tokenRequests> {}
