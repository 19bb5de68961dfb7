// What comes in parts arrives whole, zipped or not, and is not asked for before the reader has taken what came before.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { type Sink, sendParts } from './pieces.ts'

class Collector implements Sink {
  headers: Readonly<Record<string, string | number>> = {}
  ended = false
  readonly #taken: Buffer[] = []
  readonly #onWrite: () => Promise<void> | undefined

  constructor(onWrite: () => Promise<void> | undefined = () => undefined) {
    this.#onWrite = onWrite
  }

  begin(headers: Readonly<Record<string, string | number>>): void {
    this.headers = headers
  }

  write(piece: Buffer, done?: () => void): Promise<void> | undefined {
    this.#taken.push(Buffer.from(piece))
    done?.()
    return this.#onWrite()
  }

  end(last?: Buffer, done?: () => void): void {
    if (last) this.#taken.push(Buffer.from(last))
    done?.()
    this.ended = true
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#taken)
  }
}

const partsOf = (sizes: readonly number[]): Buffer[] => sizes.map((size, i) => Buffer.alloc(size, 97 + (i % 26)))
const KIB = 1024

for (const sizes of [[], [0], [1], [130 * KIB], [256 * KIB], [256 * KIB, 1], [3, 900_000, 0, 262_143, 7, 300_000]]) {
  for (const zip of [false, true]) {
    test(`parts of ${sizes.join(', ') || 'nothing'} bytes, ${zip ? 'zipped' : 'plain'}`, async () => {
      const parts = partsOf(sizes)
      const whole = Buffer.concat(parts)
      const sink = new Collector()
      await sendParts(parts, { zip }, sink)
      const zipped = sink.headers['content-encoding'] === 'gzip'
      assert.equal(zipped, zip && whole.length >= 128 * KIB)
      assert.ok((zipped ? gunzipSync(sink.bytes) : sink.bytes).equals(whole))
      assert.ok(sink.ended)
      const length = sink.headers['content-length']
      assert.ok(whole.length <= 256 * KIB ? length === sink.bytes.length : length === undefined)
    })
  }
}

test('a length that is known is said', async () => {
  const sink = new Collector()
  await sendParts(partsOf([200_000, 200_000]), { length: 400_000, zip: false }, sink)
  assert.deepEqual(sink.headers, { 'content-length': 400_000 })
})

for (const zip of [false, true]) {
  test(`a reader that takes nothing is not written for, ${zip ? 'zipped' : 'plain'}`, async () => {
    let made = 0
    function* parts(): Generator<Buffer> {
      // Noise does not get smaller, so that every part that is made comes to the sink.
      for (; made < 400; made++) yield Buffer.from(Array.from({ length: 16 * KIB }, (_, i) => (i * i * made + i) & 255))
    }
    const gone = new Error('The client is gone')
    const { promise, reject } = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const sink = new Collector(() => {
      asked.resolve()
      return promise
    })
    const sending = sendParts(parts(), { zip }, sink)
    await asked.promise
    assert.ok(made < 200, `${made} of 400 parts were made for a reader that took none`)
    reject(gone)
    await assert.rejects(sending, gone)
  })
}
