// What is wrong with claims, classes and slices of devices.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, changed, problems, ready, statusChanged } from '../../testing/kinds.ts'
import { deviceClasses } from './device-class.ts'
import { resourceClaims } from './resource-claim.ts'
import { resourceClaimTemplates } from './resource-claim-template.ts'
import { resourceSlices } from './resource-slice.ts'

type Cases = Record<string, [object, string[]]>

const exactly = { deviceClassName: 'gpu' }
const request = { name: 'r', exactly }
const claim = (devices: object): object => ({ spec: { devices: { requests: [request], ...devices } } })

describe('claims', () => {
  const requests = (...list: object[]): object => claim({ requests: list })
  const REF = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
  const cases: Cases = {
    'are valid': [
      claim({
        constraints: [{ requests: ['r'], matchAttribute: 'example.com/numa' }],
        config: [{ opaque: { driver: 'd.example.com', parameters: { a: 1 } } }],
      }),
      [],
    ],
    'ask in one way': [
      requests({ name: 'a' }, { ...request, firstAvailable: [{ name: 's', deviceClassName: 'gpu' }] }),
      [
        'spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required',
        'spec.devices.requests[1]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set',
      ],
    ],
    'name a request once': [requests(request, request), ['spec.devices.requests[1]: Duplicate value: "r"']],
    'ask for all or for some': [
      requests(
        { name: 'a', exactly: { ...exactly, allocationMode: 'All', count: 1 } },
        { name: 'b', exactly: { ...exactly, allocationMode: 'Most' } },
        { name: 'c', exactly: { ...exactly, count: -1 } },
      ),
      [
        "spec.devices.requests[0].exactly.count: Invalid value: 1: must not be specified when allocationMode is 'All'",
        'spec.devices.requests[1].exactly.allocationMode: Unsupported value: "Most": supported values: "All", "ExactCount"',
        'spec.devices.requests[2].exactly.count: Invalid value: -1: must be greater than zero',
      ],
    ],
    'are of a class': [
      requests({ name: 'a', exactly: { selectors: [{}] } }),
      [
        'spec.devices.requests[0].exactly.deviceClassName: Required value',
        'spec.devices.requests[0].exactly.selectors[0].cel: Required value',
      ],
    ],
    'constrain what they ask for': [
      claim({ constraints: [{ requests: ['r/s', 'a/b/c'] }, { matchAttribute: 'numa' }] }),
      [
        `spec.devices.constraints[0].requests[0]: Invalid value: "r/s": ${REF}`,
        `spec.devices.constraints[0].requests[1]: Invalid value: "a/b/c": ${REF}`,
        'spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
        'spec.devices.constraints[1].matchAttribute: Invalid value: "numa": a fully qualified name must be a domain and a name separated by a slash',
      ],
    ],
    'configure with objects': [
      claim({ config: [{}, { opaque: { driver: 'd', parameters: [] } }] }),
      [
        'spec.devices.config[0].opaque: Required value',
        'spec.devices.config[1].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object',
      ],
    ],
    'tolerate what taints can be': [
      requests({ name: 'a', exactly: { ...exactly, tolerations: [{ operator: 'Exists', value: 'a' }] } }),
      [
        'spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: "a": must be empty for operator `Exists`',
      ],
    ],
    'ask for few': [
      requests(...Array.from({ length: 33 }, (_, i) => ({ ...request, name: `r${i}` }))),
      ['spec.devices.requests: Too many: 33: must have at most 32 items'],
    ],
  }
  for (const [name, [object, want]] of Object.entries(cases)) {
    test(name, () => {
      assert.deepEqual(problems(resourceClaims, object), want)
      const inTemplate = want.map((text) => text.replace('spec.', 'spec.spec.'))
      assert.deepEqual(problems(resourceClaimTemplates, { spec: object }), inTemplate)
    })
  }
  test('ask for one device unless they say', () => {
    const [{ exactly: made } = {}] = ready(resourceClaims, claim({})).spec.devices?.requests ?? []
    assert.deepEqual([made?.allocationMode, made?.count], ['ExactCount', 1])
  })
  test('stay as they are', () => {
    const [problem] = changed(resourceClaims, claim({}), claim({ requests: [] }))
    assert.match(problem ?? '', /^spec: Invalid value: .*: field is immutable$/)
  })

  const result = { request: 'r', driver: 'd.example.com', pool: 'p', device: 'x' }
  const allocation = { devices: { results: [result] } }
  const user = { resource: 'pods', name: 'p', uid: 'u' }
  const updated = (status: object, previous: object = {}): string[] =>
    statusChanged(resourceClaims, { ...claim({}), status: previous }, { ...claim({}), status })
  test('get what they asked for', () => {
    assert.deepEqual(updated({ allocation, reservedFor: [user] }), [])
    assert.deepEqual(updated({ allocation: { devices: { results: [{ ...result, request: 'q' }] } } }), [
      `status.allocation.devices.results[0].request: Invalid value: "q": ${REF}`,
    ])
    assert.deepEqual(updated({ reservedFor: [user] }), [
      'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
    ])
  })
  test('keep what they got', () => {
    const other = { devices: { results: [{ ...result, device: 'y' }] } }
    const [problem] = updated({ allocation: other }, { allocation })
    assert.match(problem ?? '', /^status.allocation: Invalid value: .*: field is immutable$/)
  })
  test('tell of devices that they have', () => {
    const { request: _, ...device } = result
    assert.deepEqual(updated({ allocation, devices: [device] }), [])
    assert.deepEqual(
      updated({ allocation, devices: [{ ...device, device: 'y', networkData: { ips: ['1.2.3.4'] } }] }),
      [
        'status.devices[0].networkData.ips[0]: Invalid value: "1.2.3.4": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)',
        'status.devices[0]: Invalid value: "d.example.com/p/y": must be an allocated device in the claim',
      ],
    )
  })
  test('show what has become of them', () => {
    assert.equal(cells(resourceClaims, claim({}))['State'], 'pending')
    const used = { ...claim({}), status: { allocation, reservedFor: [user] } }
    assert.equal(cells(resourceClaims, used)['State'], 'allocated,reserved')
  })
})

