// ValidatingAdmissionPolicyBinding: puts a policy to use: for whom, with which parameters, and what becomes of what it refuses.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, oneOf, ref, string, struct } from '../../apimachinery/schema.ts'
import { GROUP, matchResources, paramRef, V1 } from './fields.ts'
import { paramRefText, validatePolicyBinding } from './validate-policies.ts'

export const validatingAdmissionPolicyBindingSpec = struct(`${V1}.ValidatingAdmissionPolicyBindingSpec`, {
  policyName: string(1),
  paramRef: ref(2, paramRef),
  matchResources: ref(3, matchResources),
  validationActions: list(4, oneOf(0, ['Deny', 'Warn', 'Audit']), { list: 'set', unique: true }),
})
export interface ValidatingAdmissionPolicyBindingSpec extends TypeOf<typeof validatingAdmissionPolicyBindingSpec> {}

const validatingAdmissionPolicyBindingFields = {
  spec: ref(2, validatingAdmissionPolicyBindingSpec, { default: {} }),
}
export interface ValidatingAdmissionPolicyBinding extends ObjectWith<typeof validatingAdmissionPolicyBindingFields> {}

const BOTH =
  'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)'

export const validatingAdmissionPolicyBindings = defineResource({
  group: GROUP,
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  scope: 'Cluster',
  categories: ['api-extensions'],
  unconditionalUpdate: false,
  generation: true,
  model: `${V1}.ValidatingAdmissionPolicyBinding`,
  views: [{ version: 'v1beta1', deprecated: { since: '1.31', removed: '1.34' } }],
  fields: validatingAdmissionPolicyBindingFields,
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
    const { validationActions: actions = [] } = spec
    if (actions.includes('Deny') && actions.includes('Warn')) issues.invalid('spec.validationActions', actions, BOTH)
    if (actions.length === 0) issues.required('spec.validationActions', 'at least one validation action is required')
  },
})
