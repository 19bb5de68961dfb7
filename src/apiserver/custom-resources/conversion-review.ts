// The questions put to a conversion webhook, and what its answers must look like. Pure.

import { isObject } from '../../apimachinery/objects.ts'
import { Issues } from '../../apimachinery/issues.ts'
import { validateAnnotations, validateLabels } from '../../apimachinery/validation.ts'

export type JsonObject = Record<string, unknown>

const GROUP = 'apiextensions.k8s.io'

/** What goes wrong between the server and a webhook; the text is the client's. */
export class ConversionError extends Error {
  override name = 'ConversionError'
}

/** The first version that both sides speak. */
export function reviewVersion(versions: readonly string[]): string {
  const known = versions.find((version) => version === 'v1' || version === 'v1beta1')
  if (known === undefined) throw new ConversionError('no supported conversion review versions')
  return known
}

export interface Question {
  version: string
  uid: string
  desiredAPIVersion: string
  objects: readonly JsonObject[]
}

export function reviewOf({ version, uid, desiredAPIVersion, objects }: Question): JsonObject {
  return {
    kind: 'ConversionReview',
    apiVersion: `${GROUP}/${version}`,
    request: { uid, desiredAPIVersion, objects },
  }
}

/** The converted objects of an answer, as they came. */
export function convertedObjects(answer: unknown, { version, uid }: Question): readonly unknown[] {
  if (!isObject(answer)) throw new ConversionError('no response provided')
  const { kind, apiVersion, response } = answer
  if (version === 'v1' && (kind !== 'ConversionReview' || apiVersion !== `${GROUP}/v1`)) {
    const got = `${String(apiVersion ?? '')}, Kind=${String(kind ?? '')}`
    throw new ConversionError(`expected webhook response of ${GROUP}/v1, Kind=ConversionReview, got ${got}`)
  }
  if (!isObject(response)) throw new ConversionError('no response provided')
  const got = typeof response['uid'] === 'string' ? response['uid'] : ''
  if (version === 'v1' && got !== uid) {
    throw new ConversionError(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(got)}`)
  }
  const result = isObject(response['result']) ? response['result'] : {}
  const { status = '', message } = result
  if (status !== 'Success') {
    if (typeof message === 'string' && message !== '') throw new ConversionError(message)
    throw new ConversionError(`response.result.status was '${String(status)}', not 'Success'`)
  }
  const objects = response['convertedObjects']
  return Array.isArray(objects) ? objects : []
}

/** One converted object, made sure to be the same object: only labels and annotations of its metadata may differ. */
export function checkedObject(original: JsonObject, converted: unknown, apiVersion: string): JsonObject {
  if (!isObject(converted)) throw new ConversionError('invalid object: not a JSON object')
  const { apiVersion: got = '', kind = '' } = converted
  if (got !== apiVersion) {
    throw new ConversionError(
      `invalid object at index 0: invalid groupVersion (expected ${apiVersion}, received ${String(got)})`,
    )
  }
  if (kind !== original['kind']) {
    const expected = String(original['kind'])
    throw new ConversionError(
      `invalid object at index 0: invalid kind (expected ${expected}, received ${String(kind)})`,
    )
  }
  const [before, after] = [metadataOf(original), metadataOf(converted)]
  for (const [field, word] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['uid', 'UID'],
  ] as const) {
    const [expected, found] = [String(before[field] ?? ''), String(after[field] ?? '')]
    if (expected !== found) {
      throw new ConversionError(`invalid object: must have the same ${word}: ${expected} != ${found}`)
    }
  }
  if (converted['metadata'] === undefined) {
    throw new ConversionError('invalid metadata: missing metadata in converted object')
  }
  return { ...converted, metadata: restoredMetadata(before, after) }
}

function metadataOf(object: JsonObject): JsonObject {
  return isObject(object['metadata']) ? object['metadata'] : {}
}

function restoredMetadata(before: JsonObject, after: JsonObject): JsonObject {
  const metadata = structuredClone(before)
  for (const field of ['labels', 'annotations'] as const) {
    const given = after[field]
    if (given === undefined || given === null) {
      delete metadata[field]
      continue
    }
    if (!isObject(given)) throw new ConversionError(`invalid metadata: invalid metadata.${field} in converted object`)
    const texts: Record<string, string> = {}
    for (const [key, value] of Object.entries(given)) {
      if (typeof value !== 'string') {
        throw new ConversionError(
          `invalid metadata: metadata.${field}[${key}] must be a string, but is ${typeof value} in converted object`,
        )
      }
      texts[key] = value
    }
    const issues = new Issues()
    if (field === 'labels') validateLabels(texts, 'metadata.labels', issues)
    else validateAnnotations(texts, 'metadata.annotation', issues)
    const [issue] = issues.list
    if (issue) throw new ConversionError(`invalid metadata: ${issue.field}: ${issue.message}`)
    metadata[field] = texts
  }
  return metadata
}
