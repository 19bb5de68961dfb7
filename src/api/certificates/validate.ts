// Checks requests for certificates: who shall sign what for how long, and that a decision once taken stays.

import type { Issues } from '../../apimachinery/issues.ts'
import { checkLabel, checkSubdomain, sameJson } from '../../apimachinery/validation.ts'
import type { CertificateSigningRequest } from './certificate-signing-request.ts'
import { DerError, readAll, TAG } from './der.ts'
import type { CertificateSigningRequestCondition } from './fields.ts'
import { pemBlocks, textOfBytes } from './pem.ts'
import { parseRequest } from './request.ts'

const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown'
const MIN_SECONDS = 600

export function validateSigningRequest({ spec }: CertificateSigningRequest, issues: Issues): void {
  const { request, usages = [], signerName, expirationSeconds: seconds } = spec
  const problem = problemOf(() => parseRequest(request))
  if (problem !== undefined) issues.invalid('spec.request', request, problem)
  if (usages.length === 0) issues.required('spec.usages')
  if (signerName === LEGACY_SIGNER) {
    issues.invalid('spec.signerName', signerName, 'the legacy signerName is not allowed via this API version')
  } else validateSignerName(signerName, 'spec.signerName', issues)
  if (seconds !== undefined && seconds < MIN_SECONDS) {
    const why = 'may not specify a duration less than 600 seconds (10 minutes)'
    issues.invalid('spec.expirationSeconds', seconds, why)
  }
}

function problemOf(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (error instanceof DerError) return error.message
    throw error
  }
}

const MAX_DOMAIN = 253
/** A domain, and a path that has room for a label, a dot and a subdomain. */
const MAX_SIGNER_NAME = MAX_DOMAIN + 1 + (253 + 1 + 63)

/** `example.com/signer-name` */
export function validateSignerName(name: string, at: string, issues: Issues): void {
  if (name === '') {
    issues.required(at)
    return
  }
  const segments = name.split('/')
  const [domain = '', path = ''] = segments
  if (segments.length !== 2) {
    issues.invalid(at, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")
    return
  }
  if (domain.length > MAX_DOMAIN) issues.tooLong(at, MAX_DOMAIN)
  const labels = domain.split('.')
  validateParts(domain, labels, checkLabel, at, issues)
  if (labels.length < 2) issues.invalid(at, domain, 'should be a domain with at least two segments separated by dots')
  validateParts(path, path.split('.'), checkSubdomain, at, issues)
  if (name.length > MAX_SIGNER_NAME) issues.tooLong(at, MAX_SIGNER_NAME)
}

/** Only the first part that is wrong is told of. */
function validateParts(
  whole: string,
  parts: readonly string[],
  check: (part: string) => readonly string[],
  at: string,
  issues: Issues,
): void {
  for (const part of parts) {
    const problems = check(part)
    for (const problem of problems) {
      issues.invalid(at, whole, `validating label ${JSON.stringify(part)}: ${problem}`)
    }
    if (problems.length > 0) return
  }
}

/** How an update reaches the object: each way may change what the others may not. */
export type Door = 'main' | 'status' | 'approval'

const DECISIONS = ['Approved', 'Denied']
const LASTING = [...DECISIONS, 'Failed']
const AT = 'status.conditions'

export function validateSigningRequestUpdate(
  next: CertificateSigningRequest,
  previous: CertificateSigningRequest,
  door: Door,
  issues: Issues,
): void {
  validateConditions(next.status?.conditions ?? [], previous.status?.conditions ?? [], issues)
  const certificate = next.status?.certificate ?? ''
  const old = previous.status?.certificate ?? ''
  if (certificate !== old) {
    const problem = problemOf(() => checkCertificates(certificate))
    if (problem !== undefined) issues.invalid('status.certificate', '<certificate data>', problem)
  }
  for (const type of LASTING) {
    const [now, before] = [ofType(next, type), ofType(previous, type)]
    if (now.length < before.length) {
      issues.forbidden(AT, `updates may not remove a condition of type ${JSON.stringify(type)}`)
    } else if (door !== 'approval' && DECISIONS.includes(type)) {
      if (now.length > before.length)
        issues.forbidden(AT, `updates may not add a condition of type ${JSON.stringify(type)}`)
      else if (!sameJson(now, before)) {
        issues.forbidden(AT, `updates may not modify a condition of type ${JSON.stringify(type)}`)
      }
    }
  }
  if (certificate === old) return
  if (door !== 'status') issues.forbidden('status.certificate', 'updates may not set certificate content')
  else if (old !== '') issues.forbidden('status.certificate', 'updates may not modify existing certificate content')
}

function ofType({ status }: CertificateSigningRequest, type: string): CertificateSigningRequestCondition[] {
  return (status?.conditions ?? []).filter((condition) => condition.type === type)
}

const STATUSES = ['True', 'False', 'Unknown']

/** What was wrong before may stay so. */
function validateConditions(
  conditions: readonly CertificateSigningRequestCondition[],
  previous: readonly CertificateSigningRequestCondition[],
  issues: Issues,
): void {
  const mayContradict = DECISIONS.every((type) => previous.some((condition) => condition.type === type))
  const mayRepeat = new Set(previous.map(({ type }) => type)).size < previous.length
  const seen = new Set<string>()
  conditions.forEach(({ type, status }, i) => {
    const at = `${AT}[${i}]`
    if (type === '') issues.required(`${at}.type`)
    const allowed = LASTING.includes(type) ? ['True'] : STATUSES
    if (status === '') issues.required(`${at}.status`)
    else if (status !== undefined && !allowed.includes(status)) issues.notSupported(`${at}.status`, status, allowed)
    if (!mayContradict && DECISIONS.includes(type) && DECISIONS.some((other) => other !== type && seen.has(other))) {
      issues.invalid(`${at}.type`, type, 'Approved and Denied conditions are mutually exclusive')
    }
    if (!mayRepeat && seen.has(type)) issues.duplicate(`${at}.type`, type)
    seen.add(type)
  })
}

/** Certificates in PEM, and nothing else. */
function checkCertificates(base64: string): void {
  if (base64 === '') return
  const blocks = pemBlocks(textOfBytes(base64))
  for (const { type, headers, bytes } of blocks) {
    if (type !== 'CERTIFICATE') {
      throw new DerError(`only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`)
    }
    if (headers) throw new DerError('no PEM block headers are permitted')
    const certificates = readAll(bytes)
    if (certificates.length === 0) throw new DerError('found CERTIFICATE PEM block containing 0 certificates')
    if (certificates.some(({ tag }) => tag !== TAG.sequence)) throw new DerError('x509: malformed certificate')
  }
  if (blocks.length === 0) throw new DerError('must contain at least one CERTIFICATE PEM block')
}
