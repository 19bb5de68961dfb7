// The roles about certificates: who may ask for which, who may approve them, and what the controller that signs them may do.

import type { PolicyRule } from './rbac.ts'

const GROUP = 'certificates.k8s.io'
const REQUESTS = 'certificatesigningrequests'
const SIGNERS = ['kube-apiserver-client', 'kube-apiserver-client-kubelet', 'kubelet-serving', 'legacy-unknown']

const rule = (verbs: readonly string[], ...resources: string[]): PolicyRule => ({
  apiGroups: [GROUP],
  resources,
  verbs,
})
const signers = (verb: string, names: readonly string[]): PolicyRule => ({
  ...rule([verb], 'signers'),
  resourceNames: names.map((name) => `kubernetes.io/${name}`),
})

/** What a node may do about its own certificates. */
export const NODE_CERTIFICATES = rule(['create', 'get', 'list', 'watch'], REQUESTS)

/** Nobody has these until somebody binds them. */
export const CERTIFICATE_ROLES: readonly { name: string; rules: readonly PolicyRule[] }[] = [
  ...['nodeclient', 'selfnodeclient'].map((name) => ({
    name: `system:certificates.k8s.io:${REQUESTS}:${name}`,
    rules: [rule(['create'], `${REQUESTS}/${name}`)],
  })),
  ...SIGNERS.map((name) => ({
    name: `system:certificates.k8s.io:${name}-approver`,
    rules: [signers('approve', [name])],
  })),
  { name: 'system:node-bootstrapper', rules: [NODE_CERTIFICATES] },
]

export const CERTIFICATE_CONTROLLER: readonly PolicyRule[] = [
  rule(['delete', 'get', 'list', 'watch'], REQUESTS),
  rule(['update'], `${REQUESTS}/approval`, `${REQUESTS}/status`),
  signers('approve', ['kube-apiserver-client-kubelet']),
  signers('sign', SIGNERS),
  { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
]
