// CronJob: makes a job whenever its schedule says so.

import { age } from '../../../apimachinery/duration.ts'
import type { ObjectWith } from '../../../apimachinery/resource.ts'
import { defineResource } from '../../../apimachinery/resource.ts'
import type { TypeOf } from '../../../apimachinery/schema.ts'
import { bool, int32, int64, list, oneOf, ref, required, string, struct, time } from '../../../apimachinery/schema.ts'
import { checkValue } from '../../../apimachinery/validation.ts'
import type { Issues } from '../../../apimachinery/issues.ts'
import { ageColumn, selectorText, templateColumns } from '../../columns.ts'
import { objectReference } from '../../core/references.ts'
import { jobTemplateSpec } from '../job/fields.ts'
import { validateJobSpec } from '../job/validate.ts'
import { jobSpecWarnings, nameWarnings } from '../job/warnings.ts'
import { parseSchedule } from './schedule.ts'
import { checkTimeZone } from './time-zone.ts'

export const cronJobSpec = struct('io.k8s.api.batch.v1.CronJobSpec', {
  schedule: required(string(1, { unchecked: true })),
  timeZone: string(8),
  startingDeadlineSeconds: int64(2, { min: 0 }),
  concurrencyPolicy: oneOf(3, ['Allow', 'Forbid', 'Replace'], { default: 'Allow' }),
  suspend: bool(4, { default: false }),
  jobTemplate: required(ref(5, jobTemplateSpec, { default: {} })),
  successfulJobsHistoryLimit: int32(6, { default: 3, min: 0 }),
  failedJobsHistoryLimit: int32(7, { default: 1, min: 0 }),
})
export interface CronJobSpec extends TypeOf<typeof cronJobSpec> {}

export const cronJobStatus = struct('io.k8s.api.batch.v1.CronJobStatus', {
  active: list(1, objectReference, { list: 'atomic' }),
  lastScheduleTime: time(4),
  lastSuccessfulTime: time(5),
})
export interface CronJobStatus extends TypeOf<typeof cronJobStatus> {}

const cronJobFields = {
  spec: required(ref(2, cronJobSpec, { default: {} })),
  status: ref(3, cronJobStatus, { default: {} }),
}
export interface CronJob extends ObjectWith<typeof cronJobFields> {}

/** A job's name has at most 63 characters, of which a dash and the time take eleven. */
const MAX_NAME_LENGTH = 52

export const cronJobs = defineResource({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  scope: 'Namespaced',
  shortNames: ['cj'],
  categories: ['all'],
  subresources: { status: true },
  model: 'io.k8s.api.batch.v1.CronJob',
  views: [{ version: 'v1beta1', deprecated: { since: '1.21', removed: '1.25' } }],
  fields: cronJobFields,
  columns: [
    { name: 'Schedule', description: 'When jobs are made.', cell: ({ spec }) => spec.schedule ?? '' },
    { name: 'Timezone', description: 'Whose time it is.', cell: ({ spec }) => spec.timeZone ?? '<none>' },
    {
      name: 'Suspend',
      type: 'boolean',
      description: 'Whether no jobs are made at present.',
      // Upstream's word for it: True or False.
      cell: ({ spec }) => (spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False'),
    },
    {
      name: 'Active',
      type: 'integer',
      description: 'How many of its jobs are running.',
      cell: ({ status }) => status?.active?.length ?? 0,
    },
    {
      name: 'Last Schedule',
      description: 'How long ago a job was made.',
      cell: ({ status }, { nowMs }) =>
        status?.lastScheduleTime === undefined ? '<none>' : age(status.lastScheduleTime, nowMs),
    },
    ageColumn,
    ...templateColumns<{ spec: CronJobSpec }>(
      ({ spec }) => spec.jobTemplate.spec?.template.spec,
      ({ spec }) => selectorText(spec.jobTemplate.spec?.selector),
    ),
  ],
  age: false,
  validate({ metadata, spec }, issues) {
    validateSchedule(spec.schedule ?? '', issues)
    if (spec.timeZone !== undefined) checkValue(spec.timeZone, checkTimeZone, 'spec.timeZone', issues)
    validateTemplate(spec, issues)
    if (metadata.name.length > MAX_NAME_LENGTH) {
      issues.invalid('metadata.name', metadata.name, `must be no more than ${MAX_NAME_LENGTH} characters`)
    }
  },
  warnings({ metadata, spec }, previous) {
    const jobSpec = spec.jobTemplate.spec
    return [
      ...(previous === undefined ? nameWarnings(metadata.name) : []),
      ...(jobSpec === undefined ? [] : jobSpecWarnings(jobSpec, 'spec.jobTemplate.spec')),
    ]
  },
})

function validateSchedule(schedule: string, issues: Issues): void {
  const at = 'spec.schedule'
  if (schedule === '') {
    issues.required(at)
    return
  }
  try {
    parseSchedule(schedule.replace(/^(?:CRON_)?TZ=\S*\s+/, ''))
  } catch (error) {
    issues.invalid(at, schedule, (error as Error).message)
  }
  if (schedule.includes('TZ')) {
    issues.invalid(at, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')
  }
}

/** Selectors are made with the jobs. */
function validateTemplate({ jobTemplate: { spec } }: CronJobSpec, issues: Issues): void {
  if (spec === undefined) return
  const at = 'spec.jobTemplate.spec'
  validateJobSpec(spec, at, issues)
  if (spec.selector !== undefined) {
    issues.invalid(`${at}.selector`, spec.selector, '`selector` will be auto-generated')
  }
  if (spec.manualSelector === true) issues.notSupported(`${at}.manualSelector`, true, ['nil', 'false'])
}
