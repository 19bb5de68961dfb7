// Checks the status of a job: an end is an end, counters count upwards, and what it says fits together. What did not change is not checked,
// so that a status that was wrong before can still be put right, and spec changes have time to be followed.

import type { Issues } from '../../../apimachinery/issues.ts'
import { sameJson } from '../../../apimachinery/validation.ts'
import { isConditionTrue, isJobFinished } from './conditions.ts'
import type { JobStatus, UncountedTerminatedPods } from './fields.ts'
import { firstCommonIndex, parseIndexes } from './indexes.ts'
import type { Job } from './job.ts'

interface Change {
  job: Job
  next: JobStatus
  previous: JobStatus
  issues: Issues
  /** Whether any of these fields, or of what these conditions say, is new. */
  changed(...what: string[]): boolean
}

export function validateJobStatus(job: Job, before: Job, issues: Issues): void {
  const next = job.status ?? {}
  const previous = before.status ?? {}
  const values = (status: JobStatus, what: string): unknown =>
    /^[A-Z]/.test(what)
      ? what === 'Finished'
        ? isJobFinished(status)
        : isConditionTrue(status, what)
      : status[what as keyof JobStatus]
  const changed = (...what: string[]): boolean =>
    what.some((name) => !sameJson(values(next, name), values(previous, name)))
  const change: Change = { job, next, previous, issues, changed }
  validateUncounted(next.uncountedTerminatedPods ?? {}, issues)
  validateConditions(change)
  validateTimes(change)
  validateFinished(change)
  validateIndexes(change)
  validateCounters(change)
}

function validateUncounted({ succeeded = [], failed = [] }: UncountedTerminatedPods, issues: Issues): void {
  const seen = new Set<string>()
  for (const [key, uids] of [['succeeded', succeeded] as const, ['failed', failed] as const]) {
    uids.forEach((uid, i) => {
      const at = `status.uncountedTerminatedPods.${key}[${i}]`
      if (uid === '') issues.invalid(at, uid, 'must not be empty')
      else if (seen.has(uid)) issues.duplicate(at, uid)
      else seen.add(uid)
    })
  }
}

function validateConditions({ job, next, previous, issues, changed }: Change): void {
  const at = 'status.conditions'
  const is = (type: string): boolean => isConditionTrue(next, type)
  const was = (type: string): boolean => isConditionTrue(previous, type)
  const refuse = (wrong: boolean, detail: string): void => {
    if (wrong) issues.invalidUnshown(at, detail)
  }
  const complete = is('Complete')
  const met = is('SuccessCriteriaMet')
  refuse(
    changed('Complete', 'Failed') && complete && is('Failed'),
    'cannot set Complete=True and Failed=true conditions',
  )
  refuse(
    changed('Complete', 'FailureTarget') && complete && is('FailureTarget'),
    'cannot set Complete=True and FailureTarget=true conditions',
  )
  refuse(
    changed('Failed') && is('Failed') && !is('FailureTarget'),
    'cannot set Failed=True condition without the FailureTarget=true condition',
  )
  refuse(
    changed('Complete') && complete && !met,
    'cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
  )
  refuse(met && is('Failed'), 'cannot set SuccessCriteriaMet=True and Failed=true conditions')
  refuse(met && is('FailureTarget'), 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions')
  refuse(
    job.spec.successPolicy !== undefined && !met && complete,
    'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True',
  )
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    refuse(was(type) && !is(type), `cannot disable the terminal ${type}=True condition`)
  }
  refuse(was('SuccessCriteriaMet') && !met, 'cannot disable the SuccessCriteriaMet=True condition')
  refuse(
    was('Complete') && !was('SuccessCriteriaMet') && met,
    'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions',
  )
}

