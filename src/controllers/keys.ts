// Keys of objects as the text that queues and maps hold: `namespace/name`, or `name` where there is no namespace.

import type { ObjectKey } from '../apimachinery/metadata.ts'

export const keyText = ({ namespace, name }: { readonly namespace?: string; readonly name: string }): string =>
  namespace ? `${namespace}/${name}` : name

export function parseKey(text: string): ObjectKey {
  const slash = text.indexOf('/')
  return slash < 0 ? { name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) }
}

/** The key of an object. */
export function keyOf(object: {
  readonly metadata: { readonly namespace?: string; readonly name: string }
}): ObjectKey {
  const { namespace, name } = object.metadata
  return namespace === undefined ? { name } : { namespace, name }
}
