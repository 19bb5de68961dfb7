import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ParsedForms } from './parsed-forms.ts'
import { Slabs } from './slabs.ts'
import { handOver, StoredObject } from './stored.ts'

const LIMIT = 2000

function objects(forms: ParsedForms, count: number): StoredObject[] {
  const slabs = new Slabs(forms)
  return Array.from({ length: count }, (_, i) => {
    const text = `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"n${i}"},"data":{"a":"${'x'.repeat(100)}"}}`
    return StoredObject.held(`k${i}`, i + 1, Buffer.from(text), slabs)
  })
}

test('ParsedForms stay within their limit and count what is parsed, whoever looks, supersedes and releases', () => {
  const step = fc.record({ what: fc.constantFrom('look', 'look', 'look', 'drop', 'release', 'age'), which: fc.nat(49) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const forms = new ParsedForms(LIMIT)
      const all = objects(forms, 50)
      const released = new Set<StoredObject>()
      for (const { what, which } of steps) {
        const object = all[which]
        if (!object) continue
        if (what === 'look') assert.equal(object.object.metadata.name, `n${which}`)
        else if (what === 'drop') object.dropParsed()
        else if (what === 'age') forms.age()
        else released.add(object).has(object) && object.release()
      }
      assert.ok(forms.sizeBytes <= LIMIT)
      const parsed = all.filter((object) => object.isParsed && !released.has(object))
      assert.equal(forms.count, parsed.length)
      assert.equal(
        forms.sizeBytes,
        parsed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      )
    }),
    { numRuns: 100 },
  )
})

test('ParsedForms keep what is looked at again and again, and give up what was looked at once', () => {
  const forms = new ParsedForms(LIMIT)
  const [favourite, ...others] = objects(forms, 100)
  for (const other of others) {
    favourite?.object
    other.object
  }
  assert.equal(favourite?.isParsed, true)
  assert.ok(others.filter(({ isParsed }) => isParsed).length < 15)
})

test('ParsedForms.age drops what nobody has looked at since the last time', () => {
  const forms = new ParsedForms(LIMIT)
  const [idle, used] = objects(forms, 2)
  for (const object of [idle, used]) object?.object
  used?.object
  forms.age()
  assert.deepEqual([idle?.isParsed, used?.isParsed], [false, true])
  forms.age()
  assert.equal(used?.isParsed, false)
})

test('what is retired stays parsed until all have heard of what came after it', () => {
  const forms = new ParsedForms(LIMIT)
  const [object] = objects(forms, 1)
  const seen = object?.object
  if (object) forms.retire(object)
  assert.equal(object?.object, seen)
  forms.dropRetired()
  assert.equal(object?.isParsed, false)
})

test('what was handed over is kept if somebody looked by the time all have heard of it', () => {
  const forms = new ParsedForms(LIMIT)
  const slabs = new Slabs(forms)
  const take = (name: string): StoredObject => {
    const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name } }
    const stored = Buffer.from(JSON.stringify(object))
    handOver(stored, object)
    return StoredObject.held(name, 7, stored, slabs)
  }
  const [seen, unseen] = [take('seen'), take('unseen')]
  assert.equal(forms.count, 2)
  assert.deepEqual(seen.content, {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'seen', resourceVersion: '7' },
  })
  forms.dropRetired()
  assert.deepEqual([seen.isParsed, unseen.isParsed, forms.count], [true, false, 1])
  assert.equal(unseen.object.metadata.name, 'unseen')
})
