// Bootstrap tokens are made at random, in kubeadm's form.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseToken } from '../api/core/bootstrap-token.ts'
import { systemRandom } from '../base/random.ts'
import { makeToken } from './bootstrap-tokens.ts'

test('makeToken makes tokens that parseToken reads, no two alike', () => {
  const made = Array.from({ length: 100 }, () => makeToken(systemRandom))
  for (const { id, secret } of made) assert.deepEqual(parseToken(`${id}.${secret}`), { id, secret })
  assert.equal(new Set(made.map(({ secret }) => secret)).size, 100)
  for (const text of ['', 'abcdef', 'abcdef.0123456789abcdeF', 'abcdef.0123456789abcdef0'])
    assert.equal(parseToken(text), undefined)
})
