import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { JobSpec, JobStatus } from '../../api/batch/job/fields.ts'
import { type Job, jobs } from '../../api/batch/job/job.ts'
import { events } from '../../api/core/event.ts'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { type Fate, playPods } from '../../testing/pod-player.ts'
import { serviceAccountController } from '../service-account-controller/controller.ts'
import { startControllers } from '../start.ts'
import { indexSet, indexText } from './index-set.ts'
import { jobController } from './controller.ts'

const key = { namespace: 'default', name: 'work' }
const INDEX = 'batch.kubernetes.io/job-completion-index'

interface Setting extends AsyncDisposable {
  cluster: TestCluster
  status(): Promise<DeepReadonly<JobStatus>>
  /** The conditions that are true, with their reasons. */
  conditions(): Promise<string[]>
  list(): Promise<readonly DeepReadonly<Pod>[]>
  play(rounds: number, fate?: (pod: DeepReadonly<Pod>) => Fate): Promise<void>
  told(): Promise<string[]>
}

async function begin(spec: Partial<JobSpec> & Record<string, unknown>, restartPolicy = 'Never'): Promise<Setting> {
  const stack = new AsyncDisposableStack()
  const cluster = stack.use(await startCluster())
  const { clock, random, client } = cluster
  const controllers = [serviceAccountController, jobController()]
  const options = { client: cluster.as, clock, random, log: silentLogger, configuration: {}, controllers }
  stack.use(startControllers(options))
  await cluster.advance('1s')
  const template = { spec: { restartPolicy, containers: [{ name: 'c', image: 'i' }] } }
  const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: key, spec: { template, ...spec } }
  await client.create(jobs, job as unknown as Job)
  await cluster.advance('1s')
  const list = async (): Promise<readonly DeepReadonly<Pod>[]> => (await client.list(pods)).items
  return {
    cluster,
    status: async () => (await client.get(jobs, key)).status ?? {},
    async conditions() {
      const { status } = await client.get(jobs, key)
      return (status?.conditions ?? []).filter((c) => c.status === 'True').map((c) => `${c.type} ${c.reason}`)
    },
    list,
    play: (rounds, fate) => playPods(cluster, { rounds, ...(fate ? { fate } : {}) }),
    async told() {
      const { items } = await client.list(events)
      return items.filter(({ involvedObject }) => involvedObject.kind === 'Job').map((e) => `${e.reason}: ${e.message}`)
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const MET = ['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']
const failedBy = (reason: string): string[] => [`FailureTarget ${reason}`, `Failed ${reason}`]

test('sets of indexes and their text', () => {
  for (const text of ['', '0', '0,1', '0-2', '1,3-5,7,9,10']) assert.equal(indexText(indexSet(text, 100)), text)
  assert.equal(indexText(indexSet('1,3-5,7', 5)), '1,3,4')
})

test('a job runs so many pods at a time until so many have succeeded, each counted once', async () => {
  await using job = await begin({ completions: 5, parallelism: 2 })
  assert.equal((await job.list()).length, 2)
  assert.ok((await job.list()).every(({ metadata }) => metadata.finalizers?.[0] === 'batch.kubernetes.io/job-tracking'))
  await job.play(1)
  assert.deepEqual([(await job.status()).active, (await job.status()).ready], [2, 2])
  await job.play(6, () => 'succeeded')
  const { succeeded, active, startTime, completionTime, failed } = await job.status()
  assert.deepEqual([succeeded, active ?? 0, failed ?? 0], [5, 0, 0])
  assert.ok(startTime !== undefined && completionTime !== undefined && startTime < completionTime)
  assert.deepEqual(await job.conditions(), MET)
  assert.equal((await job.list()).length, 5)
  assert.ok((await job.list()).every(({ metadata }) => metadata.finalizers === undefined))
  const told = await job.told()
  assert.equal(told.filter((text) => /^SuccessfulCreate: Created pod: work-\w{5}$/.test(text)).length, 5)
  assert.ok(told.includes('Completed: Job completed'))
})

test('a job without a number of completions ends with its first success, and leaves the others to end', async () => {
  await using job = await begin({ parallelism: 2 })
  const [first] = await job.list()
  await job.play(2, ({ metadata }) => (metadata.name === first?.metadata.name ? 'succeeded' : 'ready'))
  assert.deepEqual(await job.conditions(), [])
  assert.equal((await job.list()).length, 2)
  await job.play(2, () => 'succeeded')
  assert.deepEqual(await job.conditions(), MET)
})

test('failures are tried again after 10 s, 20 s …, up to the limit', async () => {
  await using job = await begin({ backoffLimit: 2 })
  const seen: number[] = []
  for (let second = 0; second < 60; second++) {
    await job.play(1, () => ({ exitCode: 1 }))
    const count = (await job.list()).length
    if (count !== seen.length) seen.push(second)
  }
  assert.equal(seen.length, 3)
  const [a = 0, b = 0, c = 0] = seen
  assert.ok(b - a >= 9 && b - a <= 12 && c - b >= 19 && c - b <= 23, String(seen))
  assert.deepEqual(await job.conditions(), failedBy('BackoffLimitExceeded'))
  assert.equal((await job.status()).failed, 3)
  assert.ok((await job.told()).includes('BackoffLimitExceeded: Job has reached the specified backoff limit'))
})

test('a job that is active for too long fails, and its pods go; it is over when they are gone', async () => {
  await using job = await begin({ activeDeadlineSeconds: 30, parallelism: 2, completions: 2 })
  await job.play(20)
  assert.deepEqual(await job.conditions(), [])
  await job.play(10, () => 'stuck')
  assert.deepEqual(await job.conditions(), ['FailureTarget DeadlineExceeded'])
  assert.equal((await job.status()).terminating, 2)
  await job.play(3)
  assert.deepEqual(await job.conditions(), failedBy('DeadlineExceeded'))
  assert.deepEqual(await job.list(), [])
  const { active = 0, terminating = 0, failed } = await job.status()
  assert.deepEqual([active, terminating, failed], [0, 0, 2])
})

test('a suspended job has no pods; its time begins when it is resumed', async () => {
  await using job = await begin({ suspend: true, activeDeadlineSeconds: 60 })
  assert.deepEqual(await job.list(), [])
  assert.equal((await job.status()).startTime, undefined)
  assert.deepEqual(await job.conditions(), ['Suspended JobSuspended'])
  const suspend = (is: boolean): Promise<unknown> =>
    job.cluster.client.patch(jobs, key, { type: 'merge', body: { spec: { suspend: is } } })
  await job.cluster.advance('2m')
  await suspend(false)
  await job.play(2)
  const first = (await job.status()).startTime
  assert.equal((await job.list()).length, 1)
  await suspend(true)
  await job.play(3)
  assert.deepEqual(await job.list(), [])
  assert.equal((await job.status()).startTime, undefined)
  await suspend(false)
  // The pod that went counts as a failure: its successor waits.
  await job.play(12)
  assert.notEqual((await job.status()).startTime, first)
  await job.play(2, () => 'succeeded')
  assert.deepEqual(await job.conditions(), MET)
  const told = await job.told()
  assert.ok(told.includes('Suspended: Job suspended') && told.includes('Resumed: Job resumed'))
})

test('an indexed job runs each index once to its success', async () => {
  await using job = await begin({ completionMode: 'Indexed', completions: 4, parallelism: 3 })
  const indexes = async (): Promise<unknown[]> =>
    (await job.list()).map(({ metadata }) => metadata.annotations?.[INDEX]).sort()
  assert.deepEqual(await indexes(), ['0', '1', '2'])
  const [pod] = await job.list()
  const index = pod?.metadata.annotations?.[INDEX]
  assert.match(pod?.metadata.name ?? '', new RegExp(`^work-${index}-\\w{5}$`))
  assert.equal(pod?.spec?.hostname, `work-${index}`)
  assert.equal(pod?.metadata.labels?.[INDEX], index)
  assert.equal(pod?.spec?.containers[0]?.env?.[0]?.name, 'JOB_COMPLETION_INDEX')
  await job.play(1, ({ metadata }) => (metadata.annotations?.[INDEX] === '1' ? 'ready' : 'succeeded'))
  assert.equal((await job.status()).completedIndexes, '0,2')
  await job.play(3, () => 'succeeded')
  assert.equal((await job.status()).completedIndexes, '0-3')
  assert.equal((await job.status()).succeeded, 4)
  assert.deepEqual(await job.conditions(), MET)
})

test('each index has its own limit of failures', async () => {
  const spec = { completionMode: 'Indexed', completions: 3, parallelism: 3, backoffLimitPerIndex: 1 } as const
  await using job = await begin(spec)
  const fate = ({ metadata }: DeepReadonly<Pod>): Fate =>
    metadata.annotations?.[INDEX] === '1' ? { exitCode: 1 } : 'succeeded'
  await job.play(5, fate)
  assert.equal((await job.status()).completedIndexes, '0,2')
  assert.deepEqual(await job.conditions(), [])
  await job.play(20, fate)
  const counts = (await job.list())
    .filter(({ metadata }) => metadata.annotations?.[INDEX] === '1')
    .map(({ metadata }) => metadata.annotations?.['batch.kubernetes.io/job-index-failure-count'])
  assert.deepEqual(counts.sort(), ['0', '1'])
  const { failedIndexes, completedIndexes, failed } = await job.status()
  assert.deepEqual([failedIndexes, completedIndexes, failed], ['1', '0,2', 2])
  assert.deepEqual(await job.conditions(), failedBy('FailedIndexes'))
})

test('more failed indexes than allowed end the job', async () => {
  await using job = await begin({
    completionMode: 'Indexed',
    completions: 10,
    parallelism: 2,
    backoffLimitPerIndex: 0,
    maxFailedIndexes: 2,
  })
  await job.play(6, () => ({ exitCode: 1 }))
  assert.deepEqual(await job.conditions(), failedBy('MaxFailedIndexesExceeded'))
})

test('a failure policy ignores, counts, or ends the job', async () => {
  const rules = [
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
    { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } },
    { action: 'Count', onExitCodes: { operator: 'NotIn', values: [1] } },
  ]
  await using job = await begin({ backoffLimit: 1, podFailurePolicy: { rules } as never })
  const [pod] = await job.list()
  const conditions = [{ type: 'DisruptionTarget', status: 'True' }]
  const disrupted = { namespace: 'default', name: pod?.metadata.name ?? '' }
  const patch = { type: 'strategic', body: { status: { conditions } } } as const
  await job.cluster.client.patch(pods, disrupted, patch, { subresource: 'status' })
  await job.play(3, ({ metadata }) => (metadata.name === disrupted.name ? { exitCode: 137 } : 'ready'))
  assert.equal((await job.status()).failed ?? 0, 0)
  await job.play(15)
  await job.play(3, () => ({ exitCode: 42 }))
  assert.deepEqual(await job.conditions(), failedBy('PodFailurePolicy'))
  const last = (await job.list()).find(({ metadata }) => metadata.name !== disrupted.name)
  const text = `PodFailurePolicy: Container c for pod default/${last?.metadata.name} failed with exit code 42 matching FailJob rule at index 1`
  assert.ok((await job.told()).includes(text))
})

test('a success policy ends the job early, and what still runs goes', async () => {
  await using job = await begin({
    completionMode: 'Indexed',
    completions: 3,
    parallelism: 3,
    successPolicy: { rules: [{ succeededIndexes: '1-2', succeededCount: 1 }] },
  })
  await job.play(2, ({ metadata }) => (metadata.annotations?.[INDEX] === '0' ? 'succeeded' : 'ready'))
  assert.deepEqual(await job.conditions(), [])
  await job.play(4, ({ metadata }) => (metadata.annotations?.[INDEX] === '2' ? 'succeeded' : 'ready'))
  assert.deepEqual(await job.conditions(), ['SuccessCriteriaMet SuccessPolicy', 'Complete SuccessPolicy'])
  assert.deepEqual([(await job.status()).completedIndexes, (await job.status()).succeeded], ['0,2', 2])
})

test('a pod on its way out is replaced at once, or with policy Failed when it has ended', async () => {
  for (const [podReplacementPolicy, expected] of [
    ['TerminatingOrFailed', 2],
    ['Failed', 1],
  ] as const) {
    await using job = await begin({ podReplacementPolicy })
    await job.play(1)
    const [pod] = await job.list()
    await job.cluster.client.delete(pods, { namespace: 'default', name: pod?.metadata.name ?? '' })
    await job.play(12, ({ metadata }) => (metadata.name === pod?.metadata.name ? 'stuck' : 'ready'))
    assert.equal((await job.list()).length, expected, podReplacementPolicy)
    await job.play(15)
    assert.equal((await job.list()).filter(({ metadata }) => !metadata.deletionTimestamp).length, 1)
  }
})

test('a job that is deleted lets go of its pods', async () => {
  await using job = await begin({ parallelism: 2, completions: 2 })
  await job.play(1)
  await job.cluster.client.delete(jobs, key, { propagationPolicy: 'Orphan' })
  await job.cluster.advance('1s')
  const [pod] = await job.list()
  const body = { metadata: { ownerReferences: null } }
  const name = pod?.metadata.name ?? ''
  await job.cluster.client.patch(jobs, key, { type: 'merge', body: { metadata: { finalizers: null } } })
  await job.cluster.client.patch(pods, { namespace: 'default', name }, { type: 'merge', body })
  await job.cluster.advance('1s')
  assert.ok((await job.list()).every(({ metadata }) => metadata.finalizers === undefined))
})
