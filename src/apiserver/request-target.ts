// What a request asks for, as both doors read it from its first line: a path and a query.

import type { ApiRequest } from '../client/door.ts'

/** Of all requests that ask no more than a path: nobody writes to what a client has asked. */
const NO_QUERY = new URLSearchParams()

export function targetOf(url: string): Pick<ApiRequest, 'path' | 'query'> {
  const mark = url.indexOf('?')
  return mark < 0
    ? { path: url, query: NO_QUERY }
    : { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) }
}
