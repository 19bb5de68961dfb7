// Lists that are made while they are written have the bytes of lists made whole, in every form and of any length, and keep nothing of what is long.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { configMaps } from '../api/core/config-map.ts'
import { listStruct } from '../apimachinery/messages.ts'
import type { AnyObject } from '../apimachinery/metadata.ts'
import { partialMetadata } from '../apimachinery/partial-metadata.ts'
import { encodeProtobuf } from '../apimachinery/protobuf/protobuf.ts'
import type { Resource } from '../apimachinery/resource.ts'
import { serialize } from '../apimachinery/serialize.ts'
import { tableHead, tableOf, tableRow } from '../apimachinery/table.ts'
import { encodeYaml } from '../apimachinery/yaml.ts'
import { StoredObject } from './cache/stored.ts'
import { jsonPieces, type ListParts, lookAt, protobufBody, yamlPieces } from './list-forms.ts'

const resource = configMaps as unknown as Resource<AnyObject>
const metadata = { resourceVersion: '77', continue: 'abc', remainingItemCount: 3 }

function storedOf(count: number, bytes: number): StoredObject[] {
  return Array.from({ length: count }, (_, i) => {
    const data = { text: String(i % 10).repeat(bytes), odd: 'ü "\\\n  - x: |\n\tπ\n', '0': '~' }
    const object = { metadata: { name: `m-${i}`, namespace: 'default', labels: { on: 'yes', n: String(i) } }, data }
    return StoredObject.fromStore(`/m-${i}`, i + 1, serialize(resource, object))
  })
}

const LISTS: Readonly<Record<string, StoredObject[]>> = {
  empty: [],
  'of one': storedOf(1, 3),
  short: storedOf(50, 10),
  'of more than is kept parsed': storedOf(9, 600_000),
  'of more than is kept encoded': storedOf(13, 900_000),
}

const shapes: Readonly<Record<string, ListParts>> = {
  table: {
    around: { ...tableHead(resource, { metadata }) },
    member: 'rows',
    each: (object) => tableRow(resource, object, { nowMs: 0, includeObject: 'Object' }),
  },
  metadata: {
    around: { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata },
    member: 'items',
    each: partialMetadata,
  },
  objects: {
    around: { kind: 'ConfigMapList', apiVersion: 'v1', metadata },
    member: 'items',
    each: (object) => object,
  },
}

/** A piece is good until the next is taken. */
const joined = (pieces: Iterable<Buffer>): Buffer => Buffer.concat(Array.from(pieces, (piece) => Buffer.from(piece)))

const signal = new AbortController().signal

for (const [name, items] of Object.entries(LISTS)) {
  describe(`a list ${name}`, () => {
    const values = items.map(({ bytes }) => JSON.parse(bytes.toString()) as AnyObject)
    for (const [shape, parts] of Object.entries(shapes)) {
      const whole = { ...parts.around, [parts.member]: values.map((value) => parts.each(value)) }
      test(`is the same as JSON and YAML, ${shape}`, () => {
        const look = lookAt(items)
        const json = Buffer.concat([...jsonPieces(parts, items, look)])
        assert.ok(json.equals(Buffer.from(JSON.stringify(whole))))
        const yaml = Buffer.concat([...yamlPieces(parts, items, look)])
        assert.ok(yaml.equals(Buffer.from(encodeYaml(whole))))
      })
    }

    test('is the same in protobuf', async () => {
      const { struct, apiVersion, listKind } = resource
      const body = await protobufBody(resource, metadata, { items, look: lookAt(items), signal })
      assert.ok(body.kind === 'bytes' || body.kind === 'pieces')
      const bytes = body.kind === 'bytes' ? body.bytes : joined(body.pieces)
      const list = { metadata, items: values }
      assert.ok(bytes.equals(encodeProtobuf(listStruct(struct, listKind), { apiVersion, kind: listKind }, list)))
    })
  })
}

test('a table is what it is when it is made whole', () => {
  const objects = storedOf(3, 5).map(({ object }) => object)
  const options = { nowMs: 0, includeObject: 'None', metadata } as const
  const rows = objects.map((object) => tableRow(resource, object, options))
  assert.deepEqual(tableOf(resource, objects, options), { ...tableHead(resource, options), rows })
})

test('the objects of a long list are not kept parsed, those of a short one are', () => {
  for (const [items, kept] of [
    [storedOf(2, 10), true],
    [storedOf(9, 600_000), false],
  ] as const) {
    const look = lookAt(items)
    const [first] = items
    assert.ok(first)
    const seen = look(first)
    assert.equal(look(first) === seen, kept)
  }
})

test('nothing more is encoded for who is gone', async () => {
  const gone = new AbortController()
  gone.abort(new Error('The client is gone'))
  const items = storedOf(4, 300_000)
  let looked = 0
  const look: ReturnType<typeof lookAt> = (item) => {
    looked++
    return item.object
  }
  await assert.rejects(protobufBody(resource, metadata, { items, look, signal: gone.signal }), /The client is gone/)
  assert.equal(looked, 1)
})
