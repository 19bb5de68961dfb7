// GET, PUT and PATCH certificatesigningrequests/NAME/approval: the decision on a request, and nothing else of it.

import * as errors from '../../apimachinery/errors.ts'
import { Issues } from '../../apimachinery/issues.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { CertificateSigningRequest } from '../../api/certificates/certificate-signing-request.ts'
import { validateSigningRequestUpdate } from '../../api/certificates/validate.ts'
import type { ApiResponse } from '../../client/door.ts'
import { mustGet } from '../registry/served.ts'
import { change } from '../registry/update.ts'
import { objectResponse } from '../responses.ts'
import { type Call, formOf, keyOfRequest } from '../rest.ts'
import { editedObject } from './edited-object.ts'

type Request = AnyObject & CertificateSigningRequest

export async function approval(call: Call): Promise<ApiResponse> {
  const { core, served, context } = call
  const { verb } = context.info
  const form = formOf(call)
  if (verb === 'get') return objectResponse(served, mustGet(served, keyOfRequest(call)), 200, form)
  if (verb !== 'update' && verb !== 'patch') throw errors.methodNotSupported(served.resource, verb)
  const stored = await change(
    core,
    served,
    keyOfRequest(call),
    {
      next(current) {
        const asked = editedObject(call, current) as Request
        const request = JSON.parse(current.bytes.toString()) as Request
        const previous = JSON.parse(current.bytes.toString()) as Request
        request.status = { ...request.status, conditions: asked.status?.conditions ?? [] }
        const issues = new Issues()
        validateSigningRequestUpdate(request, previous, 'approval', issues)
        if (issues.list.length > 0) throw errors.invalid(served.resource, request.metadata.name, issues.list)
        if (asked.metadata.resourceVersion) request.metadata.resourceVersion = asked.metadata.resourceVersion
        else delete request.metadata.resourceVersion
        return request
      },
      fromPresent: verb === 'patch',
    },
    context,
  )
  return objectResponse(served, stored, 200, form)
}
