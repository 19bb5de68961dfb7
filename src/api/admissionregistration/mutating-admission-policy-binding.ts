// MutatingAdmissionPolicyBinding: puts a policy to use: for whom, and with which parameters.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { ref, string, struct } from '../../apimachinery/schema.ts'
import { GROUP, matchResources, paramRef, V1 } from './fields.ts'
import { paramRefText, validateMutableOperations, validatePolicyBinding } from './validate-policies.ts'

export const mutatingAdmissionPolicyBindingSpec = struct(`${V1}.MutatingAdmissionPolicyBindingSpec`, {
  policyName: string(1),
  paramRef: ref(2, paramRef),
  matchResources: ref(3, matchResources),
})
export interface MutatingAdmissionPolicyBindingSpec extends TypeOf<typeof mutatingAdmissionPolicyBindingSpec> {}

const mutatingAdmissionPolicyBindingFields = {
  spec: ref(2, mutatingAdmissionPolicyBindingSpec, { default: {} }),
}
export interface MutatingAdmissionPolicyBinding extends ObjectWith<typeof mutatingAdmissionPolicyBindingFields> {}

export const mutatingAdmissionPolicyBindings = defineResource({
  group: GROUP,
  version: 'v1',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  scope: 'Cluster',
  categories: ['api-extensions'],
  unconditionalUpdate: false,
  generation: true,
  model: `${V1}.MutatingAdmissionPolicyBinding`,
  views: [{ version: 'v1beta1' }],
  fields: mutatingAdmissionPolicyBindingFields,
  columns: [
    { name: 'PolicyName', description: 'The policy.', cell: ({ spec }) => spec?.policyName ?? '' },
    {
      name: 'ParamRef',
      description: 'Where its parameters are.',
      cell: ({ spec }) => (spec?.paramRef === undefined ? '<unset>' : paramRefText(spec.paramRef)),
    },
  ],
  validate({ spec = {} }, issues) {
    validatePolicyBinding(spec, issues)
    if (spec.matchResources !== undefined) {
      validateMutableOperations(spec.matchResources, 'spec.matchResources', issues)
    }
  },
})
