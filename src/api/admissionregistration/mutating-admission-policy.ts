// MutatingAdmissionPolicy: expressions that change requests, where a binding puts them to use.

import type { Issues } from '../../apimachinery/issues.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, oneOf, ref, required, string, struct } from '../../apimachinery/schema.ts'
import {
  FAILURE_POLICIES,
  GROUP,
  matchConditions,
  matchResources,
  paramKind,
  REINVOCATION_POLICIES,
  V1,
  variable,
} from './fields.ts'
import { paramKindText, validateMutableOperations, validatePolicy } from './validate-policies.ts'

export const applyConfiguration = struct(`${V1}.ApplyConfiguration`, {
  expression: string(1),
})
export interface ApplyConfiguration extends TypeOf<typeof applyConfiguration> {}

export const jsonPatch = struct(`${V1}.JSONPatch`, {
  expression: string(1),
})
export interface JSONPatch extends TypeOf<typeof jsonPatch> {}

export const mutation = struct(`${V1}.Mutation`, {
  patchType: required(oneOf(2, ['ApplyConfiguration', 'JSONPatch'])),
  applyConfiguration: ref(3, applyConfiguration),
  jsonPatch: ref(4, jsonPatch),
})
export interface Mutation extends TypeOf<typeof mutation> {}

export const mutatingAdmissionPolicySpec = struct(`${V1}.MutatingAdmissionPolicySpec`, {
  paramKind: ref(1, paramKind),
  matchConstraints: ref(2, matchResources),
  variables: list(3, variable, { list: 'atomic' }),
  mutations: list(4, mutation, { list: 'atomic' }),
  failurePolicy: oneOf(5, FAILURE_POLICIES, { default: 'Fail' }),
  matchConditions: matchConditions(6),
  reinvocationPolicy: oneOf(7, REINVOCATION_POLICIES),
})
export interface MutatingAdmissionPolicySpec extends TypeOf<typeof mutatingAdmissionPolicySpec> {}

const mutatingAdmissionPolicyFields = {
  spec: ref(2, mutatingAdmissionPolicySpec, { default: {} }),
}
export interface MutatingAdmissionPolicy extends ObjectWith<typeof mutatingAdmissionPolicyFields> {}

function validateMutation(mutation: Mutation, at: string, issues: Issues): void {
  const { patchType } = mutation
  if (patchType !== 'ApplyConfiguration' && patchType !== 'JSONPatch') return
  const [own, other] =
    patchType === 'JSONPatch'
      ? (['jsonPatch', 'applyConfiguration'] as const)
      : (['applyConfiguration', 'jsonPatch'] as const)
  const patch = mutation[own]
  if (patch === undefined) issues.required(`${at}.${own}`, `must be specified when patchType is ${patchType}`)
  else if ((patch.expression ?? '').trim() === '') issues.required(`${at}.${own}.expression`)
  if (mutation[other] !== undefined) {
    issues.invalid(`${at}.${other}`, `{${other}}`, `must not be specified when patchType is ${patchType}`)
  }
}

export const mutatingAdmissionPolicies = defineResource({
  group: GROUP,
  version: 'v1',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  scope: 'Cluster',
  categories: ['api-extensions'],
  unconditionalUpdate: false,
  generation: true,
  model: `${V1}.MutatingAdmissionPolicy`,
  views: [{ version: 'v1beta1' }],
  fields: mutatingAdmissionPolicyFields,
  columns: [
    {
      name: 'Mutations',
      type: 'integer',
      description: 'How many changes there are.',
      cell: ({ spec }) => spec?.mutations?.length ?? 0,
    },
    {
      name: 'ParamKind',
      description: 'What the parameters are.',
      cell: ({ spec }) => (spec?.paramKind === undefined ? '<unset>' : paramKindText(spec.paramKind)),
    },
  ],
  validate({ spec = {} }, issues) {
    validatePolicy(spec, issues)
    const { matchConstraints, mutations = [], reinvocationPolicy } = spec
    if (matchConstraints !== undefined) validateMutableOperations(matchConstraints, 'spec.matchConstraints', issues)
    if (mutations.length === 0) issues.required('spec.mutations', 'mutations must contain at least one item')
    mutations.forEach((item, i) => {
      validateMutation(item, `spec.mutations[${i}]`, issues)
    })
    if (reinvocationPolicy === undefined) issues.required('spec.reinvocationPolicy')
  },
})
