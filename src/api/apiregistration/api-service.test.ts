// What is wrong with API services, and whether they are there.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, problems, ready, statusChanged } from '../../testing/kinds.ts'
import { apiServices } from './api-service.ts'

const spec = { group: 'a.example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 10 }
const service = (fields: object = {}, name = 'v1.a.example.com'): object => ({
  metadata: { name },
  spec: { ...spec, ...fields },
})

describe('API services', () => {
  const remote = { namespace: 'n', name: 's' }
  const cases: Record<string, [object, string[]]> = {
    'are valid when local': [service(), []],
    'are valid when remote': [service({ service: remote, caBundle: 'AAAA' }), []],
    'are called after version and group': [
      service({}, 'x'),
      ['metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.a.example.com"'],
    ],
    'have a group': [
      service({ group: undefined, version: 'v2' }, 'v2.'),
      ['spec.group: Required value: only v1 may have an empty group and it better be legacy kube'],
    ],
    'have priorities': [
      service({ groupPriorityMinimum: 0, versionPriority: 1001 }),
      [
        'spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000',
        'spec.versionPriority: Invalid value: 1001: must be positive and less than 1000',
      ],
    ],
    'trust nobody when local': [
      service({ caBundle: 'AAAA', insecureSkipTLSVerify: true }),
      [
        'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
        'spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify',
      ],
    ],
    'trust one way when remote': [
      service({ service: { port: 0 }, caBundle: 'AAAA', insecureSkipTLSVerify: true }),
      [
        'spec.service.namespace: Required value',
        'spec.service.name: Required value',
        'spec.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive',
        'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present',
      ],
    ],
  }
  for (const [name, [object, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(apiServices, object), want))
  }
  test('that are local are there at once', () => {
    const local = ready(apiServices, service())
    apiServices.prepareCreate?.(local)
    assert.deepEqual(local.status?.conditions?.[0], {
      type: 'Available',
      status: 'True',
      reason: 'Local',
      message: 'Local APIServices are always available',
    })
    const far = ready(apiServices, service({ service: remote }))
    apiServices.prepareCreate?.(far)
    assert.deepEqual(far.status, {})
  })
  test('are there or not', () => {
    const conditions = [{ type: 'Available', status: 'Maybe' }]
    assert.deepEqual(statusChanged(apiServices, service(), { ...service(), status: { conditions } }), [
      'status.conditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
    ])
  })
  test('are shown', () => {
    const conditions = [{ type: 'Available', status: 'False', reason: 'MissingEndpoints' }]
    assert.deepEqual(cells(apiServices, { ...service({ service: remote }), status: { conditions } }), {
      Service: 'n/s',
      Available: 'False (MissingEndpoints)',
    })
    assert.deepEqual(cells(apiServices, service()), { Service: 'Local', Available: 'Unknown' })
  })
})
