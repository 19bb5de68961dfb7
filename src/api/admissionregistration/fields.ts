// What webhooks and policies are made of alike: which requests they see, and on which conditions.

import { labelSelector } from '../../apimachinery/metadata.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, oneOf, ref, required, string, struct } from '../../apimachinery/schema.ts'

export const GROUP = 'admissionregistration.k8s.io'
export const V1 = 'io.k8s.api.admissionregistration.v1'

export const FAILURE_POLICIES = ['Ignore', 'Fail'] as const
export const MATCH_POLICIES = ['Exact', 'Equivalent'] as const
export const REINVOCATION_POLICIES = ['Never', 'IfNeeded'] as const

const ruleFields = {
  operations: list(1, oneOf(0, ['*', 'CREATE', 'UPDATE', 'DELETE', 'CONNECT']), { list: 'atomic' }),
  apiGroups: list(1, string(), { list: 'atomic' }),
  apiVersions: list(2, string(), { list: 'atomic' }),
  resources: list(3, string(), { list: 'atomic' }),
  scope: oneOf(4, ['Cluster', 'Namespaced', '*'], { default: '*' }),
}

export const ruleWithOperations = struct(`${V1}.RuleWithOperations`, ruleFields)
export interface RuleWithOperations extends TypeOf<typeof ruleWithOperations> {}

export const namedRuleWithOperations = struct(
  `${V1}.NamedRuleWithOperations`,
  {
    resourceNames: list(1, string(), { list: 'atomic', unique: true }),
    ...ruleFields,
  },
  { atomic: true },
)
export interface NamedRuleWithOperations extends TypeOf<typeof namedRuleWithOperations> {}

export const matchCondition = struct(`${V1}.MatchCondition`, {
  name: required(string(1, { default: '' })),
  expression: required(string(2, { default: '' })),
})
export interface MatchCondition extends TypeOf<typeof matchCondition> {}

/** All of them must hold; more than these are refused. */
export const MAX_MATCH_CONDITIONS = 64

export const matchConditions = (number: number) =>
  list(number, matchCondition, {
    list: 'map',
    keys: ['name'],
    mergeKey: 'name',
    strategy: 'merge',
    maxLength: MAX_MATCH_CONDITIONS,
    unique: true,
  })

export const paramKind = struct(
  `${V1}.ParamKind`,
  {
    apiVersion: string(1),
    kind: string(2),
  },
  { atomic: true },
)
export interface ParamKind extends TypeOf<typeof paramKind> {}

export const paramRef = struct(
  `${V1}.ParamRef`,
  {
    name: string(1),
    namespace: string(2),
    selector: ref(3, labelSelector),
    parameterNotFoundAction: oneOf(4, ['Allow', 'Deny']),
  },
  { atomic: true },
)
export interface ParamRef extends TypeOf<typeof paramRef> {}

export const matchResources = struct(
  `${V1}.MatchResources`,
  {
    namespaceSelector: ref(1, labelSelector, { default: {} }),
    objectSelector: ref(2, labelSelector, { default: {} }),
    resourceRules: list(3, namedRuleWithOperations, { list: 'atomic' }),
    excludeResourceRules: list(4, namedRuleWithOperations, { list: 'atomic' }),
    matchPolicy: oneOf(7, MATCH_POLICIES, { default: 'Equivalent' }),
  },
  { atomic: true },
)
export interface MatchResources extends TypeOf<typeof matchResources> {}

export const variable = struct(
  `${V1}.Variable`,
  {
    name: required(string(1, { default: '' })),
    expression: required(string(2, { default: '' })),
  },
  { atomic: true },
)
export interface Variable extends TypeOf<typeof variable> {}
