// Who asks for certificates, who approves them, who signs them: the subresources and the plugins that guard them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { certificateSigningRequests as csrs } from '../../api/certificates/certificate-signing-request.ts'
import { clusterRoleBindings } from '../../api/rbac/cluster-role-binding.ts'
import { clusterRoles } from '../../api/rbac/cluster-role.ts'
import { isForbidden, isInvalid } from '../../apimachinery/errors.ts'
import { startCluster, type TestCluster } from '../../testing/cluster.ts'

const CLIENT = [
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIWE1IOENBUUF3SFRFTU1Bb0dBMVVFQ2d3RFpHVjJNUTB3Q3dZRFZRUUREQV',
  'JxWVc1bE1Ga3dFd1lIS29aSQp6ajBDQVFZSUtvWkl6ajBEQVFjRFFnQUVYa1htK2poWlN2SGpqZUZrMUo1dVdDUE82VHZCVHIyNXo3MkRNZkFt',
  'CnhENEdndVJobCtxQjNDQ3JjMnc3WlFiU1NhMTcxSGdUakhJbWZZS0o2Q0dRazZBQU1Bb0dDQ3FHU000OUJBTUMKQTBnQU1FVUNJQ0xHc1ZhS3',
  'V6azNuMnNEMnJWdkZCbmpnVDk1akY3d1kzMHRwQ3NBWVBVeUFpRUFwU3VpSmlCTApEbDluV2xMZU5xZ3dEdmlsL3NyOGdFR2Q4VWNvLzc3UDRJ',
  'Zz0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==',
].join('')
const MASTER = [
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlJQkpEQ0J5Z0lCQURBb01SY3dGUVlEVlFRS0RBNXplWE4wWlcwNmJXRnpkR1',
  'Z5Y3pFTk1Bc0dBMVVFQXd3RQphbUZ1WlRCWk1CTUdCeXFHU000OUFnRUdDQ3FHU000OUF3RUhBMElBQkY1RjV2bzRXVXJ4NDQzaFpOU2VibGdq',
  'Cnp1azd3VTY5dWMrOWd6SHdKc1ErQm9Ma1laZnFnZHdncTNOc08yVUcwa210ZTlSNEU0eHlKbjJDaWVnaGtKT2cKUURBK0Jna3Foa2lHOXcwQk',
  'NRNHhNVEF2TUMwR0ExVWRFUVFtTUNTQ0NXRXVaWGhoYlhCc1pZY0VDZ0FBQVlFRgpZVUJpTG1PR0NuTndhV1ptWlRvdkwzZ3dDZ1lJS29aSXpq',
  'MEVBd0lEU1FBd1JnSWhBSVlLN2VPZ2dRSXNYWFN5CngwVVQwcnRCbWh2Rm5PL3Z3eCtRU2VQZmo2WVBBaUVBN0dUb0NhcWFuUlkweFczYm8xNU',
  'pLWElHcEoxM2RlNlEKOTFPWTBlSElpbzA9Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=',
].join('')
const RSA = [
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlJQ1V6Q0NBVHNDQVFBd0RqRU1NQW9HQTFVRUF3d0RZbTlpTUlJQklqQU5CZ2',
  'txaGtpRzl3MEJBUUVGQUFPQwpBUThBTUlJQkNnS0NBUUVBMDdFT0Y1cnJwSE4weHNOUkVOV2V2UlJzTEpWNXBQbFgrUi82Y1MycTRHaExkZFQ0',
  'CjJIZElHZlYvaUtlRG54bUQvRHpRSjNvTzUyNGxhZEhhRzRjOC9CcXdTOGkwMEhpWHJIVFJoaXZnVU96L0hibGUKdGYxMnVTK29iR0N1N0NWYm',
  'pmU3BsQlloV3dqZmRtazJLYUVmZExxdlNIcE1YZzlMT2VZZnJzVFczZ1QvbUR6UgpoUWRuZXlmZlB0VWJTS0EwUnNZT0xKdmdYRkFwQktaa3Ur',
  'STRWMjREeldxMmNDdWlPcjdYNXV3NlREeU5VczFyCi9YdmpTTkZUdDU4S2FVYm0rT1JDSjQ2WTdPdk9LTVBqQjhydjlpaWV0YWtRR1dHaXM2ME',
  'xWOHFQMGRBNldJSXMKdTJ6c0x2clVWRWtTMTZrSkR5SDlmR3VySXhaK0dIMWVLelZNNXdJREFRQUJvQUF3RFFZSktvWklodmNOQVFFTApCUUFE',
  'Z2dFQkFIbGJKN2dTR2p3aTdUZE10Vy9IcmY2TzBjZlloM3ZTOU9vTjU4dWZOTURIMklyc1BWenVsVXIxCllhT3g2SnhBVmdXRUlxR1dLNGFYM0',
  't4MUtGczZ0MXhxU253bHFRODFRTmZiZHBVU3dpTjd3ZUJEaDFmSklOYUUKN3VNZEVoM1pQY1JiOG8yTTRpaDVvV2s1RGkzR2o4M2pkdGxIc2Rw',
  'bkkwMWNzMU45cVhGTzVHZllSNHFsZURmdAoxUkpoM0hodWhvSVU4MjB5eUl6cThEZ3ZhbmNtaHlrTmVUMjZBREx1enczcmlXSHJRT3kzZTk5VU',
  'ErKzVsWjZoCnV0Z2pnNDNkM1BBbUlrbHdkaXVpQnBMWHlzZ0lSOU5OU1JRendMNExLbUh2QzdySTVpMXB5eG5ScEN5MTkzalgKY1J0d1VFVzR1',
  'dDZYaDVHcnFWUHp1eHhZVmlTTHZjND0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==',
].join('')
const ED = [
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlHTk1FRUNBUUF3RGpFTU1Bb0dBMVVFQXd3RFpYWmxNQ293QlFZREsyVndBeU',
  'VBcEJOL3RiTXVUeU4xd2ZCUwp1QnM4RmVUR1ZsYVVKMHJLNHFZRGJPZk0vVXVnQURBRkJnTXJaWEFEUVFER0pXOTZaK2tKMnQwZUhXa2tFdkll',
  'Cld0Uy9XVTBVMnVaSk1pRnd6TGtPSXpMNUlvMk05Zi9MUXcySkJYSlpLZi83cUMrQXU4ampaQkpzbSszSmlNUUsKLS0tLS1FTkQgQ0VSVElGSU',
  'NBVEUgUkVRVUVTVC0tLS0tCg==',
].join('')

