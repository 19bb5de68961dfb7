// Daemon sets, stateful sets and their revisions: defaults, what is refused, what may change, and their rows.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, changed, created, problems, ready, statusChanged } from '../../testing/kinds.ts'
import { controllerRevisions } from './controller-revision.ts'
import { type DaemonSet, daemonSets } from './daemon-set.ts'
import { type StatefulSet, statefulSets } from './stateful-set.ts'

const selector = { matchLabels: { app: 'a' } }
const template = {
  metadata: { labels: { app: 'a' } },
  spec: { containers: [{ name: 'c', image: 'x' }], nodeSelector: { disk: 'ssd' } },
}
const GENERATION = 'deprecated.daemonset.template.generation'

const daemonSet = (spec: object = {}): DaemonSet => created(daemonSets, { spec: { selector, template, ...spec } })

describe('daemon sets', () => {
  test('roll one node after the other unless said', () => {
    const { spec, status, metadata } = daemonSet()
    assert.deepEqual(spec.updateStrategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } })
    assert.equal(spec.revisionHistoryLimit, 10)
    assert.equal(status?.numberReady, 0)
    assert.deepEqual(metadata.annotations, { [GENERATION]: '1' })
    assert.deepEqual(problems(daemonSets, daemonSet()), [])
  })

  const strategy = 'spec.updateStrategy'
  const cases: Record<string, [spec: object, want: string[]]> = {
    'a selector that misses': [
      { selector: { matchLabels: { app: 'b' } } },
      ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'],
    ],
    'an empty selector': [
      { selector: {} },
      ['spec.selector: Invalid value: {}: empty selector is invalid for daemonset'],
    ],
    'an unknown strategy': [
      { updateStrategy: { type: 'x' } },
      [`${strategy}: Unsupported value: {"type":"x"}: supported values: "OnDelete", "RollingUpdate"`],
    ],
    'surge beside unavailability': [
      { updateStrategy: { rollingUpdate: { maxSurge: '10%', maxUnavailable: 1 } } },
      [`${strategy}.rollingUpdate.maxSurge: Invalid value: "10%": may not be set when maxUnavailable is non-zero`],
    ],
    'neither of them': [
      { updateStrategy: { rollingUpdate: { maxUnavailable: '0%' } } },
      [`${strategy}.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0`],
    ],
    'more than all': [
      { updateStrategy: { rollingUpdate: { maxUnavailable: '101%' } } },
      [`${strategy}.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%`],
    ],
    'pods that end': [
      { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(`refuse ${name}`, () => assert.deepEqual(problems(daemonSets, daemonSet(spec)), want))
  }

  test('count their templates, whatever the client says', () => {
    const next = daemonSet({ template: { ...template, spec: { ...template.spec, hostNetwork: true } } })
    daemonSets.prepareUpdate?.(next, daemonSet())
    assert.equal(next.metadata.annotations?.[GENERATION], '2')
    const same = ready(daemonSets, { spec: { selector, template } })
    daemonSets.prepareUpdate?.(same, daemonSet())
    assert.equal(same.metadata.annotations?.[GENERATION], '1')
  })

  test('never uncount collisions', () => {
    const status = { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: -1 }
    const previous = { ...daemonSet(), status: { ...status, collisionCount: 2 } }
    const next = { ...daemonSet(), status }
    assert.deepEqual(problems(daemonSets, next), [
      'status.numberReady: Invalid value: -1: must be greater than or equal to 0',
    ])
    assert.deepEqual(statusChanged(daemonSets, previous, next), [
      'status.collisionCount: Invalid value: 0: cannot be decremented',
    ])
  })

  test('are shown with their nodes', () => {
    assert.deepEqual(cells(daemonSets, daemonSet()), {
      Desired: 0,
      Current: 0,
      Ready: 0,
      'Up-to-date': 0,
      Available: 0,
      'Node Selector': 'disk=ssd',
      Age: '<unknown>',
      Containers: 'c',
      Images: 'x',
      Selector: 'app=a',
    })
  })
})

const claim = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
}
const mounting = {
  metadata: { labels: { app: 'a' } },
  spec: { containers: [{ name: 'c', image: 'x', volumeMounts: [{ name: 'data', mountPath: '/d' }] }] },
}
const statefulSet = (spec: object = {}): StatefulSet => created(statefulSets, { spec: { selector, template, ...spec } })

