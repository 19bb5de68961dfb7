import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import { type CronJob, cronJobs } from '../../api/batch/cron-job/cron-job.ts'
import { parseSchedule } from '../../api/batch/cron-job/schedule.ts'
import { jobs } from '../../api/batch/job/job.ts'
import { events } from '../../api/core/event.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { playPods } from '../../testing/pod-player.ts'
import { jobController } from '../job-controller/controller.ts'
import { serviceAccountController } from '../service-account-controller/controller.ts'
import { startControllers } from '../start.ts'
import { ttlAfterFinishedController } from '../ttl-after-finished-controller/controller.ts'
import { cronJobController } from './controller.ts'
import { Calendar, missedTimes } from './next-time.ts'

const key = { namespace: 'default', name: 'tick' }

test('next: by the fields, the zone, and across the days on which clocks are changed', () => {
  const cases: [schedule: string, zone: string | undefined, after: string, next: string | undefined][] = [
    ['* * * * *', undefined, '2030-01-01T12:00:00Z', '2030-01-01T12:01:00Z'],
    ['*/15 * * * *', undefined, '2030-01-01T12:50:30Z', '2030-01-01T13:00:00Z'],
    ['0 0 29 2 *', undefined, '2029-01-01T00:00:00Z', '2032-02-29T00:00:00Z'],
    ['0 12 * * MON', undefined, '2030-01-01T12:00:00Z', '2030-01-07T12:00:00Z'],
    // The 13th or a Friday.
    ['0 0 13 * 5', undefined, '2030-01-01T00:00:00Z', '2030-01-04T00:00:00Z'],
    ['0 0 30 2 *', undefined, '2030-01-01T00:00:00Z', undefined],
    ['@every 90s', undefined, '2030-01-01T12:00:00Z', '2030-01-01T12:01:30Z'],
    ['0 9 * * *', 'Asia/Tokyo', '2030-01-01T12:00:00Z', '2030-01-02T00:00:00Z'],
    ['0 9 * * *', 'America/New_York', '2030-07-01T12:00:00Z', '2030-07-01T13:00:00Z'],
    // There is no half past two on this day.
    ['30 2 * * *', 'America/New_York', '2030-03-10T05:00:00Z', '2030-03-11T06:30:00Z'],
    // There are two half past ones on this day.
    ['30 1 * * *', 'America/New_York', '2030-11-03T05:30:00Z', '2030-11-03T06:30:00Z'],
    ['0 0 * * *', 'America/New_York', '2030-11-03T04:00:00Z', '2030-11-04T05:00:00Z'],
  ]
  for (const [schedule, zone, after, next] of cases) {
    const found = new Calendar(zone).next(parseSchedule(schedule), Date.parse(after))
    assert.equal(found && new Date(found).toISOString().replace('.000', ''), next, `${schedule} ${zone ?? ''}`)
  }
})

test('missedTimes finds the last time without walking through all of them', () => {
  const at = (text: string): number => Date.parse(text)
  const found = (schedule: string, since: string, now: string): unknown[] => {
    const { last, next, tooMany } = missedTimes(new Calendar(undefined), parseSchedule(schedule), at(since), at(now))
    return [last && new Date(last).toISOString(), next && new Date(next).toISOString(), tooMany]
  }
  assert.deepEqual(found('0 * * * *', '2030-01-01T12:00:00Z', '2030-01-01T12:59:00Z'), [
    undefined,
    '2030-01-01T13:00:00.000Z',
    false,
  ])
  assert.deepEqual(found('0 * * * *', '2030-01-01T12:00:00Z', '2030-01-01T15:10:00Z'), [
    '2030-01-01T15:00:00.000Z',
    '2030-01-01T16:00:00.000Z',
    false,
  ])
  assert.deepEqual(found('* * * * *', '2020-01-01T00:00:00Z', '2030-01-01T12:00:30Z'), [
    '2030-01-01T12:00:00.000Z',
    '2030-01-01T12:01:00.000Z',
    true,
  ])
})

interface Setting extends AsyncDisposable {
  cluster: TestCluster
  names(): Promise<string[]>
  told(reason: string): Promise<string[]>
}

