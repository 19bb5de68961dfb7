// CertificateSigningRequest: asks a signer for a certificate; somebody approves, the signer issues.

import { humanDuration } from '../../apimachinery/duration.ts'
import type { ObjectWith } from '../../apimachinery/resource.ts'
import { defineResource } from '../../apimachinery/resource.ts'
import { ref, required } from '../../apimachinery/schema.ts'
import { ageColumn } from '../columns.ts'
import { certificateSigningRequestSpec, certificateSigningRequestStatus } from './fields.ts'
import { validateSigningRequest, validateSigningRequestUpdate } from './validate.ts'

const certificateSigningRequestFields = {
  spec: required(ref(2, certificateSigningRequestSpec, { default: {} })),
  status: ref(3, certificateSigningRequestStatus, { default: {} }),
}
export interface CertificateSigningRequest extends ObjectWith<typeof certificateSigningRequestFields> {}

/** `Approved,Issued` */
function stateOf({ status }: CertificateSigningRequest): string {
  const types = new Set(status?.conditions?.map(({ type }) => type))
  const decision = types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending'
  const issued = (status?.certificate ?? '') !== ''
  return [decision, ...(types.has('Failed') ? ['Failed'] : []), ...(issued ? ['Issued'] : [])].join(',')
}

export const certificateSigningRequests = defineResource({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  scope: 'Cluster',
  shortNames: ['csr'],
  names: 'path-segment',
  generation: false,
  subresources: {
    status: true,
    others: [{ name: 'approval', kind: 'CertificateSigningRequest', verbs: ['get', 'patch', 'update'] }],
  },
  selectable: { 'spec.signerName': ({ spec }) => spec.signerName },
  model: 'io.k8s.api.certificates.v1.CertificateSigningRequest',
  fields: certificateSigningRequestFields,
  // What was asked for stays; what becomes of it is for the subresources.
  prepareUpdate(next, previous) {
    next.spec = previous.spec
  },
  columns: [
    ageColumn,
    { name: 'SignerName', description: 'Who shall sign.', cell: ({ spec }) => spec.signerName || '<none>' },
    { name: 'Requestor', description: 'Who asked.', cell: ({ spec }) => spec.username ?? '' },
    {
      name: 'RequestedDuration',
      description: 'How long the certificate shall be valid.',
      cell: ({ spec: { expirationSeconds: seconds } }) =>
        seconds === undefined ? '<none>' : humanDuration(seconds * 1000),
    },
    { name: 'Condition', description: 'What has become of it.', cell: stateOf },
  ],
  age: false,
  validate(request, issues) {
    validateSigningRequest(request, issues)
  },
  validateUpdate(next, previous, issues) {
    validateSigningRequestUpdate(next, previous, 'main', issues)
  },
  validateStatusUpdate(next, previous, issues) {
    validateSigningRequestUpdate(next, previous, 'status', issues)
  },
})
