// Jobs: what is filled in, how a job finds its pods, what is refused, what may change, and the row it is shown as.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, changed, created, problems, statusChanged } from '../../../testing/kinds.ts'
import { countIndexes, firstCommonIndex, parseIndexes } from './indexes.ts'
import { type Job, jobs } from './job.ts'

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } }
const job = (spec: object = {}, rest: object = {}): Job => created(jobs, { spec: { template, ...spec }, ...rest })
const LABELS = {
  'controller-uid': 'u',
  'job-name': 'x',
  'batch.kubernetes.io/controller-uid': 'u',
  'batch.kubernetes.io/job-name': 'x',
}

describe('a new job', () => {
  test('runs one pod once, and finds it by labels of its own', () => {
    const { metadata, spec } = job()
    assert.deepEqual(
      { ...spec, template: spec.template.metadata },
      {
        template: { labels: LABELS },
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } },
        completions: 1,
        parallelism: 1,
        backoffLimit: 6,
        completionMode: 'NonIndexed',
        suspend: false,
        manualSelector: false,
        podReplacementPolicy: 'TerminatingOrFailed',
      },
    )
    assert.deepEqual(metadata.labels, LABELS)
    assert.deepEqual(problems(jobs, job()), [])
  })
  test('counts no completions where many run and none is asked for', () => {
    assert.equal(job({ parallelism: 2 }).spec.completions, undefined)
    assert.equal(
      job({ completionMode: 'Indexed', completions: 2, backoffLimitPerIndex: 1 }).spec.backoffLimit,
      2 ** 31 - 1,
    )
    const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }]
    const { podReplacementPolicy, podFailurePolicy } = job({ podFailurePolicy: { rules } }).spec
    assert.equal(podReplacementPolicy, 'Failed')
    assert.equal(podFailurePolicy?.rules[0]?.onPodConditions?.[0]?.status, 'True')
  })
  test('selects by hand if it is told to', () => {
    const labelled = { ...template, metadata: { labels: { app: 'a' } } }
    const manual = job({ manualSelector: true, selector: { matchLabels: { app: 'a' } }, template: labelled })
    assert.deepEqual(manual.spec.selector, { matchLabels: { app: 'a' } })
    assert.deepEqual(problems(jobs, manual), [])
    assert.deepEqual(problems(jobs, job({ manualSelector: true })), [
      'spec.selector: Required value',
      'spec.template.metadata.labels: Invalid value: {}: `selector` does not match template `labels`',
    ])
  })
})

const indexed = { completionMode: 'Indexed', completions: 3 }
const failure = (rule: object): object => ({ podFailurePolicy: { rules: [rule] } })
const at = 'spec.podFailurePolicy.rules[0]'

