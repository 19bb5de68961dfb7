// Messages over WebSockets are heard as they were said, however they are cut, masked and interrupted; nothing is heard of what is against the rules.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { EXEC_PROTOCOLS, type Frame, frameOf, hear, OPCODE } from './web-sockets.ts'

const RUNS = 60
const SEED = 20_300_101

interface Message {
  payload: Buffer
  /** Where it is cut, and whether a ping comes in between. */
  cuts: readonly { at: number; ping: boolean }[]
  mask: Uint8Array
}

const messages = fc.array(
  fc.record({
    payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    cuts: fc.array(fc.record({ at: fc.nat(400), ping: fc.boolean() }), { maxLength: 4 }),
    mask: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  }),
  { maxLength: 6 },
)

/** The frames of one message on channel 0. */
function framesOf({ payload, cuts, mask }: Message, base64: boolean): Buffer {
  const whole = base64 ? Buffer.from(`0${payload.toString('base64')}`) : Buffer.concat([Buffer.from([0]), payload])
  const kind = base64 ? OPCODE.text : OPCODE.binary
  const places = cuts.map(({ at, ping }) => ({ at: Math.min(at, whole.length), ping })).sort((a, b) => a.at - b.at)
  const frames: Frame[] = []
  let from = 0
  for (const { at, ping } of places) {
    frames.push({
      opcode: from === 0 && frames.length === 0 ? kind : OPCODE.continuation,
      payload: whole.subarray(from, at),
      fin: false,
    })
    if (ping) frames.push({ opcode: OPCODE.ping, payload: Buffer.from('are you there') })
    from = at
  }
  frames.push({ opcode: frames.length === 0 ? kind : OPCODE.continuation, payload: whole.subarray(from) })
  return Buffer.concat(frames.map((frame) => frameOf({ ...frame, mask: Buffer.from(mask) })))
}

describe('what is said on channel 0 is heard', { timeout: 60_000 }, () => {
  for (const protocol of EXEC_PROTOCOLS) {
    test(protocol || 'without a protocol', () =>
      fc.assert(
        fc.asyncProperty(messages, async (said) => {
          const base64 = protocol.includes('base64')
          const { stdin } = await hear(protocol, Buffer.concat(said.map((message) => framesOf(message, base64))))
          assert.equal(stdin.toString('hex'), Buffer.concat(said.map(({ payload }) => payload)).toString('hex'))
        }),
        { numRuns: RUNS, seed: SEED },
      ),
    )
  }
})

const good = frameOf({ opcode: OPCODE.binary, payload: Buffer.from([0, 0x61]) })
const after = frameOf({ opcode: OPCODE.binary, payload: Buffer.from([0, 0x62]) })
const WRONG: Readonly<Record<string, Buffer>> = {
  'a frame without a mask': Buffer.from([0x82, 2, 0, 0x63]),
  'an opcode that means nothing': frameOf({ opcode: 3, payload: Buffer.from([0, 0x63]) }),
  'a bit of an extension': frameOf({ opcode: OPCODE.binary, payload: Buffer.from([0, 0x63]), reserved: 4 }),
  'text that is no UTF-8': frameOf({ opcode: OPCODE.text, payload: Buffer.from('00c328', 'hex') }),
  'more than a message may have': frameOf({
    opcode: OPCODE.binary,
    payload: Buffer.alloc(10),
    length: (1n << 20n) + 1n,
  }),
  'a length beyond 2^53': frameOf({ opcode: OPCODE.binary, payload: Buffer.alloc(10), length: 1n << 60n }),
  'a message amid another': Buffer.concat([
    frameOf({ opcode: OPCODE.binary, payload: Buffer.from([0, 0x63]), fin: false }),
    frameOf({ opcode: OPCODE.binary, payload: Buffer.from([0, 0x64]) }),
  ]),
  'the middle of nothing': frameOf({ opcode: OPCODE.continuation, payload: Buffer.from([0, 0x63]) }),
  'a ping in pieces': frameOf({ opcode: OPCODE.ping, payload: Buffer.from('x'), fin: false }),
  'a ping that is too long': frameOf({ opcode: OPCODE.ping, payload: Buffer.alloc(126) }),
  'an end that is no reason': frameOf({ opcode: OPCODE.close, payload: Buffer.from([3]) }),
}

describe('what is against the rules ends it, and nothing after it is heard', { timeout: 60_000 }, () => {
  for (const [name, wrong] of Object.entries(WRONG)) {
    test(name, async () => {
      const { stdin } = await hear('v5.channel.k8s.io', Buffer.concat([good, wrong, after]))
      assert.equal(stdin.toString(), 'a')
    })
  }
})

/** What took half a minute, when every brace was tried as the end of a size. */
test('of a flood of resizes only the last one counts, and only the end is read', { timeout: 20_000 }, async () => {
  const line = (Width: number): string => `${JSON.stringify({ Width, Height: 24 })}\n`
  const lines = Array.from({ length: 1000 }, (_, i) => line(i + 1)).join('')
  const payload = Buffer.from(`\x04${'}'.repeat(900_000)}${lines}`)
  const { sizes } = await hear('v5.channel.k8s.io', frameOf({ opcode: OPCODE.binary, payload }))
  assert.deepEqual(sizes, [{ width: 1000, height: 24 }])
})