function csr(name: string, request: string, signerName = 'example.com/signer'): never {
  const spec = { request, signerName, usages: ['client auth'], username: 'liar', groups: ['system:masters'] }
  return { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata: { name }, spec } as never
}

/** Lets `user` change the subresource, and use the signers named. */
async function grant({ client }: TestCluster, user: string, subresource: string, signers: object[]): Promise<void> {
  const apiGroups = ['certificates.k8s.io']
  const resources = ['certificatesigningrequests', `certificatesigningrequests/${subresource}`]
  const rules = [{ apiGroups, resources, verbs: ['create', 'get', 'patch', 'update'] }, ...signers]
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: user } }
  await client.create(clusterRoles, { ...rbac, kind: 'ClusterRole', rules } as never)
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: user }
  const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user }]
  await client.create(clusterRoleBindings, { ...rbac, kind: 'ClusterRoleBinding', roleRef, subjects } as never)
}

const signers = (verb: string, resourceName: string): object => ({
  apiGroups: ['certificates.k8s.io'],
  resources: ['signers'],
  resourceNames: [resourceName],
  verbs: [verb],
})
const deciding = (type: string): object => ({ status: { conditions: [{ type, status: 'True', reason: 'Test' }] } })

test('a request says who really asks', async () => {
  await using cluster = await startCluster()
  await grant(cluster, 'jane', 'none', [])
  const jane = cluster.as({ username: 'jane', uid: '7', groups: ['dev'], extra: { scopes: ['a'] } })
  const { spec, status } = await jane.create(csrs, csr('a', CLIENT))
  const { username, uid, groups, extra } = spec
  assert.deepEqual(
    { username, uid, groups, extra },
    { username: 'jane', uid: '7', groups: ['dev'], extra: { scopes: ['a'] } },
  )
  assert.deepEqual(status, {})
})

