// UUIDs are what RFC 9562 says, and no two are the same.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, systemRandom } from './random.ts'

const VERSION_4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

for (const [name, random] of Object.entries({ system: systemRandom, seeded: seededRandom(7) })) {
  test(`uuid of the ${name} generator is one of version 4, and new, each time`, () => {
    const seen = new Set<string>()
    for (let i = 0; i < 1000; i++) {
      const uuid = random.uuid()
      assert.match(uuid, VERSION_4)
      seen.add(uuid)
    }
    assert.equal(seen.size, 1000)
  })
}

test('uuid of the system generator has every digit in every place that is free', () => {
  const digits = Array.from({ length: 36 }, () => new Set<string>())
  for (let i = 0; i < 2000; i++) for (const [at, digit] of [...systemRandom.uuid()].entries()) digits[at]?.add(digit)
  const free = digits.map((_, at) =>
    at === 8 || at === 13 || at === 14 || at === 18 || at === 23 ? 1 : at === 19 ? 4 : 16,
  )
  assert.deepEqual(
    digits.map((set) => set.size),
    free,
  )
})