describe('a job is refused with', () => {
  const cases: Record<string, [spec: object, want: string[]]> = {
    'pods that never end': [
      { template: { spec: { containers: template.spec.containers } } },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    'labels that are another job’s': [
      { template: { ...template, metadata: { labels: { 'job-name': 'y' } } } },
      [
        `spec.template.metadata.labels[job-name]: Invalid value: {"controller-uid":"u","job-name":"y","batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"x"}: must be 'x'`,
      ],
    ],
    'a negative figure': [
      { backoffLimit: -1 },
      ['spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0'],
    ],
    'indexes without an end': [
      { completionMode: 'Indexed', completions: undefined, parallelism: 1 },
      ['spec.completions: Required value: when completion mode is Indexed'],
    ],
    'retries of indexes that it has not': [
      { backoffLimitPerIndex: 1, maxFailedIndexes: 1 },
      [
        'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode',
        'spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode',
      ],
    ],
    'more failed indexes than there are': [
      { ...indexed, maxFailedIndexes: 4 },
      [
        'spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified',
        'spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions',
      ],
    ],
    'too many at a time': [
      { completionMode: 'Indexed', completions: 200_000, parallelism: 100_001, backoffLimitPerIndex: 1 },
      [
        'spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed',
        'spec.maxFailedIndexes: Required value: must be specified when completions is above 100000',
        'spec.parallelism: Invalid value: 100001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index',
      ],
    ],
    'a manager without a domain': [
      { managedBy: 'me' },
      ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    'an empty rule': [
      failure({}),
      [
        `${at}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]`,
        `${at}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`,
      ],
    ],
    'exit codes in disorder': [
      failure({ action: 'FailIndex', onExitCodes: { operator: 'In', containerName: 'd', values: [2, 0, 2] } }),
      [
        `${at}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set`,
        `${at}.onExitCodes.containerName: Invalid value: "d": must be one of the container or initContainer names in the pod template`,
        `${at}.onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator`,
        `${at}.onExitCodes.values[2]: Duplicate value: 2`,
        `${at}.onExitCodes.values: Invalid value: [2,0,2]: must be ordered`,
      ],
    ],
    'replacement before the failure is known': [
      {
        ...failure({ action: 'Count', onExitCodes: { operator: 'In', values: [1] } }),
        podReplacementPolicy: 'TerminatingOrFailed',
      },
      ['spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"'],
    ],
    'success without indexes': [
      { successPolicy: { rules: [{ succeededCount: 1 }] } },
      ['spec.successPolicy: Invalid value: {"rules":[{"succeededCount":1}]}: requires indexed completion mode'],
    ],
    'success of more than there are': [
      {
        ...indexed,
        successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 3 }, { succeededIndexes: '3' }] },
      },
      [
        'spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)',
        'spec.successPolicy.rules[1].succeededIndexes: Invalid value: "3": error parsing succeededIndexes: too large index: "3"',
      ],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(jobs, job(spec)), want))
  }
  test('a name that its pods cannot have', () => {
    const name = 'a'.repeat(62)
    assert.deepEqual(problems(jobs, job(indexed, { metadata: { name } })), [
      `metadata.name: Invalid value: "${name}": will not able to create pod with invalid DNS label: ${name}-2`,
    ])
  })
})

describe('an existing job', () => {
  const other = { ...template, spec: { ...template.spec, nodeSelector: { disk: 'ssd' } } }
  test('keeps its template and what counts its pods', () => {
    assert.deepEqual(changed(jobs, job(), job({ parallelism: 3, completions: 1, suspend: true })), [])
    const found = changed(jobs, job(), job({ completions: 2, template: other, managedBy: 'a.io/b' }))
    assert.deepEqual(
      found.map((text) => text.split(':', 1)[0]),
      ['spec.completions', 'spec.template', 'spec.managedBy'],
    )
    assert.match(found[0] ?? '', /Invalid value: 2: field is immutable/)
  })
  test('may be placed anew while it is suspended', () => {
    const [container] = template.spec.containers
    const resources = { requests: { cpu: '1' } }
    const placed = { spec: { ...other.spec, containers: [{ ...container, resources }] } }
    assert.deepEqual(changed(jobs, job({ suspend: true }), job({ suspend: false, template: placed })), [])
    const image = { spec: { ...other.spec, containers: [{ ...container, image: 'y' }] } }
    assert.equal(changed(jobs, job({ suspend: true }), job({ template: image })).length, 1)
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } }
    const bound = { spec: { ...template.spec, affinity } }
    assert.deepEqual(changed(jobs, job({ suspend: true }), job({ template: bound })), [])
    assert.deepEqual(changed(jobs, job({ suspend: true, template: bound }), job()), [])
    const running = job({ suspend: true }, {})
    running.status = { startTime: '2030-01-01T00:00:00Z', active: 1 }
    assert.equal(changed(jobs, running, job({ template: placed })).length, 1)
  })
  test('grows with its parallelism if its indexes count', () => {
    const grown = job({ ...indexed, completions: 5, parallelism: 5 })
    assert.deepEqual(changed(jobs, job(indexed), grown), [])
    assert.deepEqual(changed(jobs, job(indexed), job({ ...indexed, completions: 5 })), [
      'spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism',
    ])
  })
})

