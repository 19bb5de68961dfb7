import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ParsedForms } from './parsed-forms.ts'
import { Slabs } from './slabs.ts'
import { StoredObject } from './stored.ts'

const textOf = (name: string, fill: number): string =>
  `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"${name}"},"data":{"a":"${'x'.repeat(fill)}"}}`
const hold = (slabs: Slabs, revision: number, fill: number): StoredObject =>
  StoredObject.held(`k${revision}`, revision, Buffer.from(textOf(`n${revision}`, fill)), slabs)
const asServed = (revision: number, fill: number): string =>
  textOf(`n${revision}`, fill).replace('"metadata":{', `"metadata":{"resourceVersion":"${revision}",`)

test('Slabs keep what lives to the byte, whatever is released, and no more than twice as much memory as that', () => {
  const size = fc.oneof({ weight: 9, arbitrary: fc.nat(4000) }, { weight: 1, arbitrary: fc.nat(100_000) })
  const steps = fc.array(fc.record({ fill: size, release: fc.double({ min: 0, max: 1, noNaN: true }) }), {
    maxLength: 600,
    size: 'max',
  })
  fc.assert(
    fc.property(steps, (list) => {
      const slabs = new Slabs(new ParsedForms())
      const live: { object: StoredObject; revision: number; fill: number }[] = []
      for (const [index, { fill, release }] of list.entries()) {
        live.push({ object: hold(slabs, index + 1, fill), revision: index + 1, fill })
        if (release > 0.4) live.splice(Math.floor(release * live.length), 1)[0]?.object.release()
      }
      const size = live.reduce((sum, { object }) => sum + object.sizeBytes, 0)
      assert.equal(slabs.liveBytes, size)
      // The block that is being filled, and what did not fit at the ends of the others.
      assert.ok(slabs.heldBytes <= 2.4 * size + 128 * 1024, `${slabs.heldBytes} bytes for ${size}`)
      for (const { object, revision, fill } of live) assert.equal(object.bytes.toString(), asServed(revision, fill))
    }),
    { numRuns: 100 },
  )
})

test('bytes that somebody reads stay what they were when their object moves and when it is released', () => {
  const slabs = new Slabs(new ParsedForms())
  const objects = Array.from({ length: 500 }, (_, i) => hold(slabs, i + 1, 1000))
  const read = objects.map(({ bytes }) => bytes)
  for (const [i, object] of objects.entries()) if (i % 10 !== 0) object.release()
  assert.ok(objects.some(({ bytes }, i) => bytes !== read[i]))
  for (let i = 500; i < 1000; i++) hold(slabs, i + 1, 1000)
  for (const [i, bytes] of read.entries()) assert.equal(bytes.toString(), asServed(i + 1, 1000))
})

test('an object is released once', () => {
  const slabs = new Slabs(new ParsedForms())
  const [object] = [hold(slabs, 1, 10), hold(slabs, 2, 10)]
  const left = slabs.liveBytes - object.sizeBytes
  object.release()
  object.release()
  assert.equal(slabs.liveBytes, left)
})
