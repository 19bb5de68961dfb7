// Which requests a flow schema sorts out, and by what they are told apart.

import type { TypeOf } from '../../apimachinery/schema.ts'
import { bool, int32, list, oneOf, ref, required, string, struct, time } from '../../apimachinery/schema.ts'

export const GROUP = 'flowcontrol.apiserver.k8s.io'
export const V1 = 'io.k8s.api.flowcontrol.v1'

export const userSubject = struct(`${V1}.UserSubject`, {
  name: required(string(1, { default: '' })),
})
export interface UserSubject extends TypeOf<typeof userSubject> {}

export const groupSubject = struct(`${V1}.GroupSubject`, {
  name: required(string(1, { default: '' })),
})
export interface GroupSubject extends TypeOf<typeof groupSubject> {}

export const serviceAccountSubject = struct(`${V1}.ServiceAccountSubject`, {
  namespace: required(string(1, { default: '' })),
  name: required(string(2, { default: '' })),
})
export interface ServiceAccountSubject extends TypeOf<typeof serviceAccountSubject> {}

export const subject = struct(`${V1}.Subject`, {
  kind: required(string(1, { default: '' })),
  user: ref(2, userSubject),
  group: ref(3, groupSubject),
  serviceAccount: ref(4, serviceAccountSubject),
})
export interface Subject extends TypeOf<typeof subject> {}

export const resourcePolicyRule = struct(`${V1}.ResourcePolicyRule`, {
  verbs: required(list(1, string(), { list: 'set', default: [] })),
  apiGroups: required(list(2, string(), { list: 'set', default: [] })),
  resources: required(list(3, string(), { list: 'set', default: [] })),
  clusterScope: bool(4),
  namespaces: list(5, string(), { list: 'set' }),
})
export interface ResourcePolicyRule extends TypeOf<typeof resourcePolicyRule> {}

export const nonResourcePolicyRule = struct(`${V1}.NonResourcePolicyRule`, {
  verbs: required(list(1, string(), { list: 'set', default: [] })),
  nonResourceURLs: required(list(6, string(), { list: 'set', default: [] })),
})
export interface NonResourcePolicyRule extends TypeOf<typeof nonResourcePolicyRule> {}

export const policyRulesWithSubjects = struct(`${V1}.PolicyRulesWithSubjects`, {
  subjects: required(list(1, subject, { list: 'atomic', default: [] })),
  resourceRules: list(2, resourcePolicyRule, { list: 'atomic' }),
  nonResourceRules: list(3, nonResourcePolicyRule, { list: 'atomic' }),
})
export interface PolicyRulesWithSubjects extends TypeOf<typeof policyRulesWithSubjects> {}

export const flowDistinguisherMethod = struct(`${V1}.FlowDistinguisherMethod`, {
  type: required(oneOf(1, ['ByUser', 'ByNamespace'])),
})
export interface FlowDistinguisherMethod extends TypeOf<typeof flowDistinguisherMethod> {}

export const priorityLevelConfigurationReference = struct(`${V1}.PriorityLevelConfigurationReference`, {
  name: required(string(1, { default: '' })),
})
export interface PriorityLevelConfigurationReference extends TypeOf<typeof priorityLevelConfigurationReference> {}

export const flowSchemaSpec = struct(`${V1}.FlowSchemaSpec`, {
  priorityLevelConfiguration: required(ref(1, priorityLevelConfigurationReference, { default: {} })),
  matchingPrecedence: int32(2, { default: 1000 }),
  distinguisherMethod: ref(3, flowDistinguisherMethod),
  rules: list(4, policyRulesWithSubjects, { list: 'atomic' }),
})
export interface FlowSchemaSpec extends TypeOf<typeof flowSchemaSpec> {}

const conditionFields = {
  type: string(1),
  status: string(2),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
}

export const flowSchemaCondition = struct(`${V1}.FlowSchemaCondition`, conditionFields)
export interface FlowSchemaCondition extends TypeOf<typeof flowSchemaCondition> {}

export const priorityLevelConfigurationCondition = struct(`${V1}.PriorityLevelConfigurationCondition`, conditionFields)
export interface PriorityLevelConfigurationCondition extends TypeOf<typeof priorityLevelConfigurationCondition> {}
