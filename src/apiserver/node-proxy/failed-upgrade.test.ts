// What clients are told when the kubelet refuses, cannot be reached or stays silent: by protocol.

import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import type { StatusError } from '../../apimachinery/errors.ts'
import { WebSocketPeer } from '../../streams/remote-command/websocket-fixtures.ts'
import type { UpgradeFailure } from '../../streams/upgrade/proxy.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import { explainUpgrade } from './failed-upgrade.ts'

const REFUSED: UpgradeFailure = { kind: 'refused', status: 500, body: Buffer.from('container not found ("a")\n') }
const GONE: UpgradeFailure = {
  kind: 'unreachable',
  error: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
}
const STATUS = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'no',
  reason: 'Odd',
  code: 418,
}

interface Told {
  explained: boolean
  refusals: { code: number | undefined; message: string | undefined }[]
  /** The status in the error channel. */
  status: { message?: string; reason?: string; code?: number } | undefined
}

async function explain(protocol: string | undefined, command: boolean, failure: UpgradeFailure): Promise<Told> {
  const [near, far] = duplexPair()
  const peer = new WebSocketPeer(near, false)
  const message = new IncomingMessage(new Socket())
  message.method = 'GET'
  message.headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1' }
  if (protocol !== undefined) {
    const key = { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' }
    message.headers = { ...message.headers, ...key, upgrade: 'websocket', 'sec-websocket-protocol': protocol }
  }
  const refusals: Told['refusals'] = []
  const explained = await explainUpgrade(
    {
      message,
      socket: far,
      target: { kind: 'kubelet', protocol: 'https:', host: '10.0.0.1', port: 10250 },
      url: new URL('https://10.0.0.1:10250/exec/default/one/a?command=ls'),
      command,
      clock: new VirtualClock(),
      signal: new AbortController().signal,
      refuse: ({ status }: StatusError) => refusals.push({ code: status.code, message: status.message }),
    },
    failure,
  )
  far.destroy()
  near.end()
  const { channels } = await peer.ended
  return { explained, refusals, status: channels[3] === undefined ? undefined : JSON.parse(channels[3]) }
}

test('a WebSocket v5 is told inside the protocol, as by an API server that is its peer', async () => {
  const url = '"https://10.0.0.1:10250/exec/default/one/a?command=ls"'
  for (const [failure, message] of [
    [REFUSED, 'Internal error occurred: unable to upgrade connection: container not found ("a")'],
    [
      GONE,
      `Internal error occurred: error sending request: Post ${url}: dial tcp 10.0.0.1:10250: connect: connection refused`,
    ],
    [{ kind: 'silent' }, `Internal error occurred: error sending request: Post ${url}: i/o timeout`],
  ] as const) {
    const { explained, refusals, status } = await explain('v5.channel.k8s.io', true, failure)
    assert.deepEqual([explained, refusals], [true, []])
    assert.deepEqual([status?.message, status?.reason, status?.code], [message, 'InternalError', 500])
  }
  const passed = await explain('v5.channel.k8s.io', true, { ...REFUSED, body: Buffer.from(JSON.stringify(STATUS)) })
  assert.deepEqual([passed.status?.message, passed.status?.reason, passed.status?.code], ['no', 'Odd', 418])
})

test('all others get the refusal itself, or a Status that says why there is none', async () => {
  for (const [protocol, command] of [
    [undefined, true],
    ['v4.channel.k8s.io', true],
    ['SPDY/3.1+portforward.k8s.io', false],
  ] as const) {
    assert.deepEqual(await explain(protocol, command, REFUSED), { explained: false, refusals: [], status: undefined })
    const gone = await explain(protocol, command, GONE)
    const message = 'error dialing backend: dial tcp 10.0.0.1:10250: connect: connection refused'
    assert.deepEqual(gone, { explained: true, refusals: [{ code: 500, message }], status: undefined })
    const silent = await explain(protocol, command, { kind: 'silent' })
    assert.equal(silent.refusals[0]?.code, 504)
  }
})
