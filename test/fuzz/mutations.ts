// Bytes that were valid once: cut, doubled, flipped, spliced and stuffed with what parsers stumble over. fast-check shrinks what it finds.

import fc from 'fast-check'

type Change =
  | { do: 'flip'; at: number; bit: number }
  | { do: 'set'; at: number; byte: number }
  | { do: 'cut'; at: number; length: number }
  | { do: 'double'; at: number; length: number; times: number }
  | { do: 'insert'; at: number; bytes: Uint8Array }
  | { do: 'stuff'; at: number; word: string }
  | { do: 'splice'; at: number; other: number; from: number }

/** Bytes at the edges of ranges, and the structure of every text format that is read. */
const EDGES = [
  0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0x0a, 0x20, 0x22, 0x27, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d, 0x2d, 0x2f, 0x3a, 0x2c,
]
const WORDS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'null',
  'true',
  '-0',
  '1e999',
  '-1',
  '18446744073709551616',
  '9007199254740993',
  '0x',
  '1_000',
  '.5',
  'NaN',
  '\ufeff',
  '\u2028',
  '\ud83d\ude00',
  '\r\n',
  '\t',
  '{}',
  '[]',
  '""',
  '&a',
  '*a',
  '!!',
  '!!binary ',
  '<<: ',
  '---\n',
  '? ',
  '| ',
  '~1',
  '~0',
  '/-',
  '/0',
  '..',
  '%2e',
  '%00',
  '(',
  ')',
  '(?i)',
  '{1,1000}',
  '\\p{L}',
  '*',
  '+',
  '[^',
  ' in ',
  '!=',
  '==',
  '@.',
  '?(',
  '..*',
  'has(',
  'all(',
  '.map(x, ',
]

const place = fc.nat(0xffff)

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ do: fc.constant('flip' as const), at: place, bit: fc.nat(7) }),
  fc.record({ do: fc.constant('set' as const), at: place, byte: fc.oneof(fc.constantFrom(...EDGES), fc.nat(255)) }),
  fc.record({ do: fc.constant('cut' as const), at: place, length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({
    do: fc.constant('double' as const),
    at: place,
    length: fc.integer({ min: 1, max: 32 }),
    times: fc.integer({ min: 1, max: 200 }),
  }),
  fc.record({ do: fc.constant('insert' as const), at: place, bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }) }),
  fc.record({ do: fc.constant('stuff' as const), at: place, word: fc.constantFrom(...WORDS) }),
  fc.record({ do: fc.constant('splice' as const), at: place, other: place, from: place }),
)

/** One of the seeds with a few changes, or none of it but noise. */
export function mutated(seeds: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const spoiled = fc
    .tuple(fc.nat(Math.max(0, seeds.length - 1)), fc.array(change, { maxLength: 6 }))
    .map(([index, changes]) =>
      changes.reduce((bytes, one) => apply(bytes, one, seeds), seeds[index] ?? Buffer.alloc(0)),
    )
  const noise = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes))
  return fc.oneof({ weight: 12, arbitrary: spoiled }, { weight: 1, arbitrary: noise })
}

function apply(bytes: Buffer, change: Change, seeds: readonly Buffer[]): Buffer {
  const at = bytes.length === 0 ? 0 : change.at % bytes.length
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (change.do) {
    case 'flip':
      return Buffer.concat([head, Buffer.of((tail[0] ?? 0) ^ (1 << change.bit)), tail.subarray(1)])
    case 'set':
      return Buffer.concat([head, Buffer.of(change.byte), tail.subarray(1)])
    case 'cut':
      return Buffer.concat([head, tail.subarray(change.length)])
    case 'double': {
      const part = tail.subarray(0, change.length)
      return Buffer.concat([head, ...Array.from({ length: change.times }, () => part), tail])
    }
    case 'insert':
      return Buffer.concat([head, change.bytes, tail])
    case 'stuff':
      return Buffer.concat([head, Buffer.from(change.word), tail])
    case 'splice': {
      const other = seeds[change.other % Math.max(1, seeds.length)] ?? Buffer.alloc(0)
      return Buffer.concat([head, other.subarray(other.length === 0 ? 0 : change.from % other.length)])
    }
  }
}
