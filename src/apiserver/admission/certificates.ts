// CertificateApproval, CertificateSigning, CertificateSubjectRestriction, and what only the server knows of a request: who asks, when, and whether its signature holds.

import { createPublicKey, verify } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { rfc3339 } from '../../base/clock.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { sameJson } from '../../apimachinery/validation.ts'
import type { CertificateSigningRequest } from '../../api/certificates/certificate-signing-request.ts'
import { type CertificateRequest, parseRequest } from '../../api/certificates/request.ts'
import type { Identity } from '../../client/door.ts'
import { type Authorizer, authorize } from '../authz/authorizer.ts'
import type { AdmissionPlugin, Attributes } from './admission.ts'

const GROUP = 'certificates.k8s.io'
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client'

type Request = AnyObject & CertificateSigningRequest

function requestOf({ resource, object }: Attributes): Request | undefined {
  return resource.groupResource === `certificatesigningrequests.${GROUP}` ? (object as Request) : undefined
}

function previousOf({ previous }: Attributes): DeepReadonly<CertificateSigningRequest> {
  if (!previous) throw new Error('Bug: an update has no previous object')
  return previous as unknown as DeepReadonly<CertificateSigningRequest>
}

/** The request says who asks, as the server knows them; conditions say since when. */
export function certificateFacts(clock: Clock): AdmissionPlugin {
  return {
    name: 'CertificateFacts',
    mutate(attributes) {
      const request = requestOf(attributes)
      if (!request) return
      const { operation, subresource, context } = attributes
      if (operation === 'CREATE') sign(request, context.identity)
      else if (subresource !== '') stampConditions(request, previousOf(attributes), rfc3339(clock.now()))
    },
    validate(attributes) {
      const request = requestOf(attributes)
      if (!request || attributes.operation !== 'CREATE') return
      const problem = signatureProblem(parseRequest(request.spec.request))
      if (problem === undefined) return
      const message = `Invalid value: ${JSON.stringify(request.spec.request)}: ${problem}`
      throw errors.invalid(attributes.resource, attributes.name, [
        { field: 'spec.request', reason: 'FieldValueInvalid', message },
      ])
    },
  }
}

function sign({ spec }: Request, { username, uid, groups, extra }: Identity): void {
  for (const field of ['username', 'uid', 'groups', 'extra'] as const) delete spec[field]
  spec.username = username
  if (uid) spec.uid = uid
  if (groups.length > 0) spec.groups = [...groups]
  if (extra) spec.extra = Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]))
}

function stampConditions(request: Request, { status }: DeepReadonly<CertificateSigningRequest>, now: string): void {
  for (const condition of request.status?.conditions ?? []) {
    condition.lastUpdateTime ??= now
    if (condition.lastTransitionTime !== undefined) continue
    const same = status?.conditions?.find((old) => old.type === condition.type && old.status === condition.status)
    condition.lastTransitionTime = same?.lastTransitionTime ?? now
  }
}

/** By the signature's algorithm; null: the algorithm has its own. */
const DIGESTS: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.5': 'sha1',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.1': 'sha1',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
}
/** What Go's verifiers say, by the kind of key. */
const FAILURES: Readonly<Record<string, string>> = {
  rsa: 'crypto/rsa: verification error',
  ec: 'x509: ECDSA verification failure',
  ed25519: 'x509: Ed25519 verification failure',
}

/** Whoever asks for a certificate holds its key. */
function signatureProblem(request: CertificateRequest): string | undefined {
  const digest = DIGESTS[request.signatureAlgorithm]
  if (digest === undefined) return 'x509: cannot verify signature: algorithm unimplemented'
  try {
    const key = createPublicKey({ key: Buffer.from(request.publicKey), format: 'der', type: 'spki' })
    if (verify(digest, request.signed, key, request.signature)) return undefined
    return FAILURES[key.asymmetricKeyType ?? ''] ?? 'x509: cannot verify signature: algorithm unimplemented'
  } catch {
    // A key that cannot be read, or that is of another kind than the signature.
    return 'x509: signature algorithm specifies a public key that is not in the request'
  }
}

/** For one signer by name, or for all signers of its domain. */
function mayUseSigner(authorizers: readonly Authorizer[], identity: Identity, verb: string, signer: string): boolean {
  const allowed = (name: string): boolean =>
    authorize(authorizers, {
      identity,
      verb,
      group: GROUP,
      version: '*',
      resource: 'signers',
      subresource: '',
      namespace: '',
      name,
    }).verdict === 'allow'
  return allowed(signer) || allowed(`${signer.split('/', 1)[0]}/*`)
}

export function certificateApproval(authorizers: readonly Authorizer[]): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    validate(attributes) {
      const { operation, subresource, resource, name, context } = attributes
      if (operation !== 'UPDATE' || subresource !== 'approval' || !requestOf(attributes)) return
      const signer = previousOf(attributes).spec.signerName
      if (mayUseSigner(authorizers, context.identity, 'approve', signer)) return
      const why = `user not permitted to approve requests with signerName ${JSON.stringify(signer)}`
      throw errors.forbidden(resource, name, why)
    },
  }
}

export function certificateSigning(authorizers: readonly Authorizer[]): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    validate(attributes) {
      const { operation, subresource, resource, name, context } = attributes
      const request = requestOf(attributes)
      if (operation !== 'UPDATE' || subresource !== 'status' || !request) return
      const { spec, status } = previousOf(attributes)
      const same = (field: 'certificate' | 'conditions'): boolean => sameJson(request.status?.[field], status?.[field])
      if (same('certificate') && same('conditions')) return
      if (mayUseSigner(authorizers, context.identity, 'sign', spec.signerName)) return
      const why = `user not permitted to sign requests with signerName ${JSON.stringify(spec.signerName)}`
      throw errors.forbidden(resource, name, why)
    },
  }
}

/** Nobody asks the signer of the cluster's clients for the right to everything. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  validate(attributes) {
    const { operation, resource, name } = attributes
    const request = requestOf(attributes)
    if (operation !== 'CREATE' || request?.spec.signerName !== CLIENT_SIGNER) return
    if (!parseRequest(request.spec.request).organizations.includes('system:masters')) return
    throw errors.forbidden(resource, name, `use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`)
  },
}
