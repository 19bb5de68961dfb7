// Bootstrap tokens: which are good, who comes with them, and that the API server sees them as such.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { tokenReviews } from '../../api/authentication/token-review.ts'
import { type Secret, secrets } from '../../api/core/secret.ts'
import type { ApiRequest } from '../../client/door.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'
import { identityOf } from './bootstrap-tokens.ts'

const TOKEN = { id: 'abcdef', secret: '0123456789abcdef' }
const NOW = Date.parse('2030-01-01T12:00:00Z')
const encode = (text: string): string => Buffer.from(text).toString('base64')

/** The fields of a good token, some of them changed; undefined leaves one out. */
function secret(change: Record<string, string | undefined>, tweak: Partial<Secret> = {}): Secret {
  const fields = {
    'token-id': TOKEN.id,
    'token-secret': TOKEN.secret,
    expiration: '2030-01-01T12:01:00Z',
    'usage-bootstrap-authentication': 'true',
    ...change,
  }
  const data = Object.entries(fields).flatMap(([key, text]) => (text === undefined ? [] : [[key, encode(text)]]))
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(data),
    ...tweak,
  }
}

const good = { username: 'system:bootstrap:abcdef', groups: ['system:bootstrappers'] }
const cases: Record<string, [secret: Secret, want: unknown]> = {
  'a fresh one': [secret({}), good],
  'one that never ends': [secret({ expiration: undefined }), good],
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

test('the API server takes a token for what its secret says until its time is over', async () => {
  await using cluster = await startCluster({ now: '2030-01-01T12:00:00Z' })
  await cluster.client.create(secrets, secret({}))
  const ask = async (token: string): Promise<number> => {
    const request: ApiRequest = {
      method: 'GET',
      path: '/api/v1/namespaces/kube-system/secrets',
      query: new URLSearchParams(),
      headers: { authorization: `Bearer ${token}` },
      signal: new AbortController().signal,
    }
    return (await cluster.server.handle(request)).status
  }
  // Known, and allowed nothing like this.
  assert.equal(await ask('abcdef.0123456789abcdef'), 403)
  assert.equal(await ask('abcdef.0123456789abcdee'), 401)
  assert.equal(await ask('zzzzzz.0123456789abcdef'), 401)
  assert.deepEqual(await review(cluster, 'abcdef.0123456789abcdef'), {
    authenticated: true,
    username: 'system:bootstrap:abcdef',
    groups: ['system:bootstrappers', 'system:authenticated'],
  })
  await cluster.advance('60s')
  assert.equal(await ask('abcdef.0123456789abcdef'), 401)
})

/** What a TokenReview says of it. */
async function review({ client }: TestCluster, token: string): Promise<object> {
  const question = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    metadata: { name: '' },
    spec: { token },
  }
  const { status } = await client.create(tokenReviews, question)
  return { authenticated: status?.authenticated, username: status?.user?.username, groups: status?.user?.groups }
}
