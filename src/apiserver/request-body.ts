// The body of a request as a JSON value, whatever it is encoded in, within the limits of what a request may carry.

import * as errors from '../apimachinery/errors.ts'
import { MAX_JSON_BYTES, parseDocument } from '../apimachinery/json.ts'
import type { Resource } from '../apimachinery/resource.ts'
import { DecodeError } from '../apimachinery/decode.ts'
import { decodeProtobuf } from '../apimachinery/protobuf/protobuf.ts'
import { decodeYaml } from '../apimachinery/yaml.ts'
import type { ApiRequest } from '../client/door.ts'
import type { RawBody } from './registry/body.ts'

/** What a body is expected to hold; a resource with a schema can come as protobuf. */
export interface BodyKind {
  kind: string
  apiVersion: string
  struct?: Resource['struct']
  protobuf?: boolean
  /** An empty body is fine. */
  optional?: boolean
}

const SUPPORTED = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

export function parseJsonBody(request: ApiRequest, expected: BodyKind): RawBody {
  if (request.object !== undefined) return { value: request.object, duplicates: [] }
  const { body } = request
  const contentType = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if ((!body || body.length === 0) && expected.optional) return { value: undefined, duplicates: [] }
  const bytes = body ?? Buffer.alloc(0)
  if (bytes.length > MAX_JSON_BYTES) throw errors.requestEntityTooLarge(MAX_JSON_BYTES)
  try {
    const parsed = parse(contentType, bytes, expected)
    if (isPatch(contentType)) return parsed
    checkNamed(parsed.value)
    return parsed.value === null ? { value: {}, duplicates: [] } : parsed
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw errors.badRequest(undecodable(contentType, error.message, { kind: expected.kind, body: bytes }))
  }
}

const isPatch = (contentType: string): boolean => /^application\/([a-z-]*patch)\+/.test(contentType)

/** Upstream asks every body for its version and kind first; null has neither, and neither is missed. */
function checkNamed(value: unknown): void {
  if (typeof value === 'object' && !Array.isArray(value)) return
  const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  throw new DecodeError(`json: cannot unmarshal ${type} into Go value of type ${NAMED}`)
}

const NAMED = String.raw`struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`

const YAML_ERROR = 'error converting YAML to JSON: '

/** Why a body is no document: each door upstream says it in its own way. */
function undecodable(contentType: string, fault: string, { kind, body }: { kind: string; body: Buffer }): string {
  switch (contentType) {
    case 'application/json-patch+json':
    case 'application/merge-patch+json':
      return `error decoding patch: ${fault}`
    case 'application/strategic-merge-patch+json':
      return fault
    case 'application/apply-patch+yaml':
      return `error decoding YAML: ${fault}`
    case 'application/yaml':
    case 'application/vnd.kubernetes.protobuf':
      if (!fault.startsWith('json: ')) return unrecognized(kind, fault.replace(YAML_ERROR, ''), body)
      break
  }
  return unrecognized(kind, `couldn't get version/kind; json parse error: ${fault}`, body)
}

/** So much of a body is shown. */
const SHOWN_BYTES = 30

function unrecognized(kind: string, fault: string, body: Buffer): string {
  const head = body.subarray(0, SHOWN_BYTES).toString(body[0] === OPEN_BRACE ? 'utf8' : 'hex')
  const shown = body.length === 0 ? '<empty>' : body.length > SHOWN_BYTES ? `${head} ...` : head
  return `the object provided is unrecognized (must be of type ${kind}): ${fault} (${shown})`
}

function parse(contentType: string, body: Buffer, expected: BodyKind): RawBody {
  switch (contentType) {
    case 'application/vnd.kubernetes.protobuf':
      if (expected.protobuf === false || !expected.struct) throw errors.unsupportedMediaType(SUPPORTED.slice(0, 2))
      return { value: decodeProtobuf(expected.struct, body), duplicates: [] }
    case 'application/yaml':
    case 'application/apply-patch+yaml':
      // JSON is YAML, and most clients send JSON here: the fast parser goes first.
      return body[0] === OPEN_BRACE ? parseDocument(body) : decodeYaml(body)
    case '':
    case 'application/json':
    case 'application/json-patch+json':
    case 'application/merge-patch+json':
    case 'application/strategic-merge-patch+json':
      return parseDocument(body)
    default:
      throw errors.unsupportedMediaType(SUPPORTED)
  }
}

const OPEN_BRACE = 0x7b
