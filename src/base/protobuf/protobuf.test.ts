// Tests of the protobuf codec: known bytes, round trips of any value, tolerance of what is unknown, and refusal of what is malformed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bigInt64,
  bigUint64,
  bool,
  bytes,
  double,
  enumeration,
  field,
  fixed32,
  fixed64,
  int32,
  int64,
  int64Rounded,
  lazy,
  MAX_DEPTH,
  type Message,
  map,
  message,
  optional,
  ProtobufError,
  repeated,
  string,
  type Type,
  uint32,
  uint64,
  uint64Rounded,
} from './protobuf.ts'

const color = enumeration({ RED: 0, GREEN: 1, BLUE: -1 })
const inner = message({ text: field(1, string), numbers: repeated(2, int64), size: optional(3, int32) })
const everything = message({
  flag: field(1, bool),
  i32: field(2, int32),
  u32: field(3, uint32),
  i64: field(4, int64),
  u64: field(5, uint64),
  big: field(6, bigInt64),
  ubig: field(7, bigUint64),
  f32: field(8, fixed32),
  f64: field(9, fixed64),
  real: field(10, double),
  text: field(11, string),
  raw: field(12, bytes),
  color: field(13, color),
  nested: field(14, inner),
  list: repeated(15, inner),
  flags: repeated(16, bool),
  colors: repeated(17, color),
  names: repeated(18, string),
  labels: map(19, string, string),
  parts: map(20, string, inner),
  maybe: optional(536_870_911, bool),
})

const arbitraryText = fc.string({ unit: 'grapheme' })
const arbitraryInner = fc.record(
  { text: arbitraryText, numbers: fc.array(fc.maxSafeInteger()), size: fc.integer() },
  { requiredKeys: ['text', 'numbers'] },
)
const dictionary = <T>(value: fc.Arbitrary<T>) => fc.dictionary(arbitraryText, value, { noNullPrototype: false })
const arbitraryEverything = fc.record(
  {
    flag: fc.boolean(),
    i32: fc.integer(),
    u32: fc.nat(0xffff_ffff),
    i64: fc.maxSafeInteger(),
    u64: fc.maxSafeNat(),
    big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    ubig: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    f32: fc.nat(0xffff_ffff),
    f64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    real: fc.double().map((value) => (Object.is(value, -0) ? 0 : value)),
    text: arbitraryText,
    raw: fc.uint8Array().map((value) => Buffer.from(value)),
    color: fc.constantFrom('RED', 'GREEN', 'BLUE'),
    nested: arbitraryInner,
    list: fc.array(arbitraryInner),
    flags: fc.array(fc.boolean()),
    colors: fc.array(fc.constantFrom('RED', 'GREEN', 'BLUE')),
    names: fc.array(arbitraryText),
    labels: dictionary(arbitraryText),
    parts: dictionary(arbitraryInner),
    maybe: fc.boolean(),
  } as const,
  {
    requiredKeys: [
      ...(['flag', 'i32', 'u32', 'i64', 'u64', 'big', 'ubig', 'f32', 'f64', 'real', 'text', 'raw', 'color'] as const),
      ...(['list', 'flags', 'colors', 'names', 'labels', 'parts'] as const),
    ],
  },
)

/** Maps decode to objects without a prototype; comparing wants them alike. */
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .map(([key, item]) => [key, plain(item)])
    .sort()
}

test('message round-trips every value', () => {
  fc.assert(
    fc.property(arbitraryEverything, (value) => {
      assert.deepEqual(plain(everything.decode(everything.encode(value))), plain(value))
    }),
    { numRuns: 300 },
  )
})

const KNOWN: [string, string, Buffer][] = [
  ['a negative int32 as ten bytes', '10ffffffffffffffffff01', everything.encode({ i32: -1 })],
  ['a negative int64', '20feffffffffffffffff01', everything.encode({ i64: -2 })],
  ['2^53-1', '20ffffffffffffff0f', everything.encode({ i64: Number.MAX_SAFE_INTEGER })],
  ['-(2^53-1)', '2081808080808080f0ff01', everything.encode({ i64: -Number.MAX_SAFE_INTEGER })],
  ['a string', '5a0774657374696e67', everything.encode({ text: 'testing' })],
  ['a string beyond ASCII', '5a03e282ac', everything.encode({ text: '€' })],
  ['packed numbers', '120601ac02ffff03', inner.encode({ numbers: [1, 300, 65_535] })],
  ['nothing', '', everything.encode({ flag: false, i32: 0, text: '', names: [], labels: {} })],
  ['an explicit zero', 'f8ffffff0f00', everything.encode({ maybe: false })],
  ['an empty message', '7200', everything.encode({ nested: {} })],
  [
    'map entries in the order of keys',
    '9a01060a0161120131' + '9a01060a0162120132',
    everything.encode({ labels: { b: '2', a: '1' } }),
  ],
]
for (const [what, hex, encoded] of KNOWN)
  test(`encode writes ${what} as other implementations do`, () => assert.equal(encoded.toString('hex'), hex))

test('decode reads numbers packed or not, and the last of a repeated singular field', () => {
  const unpacked = Buffer.from('1001' + '10ac02' + '120103', 'hex')
  assert.deepEqual(inner.decode(unpacked).numbers, [1, 300, 3])
  assert.equal(everything.decode(Buffer.from('10011002', 'hex')).i32, 2)
})

