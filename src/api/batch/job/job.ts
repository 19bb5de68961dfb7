// Job: pods that run until enough of them have succeeded.

import { humanDuration } from '../../../apimachinery/duration.ts'
import type { ObjectWith } from '../../../apimachinery/resource.ts'
import { defineResource } from '../../../apimachinery/resource.ts'
import { ref, required } from '../../../apimachinery/schema.ts'
import { ageColumn, selectorText, templateColumns } from '../../columns.ts'
import { isConditionTrue } from './conditions.ts'
import { type JobSpec, jobSpec, jobStatus } from './fields.ts'
import { generateSelector } from './selector.ts'
import { validateJobStatus } from './validate-status.ts'
import { validateJob, validateJobUpdate } from './validate.ts'
import { jobSpecWarnings, nameWarnings } from './warnings.ts'

const jobFields = {
  spec: required(ref(2, jobSpec, { default: {} })),
  status: ref(3, jobStatus, { default: {} }),
}
export interface Job extends ObjectWith<typeof jobFields> {}

/** Retries that never run out: each index counts its own. */
const NO_LIMIT = 2 ** 31 - 1

export const jobs = defineResource({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  scope: 'Namespaced',
  categories: ['all'],
  // Pods outlive their job unless the client says otherwise, as they did before there was garbage collection.
  defaultPropagation: 'Orphan',
  subresources: { status: true },
  selectable: { 'status.successful': (job) => String(job.status?.succeeded ?? 0) },
  model: 'io.k8s.api.batch.v1.Job',
  fields: jobFields,
  columns: [
    { name: 'Status', description: 'What the job is doing.', cell: statusText },
    { name: 'Completions', description: 'How many pods have succeeded.', cell: completionsText },
    {
      name: 'Duration',
      description: 'How long the job has run.',
      cell({ status }, { nowMs }) {
        if (status?.startTime === undefined) return ''
        const end = status.completionTime === undefined ? nowMs : Date.parse(status.completionTime)
        return humanDuration(end - Date.parse(status.startTime))
      },
    },
    ageColumn,
    ...templateColumns<{ spec: JobSpec }>(
      ({ spec }) => spec.template.spec,
      ({ spec }) => selectorText(spec.selector),
    ),
  ],
  age: false,
  defaults({ metadata, spec }) {
    if (spec.parallelism === undefined && spec.completions === undefined) spec.completions = 1
    spec.parallelism ??= 1
    spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : NO_LIMIT
    const labels = spec.template.metadata?.labels ?? {}
    if (Object.keys(metadata.labels ?? {}).length === 0 && Object.keys(labels).length > 0) {
      metadata.labels = { ...labels }
    }
    spec.completionMode ??= 'NonIndexed'
    spec.suspend ??= false
    spec.manualSelector ??= false
    spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed'
  },
  prepareCreate(job) {
    if (job.spec.manualSelector !== true) generateSelector(job)
  },
  validate(job, issues) {
    validateJob(job, issues)
  },
  validateUpdate(next, previous, issues) {
    validateJobUpdate(next, previous, issues)
  },
  validateStatusUpdate(next, previous, issues) {
    validateJobStatus(next, previous, issues)
  },
  warnings({ metadata, spec }, previous) {
    return [...(previous === undefined ? nameWarnings(metadata.name) : []), ...jobSpecWarnings(spec, 'spec')]
  },
})

function statusText({ metadata, status }: Pick<Job, 'metadata' | 'status'>): string {
  if (isConditionTrue(status, 'Complete')) return 'Complete'
  if (isConditionTrue(status, 'Failed')) return 'Failed'
  if (metadata.deletionTimestamp !== undefined) return 'Terminating'
  if (isConditionTrue(status, 'Suspended')) return 'Suspended'
  return isConditionTrue(status, 'FailureTarget') ? 'FailureTarget' : 'Running'
}

function completionsText({ spec, status }: Pick<Job, 'spec' | 'status'>): string {
  const succeeded = status?.succeeded ?? 0
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`
  const { parallelism = 0 } = spec
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}
