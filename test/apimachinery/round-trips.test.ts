// Every kind: an arbitrary object survives JSON and protobuf unchanged, and noise never crashes the decoders.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ALL_RESOURCES } from '../../src/api/all.ts'
import { decode } from '../../src/apimachinery/decode.ts'
import { parseDocument } from '../../src/apimachinery/json.ts'
import { listStruct } from '../../src/apimachinery/messages.ts'
import { decodeProtobuf, encodeProtobuf } from '../../src/apimachinery/protobuf/protobuf.ts'
import { DecodeError } from '../../src/apimachinery/scalars.ts'
import type { Struct } from '../../src/apimachinery/schema.ts'
import { serialize } from '../../src/apimachinery/serialize.ts'
import { arbitraryOf } from '../../src/apimachinery/testing-arbitrary.ts'

const RUNS = { numRuns: 15, endOnFailure: true }

describe('JSON and protobuf round trips', () => {
  for (const resource of ALL_RESOURCES) {
    const struct: Struct = resource.struct
    const meta = { apiVersion: resource.apiVersion, kind: resource.kind }
    test(`${resource.groupResource} ${resource.kind}`, () => {
      fc.assert(
        fc.property(arbitraryOf(struct), (object) => {
          const whole = { ...meta, ...object }
          const json = parseDocument(Buffer.from(JSON.stringify(whole))).value
          assert.deepEqual(decode(struct, json, { unknownFields: 'strict' }), { value: whole, unknown: [] })
          if (resource.protobuf !== false) {
            assert.deepEqual(decodeProtobuf(struct, encodeProtobuf(struct, meta, object)), whole)
            const list = { items: [object] }
            const items = listStruct(struct)
            assert.deepEqual(decodeProtobuf(items, encodeProtobuf(items, meta, list)), { ...meta, ...list })
          }
          const again: unknown = JSON.parse(serialize(resource, whole).toString())
          assert.deepEqual(Object.keys(again ?? {}).slice(0, 3), ['kind', 'apiVersion', 'metadata'])
        }),
        RUNS,
      )
    })
  }
})

test('arbitrary JSON is decoded or refused with a DecodeError', () => {
  for (const resource of ALL_RESOURCES) {
    const struct: Struct = resource.struct
    fc.assert(
      fc.property(
        fc.record({ metadata: fc.jsonValue(), spec: fc.jsonValue(), status: fc.jsonValue() }, { requiredKeys: [] }),
        (value) => {
          try {
            decode(struct, value, { unknownFields: 'strict' })
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error))
          }
        },
      ),
      RUNS,
    )
  }
})
