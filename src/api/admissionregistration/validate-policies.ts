// Checks policies and their bindings, as far as no expression must be understood for it.

import type { Issues } from '../../apimachinery/issues.ts'
import { checkPathSegment, checkSubdomain, checkValue, validateLabelSelector } from '../../apimachinery/validation.ts'
import type { MatchCondition, MatchResources, ParamKind, ParamRef, Variable } from './fields.ts'
import { validateMatchConditions, validateMatchResources, validateParamKind } from './validate-rules.ts'

interface Policy {
  paramKind?: ParamKind
  matchConstraints?: MatchResources
  matchConditions?: MatchCondition[]
  variables?: Variable[]
}

export function validatePolicy(policy: Policy, issues: Issues): void {
  if (policy.paramKind !== undefined) validateParamKind(policy.paramKind, 'spec.paramKind', issues)
  const constraints = policy.matchConstraints
  if (constraints === undefined) issues.required('spec.matchConstraints')
  else {
    validateMatchResources(constraints, 'spec.matchConstraints', issues)
    // They say which types the expressions are about.
    if ((constraints.resourceRules ?? []).length === 0) issues.required('spec.matchConstraints.resourceRules')
  }
  validateMatchConditions(policy.matchConditions ?? [], 'spec.matchConditions', issues)
  policy.variables?.forEach((variable, i) => {
    validateVariable(variable, `spec.variables[${i}]`, issues)
  })
}

const IDENTIFIER = /^[_a-zA-Z][_a-zA-Z0-9]*$/
const RESERVED = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

function validateVariable({ name, expression }: Variable, at: string, issues: Issues): void {
  if (name.trim() === '') issues.required(`${at}.name`, 'name is not specified')
  else if (!IDENTIFIER.test(name) || RESERVED.has(name)) {
    issues.invalid(`${at}.name`, name, 'name is not a valid CEL identifier')
  }
  if (expression.trim() === '') issues.required(`${at}.expression`, 'expression is not specified')
}

const MUTABLE = ['*', 'CONNECT', 'CREATE', 'UPDATE']

/** What is deleted is not changed. */
export function validateMutableOperations({ resourceRules = [] }: MatchResources, at: string, issues: Issues): void {
  for (const operation of resourceRules.flatMap(({ operations = [] }) => operations)) {
    if (!MUTABLE.includes(operation)) issues.notSupported(`${at}.resourceRules.operations`, operation, MUTABLE)
  }
}

interface Binding {
  policyName?: string
  paramRef?: ParamRef
  matchResources?: MatchResources
}

export function validatePolicyBinding(binding: Binding, issues: Issues): void {
  const { policyName = '', paramRef, matchResources } = binding
  if (policyName === '') issues.required('spec.policyName')
  else checkValue(policyName, checkSubdomain, 'spec.policyName', issues)
  if (paramRef !== undefined) validateParamRef(paramRef, 'spec.paramRef', issues)
  if (matchResources !== undefined) validateMatchResources(matchResources, 'spec.matchResources', issues)
}

function validateParamRef(
  { name = '', selector, parameterNotFoundAction: action }: ParamRef,
  at: string,
  issues: Issues,
): void {
  const exclusive = 'name and selector are mutually exclusive'
  if (name !== '') {
    checkValue(name, checkPathSegment, `${at}.name`, issues)
    if (selector !== undefined) issues.forbidden(`${at}.name`, exclusive)
  }
  if (selector !== undefined) {
    validateLabelSelector(selector, `${at}.selector`, issues)
    if (name !== '') issues.forbidden(`${at}.selector`, exclusive)
  }
  if (name === '' && selector === undefined) issues.required(at, 'one of name or selector must be specified')
  if (action === undefined) issues.required(`${at}.parameterNotFoundAction`)
}

/** `apiVersion/kind` of what a policy's parameters are. */
export function paramKindText({ apiVersion = '', kind = '' }: ParamKind): string {
  return `${apiVersion}/${kind}`
}

/** Where a binding's parameters are; whether they have a namespace is not known here. */
export function paramRefText({ name = '', namespace = '', selector }: ParamRef): string {
  if (name !== '') return `${namespace || '*'}/${name}`
  return selector === undefined ? '<unset>' : selectorDump(selector)
}

/** A selector as the generated String method of Go prints it. */
function selectorDump({ matchLabels = {}, matchExpressions = [] }: NonNullable<ParamRef['selector']>): string {
  const labels = Object.keys(matchLabels)
    .sort()
    .map((key) => `${key}: ${matchLabels[key]},`)
    .join('')
  const expressions = matchExpressions
    .map(
      ({ key, operator, values = [] }) =>
        `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
    )
    .join('')
  const shown = `[]LabelSelectorRequirement{${expressions}}`
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:${shown},}`
}
