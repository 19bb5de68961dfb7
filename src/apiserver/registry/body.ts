// Turns a request's body into an object of the resource: parsed, checked against the schema, pruned, with unknown fields reported as asked.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Resource } from '../../apimachinery/resource.ts'
import { DecodeError, decode } from '../../apimachinery/decode.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { RequestContext } from './context.ts'
import type { Served } from './served.ts'

/** A request's body before the schema has seen it: a JSON value, and what its text alone told (fields given twice). */
export interface RawBody {
  value: unknown
  duplicates: readonly string[]
  /** How a value that does not fit the schema is refused; absent: as an object. */
  refuse?: (fault: string) => errors.StatusError
}

/** The kind that a body must be, and what a client is told when it is another. */
export interface Expected {
  apiVersion: string
  kind: string
}

export function decodeObject(resource: Resource<AnyObject>, body: RawBody, context: RequestContext): AnyObject {
  const value = body.value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw errors.badRequest(
      `the object provided is unrecognized (must be of type ${resource.kind}): ${"couldn't get version/kind; json parse error: json: cannot unmarshal into Go value of type struct"}`,
    )
  }
  checkKind(resource, value)
  const refuse = body.refuse ?? ((fault: string) => cannotBeHandled(resource, fault))
  const { value: decoded, unknown } = decodeChecked(resource, value, { context, refuse })
  reportUnknown([...body.duplicates, ...unknown], { context, refuse })
  const object = decoded as AnyObject
  object.apiVersion = resource.apiVersion
  object.kind = resource.kind
  object.metadata ??= { name: '' }
  return object
}

/** An object in the version that clients see, as one of the version that is worked on. */
export function decodeShown({ shown, view }: Served, body: RawBody, context: RequestContext): AnyObject {
  const object = decodeObject(shown, body, context)
  return view ? view.toHub(object) : object
}

interface Reporting {
  context: RequestContext
  refuse: (fault: string) => errors.StatusError
}

function cannotBeHandled({ kind, version }: Resource<AnyObject>, fault: string): errors.StatusError {
  return errors.badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${fault}`)
}

function decodeChecked(
  resource: Resource<AnyObject>,
  value: object,
  { context, refuse }: Reporting,
): { value: unknown; unknown: string[] } {
  const mode = { Strict: 'strict', Warn: 'warn', Ignore: 'ignore' } as const
  try {
    return decode(resource.struct, value, { unknownFields: mode[context.fieldValidation] })
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw refuse(error.message)
  }
}

/** An absent apiVersion and kind are taken as the resource's own, as upstream's decoder does with its default. */
function checkKind(resource: Resource<AnyObject>, value: object): void {
  const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown }
  const sameKind = kind === undefined || kind === '' || kind === resource.kind
  const sameVersion =
    apiVersion === undefined ||
    apiVersion === '' ||
    apiVersion === resource.apiVersion ||
    (typeof apiVersion === 'string' && resource.alsoAs?.includes(apiVersion) === true)
  if (sameKind && sameVersion) return
  if (typeof apiVersion === 'string' && typeof kind === 'string' && sameKind) {
    throw errors.badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${resource.apiVersion})`,
    )
  }
  const version = String(apiVersion ?? resource.apiVersion)
    .split('/')
    .at(-1)
  const [given, wanted] = [`${version}.${String(kind)}`, `${internalPackage(resource)}.${resource.kind}`]
  throw errors.badRequest(
    `${String(kind)} in version "${version}" cannot be handled as a ${resource.kind}: converting (${given}) to (${wanted}): unknown conversion`,
  )
}

/** Upstream's decoder names its Go types: a group's own ones are in a package called as the head of its name. */
function internalPackage({ group }: Resource<AnyObject>): string {
  return group === '' ? 'core' : (group.split('.', 1)[0] ?? '')
}

function reportUnknown(found: readonly string[], { context, refuse }: Reporting): void {
  if (found.length === 0 || context.fieldValidation === 'Ignore') return
  if (context.fieldValidation === 'Warn') {
    context.warnings.push(...found)
    return
  }
  // What a YAML document says twice comes as the one error of its parser.
  const lines = found.filter((fault) => YAML_LINE.test(fault))
  const others = found.filter((fault) => !YAML_LINE.test(fault))
  const yaml = lines.length === 0 ? [] : [`yaml: unmarshal errors:\n  ${lines.join('\n  ')}`]
  throw refuse(`strict decoding error: ${[...yaml, ...others].join(', ')}`)
}

const YAML_LINE = /^line \d+: key /
