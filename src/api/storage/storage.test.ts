// What is wrong with classes of storage and the drivers behind them, and what of them may change.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, changed, problems, ready, statusChanged } from '../../testing/kinds.ts'
import { csiDrivers } from './csi-driver.ts'
import { csiNodes } from './csi-node.ts'
import { csiStorageCapacities } from './csi-storage-capacity.ts'
import { storageClasses } from './storage-class.ts'
import { volumeAttachments } from './volume-attachment.ts'
import { volumeAttributesClasses } from './volume-attributes-class.ts'

type Cases = Record<string, [object, string[]]>

describe('storage classes', () => {
  const provisioner = 'example.com/p'
  const term = (key: string, ...values: string[]): object => ({ matchLabelExpressions: [{ key, values }] })
  const cases: Cases = {
    'are valid with a provisioner': [{ provisioner, allowedTopologies: [term('zone', 'a', 'b')] }, []],
    'have a provisioner': [{ provisioner: '' }, ['provisioner: Required value']],
    'recycle nothing': [
      { provisioner, reclaimPolicy: 'Recycle' },
      ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'],
    ],
    'name parameters': [
      { provisioner, parameters: { '': 'x' } },
      ['parameters: Invalid value: "": field can not be empty.'],
    ],
    'have few parameters': [
      { provisioner, parameters: Object.fromEntries(Array.from({ length: 513 }, (_, i) => [`k${i}`, ''])) },
      ['parameters: Too long: may not be more than 512 bytes'],
    ],
    'allow a place once': [
      { provisioner, allowedTopologies: [term('zone', 'a', 'b'), term('zone', 'b', 'a')] },
      ['allowedTopologies[1].matchLabelExpressions: Duplicate value: ""'],
    ],
    'say where': [
      { provisioner, allowedTopologies: [{}, term('zone')] },
      [
        'allowedTopologies[0].matchLabelExpressions: Required value',
        'allowedTopologies[1].matchLabelExpressions[0].values: Required value',
      ],
    ],
  }
  for (const [name, [object, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(storageClasses, object), want))
  }
  test('delete volumes, and make them at once, unless they say', () => {
    const { reclaimPolicy, volumeBindingMode } = ready(storageClasses, { provisioner })
    assert.deepEqual([reclaimPolicy, volumeBindingMode], ['Delete', 'Immediate'])
  })
  test('stay what they are', () => {
    const next = {
      provisioner: 'q',
      parameters: { a: 'b' },
      reclaimPolicy: 'Retain',
      volumeBindingMode: 'WaitForFirstConsumer',
    }
    assert.deepEqual(changed(storageClasses, { provisioner }, next), [
      'parameters: Forbidden: updates to parameters are forbidden.',
      'provisioner: Forbidden: updates to provisioner are forbidden.',
      'reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.',
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ])
  })
  test('show which is the default', () => {
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
    const usual = ready(storageClasses, { metadata: { name: 'a', annotations }, provisioner })
    assert.equal(storageClasses.shownName?.(usual), 'a (default)')
    assert.equal(storageClasses.shownName?.(ready(storageClasses, { provisioner })), 'x')
  })
  test('warn of labels of old', () => {
    const old = { provisioner, allowedTopologies: [term('failure-domain.beta.kubernetes.io/zone', 'a')] }
    assert.deepEqual(storageClasses.warnings?.(ready(storageClasses, old)), [
      'allowedTopologies[0].matchLabelExpressions[0].key: deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    ])
  })
})

describe('classes of attributes', () => {
  test('have parameters, which stay', () => {
    assert.deepEqual(problems(volumeAttributesClasses, { driverName: '' }), [
      'driverName: Required value',
      'parameters: Required value: must contain at least one key/value pair',
    ])
    assert.deepEqual(
      changed(volumeAttributesClasses, { driverName: 'a' }, { driverName: 'b', parameters: { a: '1' } }),
      [
        'driverName: Forbidden: updates to driverName are forbidden.',
        'parameters: Forbidden: updates to parameters are forbidden.',
      ],
    )
  })
})

describe('drivers', () => {
  const spec = (fields: object): object => ({ spec: fields })
  const cases: Cases = {
    'are valid': [spec({ tokenRequests: [{ audience: 'a', expirationSeconds: 600 }] }), []],
    'ask once for an audience': [
      spec({ tokenRequests: [{ audience: 'a' }, { audience: 'a' }] }),
      ['spec.tokenRequests[1].audience: Duplicate value: "a"'],
    ],
    'ask for ten minutes at least': [
      spec({ tokenRequests: [{ audience: '', expirationSeconds: 599 }] }),
      ['spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes'],
    ],
    'know two lives of volumes': [
      spec({ volumeLifecycleModes: ['Eternal'] }),
      ['spec.volumeLifecycleModes: Unsupported value: "Eternal": supported values: "Ephemeral", "Persistent"'],
    ],
    'are asked every ten seconds at most': [
      spec({ nodeAllocatableUpdatePeriodSeconds: 9 }),
      ['spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds'],
    ],
  }
  for (const [name, [object, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(csiDrivers, object), want))
  }
  test('have defaults', () => {
    assert.deepEqual(ready(csiDrivers, {}).spec, {
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      requiresRepublish: false,
      seLinuxMount: false,
      volumeLifecycleModes: ['Persistent'],
    })
  })
  test('attach or do not, for good', () => {
    const next = spec({ attachRequired: false, volumeLifecycleModes: ['Ephemeral'] })
    assert.deepEqual(changed(csiDrivers, {}, next), [
      'spec.attachedRequired: Invalid value: false: field is immutable',
      'spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable',
    ])
  })
  test('count some of their changes', () => {
    const next = ready(csiDrivers, spec({ requiresRepublish: true }))
    csiDrivers.prepareUpdate?.(next, ready(csiDrivers, {}))
    assert.equal(next.metadata.generation, 1)
  })
  test('are shown', () => {
    assert.deepEqual(cells(csiDrivers, spec({ tokenRequests: [{ audience: 'a' }, { audience: 'b' }] })), {
      AttachRequired: true,
      PodInfoOnMount: false,
      StorageCapacity: false,
      TokenRequests: 'a,b',
      RequiresRepublish: false,
      Modes: 'Persistent',
    })
    assert.equal(cells(csiDrivers, {})['TokenRequests'], '<unset>')
  })
})

describe("nodes' drivers", () => {
  const node = (driver: object): object => ({ spec: { drivers: [{ name: 'd', nodeID: 'n', ...driver }] } })
  const cases: Cases = {
    'are valid': [node({ topologyKeys: ['example.com/zone'], allocatable: { count: 3 } }), []],
    'have a name and the node one for them': [
      node({ name: '', nodeID: '' }),
      [
        'spec.drivers[0].name: Required value',
        "spec.drivers[0].name: Invalid value: \"\": an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'Example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        'spec.drivers[0].nodeID: Required value',
      ],
    ],
    'take no negative number of volumes': [
      node({ allocatable: { count: -1 } }),
      ['spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0'],
    ],
    'name a key once': [node({ topologyKeys: ['a', 'a'] }), ['spec.drivers[0]: Duplicate value: "a"']],
  }
  for (const [name, [object, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(csiNodes, object), want))
  }
  test('change only in how many volumes they take', () => {
    assert.deepEqual(changed(csiNodes, node({}), node({ allocatable: { count: 1 } })), [])
    assert.deepEqual(changed(csiNodes, node({}), node({ nodeID: 'm' })), [
      'spec.drivers: Invalid value: {"name":"d","nodeID":"m"}: field is immutable',
    ])
  })
})

describe('capacities', () => {
  test('are of a class, and not negative', () => {
    assert.deepEqual(problems(csiStorageCapacities, { storageClassName: 'fast', capacity: '-1Gi' }), [
      'capacity: Invalid value: "-1Gi": must be greater than or equal to 0',
    ])
  })
  test('stay where they are', () => {
    const next = { storageClassName: 'b', nodeTopology: { matchLabels: { a: 'b' } } }
    assert.deepEqual(changed(csiStorageCapacities, { storageClassName: 'a' }, next), [
      'nodeTopology: Invalid value: {"matchLabels":{"a":"b"}}: field is immutable',
      'storageClassName: Invalid value: "b": field is immutable',
    ])
  })
})

describe('attachments', () => {
  const attachment = (source: object): object => ({ spec: { attacher: 'd.example.com', nodeName: 'n', source } })
  test('are of one volume', () => {
    assert.deepEqual(problems(volumeAttachments, attachment({ persistentVolumeName: 'pv' })), [])
    assert.deepEqual(problems(volumeAttachments, attachment({})), [
      'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
    ])
    assert.deepEqual(problems(volumeAttachments, attachment({ persistentVolumeName: 'pv', inlineVolumeSpec: {} })), [
      'spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
    ])
  })
  test('tell of errors in few words', () => {
    const status = { attached: false, attachError: { message: 'x'.repeat(1025), errorCode: -1 } }
    assert.deepEqual(statusChanged(volumeAttachments, attachment({}), { ...attachment({}), status }), [
      'status.attachError.message: Too long: may not be more than 262144 bytes',
      'status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    ])
  })
})
