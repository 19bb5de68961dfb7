// PriorityLevelConfiguration: a share of the API server's power, and the queues of those who wait for it.

import type { Issues } from '../../apimachinery/issues.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import type { TypeOf } from '../../apimachinery/schema.ts'
import { list, ref, struct } from '../../apimachinery/schema.ts'
import { sameJson } from '../../apimachinery/validation.ts'
import { GROUP, priorityLevelConfigurationCondition, V1 } from './flow-schema-fields.ts'
import { MANDATORY_PRIORITY_LEVELS } from './mandatory.ts'
import {
  type LimitedPriorityLevelConfiguration,
  type LimitResponse,
  type PriorityLevelConfigurationSpec,
  priorityLevelConfigurationSpec,
  type QueuingConfiguration,
} from './priority-level-fields.ts'
import { validateFlowConditions } from './validate.ts'

export const priorityLevelConfigurationStatus = struct(`${V1}.PriorityLevelConfigurationStatus`, {
  conditions: list(1, priorityLevelConfigurationCondition, {
    list: 'map',
    keys: ['type'],
    mergeKey: 'type',
    strategy: 'merge',
  }),
})
export interface PriorityLevelConfigurationStatus extends TypeOf<typeof priorityLevelConfigurationStatus> {}

const priorityLevelConfigurationFields = {
  spec: ref(2, priorityLevelConfigurationSpec, { default: {} }),
  status: ref(3, priorityLevelConfigurationStatus, { default: {} }),
}
export interface PriorityLevelConfiguration extends ObjectWith<typeof priorityLevelConfigurationFields> {}

const WHOLE = 'must be a non-negative integer'

function validateSpec(spec: PriorityLevelConfigurationSpec, name: string, issues: Issues): void {
  const { type, limited, exempt } = spec
  if ((name === 'exempt') !== (type === 'Exempt')) {
    issues.invalid('spec.type', type ?? '', "type must be 'Exempt' if and only if name is 'exempt'")
  }
  if (type === 'Exempt') {
    if (limited !== undefined) issues.forbidden('spec.limited', 'must be nil if the type is not Limited')
    const shares = exempt?.nominalConcurrencyShares ?? 0
    if (shares < 0) issues.invalid('spec.exempt.nominalConcurrencyShares', shares, WHOLE)
  } else if (type === 'Limited') {
    if (exempt !== undefined) issues.forbidden('spec.exempt', 'must be nil if the type is Limited')
    if (limited === undefined) issues.required('spec.limited', 'must not be empty when type is Limited')
    else validateLimited(limited, 'spec.limited', issues)
  }
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, at: string, issues: Issues): void {
  const { nominalConcurrencyShares: shares = 0, limitResponse, borrowingLimitPercent: limit } = limited
  if (shares < 0) issues.invalid(`${at}.nominalConcurrencyShares`, shares, WHOLE)
  if (limitResponse !== undefined) validateLimitResponse(limitResponse, `${at}.limitResponse`, issues)
  if (limit !== undefined && limit < 0) {
    issues.invalid(`${at}.borrowingLimitPercent`, limit, `if specified, ${WHOLE}`)
  }
}

function validateLimitResponse({ type, queuing }: LimitResponse, at: string, issues: Issues): void {
  if (type === 'Reject' && queuing !== undefined) {
    issues.forbidden(`${at}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')
  }
  if (type !== 'Queue') return
  if (queuing === undefined) {
    issues.required(`${at}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')
  } else validateQueuing(queuing, `${at}.queuing`, issues)
}

const MAX_QUEUES = 10_000_000
/** Requests are dealt to queues by a hash of so many bits. */
const MAX_HASH_BITS = 60

function validateQueuing(queuing: QueuingConfiguration, at: string, issues: Issues): void {
  const { queues = 0, handSize = 0, queueLengthLimit: length = 0 } = queuing
  if (length <= 0) issues.invalid(`${at}.queueLengthLimit`, length, 'must be positive')
  if (queues <= 0) issues.invalid(`${at}.queues`, queues, 'must be positive')
  else if (queues > MAX_QUEUES) issues.invalid(`${at}.queues`, queues, `must not be greater than ${MAX_QUEUES}`)
  if (handSize <= 0) issues.invalid(`${at}.handSize`, handSize, 'must be positive')
  else if (handSize > queues) {
    issues.invalid(`${at}.handSize`, handSize, `should not be greater than queues (${queues})`)
  } else if (Math.ceil(Math.log2(queues) * handSize) > MAX_HASH_BITS) {
    const why = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${MAX_HASH_BITS}`
    issues.invalid(`${at}.handSize`, handSize, why)
  }
}

function validateFixed(spec: PriorityLevelConfigurationSpec, name: string, issues: Issues): void {
  const fixed = MANDATORY_PRIORITY_LEVELS[name]
  if (fixed === undefined) return
  if (name === 'exempt') {
    // How much others may borrow of it is the administrator's to say.
    if (sameJson({ ...spec, exempt: fixed.exempt }, fixed)) return
    issues.invalid('spec', spec, `spec of '${name}' except the 'spec.exempt' field must equal the fixed value`)
  } else if (!sameJson(spec, fixed)) issues.invalid('spec', spec, `spec of '${name}' must equal the fixed value`)
}

const queuingOf = ({ spec }: PriorityLevelConfiguration): QueuingConfiguration | undefined =>
  spec?.limited?.limitResponse?.queuing

export const priorityLevelConfigurations = defineResource({
  group: GROUP,
  version: 'v1',
  kind: 'PriorityLevelConfiguration',
  plural: 'prioritylevelconfigurations',
  scope: 'Cluster',
  subresources: { status: true },
  model: `${V1}.PriorityLevelConfiguration`,
  fields: priorityLevelConfigurationFields,
  columns: [
    { name: 'Type', description: 'Whether it is limited.', cell: ({ spec }) => spec?.type ?? '' },
    {
      name: 'NominalConcurrencyShares',
      description: 'Its share of the requests served at once.',
      cell: ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? spec?.exempt?.nominalConcurrencyShares ?? '<none>',
    },
    { name: 'Queues', description: 'How many queues.', cell: (level) => queuingOf(level)?.queues ?? '<none>' },
    { name: 'HandSize', description: 'Queues of a flow.', cell: (level) => queuingOf(level)?.handSize ?? '<none>' },
    {
      name: 'QueueLengthLimit',
      description: 'How many may wait in a queue.',
      cell: (level) => queuingOf(level)?.queueLengthLimit ?? '<none>',
    },
  ],
  validate({ metadata, spec }, issues) {
    if (spec === undefined) return
    validateSpec(spec, metadata.name ?? '', issues)
    validateFixed(spec, metadata.name ?? '', issues)
  },
  validateStatusUpdate({ status }, _previous, issues) {
    validateFlowConditions(status?.conditions ?? [], issues)
  },
})
