// Why a program ended, as its standard error tells.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { placesOf } from './places.ts'
import { lastWords, serverArguments } from './processes.ts'
import type { ClusterState } from './state.ts'

const cases: Record<string, [text: string, want: ReturnType<typeof lastWords>]> = {
  'nothing was said': ['', { message: 'it said nothing' }],
  'its own message with the remedy': [
    'drover: Port 1 is taken\n        choose another: --port PORT\nkeeper: it ended with code 1 and is started again (1)\n',
    { message: 'Port 1 is taken', remedy: 'choose another: --port PORT' },
  ],
  'its own message alone': ['drover: The disk is full\n', { message: 'The disk is full' }],
  'the last of several': ['drover: a\n        b\ndrover: c\n', { message: 'c' }],
  'an error of the runtime': [
    'file:///x.ts:1\nthrow new TypeError("x")\n^\n\nTypeError: x is not a function\n    at file:///x.ts:1:7\n\nNode.js v26.0.0\n',
    { message: 'TypeError: x is not a function' },
  ],
  'anything else': ['Killed\n', { message: 'Killed' }],
}

describe('lastWords()', () => {
  for (const [name, [text, want]] of Object.entries(cases)) test(name, () => assert.deepEqual(lastWords(text), want))
})

describe('serverArguments()', () => {
  const places = placesOf({ data: '/d', run: '/r', host: '/h' }, 'a')
  const state: ClusterState = {
    ...{ format: 1, version: '0.1.0', name: 'a', createdAt: '2030-01-01T12:00:00Z', port: 6443, store: 'lmdb' },
    ...{ clusterCIDR: '10.244.0.0/16', serviceCIDR: '10.96.0.0/16', nodeNetwork: '172.29.0.1/24', nodes: [] },
  }
  const storeFlags = (given: ClusterState): string[] => {
    const all = serverArguments(places, given)
    return all.slice(all.indexOf('--store'), all.indexOf('--log-file'))
  }
  test('name the store', () => assert.deepEqual(storeFlags(state), ['--store', 'lmdb']))
  test('say how an etcd is spoken to', () => {
    const etcd = { prefix: '/drover-a', cafile: '/c/ca.crt' }
    assert.deepEqual(storeFlags({ ...state, store: 'etcd=https://h:2379', etcd }), [
      ...['--store', 'etcd=https://h:2379'],
      ...['--etcd-prefix', '/drover-a', '--etcd-cafile', '/c/ca.crt'],
    ])
  })
})
