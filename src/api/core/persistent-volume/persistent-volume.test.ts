// Volumes and the claims on them: defaults, what is refused, what may change, and their rows.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, changed, created, problems, ready, statusChanged } from '../../../testing/kinds.ts'
import {
  type PersistentVolumeClaim,
  persistentVolumeClaims,
} from '../persistent-volume-claim/persistent-volume-claim.ts'
import { type PersistentVolume, persistentVolumes } from './persistent-volume.ts'

const time = '2030-01-01T00:00:00Z'
const base = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] }
const volume = (spec: object = {}, metadata: object = {}): PersistentVolume =>
  created(persistentVolumes, {
    metadata: { namespace: undefined, creationTimestamp: time, ...metadata },
    spec: { ...base, ...spec },
  })
const onDisk = (spec: object = {}): PersistentVolume => volume({ hostPath: { path: '/v' }, ...spec })
const csi = { driver: 'csi.example.com', volumeHandle: 'h' }
const secret = { name: 's', namespace: 'n' }

describe('volumes', () => {
  test('are kept, hold a file system and wait for a claim', () => {
    const { spec, status } = onDisk()
    assert.equal(spec.persistentVolumeReclaimPolicy, 'Retain')
    assert.equal(spec.volumeMode, 'Filesystem')
    assert.deepEqual(status, { phase: 'Pending', lastPhaseTransitionTime: time })
    assert.deepEqual(problems(persistentVolumes, onDisk()), [])
  })

  const cases: Record<string, [spec: object, want: string[]]> = {
    'no source': [{}, ['spec: Required value: must specify a volume type']],
    'two sources': [
      { hostPath: { path: '/v' }, csi },
      ['spec.csi: Forbidden: may not specify more than 1 volume type'],
    ],
    'no size and no mode': [
      { hostPath: { path: '/v' }, capacity: {}, accessModes: [] },
      [
        'spec.accessModes: Required value',
        'spec.capacity: Required value',
        'spec.capacity: Unsupported value: {}: supported values: "storage"',
      ],
    ],
    'a size of nothing': [
      { hostPath: { path: '/v' }, capacity: { storage: '0' } },
      ['spec.capacity[storage]: Invalid value: "0": must be greater than zero'],
    ],
    'modes that do not go together': [
      { hostPath: { path: '/v' }, accessModes: ['ReadWriteOncePod', 'ReadOnlyMany', 'x'] },
      [
        'spec.accessModes: Unsupported value: "x": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
        'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
      ],
    ],
    'the root to be wiped': [
      { hostPath: { path: '//./' }, persistentVolumeReclaimPolicy: 'Recycle' },
      ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
    ],
    'a disk of no node': [
      { local: { path: '/../d' } },
      [
        `spec.local.path: Invalid value: "/../d": must not contain '..'`,
        'spec.nodeAffinity: Required value: Local volume requires node affinity',
      ],
    ],
    'an affinity without terms': [
      { csi, nodeAffinity: { required: {} } },
      ['spec.nodeAffinity.required.nodeSelectorTerms: Required value: must have at least one node selector term'],
    ],
    'half a secret': [
      { csi: { ...csi, driver: '', nodeStageSecretRef: { name: 's' } } },
      ['spec.csi.driver: Required value', 'spec.csi.nodeStageSecretRef.namespace: Required value'],
    ],
    'attributes that nobody sets': [
      { hostPath: { path: '/v' }, volumeAttributesClassName: '' },
      [
        'spec.volumeAttributesClassName: Required value: an empty string is disallowed',
        'spec.csi: Required value: has to be specified when using volumeAttributesClassName',
      ],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(`are refused with ${name}`, () => assert.deepEqual(problems(persistentVolumes, volume(spec)), want))
  }

  test('stay where they are', () => {
    assert.deepEqual(changed(persistentVolumes, onDisk(), onDisk({ persistentVolumeReclaimPolicy: 'Delete' })), [])
    assert.deepEqual(changed(persistentVolumes, onDisk(), onDisk({ hostPath: { path: '/w' }, volumeMode: 'Block' })), [
      'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation',
      'volumeMode: Invalid value: "Block": field is immutable',
    ])
    const expanding = volume({ csi: { ...csi, controllerExpandSecretRef: secret } })
    assert.deepEqual(changed(persistentVolumes, volume({ csi }), expanding), [])
    assert.equal(changed(persistentVolumes, expanding, volume({ csi })).length, 1)
  })

  test('of plugins that are gone are warned of', () => {
    const rbd = { monitors: ['m'], image: 'i' }
    assert.deepEqual(persistentVolumes.warnings?.(volume({ rbd, persistentVolumeReclaimPolicy: 'Recycle' })), [
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      'spec.rbd: deprecated in v1.28, non-functional in v1.31+',
    ])
  })

  test('are shown with their claim', () => {
    const claimRef = { namespace: 'default', name: 'c' }
    const now = Date.parse(time) + 5000
    assert.deepEqual(cells(persistentVolumes, onDisk({ claimRef, storageClassName: 'fast' }), now), {
      Capacity: '1Gi',
      'Access Modes': 'RWO',
      'Reclaim Policy': 'Retain',
      Status: 'Pending',
      Claim: 'default/c',
      StorageClass: 'fast',
      VolumeAttributesClass: '<unset>',
      Reason: '',
      Age: '5s',
      VolumeMode: 'Filesystem',
    })
  })
})

const wish = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } }
const claim = (spec: object = {}, metadata: object = {}): PersistentVolumeClaim =>
  created(persistentVolumeClaims, { metadata, spec: { ...wish, ...spec } })
const sized = (storage: string): object => ({ resources: { requests: { storage } } })
const bound = (spec: object = {}): PersistentVolumeClaim => ({
  ...claim({ volumeName: 'v', ...spec }),
  status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] },
})
const IMMUTABLE =
  'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'
