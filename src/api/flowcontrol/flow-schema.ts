// FlowSchema: sorts requests to the API server by who asks for what, and says at which priority level they are served.

import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, ref, struct } from '../../apimachinery/schema.ts'
import { checkSubdomain, checkValue, sameJson } from '../../apimachinery/validation.ts'
import { ageColumn } from '../columns.ts'
import { flowSchemaCondition, flowSchemaSpec, GROUP, V1 } from './flow-schema-fields.ts'
import { MANDATORY_FLOW_SCHEMAS } from './mandatory.ts'
import { validateFlowConditions, validateFlowRule } from './validate.ts'

export const flowSchemaStatus = struct(`${V1}.FlowSchemaStatus`, {
  conditions: list(1, flowSchemaCondition, { list: 'map', keys: ['type'], mergeKey: 'type', strategy: 'merge' }),
})
export interface FlowSchemaStatus extends TypeOf<typeof flowSchemaStatus> {}

const flowSchemaFields = {
  spec: ref(2, flowSchemaSpec, { default: {} }),
  status: ref(3, flowSchemaStatus, { default: {} }),
}
export interface FlowSchema extends ObjectWith<typeof flowSchemaFields> {}

const MAX_PRECEDENCE = 10_000

export const flowSchemas = defineResource({
  group: GROUP,
  version: 'v1',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  scope: 'Cluster',
  subresources: { status: true },
  model: `${V1}.FlowSchema`,
  fields: flowSchemaFields,
  columns: [
    {
      name: 'PriorityLevel',
      description: 'Where the requests are served.',
      cell: ({ spec }) => spec?.priorityLevelConfiguration.name ?? '',
    },
    {
      name: 'MatchingPrecedence',
      type: 'integer',
      description: 'Who is asked first: the lowest number.',
      cell: ({ spec }) => spec?.matchingPrecedence ?? 0,
    },
    {
      name: 'DistinguisherMethod',
      description: 'By what the flows are told apart.',
      cell: ({ spec }) => spec?.distinguisherMethod?.type ?? '<none>',
    },
    ageColumn,
    {
      name: 'MissingPL',
      description: 'Whether the priority level is missing.',
      cell: ({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
    },
  ],
  age: false,
  // Those that are asked first come first.
  tableOrder: (a, b) =>
    (a.spec?.matchingPrecedence ?? 0) - (b.spec?.matchingPrecedence ?? 0) ||
    (a.metadata.name < b.metadata.name ? -1 : 1),
  validate({ metadata, spec }, issues) {
    if (spec === undefined) return
    const { matchingPrecedence: precedence = 0, priorityLevelConfiguration: level, rules = [] } = spec
    const at = 'spec.matchingPrecedence'
    if (precedence <= 0) issues.invalid(at, precedence, 'must be a positive value')
    if (precedence > MAX_PRECEDENCE) issues.invalid(at, precedence, `must not be greater than ${MAX_PRECEDENCE}`)
    if (precedence === 1 && metadata.name !== 'exempt') {
      issues.invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")
    }
    if (level.name === '') issues.required('spec.priorityLevelConfiguration.name', 'must reference a priority level')
    else checkValue(level.name, checkSubdomain, 'spec.priorityLevelConfiguration.name', issues)
    rules.forEach((rule, i) => {
      validateFlowRule(rule, `spec.rules[${i}]`, issues)
    })
    const fixed = MANDATORY_FLOW_SCHEMAS[metadata.name ?? '']
    if (fixed !== undefined && !sameJson(spec, fixed)) {
      issues.invalid('spec', spec, `spec of '${metadata.name}' must equal the fixed value`)
    }
  },
  validateStatusUpdate({ status }, _previous, issues) {
    validateFlowConditions(status?.conditions ?? [], issues)
  },
})
