import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conditionsOf, type Leftovers } from './conditions.ts'

const NOTHING: Leftovers = { content: new Map(), finalizers: new Map(), discoveryFailures: [], deletionFailures: [] }
const NOW = Date.parse('2030-01-01T12:00:00Z')

const cases: [string, Partial<Leftovers>, string][] = [
  [
    'DiscoveryFailed',
    {
      discoveryFailures: [
        { groupVersion: 'metrics.k8s.io/v1beta1', reason: 'the server is currently unable to handle the request' },
        { groupVersion: 'example.com/v1', reason: 'boom' },
      ],
    },
    'Discovery failed for some groups, 2 failing: unable to retrieve the complete list of server APIs: example.com/v1: boom, metrics.k8s.io/v1beta1: the server is currently unable to handle the request',
  ],
  ['ContentDeletionFailed', { deletionFailures: ['b', 'a'] }, 'Failed to delete all resource types, 2 remaining: a, b'],
  [
    'SomeResourcesRemain',
    {
      content: new Map([
        ['pods.', 2],
        ['gadgets.example.com', 1],
      ]),
    },
    'Some resources are remaining: gadgets.example.com has 1 resource instances, pods. has 2 resource instances',
  ],
  [
    'SomeFinalizersRemain',
    { finalizers: new Map([['example.com/hold', 3]]) },
    'Some content in the namespace has finalizers remaining: example.com/hold in 3 resource instances',
  ],
]

for (const [reason, left, message] of cases) {
  test(`conditionsOf tells ${reason}`, () => {
    const told = conditionsOf({ ...NOTHING, ...left }, [], NOW).filter(({ status }) => status === 'True')
    assert.deepEqual(
      told.map((c) => [c.reason, c.message, c.lastTransitionTime]),
      [[reason, message, '2030-01-01T12:00:00Z']],
    )
  })
}

test('conditionsOf keeps the time of what is still so, and takes back what is over', () => {
  const before = conditionsOf({ ...NOTHING, deletionFailures: ['a'] }, [], NOW)
  const after = conditionsOf(NOTHING, before, NOW + 60_000)
  assert.deepEqual(
    after.map(({ type, status, lastTransitionTime }) => [type, status, lastTransitionTime]),
    [
      ['NamespaceDeletionDiscoveryFailure', 'False', '2030-01-01T12:00:00Z'],
      ['NamespaceDeletionGroupVersionParsingFailure', 'False', '2030-01-01T12:00:00Z'],
      ['NamespaceDeletionContentFailure', 'False', '2030-01-01T12:01:00Z'],
      ['NamespaceContentRemaining', 'False', '2030-01-01T12:00:00Z'],
      ['NamespaceFinalizersRemaining', 'False', '2030-01-01T12:00:00Z'],
    ],
  )
})