const CLASS = 'volume.beta.kubernetes.io/storage-class'

describe('claims', () => {
  test('wait for a volume with a file system', () => {
    assert.deepEqual(claim().status, { phase: 'Pending' })
    assert.equal(claim().spec.volumeMode, 'Filesystem')
    assert.deepEqual(problems(persistentVolumeClaims, claim()), [])
  })

  test('say twice what they are filled with', () => {
    const snapshot = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' }
    assert.deepEqual(claim({ dataSource: snapshot }).spec.dataSourceRef, snapshot)
    assert.deepEqual(claim({ dataSourceRef: snapshot }).spec.dataSource, snapshot)
    const custom = { apiGroup: 'example.com', kind: 'Dump', name: 'd' }
    assert.equal(claim({ dataSource: custom }).spec.dataSourceRef, undefined)
    assert.deepEqual(claim({ dataSourceRef: custom }).spec.dataSource, custom)
    assert.equal(claim({ dataSourceRef: { ...custom, namespace: 'n' } }).spec.dataSourceRef, undefined)
  })

  const cases: Record<string, [spec: object, want: string[]]> = {
    'no mode and no size': [
      { accessModes: [], resources: {} },
      [
        'spec.accessModes: Required value: at least 1 access mode is required',
        'spec.resources[storage]: Required value',
      ],
    ],
    'a size of nothing': [sized('0'), ['spec.resources[storage]: Invalid value: "0": must be greater than zero']],
    'sources that differ': [
      {
        dataSource: { kind: 'PersistentVolumeClaim', name: 'a' },
        dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'b' },
      },
      ['spec: Invalid value: "spec.dataSource": must match dataSourceRef'],
    ],
    'a source of no group': [
      { dataSourceRef: { kind: 'Dump', name: '' } },
      [
        `spec.dataSource.name: Required value`,
        `spec.dataSource: Invalid value: "Dump": must be 'PersistentVolumeClaim' when referencing the default apiGroup`,
        `spec.dataSourceRef.name: Required value`,
        `spec.dataSourceRef: Invalid value: "Dump": must be 'PersistentVolumeClaim' when referencing the default apiGroup`,
      ],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(`are refused with ${name}`, () => assert.deepEqual(problems(persistentVolumeClaims, claim(spec)), want))
  }

  test('are bound once', () => {
    const found = (previous: PersistentVolumeClaim, next: PersistentVolumeClaim): string[] =>
      changed(persistentVolumeClaims, previous, next)
    assert.deepEqual(found(claim(), claim({ volumeName: 'v' })), [])
    assert.deepEqual(found(claim({ volumeName: 'v' }), claim({ volumeName: 'w' })), [IMMUTABLE])
    assert.deepEqual(found(claim(), claim({ storageClassName: 'fast' })), [])
    assert.deepEqual(found(claim({ storageClassName: 'slow' }), claim({ storageClassName: 'fast' })), [IMMUTABLE])
    assert.deepEqual(
      found(claim({}, { annotations: { [CLASS]: 'a' } }), claim({}, { annotations: { [CLASS]: 'b' } })),
      [`metadata.annotations.${CLASS}: Invalid value: "b": field is immutable`],
    )
    const upgraded = claim({ storageClassName: 'a' })
    assert.deepEqual(found(claim({}, { annotations: { [CLASS]: 'a' } }), upgraded), [])
  })

  test('grow when they are bound, and shrink no further than to what they have', () => {
    const found = (next: PersistentVolumeClaim, previous = bound()): string[] =>
      changed(persistentVolumeClaims, previous, next)
    assert.deepEqual(found(bound(sized('3Gi'))), [])
    assert.deepEqual(found(bound(sized('1536Mi'))), [])
    assert.deepEqual(found(bound(sized('1Gi'))), [
      'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
    ])
    assert.deepEqual(found(claim(sized('3Gi')), claim()), [IMMUTABLE])
    assert.deepEqual(found(bound(), bound({ volumeAttributesClassName: 'gold' })), [
      'spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden',
    ])
    assert.deepEqual(found(bound({ volumeAttributesClassName: 'gold' })), [])
  })

  test('report what they know', () => {
    const status = { allocatedResources: { cpu: '1' }, allocatedResourceStatuses: { storage: 'x' } }
    assert.deepEqual(statusChanged(persistentVolumeClaims, bound(), { ...bound(), status }), [
      'status.allocatedResourceStatus: Unsupported value: "storage": supported values: "ControllerResizeFailed", "ControllerResizeInProgress", "NodeResizeFailed", "NodeResizeInProgress", "NodeResizePending"',
      'status.allocatedResources: Unsupported value: "cpu": supported values: "storage"',
    ])
  })

  test('are warned of old annotations and parts of bytes', () => {
    const odd = ready(persistentVolumeClaims, {
      metadata: { name: 'x', annotations: { [CLASS]: 'a' } },
      spec: { ...wish, ...sized('1500m') },
    })
    assert.deepEqual(persistentVolumeClaims.warnings?.(odd), [
      `metadata.annotations[${CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead`,
      'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
    ])
  })

  test('are shown with their volume', () => {
    assert.deepEqual(cells(persistentVolumeClaims, bound({ storageClassName: 'fast' })), {
      Status: 'Bound',
      Volume: 'v',
      Capacity: '1Gi',
      'Access Modes': 'RWO,ROX',
      StorageClass: 'fast',
      VolumeAttributesClass: '<unset>',
      Age: '<unknown>',
      VolumeMode: 'Filesystem',
    })
    const { Status, Capacity } = cells(persistentVolumeClaims, claim())
    assert.deepEqual([Status, Capacity], ['Pending', ''])
  })
})
