// What other processes send: streams of kubectl, messages of the container runtime and of etcd.

import { containerConfig, containerStatusResponse } from '../../src/node/cri/container-messages.ts'
import { containerEventResponse, statusResponse } from '../../src/node/cri/runtime-messages.ts'
import { podSandboxConfig, podSandboxStatusResponse } from '../../src/node/cri/sandbox-messages.ts'
import { podSandboxStats } from '../../src/node/cri/stats-messages.ts'
import { decodeEnvelope, encodeEnvelope } from '../../src/store/etcd/envelope.ts'
import { leaseGrantResponse, rangeResponse, txnResponse, watchResponse } from '../../src/store/etcd/messages.ts'
import { encodeFrame, FrameDecoder } from '../../src/streams/spdy/frames.ts'
import { HeaderDecoder, HeaderEncoder } from '../../src/streams/spdy/header-block.ts'
import { type Target, texts } from './target.ts'

const headers = new HeaderEncoder().encode(
  new Map([
    ['streamtype', ['stdin']],
    ['x', ['a', 'b']],
  ]),
)
const frames = Buffer.concat([
  encodeFrame({ type: 'syn-stream', streamId: 1, fin: false, unidirectional: false, priority: 0, block: headers }),
  encodeFrame({ type: 'data', streamId: 1, fin: true, data: Buffer.from('hello') }),
  encodeFrame({ type: 'ping', id: 2 }),
  encodeFrame({ type: 'window-update', streamId: 1, delta: 100 }),
  encodeFrame({ type: 'rst-stream', streamId: 1, status: 5 }),
  encodeFrame({ type: 'goaway', lastStreamId: 1, status: 0 }),
])

/** A message that has a bit of each wire type, nested: most decoders take some of it. */
const nested = Buffer.from('0a050a036162631002180122040a0212003d010000004901000000000000005202787a', 'hex')

interface Decoder {
  decode(bytes: Uint8Array): unknown
  encode(value: Record<string, never>): Buffer
}

const message = (name: string, of: Decoder): Target => ({
  name,
  seeds: [of.encode({}), nested, Buffer.concat([nested, nested])],
  run: (bytes) => of.decode(bytes),
})

const envelope = encodeEnvelope({
  timeMs: 1,
  expiresMs: 2,
  actor: { user: 'u', verb: 'update', requestID: 'r' },
  value: Buffer.from('{}'),
})

export const wireTargets: readonly Target[] = [
  {
    name: 'SPDY frames, in pieces',
    seeds: [frames],
    run(bytes) {
      const decoder = new FrameDecoder()
      const blocks = new HeaderDecoder()
      for (let at = 0; at < bytes.length; at += 7)
        for (const frame of decoder.push(bytes.subarray(at, at + 7)))
          if (frame.type === 'syn-stream') blocks.decode(frame.block)
    },
  },
  { name: 'SPDY headers', seeds: [headers, ...texts('x')], run: (bytes) => new HeaderDecoder().decode(bytes) },
  { name: 'etcd envelope', seeds: [envelope], run: (bytes) => decodeEnvelope(bytes, 'default/core/pods/a/b') },
  message('etcd range', rangeResponse),
  message('etcd transaction', txnResponse),
  message('etcd watch', watchResponse),
  message('etcd lease', leaseGrantResponse),
  message('CRI status', statusResponse),
  message('CRI event', containerEventResponse),
  message('CRI container', containerStatusResponse),
  message('CRI container configuration', containerConfig),
  message('CRI sandbox', podSandboxStatusResponse),
  message('CRI sandbox configuration', podSandboxConfig),
  message('CRI statistics', podSandboxStats),
]