function validateTimes({ job, next, previous, issues, changed }: Change): void {
  const { startTime, completionTime } = next
  const complete = isConditionTrue(next, 'Complete')
  const at = 'status.completionTime'
  if (changed('Complete', 'completionTime')) {
    if (completionTime !== undefined && !complete) {
      issues.invalid(at, completionTime, 'cannot set completionTime when there is no Complete=True condition')
    }
    if (completionTime === undefined && complete) {
      issues.required(at, 'completionTime is required for Complete jobs')
    }
  }
  if (changed('startTime', 'completionTime') && startTime !== undefined && completionTime !== undefined) {
    if (Date.parse(completionTime) < Date.parse(startTime)) {
      issues.invalid(at, completionTime, 'completionTime cannot be set before startTime')
    }
  }
  const { completionTime: ended, startTime: started } = previous
  if (completionTime !== undefined && ended !== undefined && completionTime !== ended) {
    issues.invalid(at, completionTime, 'completionTime cannot be mutated')
  }
  if (started !== undefined && started !== startTime && job.spec.suspend !== true) {
    issues.required('status.startTime', 'startTime cannot be removed for unsuspended job')
  }
}

function validateFinished({ next, issues, changed }: Change): void {
  if (changed('ready', 'active') && (next.ready ?? 0) > (next.active ?? 0)) {
    issues.invalid('status.ready', next.ready, 'cannot set more ready pods than active')
  }
  if (!isJobFinished(next)) return
  if (changed('Finished', 'active') && (next.active ?? 0) > 0) {
    issues.invalid('status.active', next.active, 'active>0 is invalid for finished job')
  }
  if (changed('Finished', 'terminating') && (next.terminating ?? 0) > 0) {
    issues.invalid('status.terminating', next.terminating, 'terminating>0 is invalid for finished job')
  }
  if (changed('Finished', 'startTime') && next.startTime === undefined) {
    issues.required('status.startTime', 'startTime is required for finished job')
  }
  const { succeeded = [], failed = [] } = next.uncountedTerminatedPods ?? {}
  if (changed('Finished', 'uncountedTerminatedPods') && succeeded.length + failed.length > 0) {
    const detail = 'uncountedTerminatedPods needs to be empty for finished job'
    issues.invalid('status.uncountedTerminatedPods', next.uncountedTerminatedPods, detail)
  }
}

function validateIndexes({ job, next, issues, changed }: Change): void {
  const { completions, completionMode, backoffLimitPerIndex } = job.spec
  const { completedIndexes = '', failedIndexes } = next
  if (changed('completedIndexes')) {
    validateSet(completedIndexes, completions, 'completedIndexes', issues)
    if (completedIndexes !== '' && completionMode !== 'Indexed') {
      const detail = 'cannot set non-empty completedIndexes when non-indexed completion mode'
      issues.invalid('status.completedIndexes', completedIndexes, detail)
    }
  }
  if (changed('failedIndexes') && failedIndexes !== undefined) {
    if (backoffLimitPerIndex === undefined) {
      const detail = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'
      issues.invalid('status.failedIndexes', failedIndexes, detail)
    } else validateSet(failedIndexes, completions, 'failedIndexes', issues)
  }
  if (!changed('failedIndexes', 'completedIndexes') || completions === undefined || failedIndexes === undefined) return
  const common = firstCommonIndex(completedIndexes, failedIndexes, completions)
  if (common === undefined) return
  issues.invalid(
    'status.failedIndexes',
    failedIndexes,
    `failedIndexes and completedIndexes overlap at index: ${common}`,
  )
}

function validateSet(text: string, completions: number | undefined, key: string, issues: Issues): void {
  if (completions === undefined) return
  try {
    parseIndexes(text, completions)
  } catch (error) {
    issues.invalid(`status.${key}`, text, `error parsing ${key}: ${(error as Error).message}`)
  }
}

function validateCounters({ job, next, previous, issues }: Change): void {
  const { failed = 0, succeeded = 0 } = next
  if (failed < (previous.failed ?? 0)) issues.invalid('status.failed', failed, 'cannot decrease the failed counter')
  // A job of indexes that all run at a time may be scaled down, and what succeeded beyond is forgotten.
  const { completionMode, completions, parallelism } = job.spec
  if (completionMode === 'Indexed' && completions === parallelism) return
  if (succeeded < (previous.succeeded ?? 0)) {
    issues.invalid('status.succeeded', succeeded, 'cannot decrease the succeeded counter')
  }
}
