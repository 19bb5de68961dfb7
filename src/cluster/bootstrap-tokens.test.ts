// Bootstrap tokens: which are good, who comes with them, and that the API server sees them as such.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemRandom } from '../base/random.ts'
import { type Secret, secrets } from '../api/core/secret.ts'
import type { ApiRequest } from '../client/door.ts'
import { startCluster } from '../testing/cluster.ts'
import { identityOf, makeToken, parseToken, tokenSecret, withBootstrapTokens } from './bootstrap-tokens.ts'

const TOKEN = { id: 'abcdef', secret: '0123456789abcdef' }
const NOW = Date.parse('2030-01-01T12:00:00Z')
const encode = (text: string): string => Buffer.from(text).toString('base64')

function secret(data: Record<string, string>, tweak: Partial<Secret> = {}): Secret {
  const made = tokenSecret(TOKEN, { now: NOW, ttlMs: 60_000 })
  const changed = Object.fromEntries(Object.entries(data).map(([key, text]) => [key, encode(text)]))
  return { ...made, data: { ...made.data, ...changed }, ...tweak }
}

const good = { username: 'system:bootstrap:abcdef', groups: ['system:bootstrappers'] }
const cases: Record<string, [secret: Secret, want: unknown]> = {
  'a fresh one': [secret({}), good],
  'one that never ends': [tokenSecret(TOKEN, { now: NOW }), good],
  'with a group of its own': [
    secret({ 'auth-extra-groups': 'system:bootstrappers:a,system:bootstrappers:b-c' }),
    { ...good, groups: ['system:bootstrappers', 'system:bootstrappers:a', 'system:bootstrappers:b-c'] },
  ],
  'with a group that is not for bootstrappers': [secret({ 'auth-extra-groups': 'system:masters' }), undefined],
  'whose time is over': [secret({ expiration: '2030-01-01T12:00:00Z' }), undefined],
  'whose time cannot be read': [secret({ expiration: 'soon' }), undefined],
  'with another secret': [secret({ 'token-secret': '0123456789abcdeg' }), undefined],
  'with a longer secret': [secret({ 'token-secret': '0123456789abcdef0' }), undefined],
  'of another id': [secret({ 'token-id': 'abcdeg' }), undefined],
  'that is not for authentication': [secret({ 'usage-bootstrap-authentication': 'false' }), undefined],
  'of another type': [secret({}, { type: 'Opaque' }), undefined],
  'that is being deleted': [
    secret({}, { metadata: { name: 'bootstrap-token-abcdef', deletionTimestamp: '2030-01-01T11:00:00Z' } }),
    undefined,
  ],
}

describe('identityOf() of a token', () => {
  for (const [name, [given, want]] of Object.entries(cases))
    test(name, () => assert.deepEqual(identityOf(given, TOKEN, NOW), want))
})

test('makeToken makes tokens that parseToken reads, no two alike', () => {
  const made = Array.from({ length: 100 }, () => makeToken(systemRandom))
  for (const { id, secret } of made) assert.deepEqual(parseToken(`${id}.${secret}`), { id, secret })
  assert.equal(new Set(made.map(({ secret }) => secret)).size, 100)
  for (const text of ['', 'abcdef', 'abcdef.0123456789abcdeF', 'abcdef.0123456789abcdef0'])
    assert.equal(parseToken(text), undefined)
})

test('the API server takes a token for what its secret says until its time is over', async () => {
  await using cluster = await startCluster({ now: '2030-01-01T12:00:00Z' })
  await cluster.client.create(secrets, tokenSecret(TOKEN, { now: NOW, ttlMs: 60_000 }))
  const handle = withBootstrapTokens(cluster.server.handle, { client: cluster.client, now: () => cluster.clock.now() })
  const ask = async (token: string): Promise<number> => {
    const request: ApiRequest = {
      method: 'GET',
      path: '/api/v1/namespaces/kube-system/secrets',
      query: new URLSearchParams(),
      headers: { authorization: `Bearer ${token}` },
      signal: new AbortController().signal,
    }
    return (await handle(request)).status
  }
  // Known, and allowed nothing like this.
  assert.equal(await ask('abcdef.0123456789abcdef'), 403)
  assert.equal(await ask('abcdef.0123456789abcdee'), 401)
  assert.equal(await ask('zzzzzz.0123456789abcdef'), 401)
  await cluster.advance('60s')
  assert.equal(await ask('abcdef.0123456789abcdef'), 401)
})
