// What a version has no field for is kept in an annotation, which the versions that have the field do not show.

import type { ObjectMeta } from '../apimachinery/metadata.ts'

/** The object may share its annotations with another. */
type Annotated = Pick<ObjectMeta, 'annotations'>

export function keepAnnotation(metadata: Annotated, name: string, value: string): void {
  metadata.annotations = { ...metadata.annotations, [name]: value }
}

/** The annotation's value; the object has it no longer. */
export function takeAnnotation(metadata: Annotated, name: string): string | undefined {
  const { annotations } = metadata
  if (annotations === undefined || !Object.hasOwn(annotations, name)) return undefined
  const { [name]: value, ...others } = annotations
  if (Object.keys(others).length > 0) metadata.annotations = others
  else delete metadata.annotations
  return value
}

/** The same for a counter; what is none is dropped. */
export function takeCounter(metadata: Annotated, name: string): number | undefined {
  const text = takeAnnotation(metadata, name)
  const value = text !== undefined && /^-?\d{1,16}$/.test(text) ? Number(text) : undefined
  return Number.isSafeInteger(value) ? value : undefined
}