test('the signature of a request must be of its own key', async () => {
  await using cluster = await startCluster()
  for (const [i, request] of [CLIENT, RSA, ED].entries()) await cluster.client.create(csrs, csr(`good-${i}`, request))
  const der = Buffer.from(
    Buffer.from(CLIENT, 'base64')
      .toString()
      .replace(/-----.*-----|\n/g, ''),
    'base64',
  )
  der[der.indexOf('jane')] = 0x4a
  const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
  const creation = cluster.client.create(csrs, csr('bad', Buffer.from(forged).toString('base64')))
  await assert.rejects(creation, (e) => isInvalid(e) && /x509: ECDSA verification failure/.test(e.message))
})

test('who approves must be allowed to, for the signer or its domain', async () => {
  await using cluster = await startCluster()
  const { client } = cluster
  await client.create(csrs, csr('a', CLIENT))
  const approve = { type: 'strategic' as const, body: deciding('Approved') }
  const sub = { subresource: 'approval' }
  await grant(cluster, 'nobody', 'approval', [signers('approve', 'example.com/other')])
  const nobody = cluster.as({ username: 'nobody', groups: [] })
  await assert.rejects(
    nobody.patch(csrs, { name: 'a' }, approve, sub),
    (e) =>
      isForbidden(e) &&
      e.message ===
        'certificatesigningrequests.certificates.k8s.io "a" is forbidden: user not permitted to approve requests with signerName "example.com/signer"',
  )
  await grant(cluster, 'approver', 'approval', [signers('approve', 'example.com/*')])
  const approver = cluster.as({ username: 'approver', groups: [] })
  const { status, spec } = await approver.patch(csrs, { name: 'a' }, approve, sub)
  const now = '2030-01-01T12:00:00Z'
  assert.deepEqual(status?.conditions, [
    { type: 'Approved', status: 'True', reason: 'Test', lastUpdateTime: now, lastTransitionTime: now },
  ])
  assert.equal(spec.username, 'kubernetes-admin')
  await assert.rejects(
    client.patch(csrs, { name: 'a' }, { type: 'merge', body: { status: { conditions: null } } }, sub),
    /updates may not remove a condition of type "Approved"/,
  )
})

test('who signs must be allowed to', async () => {
  await using cluster = await startCluster()
  await cluster.client.create(csrs, csr('a', CLIENT))
  const sign = { type: 'merge' as const, body: deciding('Failed') }
  const sub = { subresource: 'status' }
  await grant(cluster, 'nobody', 'status', [])
  await assert.rejects(
    cluster.as({ username: 'nobody', groups: [] }).patch(csrs, { name: 'a' }, sign, sub),
    (e) =>
      isForbidden(e) && /user not permitted to sign requests with signerName "example.com\/signer"/.test(e.message),
  )
  await grant(cluster, 'signer', 'status', [signers('sign', 'example.com/signer')])
  const { status } = await cluster.as({ username: 'signer', groups: [] }).patch(csrs, { name: 'a' }, sign, sub)
  assert.equal(status?.conditions?.[0]?.type, 'Failed')
})

test("nobody asks the clients' signer for the masters", async () => {
  await using cluster = await startCluster()
  await assert.rejects(
    cluster.client.create(csrs, csr('a', MASTER, 'kubernetes.io/kube-apiserver-client')),
    (e) => isForbidden(e) && /signer with system:masters group is not allowed/.test(e.message),
  )
  await cluster.client.create(csrs, csr('a', MASTER))
})
