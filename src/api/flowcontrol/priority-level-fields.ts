// How many requests a priority level serves at once, and what becomes of the rest.

import type { TypeOf } from '../../apimachinery/schema.ts'
import { int32, oneOf, ref, required, struct } from '../../apimachinery/schema.ts'
import { V1 } from './flow-schema-fields.ts'

export const queuingConfiguration = struct(`${V1}.QueuingConfiguration`, {
  queues: int32(1, { default: 64 }),
  handSize: int32(2, { default: 8 }),
  queueLengthLimit: int32(3, { default: 50 }),
})
export interface QueuingConfiguration extends TypeOf<typeof queuingConfiguration> {}

export const limitResponse = struct(`${V1}.LimitResponse`, {
  type: required(oneOf(1, ['Queue', 'Reject'])),
  queuing: ref(2, queuingConfiguration),
})
export interface LimitResponse extends TypeOf<typeof limitResponse> {}

export const limitedPriorityLevelConfiguration = struct(`${V1}.LimitedPriorityLevelConfiguration`, {
  nominalConcurrencyShares: int32(1, { default: 30 }),
  limitResponse: ref(2, limitResponse, { default: {} }),
  lendablePercent: int32(3, { default: 0, min: 0, max: 100 }),
  borrowingLimitPercent: int32(4),
})
export interface LimitedPriorityLevelConfiguration extends TypeOf<typeof limitedPriorityLevelConfiguration> {}

export const exemptPriorityLevelConfiguration = struct(`${V1}.ExemptPriorityLevelConfiguration`, {
  nominalConcurrencyShares: int32(1, { default: 0 }),
  lendablePercent: int32(2, { default: 0, min: 0, max: 100 }),
})
export interface ExemptPriorityLevelConfiguration extends TypeOf<typeof exemptPriorityLevelConfiguration> {}

export const priorityLevelConfigurationSpec = struct(`${V1}.PriorityLevelConfigurationSpec`, {
  type: required(oneOf(1, ['Exempt', 'Limited'])),
  limited: ref(2, limitedPriorityLevelConfiguration),
  exempt: ref(3, exemptPriorityLevelConfiguration),
})
export interface PriorityLevelConfigurationSpec extends TypeOf<typeof priorityLevelConfigurationSpec> {}
