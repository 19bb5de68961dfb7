// PUT namespaces/NAME/finalize: the last step of a namespace's end, open to the namespace controller.

import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Namespace } from '../../api/core/namespace.ts'
import type { ApiResponse } from '../../client/door.ts'
import { change } from '../registry/update.ts'
import { objectResponse } from '../responses.ts'
import { type Call, formOf, keyOfRequest } from '../rest.ts'
import { editedObject } from './edited-object.ts'

export async function finalize(call: Call): Promise<ApiResponse> {
  const { core, served, context } = call
  if (context.info.verb !== 'update') throw errors.methodNotSupported(served.resource, context.info.verb)
  const form = formOf(call)
  const stored = await change(
    core,
    served,
    keyOfRequest(call),
    {
      next(current) {
        const asked = editedObject(call, current) as AnyObject & Namespace
        const namespace = JSON.parse(current.bytes.toString()) as AnyObject & Namespace
        namespace.spec = { ...namespace.spec, ...(asked.spec?.finalizers ? { finalizers: asked.spec.finalizers } : {}) }
        if (!asked.spec?.finalizers?.length) delete namespace.spec.finalizers
        if (asked.metadata.resourceVersion) namespace.metadata.resourceVersion = asked.metadata.resourceVersion
        else delete namespace.metadata.resourceVersion
        return namespace
      },
    },
    context,
  )
  return objectResponse(served, stored, 200, form)
}
