// The roles about certificates, as upstream calls them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOOTSTRAP_CLUSTER_ROLES } from './bootstrap-roles.ts'

test('every signer of the system has a role for who may approve', () => {
  const approvers = BOOTSTRAP_CLUSTER_ROLES.filter(({ name }) => name.endsWith('-approver'))
  assert.deepEqual(
    approvers.map(({ name, rules: [rule] }) => [name, rule?.resourceNames, rule?.verbs]),
    ['kube-apiserver-client', 'kube-apiserver-client-kubelet', 'kubelet-serving', 'legacy-unknown'].map((signer) => [
      `system:certificates.k8s.io:${signer}-approver`,
      [`kubernetes.io/${signer}`],
      ['approve'],
    ]),
  )
})
