// What a request for a certificate says and what becomes of it.

import type { TypeOf } from '../../apimachinery/schema.ts'
import { bytes, int32, list, mapOf, oneOf, required, string, struct, time } from '../../apimachinery/schema.ts'

export const KEY_USAGES = [
  'signing',
  'digital signature',
  'content commitment',
  'key encipherment',
  'key agreement',
  'data encipherment',
  'cert sign',
  'crl sign',
  'encipher only',
  'decipher only',
  'any',
  'server auth',
  'client auth',
  'code signing',
  'email protection',
  's/mime',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'timestamping',
  'ocsp signing',
  'microsoft sgc',
  'netscape sgc',
] as const

export const certificateSigningRequestSpec = struct('io.k8s.api.certificates.v1.CertificateSigningRequestSpec', {
  request: required(bytes(1, { default: '' })),
  signerName: required(string(7, { default: '' })),
  expirationSeconds: int32(8),
  usages: list(5, oneOf(0, KEY_USAGES), { list: 'atomic', unique: true }),
  username: string(2),
  uid: string(3),
  groups: list(4, string(), { list: 'atomic' }),
  extra: mapOf(6, list(1, string(), { list: 'atomic' })),
})
export interface CertificateSigningRequestSpec extends TypeOf<typeof certificateSigningRequestSpec> {}

export const certificateSigningRequestCondition = struct(
  'io.k8s.api.certificates.v1.CertificateSigningRequestCondition',
  {
    type: required(string(1)),
    status: required(string(6)),
    reason: string(2),
    message: string(3),
    lastUpdateTime: time(4),
    lastTransitionTime: time(5),
  },
)
export interface CertificateSigningRequestCondition extends TypeOf<typeof certificateSigningRequestCondition> {}

export const certificateSigningRequestStatus = struct('io.k8s.api.certificates.v1.CertificateSigningRequestStatus', {
  conditions: list(1, certificateSigningRequestCondition, { list: 'map', keys: ['type'] }),
  certificate: bytes(2),
})
export interface CertificateSigningRequestStatus extends TypeOf<typeof certificateSigningRequestStatus> {}
