// What a webhook is: where it listens, what it is asked about, and what becomes of requests that it does not answer.

import { labelSelector } from '../../apimachinery/metadata.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { bytes, int32, list, oneOf, ref, required, string, struct } from '../../apimachinery/schema.ts'
import {
  FAILURE_POLICIES,
  MATCH_POLICIES,
  matchConditions,
  REINVOCATION_POLICIES,
  ruleWithOperations,
  V1,
} from './fields.ts'

export const serviceReference = struct(`${V1}.ServiceReference`, {
  namespace: required(string(1, { default: '' })),
  name: required(string(2, { default: '' })),
  path: string(3),
  port: int32(4, { default: 443 }),
})
export interface ServiceReference extends TypeOf<typeof serviceReference> {}

export const webhookClientConfig = struct(`${V1}.WebhookClientConfig`, {
  url: string(3),
  service: ref(1, serviceReference),
  caBundle: bytes(2),
})
export interface WebhookClientConfig extends TypeOf<typeof webhookClientConfig> {}

// The first kinds knew of side effects that no webhook may have today.
const webhookFields = {
  name: required(string(1, { default: '' })),
  clientConfig: required(ref(2, webhookClientConfig, { default: {} })),
  rules: list(3, ruleWithOperations, { list: 'atomic' }),
  failurePolicy: oneOf(4, FAILURE_POLICIES, { default: 'Fail' }),
  matchPolicy: oneOf(9, MATCH_POLICIES, { default: 'Equivalent' }),
  namespaceSelector: ref(5, labelSelector, { default: {} }),
  sideEffects: required(oneOf(6, ['Unknown', 'None', 'Some', 'NoneOnDryRun'], { unchecked: true })),
  timeoutSeconds: int32(7, { default: 10 }),
  admissionReviewVersions: required(list(8, string(), { list: 'atomic', default: [] })),
}

export const validatingWebhook = struct(`${V1}.ValidatingWebhook`, {
  ...webhookFields,
  objectSelector: ref(10, labelSelector, { default: {} }),
  matchConditions: matchConditions(11),
})
export interface ValidatingWebhook extends TypeOf<typeof validatingWebhook> {}

export const mutatingWebhook = struct(`${V1}.MutatingWebhook`, {
  ...webhookFields,
  objectSelector: ref(11, labelSelector, { default: {} }),
  reinvocationPolicy: oneOf(10, REINVOCATION_POLICIES, { default: 'Never' }),
  matchConditions: matchConditions(12),
})
export interface MutatingWebhook extends TypeOf<typeof mutatingWebhook> {}
