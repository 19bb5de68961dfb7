// Lists that are made while they are written have the bytes of lists made whole, in every form and of any length, and keep nothing of what is long.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ConfigMap, configMaps } from '../api/core/config-map.ts'
import { LongText } from '../apimachinery/long-text.ts'
import { listStruct } from '../apimachinery/messages.ts'
import type { AnyObject } from '../apimachinery/metadata.ts'
import { partialMetadata } from '../apimachinery/partial-metadata.ts'
import { encodeProtobuf } from '../apimachinery/protobuf/protobuf.ts'
import type { DeepReadonly, Resource } from '../apimachinery/resource.ts'
import { serialize } from '../apimachinery/serialize.ts'
import { tableHead, tableOf, tableRow } from '../apimachinery/table.ts'
import { encodeYaml } from '../apimachinery/yaml.ts'
import { StoredObject } from './cache/stored.ts'
import { jsonPieces, type ListParts, lookAt, lookToEncode, protobufBody, yamlPieces } from './list-forms.ts'

const resource = configMaps as unknown as Resource<AnyObject>
const metadata = { resourceVersion: '77', continue: 'abc', remainingItemCount: 3 }

const stored = (i: number, content: object): StoredObject => {
  const object = { metadata: { name: `m-${i}`, namespace: 'default', labels: { on: 'yes', n: String(i) } }, ...content }
  return StoredObject.fromStore(`/m-${i}`, i + 1, serialize(resource, object))
}

function storedOf(count: number, bytes: number): StoredObject[] {
  return Array.from({ length: count }, (_, i) => {
    const data = { text: String(i % 10).repeat(bytes), odd: 'ü "\\\n  - x: |\n\tπ\n', '0': '~' }
    return stored(i, { data })
  })
}

/** Of several hundred kilobytes each: what is long, in every way that it is written, and what is many. */
function largeObjects(): StoredObject[] {
  const lines = 'key: "value" # 漢字, ü and 🎉\n'.repeat(8000)
  const many = Array.from({ length: 3000 }, (_, i): [string, string] => [
    `key-${i}`,
    i % 7 === 0 ? 'on' : `value\n${i}\n`,
  ])
  return [
    {
      data: {
        one: 'text '.repeat(60_000),
        lines,
        dos: lines.replaceAll('\n', ' \r\n'),
        json: JSON.stringify({ lines }),
      },
    },
    { data: Object.fromEntries(many), binaryData: { small: 'YQ==', long: Buffer.from(lines).toString('base64') } },
    { binaryData: Object.fromEntries(many.map(([key]) => [key, Buffer.from(key.repeat(9)).toString('base64')])) },
    {
      data: {
        emoji: '🎉'.repeat(70_000),
        colors: '\u001b[1mline\u001b[0m\n'.repeat(20_000),
        digits: '12'.repeat(99_000),
      },
    },
  ].map((content, i) => stored(i, content))
}

const LISTS: Readonly<Record<string, StoredObject[]>> = {
  empty: [],
  'of one': storedOf(1, 3),
  short: storedOf(50, 10),
  'of more than is kept parsed': storedOf(9, 600_000),
  'of more than is kept encoded': storedOf(13, 900_000),
  'of large objects': largeObjects(),
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
        const yaml = Buffer.from(encodeYaml(whole))
        assert.ok(joined(yamlPieces(parts, items, look)).equals(yaml))
        if (shape === 'objects') assert.ok(joined(yamlPieces(parts, items, lookToEncode(items))).equals(yaml))
      })
    }

    test('is the same in protobuf', async () => {
      const { struct, apiVersion, listKind } = resource
      const list = { metadata, items: values }
      const whole = encodeProtobuf(listStruct(struct, listKind), { apiVersion, kind: listKind }, list)
      for (const look of [lookAt(items), lookToEncode(items)]) {
        const body = await protobufBody(resource, metadata, { items, look, signal })
        assert.ok(body.kind === 'bytes' || body.kind === 'pieces')
        assert.ok((body.kind === 'bytes' ? body.bytes : joined(body.pieces)).equals(whole))
      }
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

test('of large objects nothing long is made a string, and they are not kept parsed', () => {
  for (const item of largeObjects()) {
    const object = lookToEncode([item])(item) as DeepReadonly<ConfigMap>
    const texts = [...Object.values(object.data ?? {}), ...Object.values(object.binaryData ?? {})]
    for (const text of texts as unknown[]) assert.ok(text instanceof LongText || String(text).length < 16 * 1024)
    assert.equal(item.isParsed, false)
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