describe('classes of devices', () => {
  test('are not called like the system', () => {
    assert.deepEqual(problems(deviceClasses, { spec: { extendedResourceName: 'example.com/gpu' } }), [])
    assert.deepEqual(problems(deviceClasses, { spec: { extendedResourceName: 'cpu' } }), [
      'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
    ])
  })
})

describe('slices', () => {
  const pool = { name: 'p', generation: 1, resourceSliceCount: 1 }
  const slice = (fields: object): object => ({ spec: { driver: 'd.example.com', pool, allNodes: true, ...fields } })
  const device = (fields: object): object => slice({ devices: [{ name: 'x', ...fields }] })
  const capacity = (requestPolicy: object): object =>
    device({ allowMultipleAllocations: true, capacity: { mem: { value: '10Gi', requestPolicy } } })
  const at = 'spec.devices[0]'
  const cases: Cases = {
    'are valid': [
      device({
        attributes: { 'example.com/model': { string: 'a' }, v: { version: '1.2.3-rc.1+b' } },
        capacity: { mem: { value: '1' } },
      }),
      [],
    ],
    'are somewhere': [
      slice({ allNodes: undefined }),
      [
        'spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required',
      ],
    ],
    'are in one place': [
      slice({ nodeName: 'n' }),
      [
        'spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set',
      ],
    ],
    'are part of a pool': [
      slice({ pool: { name: '', generation: -1, resourceSliceCount: 0 } }),
      [
        'spec.pool.name: Required value',
        'spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero',
        'spec.pool.generation: Invalid value: -1: must be greater than or equal to zero',
      ],
    ],
    'have attributes of one value': [
      device({ attributes: { a: {}, b: { int: 1, bool: false }, c: { version: '1' } } }),
      [
        `${at}.attributes[a]: Invalid value: "": exactly one value must be specified`,
        `${at}.attributes[b]: Invalid value: {"int":1,"bool":false}: exactly one value must be specified`,
        `${at}.attributes[c].version: Invalid value: "1": must be a string compatible with semver.org spec 2.0.0`,
      ],
    ],
    'say where each device is only if asked': [
      device({ nodeName: 'n' }),
      [
        `${at}: Invalid value: null: \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`,
      ],
    ],
    'count with counters that are there': [
      device({ consumesCounters: [{}] }),
      [`${at}.consumesCounters[0].counterSet: Required value`, `${at}.consumesCounters[0].counters: Required value`],
    ],
    'bind and fail together': [
      device({ bindingConditions: ['a'] }),
      [
        `${at}.bindingFailureConditions: Invalid value: []: bindingFailureConditions are required to use bindingConditions`,
      ],
    ],
    'share by values that fit': [
      capacity({ default: '1Gi', validValues: ['4Gi', '2Gi', '20Gi'] }),
      [
        `${at}.capacity[mem].requestPolicy.validValues[1]: Invalid value: "2Gi": values must be sorted in ascending order`,
        `${at}.capacity[mem].requestPolicy.validValues[2]: Invalid value: "20Gi": option is larger than capacity value: 10Gi`,
        `${at}.capacity[mem].requestPolicy.validValues: Invalid value: "1Gi": default value is not valid according to the requestPolicy`,
      ],
    ],
    'share by a range that fits': [
      capacity({ default: '3Gi', validRange: { min: '1Gi', max: '20Gi', step: '4Gi' } }),
      [
        `${at}.capacity[mem].requestPolicy.validRange.max: Invalid value: "20Gi": max is larger than capacity value: 10Gi`,
        `${at}.capacity[mem].requestPolicy.validRange.step: Invalid value: "3Gi": value is not a multiple of a given step (4Gi) from (1Gi)`,
        `${at}.capacity[mem].requestPolicy.validRange.step: Invalid value: "20Gi": value is not a multiple of a given step (4Gi) from (1Gi)`,
      ],
    ],
    'have few devices with taints': [
      slice({
        devices: Array.from({ length: 65 }, (_, i) => ({
          name: `x${i}`,
          taints: [{ key: 'a', effect: 'NoSchedule' }],
        })),
      }),
      ['spec.devices: Too many: 65: must have at most 64 items'],
    ],
  }
  for (const [name, [object, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(resourceSlices, object), want))
  }
  test('stay in their pool', () => {
    assert.deepEqual(changed(resourceSlices, slice({}), slice({ driver: 'e', pool: { ...pool, name: 'q' } })), [
      'spec.pool.name: Invalid value: "q": field is immutable',
      'spec.driver: Invalid value: "e": field is immutable',
    ])
  })
})
