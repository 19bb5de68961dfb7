// What a caller of the agent's API needs the right to.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { subresourcesOf } from './callers.ts'

const rows: readonly [path: string, subresources: string[]][] = [
  ['/stats/summary', ['stats']],
  ['/metrics', ['metrics']],
  ['/metrics/cadvisor', ['metrics']],
  ['/metricsx', ['proxy']],
  ['/healthz', ['healthz', 'proxy']],
  ['/pods/', ['pods', 'proxy']],
  ['/exec/default/web/main', ['proxy']],
  ['/containerLogs/default/web/main', ['proxy']],
]
for (const [path, expected] of rows)
  test(`${path} needs ${expected.join(' or ')}`, () => assert.deepEqual(subresourcesOf(path), expected))