describe('the status of a job', () => {
  const time = '2030-01-01T00:00:00Z'
  const is = (...types: string[]): object => ({ conditions: types.map((type) => ({ type, status: 'True' })) })
  const found = (previous: object, next: object, spec: object = {}): string[] =>
    statusChanged(jobs, { ...job(spec), status: previous }, { ...job(spec), status: next })

  test('ends well', () => {
    const done = { ...is('SuccessCriteriaMet', 'Complete'), startTime: time, completionTime: time, succeeded: 1 }
    assert.deepEqual(found({ startTime: time }, done), [])
    assert.deepEqual(found(done, { ...done, ready: 0 }), [])
  })
  const cases: Record<string, [previous: object, next: object, want: string[], spec?: object]> = {
    'an end without its signs': [
      {},
      is('Complete'),
      [
        'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
        'status.completionTime: Required value: completionTime is required for Complete jobs',
        'status.startTime: Required value: startTime is required for finished job',
      ],
    ],
    'a return from the end': [
      { ...is('FailureTarget', 'Failed'), startTime: time },
      { startTime: time },
      [
        'status.conditions: Invalid value: cannot disable the terminal Failed=True condition',
        'status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition',
      ],
    ],
    'counting downwards': [
      { failed: 2, succeeded: 2 },
      { failed: 1, succeeded: 1 },
      [
        'status.failed: Invalid value: 1: cannot decrease the failed counter',
        'status.succeeded: Invalid value: 1: cannot decrease the succeeded counter',
      ],
    ],
    'a start that moves': [
      { startTime: time },
      {},
      ['status.startTime: Required value: startTime cannot be removed for unsuspended job'],
    ],
    'pods after the end': [
      { startTime: time },
      { ...is('FailureTarget', 'Failed'), startTime: time, active: 1, uncountedTerminatedPods: { failed: ['u'] } },
      [
        'status.active: Invalid value: 1: active>0 is invalid for finished job',
        'status.uncountedTerminatedPods: Invalid value: {"failed":["u"]}: uncountedTerminatedPods needs to be empty for finished job',
      ],
    ],
    'indexes of a job that has none': [
      {},
      { completedIndexes: '0', failedIndexes: '0' },
      [
        'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
        'status.failedIndexes: Invalid value: "0": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
        'status.failedIndexes: Invalid value: "0": failedIndexes and completedIndexes overlap at index: 0',
      ],
    ],
    'a pod that is counted twice': [
      {},
      { uncountedTerminatedPods: { succeeded: ['a', ''], failed: ['a'] } },
      [
        'status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty',
        'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
      ],
    ],
  }
  for (const [name, [previous, next, want, spec]] of Object.entries(cases)) {
    test(`refuses ${name}`, () => assert.deepEqual(found(previous, next, spec), want))
  }
})

test('a job is shown with what it has done', () => {
  const now = Date.parse('2030-01-01T00:01:40Z')
  const started = { ...job(), status: { startTime: '2030-01-01T00:00:00Z', succeeded: 1 } }
  assert.deepEqual(cells(jobs, started, now), {
    Status: 'Running',
    Completions: '1/1',
    Duration: '100s',
    Age: '<unknown>',
    Containers: 'c',
    Images: 'x',
    Selector: 'batch.kubernetes.io/controller-uid=u',
  })
  const conditions = [{ type: 'Complete', status: 'True' }]
  const done = {
    ...job({ parallelism: 2 }),
    status: { ...started.status, completionTime: '2030-01-01T00:00:30Z', conditions },
  }
  const { Status, Completions, Duration } = cells(jobs, done, now)
  assert.deepEqual([Status, Completions, Duration], ['Complete', '1/1 of 2', '30s'])
})

test('a job whose name its pods cannot have is warned of', () => {
  assert.match(jobs.warnings?.(job({}, { metadata: { name: 'a.b' } }))[0] ?? '', /^metadata\.name: this is used in Pod/)
  assert.deepEqual(jobs.warnings?.(job()), [])
})

describe('indexes', () => {
  test('are ranges in order', () => {
    assert.deepEqual(parseIndexes('0,2-4', 5), [
      { first: 0, last: 0 },
      { first: 2, last: 4 },
    ])
    assert.equal(countIndexes(parseIndexes('0,2-4', 5)), 4)
    assert.equal(firstCommonIndex('0,2-4,x', '1,3-9', 10), 3)
    assert.equal(firstCommonIndex('0', '1', 10), undefined)
  })
  const cases: Record<string, string> = {
    '1,1': 'non-increasing order, previous: 1, current: 1',
    '3-2': 'non-increasing order, previous: 3, current: 2',
    a: 'cannot convert string to integer for index: "a"',
    '9': 'too large index: "9"',
    '1-2-3':
      'the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by \'-\'',
  }
  for (const [text, message] of Object.entries(cases)) {
    test(`are not ${text}`, () => assert.throws(() => parseIndexes(text, 5), { message }))
  }
})
