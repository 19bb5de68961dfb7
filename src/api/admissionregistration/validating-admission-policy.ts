// ValidatingAdmissionPolicy: expressions that requests must satisfy, where a binding puts them to use.

import type { Issues } from '../../apimachinery/issues.ts'
import { condition } from '../../apimachinery/metadata.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { int64, list, oneOf, ref, required, string, struct } from '../../apimachinery/schema.ts'
import { checkQualifiedName, checkValue } from '../../apimachinery/validation.ts'
import { validateConditions } from '../conditions.ts'
import { FAILURE_POLICIES, GROUP, matchConditions, matchResources, paramKind, V1, variable } from './fields.ts'
import { paramKindText, validatePolicy } from './validate-policies.ts'

export const validation = struct(`${V1}.Validation`, {
  expression: required(string(1, { default: '' })),
  message: string(2),
  reason: oneOf(3, ['Forbidden', 'Invalid', 'RequestEntityTooLarge']),
  messageExpression: string(4),
})
export interface Validation extends TypeOf<typeof validation> {}

export const auditAnnotation = struct(`${V1}.AuditAnnotation`, {
  key: required(string(1, { default: '' })),
  valueExpression: required(string(2, { default: '' })),
})
export interface AuditAnnotation extends TypeOf<typeof auditAnnotation> {}

export const validatingAdmissionPolicySpec = struct(`${V1}.ValidatingAdmissionPolicySpec`, {
  paramKind: ref(1, paramKind),
  matchConstraints: ref(2, matchResources),
  validations: list(3, validation, { list: 'atomic' }),
  failurePolicy: oneOf(4, FAILURE_POLICIES, { default: 'Fail' }),
  auditAnnotations: list(5, auditAnnotation, { list: 'atomic' }),
  matchConditions: matchConditions(6),
  variables: list(7, variable, { list: 'map', keys: ['name'], mergeKey: 'name', strategy: 'merge' }),
})
export interface ValidatingAdmissionPolicySpec extends TypeOf<typeof validatingAdmissionPolicySpec> {}

export const expressionWarning = struct(`${V1}.ExpressionWarning`, {
  fieldRef: required(string(2, { default: '' })),
  warning: required(string(3, { default: '' })),
})
export interface ExpressionWarning extends TypeOf<typeof expressionWarning> {}

export const typeChecking = struct(`${V1}.TypeChecking`, {
  expressionWarnings: list(1, expressionWarning, { list: 'atomic' }),
})
export interface TypeChecking extends TypeOf<typeof typeChecking> {}

export const validatingAdmissionPolicyStatus = struct(`${V1}.ValidatingAdmissionPolicyStatus`, {
  observedGeneration: int64(1),
  typeChecking: ref(2, typeChecking),
  conditions: list(3, condition, { list: 'map', keys: ['type'] }),
})
export interface ValidatingAdmissionPolicyStatus extends TypeOf<typeof validatingAdmissionPolicyStatus> {}

const validatingAdmissionPolicyFields = {
  spec: ref(2, validatingAdmissionPolicySpec, { default: {} }),
  status: ref(3, validatingAdmissionPolicyStatus, { default: {} }),
}
export interface ValidatingAdmissionPolicy extends ObjectWith<typeof validatingAdmissionPolicyFields> {}

const MAX_ANNOTATIONS = 20
const MAX_ANNOTATION_BYTES = 5 * 1024

function validateValidation(
  { expression, message = '', messageExpression = '' }: Validation,
  at: string,
  issues: Issues,
): void {
  if (expression.trim() === '') issues.required(`${at}.expression`, 'expression is not specified')
  if (messageExpression !== '' && messageExpression.trim() === '') {
    issues.invalid(`${at}.messageExpression`, messageExpression, 'must be non-empty if specified')
  }
  if (message !== '' && message.trim() === '') {
    issues.invalid(`${at}.message`, message, 'message must be non-empty if specified')
  } else if (/[\n\r]/.test(message.trim())) {
    issues.invalid(`${at}.message`, message, 'message must not contain line breaks')
  }
}

function validateAnnotations(annotations: readonly AuditAnnotation[], policy: string, issues: Issues): void {
  const at = 'spec.auditAnnotations'
  if (annotations.length > MAX_ANNOTATIONS) {
    issues.invalid(at, annotations, `must not have more than ${MAX_ANNOTATIONS} auditAnnotations`)
  }
  const keys = new Set<string>()
  annotations.forEach(({ key, valueExpression }, i) => {
    const here = `${at}[${i}]`
    checkValue(`${policy}/${key}`, checkQualifiedName, `${here}.key`, issues)
    const expression = valueExpression.trim()
    if (expression === '') issues.required(`${here}.valueExpression`, 'valueExpression is not specified')
    else if (Buffer.byteLength(expression) > MAX_ANNOTATION_BYTES) {
      issues.required(`${here}.valueExpression`, `must not exceed ${MAX_ANNOTATION_BYTES} bytes in length`)
    }
    if (keys.has(key)) issues.duplicate(`${here}.key`, key)
    keys.add(key)
  })
}

const NOTHING = 'validations or auditAnnotations must contain at least one item'

export const validatingAdmissionPolicies = defineResource({
  group: GROUP,
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  scope: 'Cluster',
  categories: ['api-extensions'],
  unconditionalUpdate: false,
  subresources: { status: true },
  model: `${V1}.ValidatingAdmissionPolicy`,
  views: [{ version: 'v1beta1', deprecated: { since: '1.31', removed: '1.34' } }],
  fields: validatingAdmissionPolicyFields,
  columns: [
    {
      name: 'Validations',
      type: 'integer',
      description: 'How many expressions there are.',
      cell: ({ spec }) => spec?.validations?.length ?? 0,
    },
    {
      name: 'ParamKind',
      description: 'What the parameters are.',
      cell: ({ spec }) => (spec?.paramKind === undefined ? '<unset>' : paramKindText(spec.paramKind)),
    },
  ],
  validate({ metadata, spec = {} }, issues) {
    validatePolicy(spec, issues)
    const { validations = [], auditAnnotations = [] } = spec
    if (validations.length === 0 && auditAnnotations.length === 0) {
      issues.required('spec.validations', NOTHING)
      issues.required('spec.auditAnnotations', NOTHING)
    }
    validations.forEach((item, i) => {
      validateValidation(item, `spec.validations[${i}]`, issues)
    })
    validateAnnotations(auditAnnotations, metadata.name ?? '', issues)
  },
  validateStatusUpdate({ status }, _previous, issues) {
    status?.typeChecking?.expressionWarnings?.forEach(({ warning, fieldRef }, i) => {
      const at = `status.typeChecking.expressionWarnings[${i}]`
      if (warning === '') issues.required(`${at}.warning`)
      if (fieldRef.trim() === '') issues.required(`${at}.fieldRef`)
    })
    validateConditions(status?.conditions ?? [], 'status.conditions', issues)
  },
})
