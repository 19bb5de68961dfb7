// Who asks, by certificate and by impersonation.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isForbidden, StatusError } from '../../apimachinery/errors.ts'
import type { ApiRequest, Identity } from '../../client/door.ts'
import type { Authorizer } from '../authz/authorizer.ts'
import { certificateAuthenticator } from './certificates.ts'
import { impersonated } from './impersonation.ts'

function requestWith(facts: Pick<ApiRequest, 'certificate'>): ApiRequest {
  const { signal } = new AbortController()
  return { method: 'GET', path: '/', query: new URLSearchParams(), headers: {}, signal, ...facts }
}

test('the certificate of a connection is one identity, in the group of all that are authenticated', () => {
  const certificate = { commonName: 'jane', organizations: ['dev'], sha256: 'ab' }
  const request = requestWith({ certificate })
  const identity = certificateAuthenticator.authenticate(request)
  assert.deepEqual(identity, {
    username: 'jane',
    groups: ['dev', 'system:authenticated'],
    extra: { 'authentication.kubernetes.io/credential-id': ['X509SHA256=ab'] },
  })
  assert.equal(certificateAuthenticator.authenticate({ ...request }), identity)
  const other = requestWith({ certificate: { ...certificate, commonName: 'joe' } })
  assert.equal(certificateAuthenticator.authenticate(other)?.username, 'joe')
  assert.equal(certificateAuthenticator.authenticate(requestWith({})), undefined)
})

const own: Identity = { username: 'root', groups: ['admins'] }
const allow: Authorizer = { name: 'all', authorize: () => ({ verdict: 'allow', reason: '' }) }
const refuse: Authorizer = { name: 'none', authorize: () => ({ verdict: 'no-opinion', reason: 'no' }) }

const cases: Record<string, [headers: Record<string, string>, want: Identity]> = {
  'nobody else': [{ accept: '*/*', 'x-impersonate-user': 'jane' }, own],
  'an empty user': [{ 'impersonate-user': '' }, own],
  'a user': [{ 'impersonate-user': 'jane' }, { username: 'jane', groups: ['system:authenticated'] }],
  'a user with all there is': [
    {
      'impersonate-user': 'jane',
      'impersonate-group': 'a, b',
      'impersonate-uid': '7',
      'impersonate-extra-a%2fb': 'x,y',
    },
    {
      username: 'jane',
      groups: ['a', 'b', 'system:authenticated'],
      uid: '7',
      extra: Object.assign(Object.create(null), { 'a/b': ['x', 'y'] }),
    },
  ],
}
for (const [name, [headers, want]] of Object.entries(cases)) {
  test(`impersonated is right for ${name}`, () => assert.deepEqual(impersonated(own, headers, [allow]), want))
}

test('impersonated refuses who may not, and parts without a user', () => {
  assert.throws(() => impersonated(own, { 'impersonate-user': 'jane' }, [refuse]), isForbidden)
  for (const header of ['impersonate-group', 'impersonate-uid', 'impersonate-extra-a']) {
    assert.throws(
      () => impersonated(own, { [header]: 'x' }, [allow]),
      (error) => {
        assert.ok(error instanceof StatusError)
        return error.status.message === 'requested impersonation without impersonating a user'
      },
    )
  }
})
