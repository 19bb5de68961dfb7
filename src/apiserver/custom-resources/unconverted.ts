// Refuses requests for custom resources that could not be converted to the version asked for; everything else passes.

import type { ApiRequest, ApiResponse } from '../../client/door.ts'
import type { Parsed } from '../request-info.ts'
import { errorResponse } from '../responses.ts'
import type { Pipeline } from '../server.ts'
import { ConversionError } from './conversion-review.ts'
import { type Asked, type Conversions, statusOf } from './conversions.ts'

const OBJECTS = /^\/apis\/([^/]+)\/([^/]+)\/(?:namespaces\/([^/]+)\/)?([^/]+)(?:\/([^/]+))?/

/** `reload` makes the caches of a resource read the store again. */
export function refuseUnconverted(
  pipeline: Pipeline,
  conversions: Conversions,
  reload: (group: string, plural: string) => Promise<void>,
): Pipeline {
  const whenReadable = async (asked: Asked, request: ApiRequest, parsed: Parsed): Promise<ApiResponse> => {
    const answer = await conversions.readable(asked)
    if (answer === 'reload') await reload(asked.group, asked.plural)
    if (typeof answer === 'string') return pipeline(request, parsed)
    return errorResponse(statusOf(new ConversionError(answer.why)), undefined, request.headers['accept'])
  }
  return (request, parsed) => {
    const asked = conversions.active ? askedOf(request.method, request.path) : undefined
    return asked ? whenReadable(asked, request, parsed) : pipeline(request, parsed)
  }
}

function askedOf(method: string, path: string): Asked | undefined {
  const [, group, version, namespace = '', plural, name] = OBJECTS.exec(path) ?? []
  if (group === undefined || version === undefined || plural === undefined) return undefined
  // What is made has no state yet that could have failed.
  if (method === 'POST' && name === undefined) return undefined
  return { group, version, plural, place: name === undefined ? undefined : `${namespace}/${name}` }
}
