// Cron jobs: defaults, schedules and what is wrong with them, and the row.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, created, problems } from '../../../testing/kinds.ts'
import { type CronJob, cronJobs } from './cron-job.ts'
import { parseSchedule } from './schedule.ts'

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } }
const cronJob = (spec: object = {}, metadata: object = {}): CronJob =>
  created(cronJobs, { metadata, spec: { schedule: '@daily', jobTemplate: { spec: { template } }, ...spec } })

test('a cron job keeps a few of its jobs and lets them overlap', () => {
  const { jobTemplate, ...spec } = cronJob().spec
  assert.deepEqual(spec, {
    schedule: '@daily',
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  })
  // What a job gets by default it gets when it is made.
  assert.deepEqual(Object.keys(jobTemplate.spec ?? {}), ['template'])
  assert.deepEqual(problems(cronJobs, cronJob()), [])
})

describe('a cron job is refused with', () => {
  const cases: Record<string, [spec: object, want: string[]]> = {
    'no schedule': [{ schedule: '' }, ['spec.schedule: Required value']],
    'half a schedule': [
      { schedule: '* *' },
      ['spec.schedule: Invalid value: "* *": expected exactly 5 fields, found 2: [* *]'],
    ],
    'a time zone in the schedule': [
      { schedule: 'TZ=UTC * * * * *' },
      [
        'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
      ],
    ],
    'a time zone that is none': [
      { timeZone: 'Mars/Base' },
      ['spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base'],
    ],
    'the time zone of the server': [
      { timeZone: 'Local' },
      [
        'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
      ],
    ],
    'an unknown policy': [
      { concurrencyPolicy: 'x' },
      ['spec.concurrencyPolicy: Unsupported value: "x": supported values: "Allow", "Forbid", "Replace"'],
    ],
    'a selector': [
      { jobTemplate: { spec: { template, selector: {}, manualSelector: true } } },
      [
        'spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated',
        'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "false", "nil"',
      ],
    ],
    'pods that never end': [
      { jobTemplate: { spec: { template: { spec: { containers: template.spec.containers } } } } },
      ['spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(cronJobs, cronJob(spec)), want))
  }
  test('a name that leaves no room for the time', () => {
    const name = 'a'.repeat(53)
    assert.deepEqual(problems(cronJobs, cronJob({}, { name })), [
      `metadata.name: Invalid value: "${name}": must be no more than 52 characters`,
    ])
  })
})

test('time zones are known by name', () => {
  for (const timeZone of ['UTC', 'Etc/UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires']) {
    assert.deepEqual(problems(cronJobs, cronJob({ timeZone })), [])
  }
  for (const timeZone of ['+01', '../UTC', 'Europe//Berlin']) {
    assert.equal(problems(cronJobs, cronJob({ timeZone })).length, 1, timeZone)
  }
})

describe('schedules', () => {
  const minutes = (text: string): number[] => {
    const schedule = parseSchedule(`${text} * * * *`)
    return 'minute' in schedule ? [...schedule.minute.values] : []
  }
  test('list, span and skip', () => {
    assert.deepEqual(minutes('1,3-5'), [1, 3, 4, 5])
    assert.deepEqual(minutes('*/20'), [0, 20, 40])
    assert.deepEqual(minutes('50/5'), [50, 55])
    const monthly = parseSchedule('0 0 1 JAN,dec sun-Tue')
    assert.ok('month' in monthly)
    assert.deepEqual([...monthly.month.values], [1, 12])
    assert.deepEqual([...monthly.dayOfWeek.values], [0, 1, 2])
    assert.equal(monthly.dayOfMonth.any, false)
    assert.deepEqual(parseSchedule('@hourly'), parseSchedule('0 * * * *'))
    assert.deepEqual(parseSchedule('@every 1h30m'), { everyMs: 5_400_000 })
    assert.deepEqual(parseSchedule('@every 10ms'), { everyMs: 1000 })
  })
  const cases: Record<string, string> = {
    '': 'empty spec string',
    '@often': 'unrecognized descriptor: @often',
    '@every day': 'failed to parse duration @every day: time: invalid duration "day"',
    '60 * * * *': 'end of range (60) above maximum (59): 60',
    '* * 0 * *': 'beginning of range (0) below minimum (1): 0',
    '5-1 * * * *': 'beginning of range (5) beyond end of range (1): 5-1',
    '1-2-3 * * * *': 'too many hyphens: 1-2-3',
    '*/2/3 * * * *': 'too many slashes: */2/3',
    '*/0 * * * *': 'step of range should be a positive number: */0',
    'x * * * *': 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax',
    '* * * * 7': 'end of range (7) above maximum (6): 7',
  }
  for (const [text, message] of Object.entries(cases)) {
    test(`are not ${JSON.stringify(text)}`, () => assert.throws(() => parseSchedule(text), { message }))
  }
})

test('a cron job is shown with its time', () => {
  const at = '2030-01-01T00:00:00Z'
  const status = { lastScheduleTime: at, active: [{ name: 'j' }] }
  assert.deepEqual(cells(cronJobs, { ...cronJob({ timeZone: 'UTC' }), status }, Date.parse(at) + 60_000), {
    Schedule: '@daily',
    Timezone: 'UTC',
    Suspend: 'False',
    Active: 1,
    'Last Schedule': '60s',
    Age: '<unknown>',
    Containers: 'c',
    Images: 'x',
    Selector: '<none>',
  })
})
