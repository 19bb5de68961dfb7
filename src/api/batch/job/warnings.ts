// What the server warns of when it takes up a job, or the template of one.

import { checkLabel } from '../../../apimachinery/validation.ts'
import type { JobSpec } from './fields.ts'

/** Names that pods cannot have as a host name. */
export function nameWarnings(name: string): string[] {
  const problems = checkLabel(name)
  if (problems.length === 0) return []
  return [
    `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
  ]
}

export function jobSpecWarnings({ completionMode, completions = 0, parallelism = 0 }: JobSpec, at: string): string[] {
  if (completionMode !== 'Indexed' || completions <= 100_000 || parallelism <= 10_000) return []
  return [
    `${at}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
  ]
}
