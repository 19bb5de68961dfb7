// Reads what a certificate is asked for: the subject, the names and the key of a PKCS#10 request, in PEM.

import { DerError, type DerValue, expectTag, readAll, readBits, readOid, readOne, readText, TAG } from './der.ts'
import { pemBlocks, textOfBytes } from './pem.ts'

export interface CertificateRequest {
  readonly commonName: string
  readonly organizations: readonly string[]
  readonly dnsNames: readonly string[]
  readonly emailAddresses: readonly string[]
  readonly uris: readonly string[]
  /** As they stand: 4 or 16 bytes. */
  readonly ipAddresses: readonly Uint8Array[]
  /** The subject as it stands, a DER name. */
  readonly subject: Uint8Array
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array
  /** The key's algorithm, an object identifier. */
  readonly keyAlgorithm: string
  /** The signature's algorithm, an object identifier. */
  readonly signatureAlgorithm: string
  readonly signature: Uint8Array
  /** What is signed. */
  readonly signed: Uint8Array
}

/** Reads `spec.request`; throws an Error with what is wrong with it. */
export function parseRequest(request: string): CertificateRequest {
  const [block] = pemBlocks(textOfBytes(request))
  if (block?.type !== 'CERTIFICATE REQUEST') throw new DerError('PEM block type must be CERTIFICATE REQUEST')
  const [signed, algorithm, signature] = readAll(readOne(block.bytes, TAG.sequence).content)
  const info = expectTag(signed, TAG.sequence)
  const [, subject, key, attributes] = readAll(info.content)
  const publicKey = expectTag(key, TAG.sequence)
  const [keyAlgorithm] = readAll(publicKey.content)
  return {
    ...readSubject(expectTag(subject, TAG.sequence)),
    ...readNames(attributes),
    subject: expectTag(subject, TAG.sequence).whole,
    publicKey: publicKey.whole,
    keyAlgorithm: algorithmOf(keyAlgorithm),
    signatureAlgorithm: algorithmOf(algorithm),
    signature: readBits(expectTag(signature, TAG.bitString)),
    signed: info.whole,
  }
}

function algorithmOf(value: DerValue | undefined): string {
  const [oid] = readAll(expectTag(value, TAG.sequence).content)
  return readOid(expectTag(oid, TAG.oid))
}

const COMMON_NAME = '2.5.4.3'
const ORGANIZATION = '2.5.4.10'

function readSubject({ content }: DerValue): Pick<CertificateRequest, 'commonName' | 'organizations'> {
  let commonName = ''
  const organizations: string[] = []
  for (const set of readAll(content)) {
    for (const pair of readAll(expectTag(set, TAG.set).content)) {
      const [type, value] = readAll(expectTag(pair, TAG.sequence).content)
      if (value === undefined) throw new DerError('asn1: syntax error: sequence truncated')
      const oid = readOid(expectTag(type, TAG.oid))
      if (oid === COMMON_NAME) commonName = readText(value)
      if (oid === ORGANIZATION) organizations.push(readText(value))
    }
  }
  return { commonName, organizations }
}

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'
const SUBJECT_ALT_NAME = '2.5.29.17'
/** Context tags of GeneralName. */
const NAME = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 } as const

function readNames(
  attributes: DerValue | undefined,
): Pick<CertificateRequest, 'dnsNames' | 'emailAddresses' | 'uris' | 'ipAddresses'> {
  const names = readAll(alternativeNames(attributes))
  const texts = (tag: number): string[] => names.filter((name) => name.tag === tag).map(readText)
  return {
    dnsNames: texts(NAME.dns),
    emailAddresses: texts(NAME.email),
    uris: texts(NAME.uri),
    ipAddresses: names.filter(({ tag }) => tag === NAME.ip).map(({ content }) => content),
  }
}

/** The names inside the extension that the request asks for; none is an empty list. */
function alternativeNames(attributes: DerValue | undefined): Uint8Array {
  for (const attribute of readAll(attributes?.content ?? new Uint8Array())) {
    const [type, values] = readAll(expectTag(attribute, TAG.sequence).content)
    if (readOid(expectTag(type, TAG.oid)) !== EXTENSION_REQUEST) continue
    const [extensions] = readAll(expectTag(values, TAG.set).content)
    for (const extension of readAll(expectTag(extensions, TAG.sequence).content)) {
      const parts = readAll(expectTag(extension, TAG.sequence).content)
      if (readOid(expectTag(parts[0], TAG.oid)) !== SUBJECT_ALT_NAME) continue
      // The criticality may stand between.
      return readOne(expectTag(parts.at(-1), TAG.octetString).content, TAG.sequence).content
    }
  }
  return new Uint8Array()
}
