// What a job says and what is known of it.

import { labelSelector, objectMeta } from '../../../apimachinery/metadata.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import { bool, int32, int64, list, oneOf, ref, required, string, struct, time } from '../../../apimachinery/schema.ts'
import { podTemplateSpec } from '../../core/pod/template.ts'

export const FAILURE_ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'] as const
export const EXIT_CODE_OPERATORS = ['In', 'NotIn'] as const
export const CONDITION_STATUSES = ['False', 'True', 'Unknown'] as const

export const podFailurePolicyOnExitCodesRequirement = struct(
  'io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement',
  {
    containerName: string(1),
    operator: required(oneOf(2, EXIT_CODE_OPERATORS, { unchecked: true })),
    values: required(list(3, int32(), { list: 'set', default: [] })),
  },
)
export interface PodFailurePolicyOnExitCodesRequirement extends TypeOf<typeof podFailurePolicyOnExitCodesRequirement> {}

export const podFailurePolicyOnPodConditionsPattern = struct(
  'io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern',
  {
    type: required(string(1, { unchecked: true })),
    status: required(oneOf(2, CONDITION_STATUSES, { default: 'True', unchecked: true })),
  },
)
export interface PodFailurePolicyOnPodConditionsPattern extends TypeOf<typeof podFailurePolicyOnPodConditionsPattern> {}

export const podFailurePolicyRule = struct('io.k8s.api.batch.v1.PodFailurePolicyRule', {
  action: required(oneOf(1, FAILURE_ACTIONS, { unchecked: true })),
  onExitCodes: ref(2, podFailurePolicyOnExitCodesRequirement),
  onPodConditions: list(3, podFailurePolicyOnPodConditionsPattern, { list: 'atomic' }),
})
export interface PodFailurePolicyRule extends TypeOf<typeof podFailurePolicyRule> {}

export const podFailurePolicy = struct('io.k8s.api.batch.v1.PodFailurePolicy', {
  rules: required(list(1, podFailurePolicyRule, { list: 'atomic', default: [] })),
})
export interface PodFailurePolicy extends TypeOf<typeof podFailurePolicy> {}

export const successPolicyRule = struct('io.k8s.api.batch.v1.SuccessPolicyRule', {
  succeededIndexes: string(1),
  succeededCount: int32(2, { min: 0 }),
})
export interface SuccessPolicyRule extends TypeOf<typeof successPolicyRule> {}

export const successPolicy = struct('io.k8s.api.batch.v1.SuccessPolicy', {
  rules: required(list(1, successPolicyRule, { list: 'atomic', default: [] })),
})
export interface SuccessPolicy extends TypeOf<typeof successPolicy> {}

export const jobSpec = struct('io.k8s.api.batch.v1.JobSpec', {
  parallelism: int32(1, { min: 0 }),
  completions: int32(2, { min: 0 }),
  activeDeadlineSeconds: int64(3, { min: 0 }),
  podFailurePolicy: ref(11, podFailurePolicy),
  successPolicy: ref(16, successPolicy),
  backoffLimit: int32(7, { min: 0 }),
  backoffLimitPerIndex: int32(12, { min: 0 }),
  maxFailedIndexes: int32(13, { min: 0 }),
  selector: ref(4, labelSelector),
  manualSelector: bool(5),
  template: required(ref(6, podTemplateSpec, { default: {} })),
  ttlSecondsAfterFinished: int32(8, { min: 0 }),
  completionMode: oneOf(9, ['NonIndexed', 'Indexed']),
  suspend: bool(10),
  podReplacementPolicy: oneOf(14, ['TerminatingOrFailed', 'Failed'], { unchecked: true }),
  managedBy: string(15),
})
export interface JobSpec extends TypeOf<typeof jobSpec> {}

export const jobTemplateSpec = struct('io.k8s.api.batch.v1.JobTemplateSpec', {
  metadata: ref(1, objectMeta, { default: {} }),
  spec: ref(2, jobSpec, { default: {} }),
})
export interface JobTemplateSpec extends TypeOf<typeof jobTemplateSpec> {}

export const jobCondition = struct('io.k8s.api.batch.v1.JobCondition', {
  type: required(string(1)),
  status: required(string(2)),
  lastProbeTime: time(3),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
})
export interface JobCondition extends TypeOf<typeof jobCondition> {}

export const uncountedTerminatedPods = struct('io.k8s.api.batch.v1.UncountedTerminatedPods', {
  succeeded: list(1, string(), { list: 'set' }),
  failed: list(2, string(), { list: 'set' }),
})
export interface UncountedTerminatedPods extends TypeOf<typeof uncountedTerminatedPods> {}

export const jobStatus = struct('io.k8s.api.batch.v1.JobStatus', {
  conditions: list(1, jobCondition, { list: 'atomic', mergeKey: 'type', strategy: 'merge' }),
  startTime: time(2),
  completionTime: time(3),
  active: int32(4, { min: 0 }),
  succeeded: int32(5, { min: 0 }),
  failed: int32(6, { min: 0 }),
  terminating: int32(11, { min: 0 }),
  completedIndexes: string(7),
  failedIndexes: string(10),
  uncountedTerminatedPods: ref(8, uncountedTerminatedPods),
  ready: int32(9, { min: 0 }),
})
export interface JobStatus extends TypeOf<typeof jobStatus> {}
