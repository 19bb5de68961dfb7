// UDP flows are dropped exactly when they would go on to somebody who is gone, or nowhere.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ConntrackFilter } from '../netlink/conntrack.ts'
import type { ServicePort } from './service-ports.ts'
import { staleFlows } from './stale-flows.ts'

function makePort(tweak: Partial<ServicePort> = {}): ServicePort {
  return {
    namespace: 'default',
    service: 'dns',
    portName: '',
    protocol: 'udp',
    clusterIP: '10.96.0.10',
    port: 53,
    externalIPs: [],
    internalPolicy: 'Cluster',
    externalPolicy: 'Cluster',
    everywhere: ['10.244.1.2:53'],
    here: [],
    hereIPs: [],
    ...tweak,
  }
}

const front = { protocol: 'udp', originalDestination: '10.96.0.10', originalDestinationPort: 53 } as const
const cases: Record<string, [before: ServicePort[], after: ServicePort[], want: ConntrackFilter[]]> = {
  'nothing changed': [[makePort()], [makePort()], []],
  'an endpoint came': [[makePort()], [makePort({ everywhere: ['10.244.1.2:53', '10.244.1.3:53'] })], []],
  'an endpoint went': [
    [makePort()],
    [makePort({ everywhere: ['10.244.1.3:53'] })],
    [{ ...front, replySource: '10.244.1.2' }],
  ],
  'the service went': [[makePort()], [], [{ ...front, replySource: '10.244.1.2' }]],
  'the first endpoint came': [[makePort({ everywhere: [] })], [makePort()], [front]],
  'the service came': [[], [makePort()], [front]],
  'TCP ends by itself': [[makePort({ protocol: 'tcp' })], [], []],
  'an endpoint of a node port went': [
    [makePort({ nodePort: 30053 })],
    [makePort({ nodePort: 30053, everywhere: [] })],
    [
      { ...front, replySource: '10.244.1.2' },
      { protocol: 'udp', originalDestinationPort: 30053, replySource: '10.244.1.2' },
    ],
  ],
}

describe('staleFlows() when', () => {
  for (const [name, [before, after, want]] of Object.entries(cases))
    test(name, () => assert.deepEqual(staleFlows(before, after), want))
})
