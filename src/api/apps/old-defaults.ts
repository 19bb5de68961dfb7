// What the workloads' versions from before apps/v1 filled in and apps/v1 asks for.

import { type AnyObject, labelSelector } from '../../apimachinery/metadata.ts'
import { isObject, type JsonObject } from '../../apimachinery/objects.ts'
import { ref } from '../../apimachinery/schema.ts'

/** Pods are replaced when somebody deletes them, unless the strategy says otherwise. */
export function updateOnDelete(spec: JsonObject): void {
  spec['updateStrategy'] ??= {}
  const { updateStrategy } = spec
  if (isObject(updateStrategy)) updateStrategy['type'] ||= 'OnDelete'
}

/** The selector need not be given: it is made of the template. */
export const selectorField = (number: number) => ref(number, labelSelector)

/**
 * The labels of the pods are the selector, and the labels of the object itself, where these are not given. Gives back the spec; undefined
 * where there is none to fill in.
 */
export function selectorFromTemplate(object: AnyObject): JsonObject | undefined {
  const spec = object['spec']
  if (!isObject(spec)) return undefined
  const template = isObject(spec['template']) ? spec['template'] : {}
  const metadata = isObject(template['metadata']) ? template['metadata'] : {}
  const labels = isObject(metadata['labels']) ? (metadata['labels'] as Record<string, string>) : undefined
  if (labels === undefined) return spec
  spec['selector'] ??= { matchLabels: { ...labels } }
  if (Object.keys(object.metadata.labels ?? {}).length === 0) object.metadata.labels = { ...labels }
  return spec
}
