// Long lists arrive whole whatever the sizes of their items, also while several answers share the memory of the pieces.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { systemClock } from '../base/clock.ts'
import type { ApiResponse, CachedObject } from '../client/door.ts'
import { writeAnswer } from './answer.ts'

function answerOf(seed: number): { answer: ApiResponse; expected: Buffer } {
  const sizes = [1, 300_000, 262_144, 262_143, 7, 900_000, 0, ...Array.from({ length: 400 }, (_, i) => i * seed)]
  const items = sizes.map((size, i) => ({ bytes: Buffer.alloc(size, String.fromCharCode(97 + ((i + seed) % 26))) }))
  const expected = Buffer.from(`[${items.map((item) => item.bytes.toString()).join(',')}]`)
  const body = {
    kind: 'list',
    head: Buffer.from('['),
    tail: Buffer.from(']'),
    items: items as unknown as readonly CachedObject[],
    metadata: {},
  } as Extract<ApiResponse['body'], { kind: 'list' }>
  return { answer: { status: 200, headers: {}, body }, expected }
}

test('several long lists at once arrive whole', async () => {
  const answers = [3, 5, 7, 11].map(answerOf)
  const server = createServer((message, response) => {
    const { answer } = answers[Number(message.url?.slice(1))] ?? answerOf(1)
    void writeAnswer(answer, message, { response, clock: systemClock })
  }).listen(0, '127.0.0.1')
  try {
    await once(server, 'listening')
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    const received = await Promise.all(
      answers.map(async (_, i) => {
        const request = get({ port: address.port, host: '127.0.0.1', path: `/${i}`, agent: false })
        const [response] = (await once(request, 'response')) as [IncomingMessage]
        return Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>))
      }),
    )
    for (const [i, bytes] of received.entries()) assert.ok(bytes.equals(answers[i]?.expected ?? Buffer.alloc(0)))
  } finally {
    server.close()
  }
})