test('decode merges two occurrences of a message field', () => {
  const first = everything.encode({ nested: { text: 'kept', numbers: [1] } })
  const second = everything.encode({ nested: { numbers: [2], size: 5 } })
  assert.deepEqual(everything.decode(Buffer.concat([first, second])).nested, { text: 'kept', numbers: [1, 2], size: 5 })
})

test('decode skips fields that nobody knows, groups included', () => {
  const future = message({
    a: field(100, string),
    b: field(101, int64),
    c: field(102, fixed32),
    d: field(103, fixed64),
  })
  const known = message({ text: field(1, string) })
  const unknown = future.encode({ a: 'x', b: -5, c: 1, d: 2n })
  const group = Buffer.from('a306' + '0801' + 'ab06' + 'ac06' + 'a406', 'hex')
  assert.deepEqual(known.decode(Buffer.concat([unknown, group, known.encode({ text: 'here' }), unknown])), {
    text: 'here',
  })
})

test('decode takes a field of another wire type for an unknown one', () => {
  assert.equal(everything.decode(Buffer.from('12026869', 'hex')).i32, 0)
})

test('enumeration decodes an unknown number to the name of zero', () => {
  assert.equal(everything.decode(Buffer.from('6863', 'hex')).color, 'RED')
})

test('integers beyond 2^53 are refused as int64, rounded as int64Rounded and exact as bigInt64', () => {
  const wide = message({ n: field(1, bigInt64) }).encode({ n: 2n ** 62n + 1n })
  assert.throws(() => message({ n: field(1, int64) }).decode(wide), /beyond 2\^53/)
  assert.equal(message({ n: field(1, int64Rounded) }).decode(wide).n, 2 ** 62)
  assert.equal(message({ n: field(1, bigInt64) }).decode(wide).n, 2n ** 62n + 1n)
  const limit = message({ n: field(1, uint64Rounded) })
  assert.equal(limit.decode(limit.encode({ n: 2 ** 63 })).n, 2 ** 63)
})

test('map keeps keys that name properties of objects', () => {
  const { labels } = everything.decode(everything.encode({ labels: JSON.parse('{"__proto__":"a","constructor":"b"}') }))
  assert.deepEqual(Object.entries(labels).sort(), [
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ])
  assert.equal(labels['toString'], undefined)
})

interface Tree {
  readonly child?: Tree
}
const treeType: Type<Tree, Tree, 'explicit'> = lazy('explicit', () => tree)
const tree: Message<Tree, Tree> = message({ child: field(1, treeType) })

function nested(depth: number): Tree {
  let root: Tree = {}
  for (let i = 0; i < depth; i++) root = { child: root }
  return root
}

test('lazy lets a message contain itself, down to the depth limit', () => {
  assert.deepEqual(tree.decode(tree.encode(nested(MAX_DEPTH))), nested(MAX_DEPTH))
  assert.throws(() => tree.decode(tree.encode(nested(MAX_DEPTH + 1))), /nested deeper than 100/)
  assert.throws(() => tree.decode(Buffer.alloc(10_000, 0x0b)), /nested deeper than 100/)
})

const MALFORMED: [string, string, RegExp][] = [
  ['a truncated varint', '1080', /at byte 2: a varint runs past the end/],
  ['a varint of eleven bytes', `10${'ff'.repeat(11)}`, /longer than ten bytes/],
  ['a string longer than the input', '5a05616263', /runs past the end/],
  ['a length of 4 GiB', '5affffffff0f', /runs past the end/],
  ['a message longer than the input', '7205', /runs past the end/],
  ['a packed list that ends inside a number', '82010180', /a varint runs past the end/],
  ['a truncated fixed32', '450000', /runs past the end/],
  ['field number zero', '0001', /field number 0/],
  ['wire type 6', '0e', /wire type 6/],
  ['the end of a group that did not begin', '0c', /wire type 4/],
  ['the end of another group', 'a306ac06', /end of group/],
  ['a group without an end', 'a306', /runs past the end/],
]
for (const [what, hex, message] of MALFORMED)
  test(`decode refuses ${what}`, () => {
    assert.throws(() => everything.decode(Buffer.from(hex, 'hex')), { name: 'ProtobufError', message })
  })

test('decode of any bytes yields a message or a ProtobufError', () => {
  const damaged = fc.tuple(arbitraryEverything, fc.nat(), fc.nat(255), fc.nat()).map(([value, at, byte, cut]) => {
    const encoded = everything.encode(value)
    if (encoded.length > 0) encoded[at % encoded.length] = byte
    return encoded.subarray(0, cut % (encoded.length + 1))
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (input) => {
      try {
        everything.decode(input)
      } catch (error) {
        assert.ok(error instanceof ProtobufError, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})

test('decode refuses more items than its limit', () => {
  const many = Buffer.alloc(2 * ((1 << 20) + 1))
  for (let i = 0; i < many.length; i += 2) many[i] = 0x7a
  assert.throws(() => everything.decode(many), /more than 1048576 items/)
})

test('encode refuses values that the type cannot hold', () => {
  assert.throws(() => everything.encode({ i32: 2 ** 31 }), /not a 32-bit integer/)
  assert.throws(() => everything.encode({ i32: 1.5 }), ProtobufError)
  assert.throws(() => everything.encode({ u32: -1 }), ProtobufError)
  assert.throws(() => everything.encode({ u64: -1 }), ProtobufError)
  assert.throws(() => everything.encode({ i64: 2 ** 53 }), /within 2\^53/)
})

test('message refuses a field number that is taken', () => {
  assert.throws(() => message({ a: field(1, bool), b: field(1, bool) }), /invalid or taken/)
})
