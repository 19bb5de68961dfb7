import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FieldsText } from './apply/added.ts'
import { serialize, serializeText } from './serialize.ts'

const kind = { kind: 'Thing', apiVersion: 'example.com/v1' }
const key = fc.oneof(fc.constantFrom('spec', 'status', 'data', '1', '__proto__', 'é"\\'), fc.string())
const member = fc.tuple(key, fc.jsonValue({ maxDepth: 2 }))
const entry = fc.record({ manager: fc.string(), fieldsV1: fc.constant({ 'f:a': {} }) }, { requiredKeys: [] })
const parts = fc.record({
  metadata: fc.uniqueArray(fc.tuple(fc.constantFrom('name', 'uid', 'labels', 'resourceVersion'), fc.string()), {
    selector: ([name]) => name,
  }),
  entries: fc.option(fc.array(entry, { maxLength: 3 }), { nil: undefined }),
  rest: fc.uniqueArray(member, { selector: ([name]) => name }),
})

test('serialize writes kind, apiVersion and metadata first, managedFields last in it, and no resourceVersion', () => {
  fc.assert(
    fc.property(parts, ({ metadata, entries, rest }) => {
      const meta = metadata.filter(([name]) => name !== 'resourceVersion')
      const others = rest.filter(([name]) => !['kind', 'apiVersion', 'metadata'].includes(name))
      const managed = entries && [['managedFields', entries] as const]
      const object = Object.fromEntries([
        ...rest,
        ['metadata', Object.fromEntries([...(managed ?? []), ...metadata])],
        ['kind', 'x'],
      ])
      const text = (members: readonly (readonly [string, unknown])[]): string =>
        JSON.stringify(Object.fromEntries(members)).slice(1, -1)
      const inner = text([...meta, ...(managed ?? [])])
      const outer = others.length === 0 ? '' : `,${text(others)}`
      assert.equal(
        serializeText(kind, object),
        `{"kind":"Thing","apiVersion":"example.com/v1","metadata":{${inner}}${outer}}`,
      )
    }),
  )
})

test('serialize puts fields in that are text already', () => {
  const managedFields = [{ manager: 'm', fieldsV1: new FieldsText('{"f:spec":{}}') }]
  assert.equal(
    serialize(kind, { metadata: { managedFields, name: 'x' }, spec: 1 }).toString(),
    '{"kind":"Thing","apiVersion":"example.com/v1","metadata":{"name":"x","managedFields":[{"manager":"m","fieldsV1":{"f:spec":{}}}]},"spec":1}',
  )
})
