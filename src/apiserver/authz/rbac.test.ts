// The rules that count for an identity are those of now, however often it has asked before.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Identity } from '../../client/door.ts'
import { type Binding, type RbacSource, rbacAuthorizer } from './rbac.ts'

const binding = (name: string, subject: string, namespace = ''): Binding => ({
  namespace,
  name,
  subjects: [{ kind: 'User', name: subject }],
  role: { kind: 'ClusterRole', name: 'reader' },
})
const asked = { verb: 'get', group: '', version: 'v1', resource: 'pods', subresource: '', name: 'a' }

test('rbacAuthorizer sees every change of bindings and roles', () => {
  let cluster: readonly Binding[] = []
  let inside: readonly Binding[] = []
  let verbs = ['get']
  const source: RbacSource = {
    clusterBindings: () => cluster,
    bindings: (namespace) => (namespace === 'a' ? inside : []),
    rules: () => [{ verbs, apiGroups: [''], resources: ['pods'] }],
  }
  const authorizer = rbacAuthorizer(source)
  const jane: Identity = { username: 'jane', groups: [] }
  const joe: Identity = { username: 'joe', groups: [] }
  const reason = (identity: Identity, namespace: string): string =>
    authorizer.authorize({ ...asked, identity, namespace }).reason

  assert.equal(reason(jane, 'a'), '')
  inside = [binding('in', 'jane', 'a')]
  assert.equal(reason(jane, 'a'), 'RBAC: allowed by RoleBinding "in/a" of ClusterRole "reader" to User "jane"')
  assert.equal(reason(jane, 'b'), '')
  assert.equal(reason(joe, 'a'), '')
  cluster = [binding('everywhere', 'joe'), binding('all', 'jane')]
  assert.equal(reason(jane, 'b'), 'RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "reader" to User "jane"')
  assert.match(reason(joe, 'a'), /"everywhere"/)
  verbs = ['list']
  assert.equal(reason(jane, 'b'), '')
  verbs = ['*']
  cluster = []
  assert.equal(reason(jane, 'b'), '')
  assert.match(reason(jane, 'a'), /"in\/a"/)
})
