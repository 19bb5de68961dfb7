// Certificates of a cluster's own authority: ECDSA P-256, written as PEM, renewed before they end.

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto'
import { isIP } from 'node:net'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import {
  bitString,
  boolean,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts'

/** Both as PEM. */
export interface Credentials {
  readonly certificate: string
  readonly key: string
}

export interface CertificateSources {
  readonly clock: Clock
  readonly random: Random
}

export interface LeafRequest {
  readonly commonName: string
  readonly organizations?: readonly string[]
  readonly usages: readonly ('server' | 'client')[]
  /** DNS names and IP addresses. */
  readonly names?: readonly string[]
}

const DAY_MS = 24 * 3600 * 1000
const CA_MS = 3650 * DAY_MS
const LEAF_MS = 365 * DAY_MS
/** Clocks of nodes differ: what is signed now is valid a little earlier. */
const BACKDATE_MS = 5 * 60 * 1000

const OID = {
  commonName: '2.5.4.3',
  extensionRequest: '1.2.840.113549.1.9.14',
  organization: '2.5.4.10',
  ecdsaWithSHA256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
}

/** Bits of keyUsage, with how many bits of the byte do not count. */
const DIGITAL_SIGNATURE: [number, number] = [0x80, 7]
const SIGN_CERTIFICATES: [number, number] = [0x86, 1]

export function createAuthority(commonName: string, { clock, random }: CertificateSources): Credentials {
  const { key, pem } = newKey()
  const subject = nameOf(commonName, [])
  const publicKey = publicKeyDER(key)
  const id = keyIdentifier(publicKey)
  const extensions = [
    extension(OID.basicConstraints, sequence(boolean(true)), true),
    extension(OID.keyUsage, bitString(Buffer.from([SIGN_CERTIFICATES[0]]), SIGN_CERTIFICATES[1]), true),
    extension(OID.subjectKeyIdentifier, octetString(id)),
  ]
  const validity = { from: clock.now() - BACKDATE_MS, to: clock.now() + CA_MS }
  const certificate = signed(
    { issuer: subject, subject, publicKey, extensions, validity, serial: random.bytes(16) },
    key,
  )
  return { certificate, key: pem }
}

export function issueCertificate(
  authority: Credentials,
  request: LeafRequest,
  sources: CertificateSources,
): Credentials {
  const { key, pem } = newKey()
  return { certificate: certifyKey(authority, { ...request, publicKey: publicKeyDER(key) }, sources), key: pem }
}

/** A certificate for the key of somebody else (SubjectPublicKeyInfo), who keeps its private half. PEM. */
export function certifyKey(
  authority: Credentials,
  request: LeafRequest & { readonly publicKey: Uint8Array },
  { clock, random }: CertificateSources,
): string {
  const authorityKey = createPrivateKey(authority.key)
  const issuer = subjectDER(new X509Certificate(authority.certificate))
  const usages = request.usages.map((usage) => objectIdentifier(OID[usage]))
  const extensions = [
    extension(OID.keyUsage, bitString(Buffer.from([DIGITAL_SIGNATURE[0]]), DIGITAL_SIGNATURE[1]), true),
    extension(OID.extendedKeyUsage, sequence(...usages)),
    extension(OID.basicConstraints, sequence(), true),
    extension(OID.authorityKeyIdentifier, sequence(implicit(0, keyIdentifier(publicKeyDER(authorityKey))))),
  ]
  const names = request.names ?? []
  if (names.length > 0) extensions.push(alternativeNames(names))
  const subject = nameOf(request.commonName, request.organizations ?? [])
  const validity = { from: clock.now() - BACKDATE_MS, to: clock.now() + LEAF_MS }
  const serial = random.bytes(16)
  const { publicKey } = request
  return signed({ issuer, subject, publicKey, extensions, validity, serial }, authorityKey)
}

/** Asks for a certificate as PKCS#10 does: both as PEM, the key stays here. */
export function requestCertificate({ commonName, organizations = [], names = [] }: LeafRequest): {
  readonly request: string
  readonly key: string
} {
  const { key, pem } = newKey()
  const extensions = names.length > 0 ? [sequence(alternativeNames(names))] : []
  const asked = sequence(
    integer(Buffer.from([0])),
    nameOf(commonName, organizations),
    publicKeyDER(key),
    explicit(0, Buffer.concat(extensions.map((list) => sequence(objectIdentifier(OID.extensionRequest), set(list))))),
  )
  const der = sequence(asked, sequence(objectIdentifier(OID.ecdsaWithSHA256)), bitString(sign('sha256', asked, key)))
  return { request: pemOf('CERTIFICATE REQUEST', der), key: pem }
}

/** How an authority is named to somebody who has yet to meet it: `sha256:` and the digest of its public key. */
export function authorityHash(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256:${createHash('sha256').update(key).digest('hex')}`
}

/** An ECDSA key by itself, to sign tokens with. */
export function createSigningKey(): string {
  return newKey().pem
}

/** Whether a third of its time is before it: one that has less is renewed. */
export function hasTimeLeft(certificate: X509Certificate, clock: Clock): boolean {
  const from = certificate.validFromDate.getTime()
  const to = certificate.validToDate.getTime()
  return clock.now() >= from && clock.now() <= from + ((to - from) * 2) / 3
}

/** Whether the certificate is of this authority, names what is asked for, and has a third of its time before it. */
export function isCurrent(
  credentials: Credentials,
  { authority, request, clock }: { authority: Credentials; request: LeafRequest; clock: Clock },
): boolean {
  try {
    const certificate = new X509Certificate(credentials.certificate)
    if (!hasTimeLeft(certificate, clock)) return false
    if (!certificate.checkPrivateKey(createPrivateKey(credentials.key))) return false
    if (!certificate.verify(createPublicKey(authority.certificate))) return false
    if (!subjectDER(certificate).equals(nameOf(request.commonName, request.organizations ?? []))) return false
    return (request.names ?? []).every((name) =>
      isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name, { subject: 'never' }),
    )
  } catch {
    return false
  }
}

interface Unsigned {
  readonly issuer: Buffer
  readonly subject: Buffer
  /** That the certificate is about: SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array
  readonly extensions: readonly Buffer[]
  readonly validity: { from: number; to: number }
  readonly serial: Uint8Array
}

function signed({ issuer, subject, publicKey, extensions, validity, serial }: Unsigned, by: KeyObject): string {
  const algorithm = sequence(objectIdentifier(OID.ecdsaWithSHA256))
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    issuer,
    sequence(time(validity.from), time(validity.to)),
    subject,
    publicKey,
    explicit(3, sequence(...extensions)),
  )
  const der = sequence(toBeSigned, algorithm, bitString(sign('sha256', toBeSigned, by)))
  return pemOf('CERTIFICATE', der)
}

function pemOf(type: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${type}-----\n${lines.join('\n')}\n-----END ${type}-----\n`
}

function newKey(): { key: KeyObject; pem: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { key: privateKey, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

const publicKeyDER = (key: KeyObject): Buffer => createPublicKey(key).export({ type: 'spki', format: 'der' })

/** The uncompressed point, the last 65 bytes, shortened to the 20 bytes that are usual. */
const keyIdentifier = (publicKey: Buffer): Buffer => publicKey.subarray(-64, -44)

function nameOf(commonName: string, organizations: readonly string[]): Buffer {
  const attribute = (type: string, value: string): Buffer => set(sequence(objectIdentifier(type), utf8String(value)))
  return sequence(
    ...organizations.map((organization) => attribute(OID.organization, organization)),
    attribute(OID.commonName, commonName),
  )
}

function extension(type: string, value: Buffer, critical = false): Buffer {
  return sequence(objectIdentifier(type), ...(critical ? [boolean(true)] : []), octetString(value))
}

const alternativeNames = (names: readonly string[]): Buffer =>
  extension(OID.subjectAltName, sequence(...names.map(alternativeName)))

function alternativeName(name: string): Buffer {
  if (isIP(name) === 4) return implicit(7, Buffer.from(name.split('.').map(Number)))
  if (isIP(name) === 6) return implicit(7, ipv6Bytes(name))
  return implicit(2, Buffer.from(name))
}

function ipv6Bytes(address: string): Buffer {
  // The URL parser writes every address in one form: hexadecimal groups with at most one "::".
  const text = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
  const [head = '', tail] = text.split('::')
  const groups = (part: string | undefined): string[] => (part ? part.split(':') : [])
  const before = groups(head)
  const after = groups(tail)
  const all = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

/** The subject as it stands in the certificate: issuers must be written byte for byte as in the authority's own. */
function subjectDER(certificate: X509Certificate): Buffer {
  const organizations: string[] = []
  let commonName = ''
  for (const line of certificate.subject.split('\n')) {
    if (line.startsWith('O=')) organizations.push(line.slice(2))
    if (line.startsWith('CN=')) commonName = line.slice(3)
  }
  return nameOf(commonName, organizations)
}