async function begin(spec: object, template: object = {}): Promise<Setting> {
  const stack = new AsyncDisposableStack()
  const cluster = stack.use(await startCluster({ now: '2030-01-01T12:00:30Z' }))
  const { clock, random, client } = cluster
  const controllers = [serviceAccountController, jobController(), cronJobController, ttlAfterFinishedController]
  const options = { client: cluster.as, clock, random, log: silentLogger, configuration: {}, controllers }
  stack.use(startControllers(options))
  await cluster.advance('1s')
  const pod = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } }
  const jobTemplate = { spec: { template: pod, ...template } }
  const cronJob = { apiVersion: 'batch/v1', kind: 'CronJob', metadata: key, spec: { jobTemplate, ...spec } }
  await client.create(cronJobs, cronJob as unknown as CronJob)
  await cluster.advance('1s')
  return {
    cluster,
    names: async () => (await client.list(jobs)).items.map(({ metadata }) => metadata.name),
    async told(reason) {
      return (await client.list(events)).items.filter((e) => e.reason === reason).map(({ message }) => message ?? '')
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const MINUTE = Date.parse('2030-01-01T12:01:00Z') / 60_000

test('a job is made every minute, seen to its end, and kept as history within the limit', async () => {
  await using cron = await begin({ schedule: '* * * * *', successfulJobsHistoryLimit: 2 })
  const { cluster } = cron
  assert.deepEqual(await cron.names(), [])
  await cluster.advance('30s')
  assert.deepEqual(await cron.names(), [`tick-${MINUTE}`])
  const { status } = await cluster.client.get(cronJobs, key)
  assert.equal(status?.lastScheduleTime, '2030-01-01T12:01:00Z')
  assert.deepEqual(
    status?.active?.map(({ name }) => name),
    [`tick-${MINUTE}`],
  )
  for (let minute = 0; minute < 4; minute++) {
    await playPods(cluster, { fate: () => 'succeeded', rounds: 3 })
    await cluster.advance('57s')
  }
  await playPods(cluster, { fate: () => 'succeeded', rounds: 3 })
  assert.deepEqual(await cron.names(), [`tick-${MINUTE + 3}`, `tick-${MINUTE + 4}`])
  const after = (await cluster.client.get(cronJobs, key)).status
  assert.equal(after?.active, undefined)
  assert.match(after?.lastSuccessfulTime ?? '', /^2030-01-01T12:05/)
  assert.ok((await cron.told('SawCompletedJob')).includes(`Saw completed job: tick-${MINUTE}, condition: Complete`))
  const job = await cluster.client.get(jobs, { namespace: 'default', name: `tick-${MINUTE + 4}` })
  assert.equal(job.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'], '2030-01-01T12:05:00Z')
})

for (const [policy, expected] of Object.entries({ Allow: [0, 1, 2], Forbid: [0], Replace: [2] }))
  test(`jobs that take longer than their turn: ${policy}`, async () => {
    await using cron = await begin({ schedule: '* * * * *', concurrencyPolicy: policy })
    for (let minute = 0; minute < 3; minute++) await playPods(cron.cluster, { rounds: minute === 0 ? 50 : 60 })
    assert.deepEqual(
      await cron.names(),
      expected.map((i) => `tick-${MINUTE + i}`),
    )
    if (policy === 'Forbid') assert.equal((await cron.told('JobAlreadyActive')).length > 0, true)
  })

test('a suspended cron job makes none; what it missed is made up for once, or not after the deadline', async () => {
  for (const [startingDeadlineSeconds, expected] of [
    [undefined, [`tick-${MINUTE + 9}`]],
    [10, []],
  ] as const) {
    const deadline = startingDeadlineSeconds === undefined ? {} : { startingDeadlineSeconds }
    await using cron = await begin({ schedule: '* * * * *', suspend: true, ...deadline })
    await cron.cluster.advance('10m')
    assert.deepEqual(await cron.names(), [])
    const body = { spec: { suspend: false } }
    await cron.cluster.client.patch(cronJobs, key, { type: 'merge', body })
    await cron.cluster.advance('1s')
    assert.deepEqual(await cron.names(), expected)
  }
})

test('a finished job goes when its time to live has passed', async () => {
  await using cron = await begin({ schedule: '1 12 * * *' }, { ttlSecondsAfterFinished: 60 })
  await cron.cluster.advance('30s')
  await playPods(cron.cluster, { fate: () => 'succeeded', rounds: 3 })
  await cron.cluster.advance('55s')
  assert.deepEqual(await cron.names(), [`tick-${MINUTE}`])
  await cron.cluster.advance('6s')
  const job = await cron.cluster.get(jobs, { namespace: 'default', name: `tick-${MINUTE}` })
  // Its pods go first; nobody collects them in this test.
  assert.ok(job === undefined || job.metadata.deletionTimestamp !== undefined)
})
