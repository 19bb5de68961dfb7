// What the conditions of a job say of its end.

import type { DeepReadonly } from '../../../apimachinery/resource.ts'
import type { JobStatus } from './fields.ts'

type Status = DeepReadonly<JobStatus> | undefined

export function isConditionTrue(status: Status, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
}

/** Complete or failed: nothing runs any more, and nothing will. */
export function isJobFinished(status: Status): boolean {
  return isConditionTrue(status, 'Complete') || isConditionTrue(status, 'Failed')
}
