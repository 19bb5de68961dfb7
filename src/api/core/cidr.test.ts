// Addresses and ranges: what is accepted, and in which words the rest is refused.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  addressText,
  checkCanonicalAddress,
  checkCanonicalCIDR,
  checkCIDR,
  isStrictSubset,
  parseAddress,
  parseCIDR,
} from './cidr.ts'

const canonical: Record<string, string> = {
  '10.0.0.1': '10.0.0.1',
  '::': '::',
  '::1': '::1',
  '2001:DB8:0:0:0:0:0:1': '2001:db8::1',
  '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
  'fe80:1:2:3:4:5:6:0': 'fe80:1:2:3:4:5:6:0',
  '::ffff:1.2.3.4': '1.2.3.4',
  '64:ff9b::1.2.3.4': '64:ff9b::102:304',
}

test('addresses have one form', () => {
  for (const [text, want] of Object.entries(canonical)) {
    const address = parseAddress(text)
    assert.ok(address, text)
    assert.equal(addressText(address), want)
  }
  for (const text of ['', '1.2.3', '1.2.3.04', '::g', '1:2:3:4:5:6:7', '1::2::3']) {
    assert.equal(parseAddress(text), undefined, text)
  }
})

describe('what is wrong with', () => {
  test('an address', () => {
    assert.deepEqual(checkCanonicalAddress('10.0.0.1'), [])
    assert.deepEqual(checkCanonicalAddress('x'), ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'])
    assert.deepEqual(checkCanonicalAddress('::FF'), ['must be in canonical form ("::ff")'])
    assert.deepEqual(checkCanonicalAddress('::ffff:1.2.3.4'), ['must not be an IPv4-mapped IPv6 address'])
  })
  test('a range', () => {
    assert.deepEqual(checkCIDR('10.0.0.0/8'), [])
    assert.deepEqual(checkCIDR('2001:DB8::/64'), [])
    assert.deepEqual(checkCIDR('10.0.0.0/33'), ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'])
    assert.deepEqual(checkCIDR('10.0.0.1/8'), ['must not have bits set beyond the prefix length'])
    assert.deepEqual(checkCIDR('10.0.0.0/08'), ['must not have leading 0s in IP or prefix length'])
    assert.deepEqual(checkCanonicalCIDR('2001:DB8::/64'), ['must be in canonical form ("2001:db8::/64")'])
    assert.deepEqual(checkCanonicalCIDR('2001:db8::/64'), [])
  })
})

test('a range is inside another', () => {
  const inside = (inner: string, outer: string): boolean | undefined => {
    const [a, b] = [parseCIDR(inner), parseCIDR(outer)]
    return a && b && isStrictSubset(a, b)
  }
  assert.equal(inside('10.1.0.0/16', '10.0.0.0/8'), true)
  assert.equal(inside('10.0.0.0/8', '10.0.0.0/8'), false)
  assert.equal(inside('11.0.0.0/16', '10.0.0.0/8'), false)
  assert.equal(inside('::/64', '0.0.0.0/0'), false)
})