describe('stateful sets', () => {
  test('say how they grow, change and keep their claims', () => {
    const { spec, status } = statefulSet({ volumeClaimTemplates: [{ ...claim, apiVersion: undefined }] })
    assert.deepEqual(
      {
        replicas: 1,
        revisionHistoryLimit: 10,
        podManagementPolicy: 'OrderedReady',
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable: 1 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      },
      {
        replicas: spec.replicas,
        revisionHistoryLimit: spec.revisionHistoryLimit,
        podManagementPolicy: spec.podManagementPolicy,
        updateStrategy: spec.updateStrategy,
        persistentVolumeClaimRetentionPolicy: spec.persistentVolumeClaimRetentionPolicy,
      },
    )
    assert.deepEqual(status, { replicas: 0, availableReplicas: 0 })
    assert.deepEqual(spec.volumeClaimTemplates, [
      { ...claim, spec: { ...claim.spec, volumeMode: 'Filesystem' }, status: { phase: 'Pending' } },
    ])
  })

  test('mount what they claim', () => {
    const good = statefulSet({ template: mounting, volumeClaimTemplates: [claim] })
    assert.deepEqual(problems(statefulSets, good), [])
    assert.deepEqual(problems(statefulSets, statefulSet({ template: mounting })), [
      'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"',
    ])
  })

  const cases: Record<string, [spec: object, want: string[]]> = {
    'an unknown policy': [
      { podManagementPolicy: 'x' },
      [`spec.podManagementPolicy: Invalid value: "x": must be 'OrderedReady' or 'Parallel'`],
    ],
    'an unknown strategy': [
      { updateStrategy: { type: 'x' } },
      [`spec.updateStrategy: Invalid value: {"type":"x"}: must be 'RollingUpdate' or 'OnDelete'`],
    ],
    'figures that do not apply': [
      { updateStrategy: { type: 'OnDelete', rollingUpdate: {} } },
      [
        `spec.updateStrategy.rollingUpdate: Invalid value: {"partition":0,"maxUnavailable":1}: only allowed for updateStrategy 'RollingUpdate'`,
      ],
    ],
    'a negative partition': [
      { updateStrategy: { rollingUpdate: { partition: -1, maxUnavailable: 0 } } },
      [
        'spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0',
        'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0',
      ],
    ],
    'a first ordinal below zero': [
      { ordinals: { start: -1 } },
      ['spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0'],
    ],
    'an unknown fate of claims': [
      { persistentVolumeClaimRetentionPolicy: { whenScaled: 'x' } },
      [
        'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "x": supported values: "Delete", "Retain"',
      ],
    ],
    'a claim without a size': [
      { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }] },
      ['spec.volumeClaimTemplates[0].spec.resources[storage]: Required value'],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(`refuse ${name}`, () => assert.deepEqual(problems(statefulSets, statefulSet(spec)), want))
  }

  test('keep all but what may change', () => {
    const allowed = {
      replicas: 3,
      ordinals: { start: 1 },
      template: mounting,
      updateStrategy: { type: 'OnDelete' },
      revisionHistoryLimit: 3,
      persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' },
      minReadySeconds: 1,
    }
    assert.deepEqual(changed(statefulSets, statefulSet(), statefulSet(allowed)), [])
    const forbidden = [{ serviceName: 's' }, { podManagementPolicy: 'Parallel' }, { volumeClaimTemplates: [claim] }]
    for (const spec of forbidden) {
      assert.deepEqual(changed(statefulSets, statefulSet(), statefulSet(spec)), [
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      ])
    }
  })

  test('count no more than there is', () => {
    const next = { ...statefulSet(), status: { replicas: 1, readyReplicas: 1, availableReplicas: 2 } }
    assert.deepEqual(statusChanged(statefulSets, statefulSet(), next), [
      'status.availableReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas',
    ])
  })

  test('are shown with their pods', () => {
    assert.deepEqual(cells(statefulSets, statefulSet()), {
      Ready: '0/1',
      Age: '<unknown>',
      Containers: 'c',
      Images: 'x',
    })
  })
})

describe('controller revisions', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true }
  const revision = { metadata: { ownerReferences: [owner] }, data: { spec: {} }, revision: 3 }
  test('need data, which stays', () => {
    assert.deepEqual(problems(controllerRevisions, ready(controllerRevisions, {})), [
      'data: Required value: data is mandatory',
    ])
    const [previous, next] = [created(controllerRevisions, revision), created(controllerRevisions, revision)]
    next.revision = 4
    assert.deepEqual(changed(controllerRevisions, previous, next), [])
    next.data = {}
    assert.deepEqual(changed(controllerRevisions, previous, next), ['data: Invalid value: {}: field is immutable'])
  })
  test('are shown with who made them', () => {
    const want = { Controller: 'statefulset.apps/web', Revision: 3, Age: '<unknown>' }
    assert.deepEqual(cells(controllerRevisions, created(controllerRevisions, revision)), want)
    assert.equal(cells(controllerRevisions, ready(controllerRevisions, {}))['Controller'], '<none>')
  })
})
