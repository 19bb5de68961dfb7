// Names are within the kernel's limits, tell clusters apart, and are found again.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isLinkOf, isNamespaceOf, isTableOf, linkName, namespaceName, tableName } from './names.ts'

const cluster = fc.stringMatching(/^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/)
const node = fc.stringMatching(/^[a-z]([a-z0-9-]{0,40}[a-z0-9])?$/)

describe('names', () => {
  test('interfaces fit in 15 characters and are found by their cluster', () => {
    fc.assert(
      fc.property(cluster, node, (c, n) => {
        const name = linkName('uplink', { cluster: c, node: n })
        assert.ok(name.length <= 15, name)
        assert.ok(isLinkOf(c, name))
      }),
    )
  })

  test('what belongs to one cluster belongs to no other', () => {
    fc.assert(
      fc.property(cluster, cluster, node, (a, b, n) => {
        fc.pre(a !== b)
        assert.ok(!isNamespaceOf(b, namespaceName({ cluster: a, node: n })))
        assert.ok(!isTableOf(b, tableName(a, 'pods')))
        assert.ok(!isTableOf(b, tableName(a)))
      }),
    )
  })

  const foreign: Record<string, [cluster: string, link: string]> = {
    'a cluster whose name begins alike': ['ab', linkName('pods', { cluster: 'ab-c', node: 'n' })],
    'an interface of somebody else': ['eth', 'eth0'],
    'a name that is only similar': ['mine', 'drb-mine-12345'],
  }
  for (const [name, [c, link]] of Object.entries(foreign))
    test(`isLinkOf() says no to ${name}`, () => assert.equal(isLinkOf(c, link), false))

  for (const bad of ['', 'A', 'a b', 'a;b', 'a/b', '-a', 'a_b', 'a'.repeat(64)])
    test(`tableName() refuses ${JSON.stringify(bad)}`, () => assert.throws(() => tableName(bad), /not a DNS label/))
})
