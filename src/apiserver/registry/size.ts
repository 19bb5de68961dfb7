// The bytes of an object as they are stored, which may not be more than etcd takes: what can be stored here can be moved there.

import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Resource } from '../../apimachinery/resource.ts'
import { serialize } from '../../apimachinery/serialize.ts'

/** etcd's --max-request-bytes unless it is said otherwise. */
const MAX_OBJECT_BYTES = 1.5 * 1024 * 1024

/** An object that is too large for its record of who manages which field is stored without it (upstream's isTooLargeError). */
export function storedBytes(resource: Resource<AnyObject>, object: AnyObject): Buffer {
  const bytes = serialize(resource, object)
  if (bytes.length <= MAX_OBJECT_BYTES) return bytes
  delete object.metadata.managedFields
  const fewer = serialize(resource, object)
  if (fewer.length > MAX_OBJECT_BYTES) throw errors.objectTooLarge()
  return fewer
}
