// The object as a PUT or a PATCH on one of its subresources wants it, computed on the present one.

import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { StoredObject } from '../cache/stored.ts'
import { parseJsonBody } from '../request-body.ts'
import { decodeObject } from '../registry/body.ts'
import { patchedObject } from '../registry/patch.ts'
import { type Call, patchTypeOf } from '../rest.ts'

export function editedObject(call: Call, current: StoredObject): AnyObject {
  const { served, request, context } = call
  const body = parseJsonBody(request, served.resource)
  if (context.info.verb === 'update') return decodeObject(served.resource, body, context)
  const type = patchTypeOf(call)
  if (type === 'apply')
    throw errors.unsupportedMediaType([
      'application/json-patch+json',
      'application/merge-patch+json',
      'application/strategic-merge-patch+json',
    ])
  return patchedObject(served, current, { type, body, query: request.query }, context)
}
