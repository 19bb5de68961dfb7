// Prefixes, ranges and names with a star hold exactly what they stand for.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inRange, ipv4Range, isIPv4 } from './ranges.ts'

const held: [element: string, value: string, want: boolean][] = [
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['0.0.0.0/0', '255.255.255.255', true],
  ['10.0.0.1/32', '10.0.0.1', true],
  ['10.0.0.1-10.0.0.9', '10.0.0.5', true],
  ['1000-2000', '2000', true],
  ['1000-2000', '2001', false],
  ['tcp . 80-90', 'tcp . 85', true],
  ['tcp . 80-90', 'udp . 85', false],
  ['drb-a-*', 'drb-a-x1', true],
  ['drb-a-*', 'drb-b-x1', false],
]

describe('inRange()', () => {
  for (const [element, value, want] of held)
    test(`${element} ${want ? 'holds' : 'lacks'} ${value}`, () => assert.equal(inRange(element, value), want))
})

for (const bad of ['', '1.2.3', '1.2.3.256', '01.2.3.4', '1.2.3.4 ', '1.2.3.4.5', '::1'])
  test(`isIPv4() refuses ${JSON.stringify(bad)}`, () => assert.equal(isIPv4(bad), false))
for (const bad of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/8/8', 'x/8'])
  test(`ipv4Range() refuses ${JSON.stringify(bad)}`, () => assert.equal(ipv4Range(bad), undefined))
