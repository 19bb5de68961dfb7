// The protobuf codec: known bytes, round trips and malformed input.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decode } from '../decode.ts'
import { deleteOptions, listStruct, status } from '../messages.ts'
import { defineResource } from '../resource.ts'
import {
  any,
  bool,
  bytes,
  double,
  int32,
  int64,
  intOrString,
  list,
  mapOf,
  microTime,
  quantity,
  ref,
  required,
  string,
  struct,
  time,
} from '../schema.ts'
import { DecodeError } from '../scalars.ts'
import { arbitraryOf } from '../testing-arbitrary.ts'
import { decodeEnvelope, decodeProtobuf, encodeProtobuf, encodeWatchFrame } from './protobuf.ts'

const volume = struct('io.k8s.api.core.v1.Volume', {
  name: required(string(1)),
  hostPath: ref(1, struct('io.k8s.api.core.v1.HostPathVolumeSource', { path: required(string(1)) })),
  emptyDir: ref(2, struct('io.k8s.api.core.v1.EmptyDirVolumeSource', { sizeLimit: quantity(2) })),
})
const spec = struct('io.k8s.api.apps.v1.DeploymentSpec', {
  replicas: int32(1),
  minReadySeconds: int32(5),
  volumes: list(20, volume),
  count: int64(21),
  ratio: double(22, { nilable: true }),
  flag: bool(23, { nilable: true }),
  sure: required(bool(24)),
  data: mapOf(25, bytes()),
  limits: mapOf(26, quantity()),
  extra: mapOf(27, list(0, string())),
  at: time(28),
  precise: microTime(29),
  target: intOrString(30),
  raw: any(31),
  numbers: list(32, int64()),
  times: list(33, microTime()),
})
const things = defineResource({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  scope: 'Namespaced',
  model: 'io.k8s.api.apps.v1.Deployment',
  fields: { spec: ref(2, spec) },
})
const meta = { apiVersion: 'apps/v1', kind: 'Deployment' }

test('an object goes to the wire in its envelope', () => {
  const bytes = encodeProtobuf(things.struct, meta, {
    metadata: { name: 'a' },
    spec: { replicas: 0, volumes: [{ name: 'v', emptyDir: {} }] },
  })
  const want = [
    [0x6b, 0x38, 0x73, 0, 0x0a, 0x15, 0x0a, 7, ...Buffer.from('apps/v1'), 0x12, 10, ...Buffer.from('Deployment')],
    [0x12, 20, 0x0a, 3, 0x0a, 1, 0x61],
    [0x12, 13, 0x08, 0, 0xa2, 0x01, 8, 0x0a, 1, 0x76, 0x12, 3, 0x12, 1, 0],
  ].flat()
  assert.equal(bytes.subarray(0, 27).toString('hex'), Buffer.from(want.slice(0, 27)).toString('hex'))
  assert.deepEqual(decodeProtobuf(things.struct, bytes), {
    ...meta,
    metadata: { name: 'a' },
    spec: { replicas: 0, volumes: [{ name: 'v', emptyDir: {} }], sure: false },
  })
})

test('a zero that Go always writes is absent, one behind a pointer is not', () => {
  const object = {
    metadata: { name: 'a', namespace: '' },
    spec: { replicas: 0, minReadySeconds: 0, flag: false, sure: true },
  }
  assert.deepEqual(decodeProtobuf(things.struct, encodeProtobuf(things.struct, meta, object)), {
    ...meta,
    metadata: { name: 'a' },
    spec: { replicas: 0, flag: false, sure: true },
  })
})

describe('round trips', () => {
  for (const [name, message] of Object.entries({
    things: things.struct,
    status,
    deleteOptions,
    list: listStruct(things.struct),
  })) {
    test(name, () => {
      fc.assert(
        fc.property(arbitraryOf(message), (object) => {
          assert.deepEqual(decodeProtobuf(message, encodeProtobuf(message, meta, object)), { ...meta, ...object })
          const json: unknown = JSON.parse(JSON.stringify(object))
          assert.deepEqual(decode(message, json, { unknownFields: 'strict' }), { value: object, unknown: [] })
        }),
      )
    })
  }
})

test('malformed bytes are a DecodeError', () => {
  const good = encodeProtobuf(things.struct, meta, {
    metadata: { name: 'a' },
    spec: { volumes: [{ name: 'v' }], data: { a: 'YQ==' } },
  })
  const attempt = (bytes: Buffer): void => {
    try {
      decodeProtobuf(things.struct, bytes)
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error))
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => attempt(Buffer.concat([good.subarray(0, 4), noise]))),
  )
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
      const bad = Buffer.from(good)
      bad[at] = byte
      attempt(bad)
    }),
  )
  assert.throws(() => decodeEnvelope(Buffer.from('{}')), DecodeError)
})

test('a watch frame is a length and a WatchEvent around the encoded object', () => {
  const frame = encodeWatchFrame('ADDED', Buffer.from('xy'))
  assert.equal(frame.toString('hex'), '0000000d' + '0a054144444544' + '12040a027879')
})
