// Which addresses and ports there are to give, and in which order.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { ServiceCIDR } from '../../api/networking/service-cidr.ts'
import {
  addressNumber,
  addressRange,
  addressText,
  candidates,
  firstServiceIP,
  isReady,
  offers,
  portBands,
  rangesOf,
  serverRange,
  spans,
} from './ranges.ts'

describe('addressRange()', () => {
  // Upstream's sizes of the band for those who ask by name (KEP-3070).
  const cases: Record<string, [cidr: string, lower: string, upper: string]> = {
    'is too small to keep any for those who ask by name': ['10.96.0.0/28', '', '10.96.0.1-10.96.0.14'],
    'keeps at least sixteen': ['10.96.0.0/27', '10.96.0.1-10.96.0.16', '10.96.0.17-10.96.0.30'],
    'keeps a sixteenth': ['192.168.0.0/22', '192.168.0.1-192.168.0.64', '192.168.0.65-192.168.3.254'],
    'keeps at most 256': ['10.96.0.0/12', '10.96.0.1-10.96.1.0', '10.96.1.1-10.111.255.254'],
    'has one address': ['10.96.0.0/30', '', '10.96.0.1-10.96.0.2'],
    'has none': ['10.96.0.1/32', '', ''],
  }
  const text = ({ first, count }: { first: number; count: number }): string =>
    count === 0 ? '' : `${addressText(first)}-${addressText(first + count - 1)}`
  for (const [name, [cidr, lower, upper]] of Object.entries(cases))
    test(`${cidr} ${name}`, () => {
      const range = addressRange(cidr)
      assert.ok(range)
      assert.deepEqual([text(range.lower), text(range.upper)], [lower, upper])
    })

  test('knows no family but this cluster’s', () => assert.equal(addressRange('fd00::/112'), undefined))
})

test('portBands() keeps a thirty-second of the ports for those who ask by name, within limits', () => {
  assert.deepEqual(portBands([30_000, 32_767]), {
    lower: { first: 30_000, count: 86 },
    upper: { first: 30_086, count: 2682 },
  })
  assert.deepEqual(portBands([30_000, 30_015]), {
    lower: { first: 30_000, count: 0 },
    upper: { first: 30_000, count: 16 },
  })
  assert.deepEqual(portBands([30_000, 30_099]).lower.count, 16)
  assert.deepEqual(portBands([1, 65_535]).lower.count, 128)
})

test('candidates() are all places once, those kept for others last', () => {
  for (let seed = 1; seed < 20; seed++) {
    const range = addressRange('10.0.0.0/26')
    assert.ok(range)
    const order = [...candidates(range, seededRandom(seed))]
    assert.equal(order.length, 62)
    assert.equal(new Set(order).size, 62)
    assert.ok(order.slice(0, range.upper.count).every((place) => place >= range.upper.first))
    assert.ok(order.every((place) => offers(range, place)))
  }
  assert.deepEqual(
    [...candidates({ lower: { first: 1, count: 0 }, upper: { first: 1, count: 0 } }, seededRandom(1))],
    [],
  )
})

test('a range spans its own address and the one for broadcasts, and offers neither', () => {
  const range = addressRange('10.0.0.0/24')
  assert.ok(range)
  const verdicts = (text: string): boolean[] => {
    const address = addressNumber(text) ?? -1
    return [spans(range, address), offers(range, address)]
  }
  assert.deepEqual(verdicts('9.255.255.255'), [false, false])
  assert.deepEqual(verdicts('10.0.0.0'), [true, false])
  assert.deepEqual(verdicts('10.0.0.1'), [true, true])
  assert.deepEqual(verdicts('10.0.0.254'), [true, true])
  assert.deepEqual(verdicts('10.0.0.255'), [true, false])
  assert.deepEqual(verdicts('10.0.1.0'), [false, false])
  assert.equal(addressNumber('fd00::1'), undefined)
})

test('the server’s own range is one of IPv4 that is neither too small nor too large', () => {
  assert.equal(firstServiceIP('10.96.0.0/16'), '10.96.0.1')
  for (const cidr of ['10.96.0.0', '10.96.0.0/31', '10.0.0.0/11', 'fd00::/112', 'x'])
    assert.throws(() => serverRange(cidr), /an IPv4 CIDR of \/12 to \/30 is wanted/)
})

const serviceCIDR = (name: string, cidrs: string[], tweak: object = {}): ServiceCIDR =>
  ({ metadata: { name }, spec: { cidrs }, ...tweak }) as unknown as ServiceCIDR
const conditions = (status: string): object => ({ status: { conditions: [{ type: 'Ready', status }] } })

test('rangesOf() has the default before others, each range once, and none of IPv6', () => {
  const objects = [
    serviceCIDR('a', ['10.1.0.0/24', 'fd00::/112']),
    serviceCIDR('kubernetes', ['10.96.0.0/16']),
    serviceCIDR('b', ['10.1.0.0/24']),
  ]
  assert.deepEqual(
    rangesOf(objects, 'kubernetes').map(({ cidr }) => cidr),
    ['10.96.0.0/16', '10.1.0.0/24'],
  )
})

test('isReady() believes what is said, and takes silence for consent', () => {
  assert.equal(isReady(serviceCIDR('a', [])), true)
  assert.equal(isReady(serviceCIDR('a', [], conditions('True'))), true)
  assert.equal(isReady(serviceCIDR('a', [], conditions('False'))), false)
  const going = { metadata: { name: 'a', deletionTimestamp: '2030-01-01T00:00:00Z' } }
  assert.equal(isReady(serviceCIDR('a', [], { ...conditions('True'), ...going })), false)
})
