// The options of logs, exec, attach and port-forward: read from the query, checked as upstream checks them, and written for the kubelet.

import * as errors from '../../apimachinery/errors.ts'
import { Issues } from '../../apimachinery/issues.ts'
import { isTrue } from '../request-info.ts'

/** A command line longer than this many arguments is refused; the length of the URL limits the rest. */
const MAX_ARGUMENTS = 1024

export interface LogOptions {
  container: string
  follow: boolean
  insecureSkipTLSVerifyBackend: boolean
  /** What the kubelet is asked. */
  query: URLSearchParams
}

/** `PodLogOptions`; `pod` is named by what is wrong. */
export function logOptions(query: URLSearchParams, pod: string): LogOptions {
  const issues = new Issues()
  const out = new URLSearchParams()
  for (const flag of ['follow', 'previous', 'timestamps']) if (isTrue(query.get(flag))) out.set(flag, 'true')
  const least = { tailLines: 0, limitBytes: 1, sinceSeconds: 1 }
  for (const [name, min] of Object.entries(least)) {
    const text = query.get(name)
    if (text === null || text === '') continue
    if (!/^[-+]?\d{1,18}$/.test(text))
      throw errors.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
    const value = Number(text)
    if (value < min) issues.invalid(name, value, min === 0 ? NOT_NEGATIVE : 'must be greater than 0')
    out.set(name, String(value))
  }
  const since = query.get('sinceTime')
  if (since) {
    if (out.has('sinceSeconds')) {
      issues.forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified')
    }
    if (Number.isNaN(Date.parse(since)))
      throw errors.badRequest(`parsing time ${JSON.stringify(since)}: invalid syntax`)
    out.set('sinceTime', since)
  }
  const stream = query.get('stream')
  if (stream) {
    const streams = ['All', 'Stderr', 'Stdout']
    if (!streams.includes(stream)) issues.notSupported('stream', stream, streams)
    out.set('stream', stream)
  }
  if (issues.list.length > 0) throw errors.invalid({ group: '', kind: 'PodLogOptions' }, pod, issues.list)
  return {
    container: query.get('container') ?? '',
    follow: out.has('follow'),
    insecureSkipTLSVerifyBackend: isTrue(query.get('insecureSkipTLSVerifyBackend')),
    query: out,
  }
}

const NOT_NEGATIVE = 'must be greater than or equal to 0'

/** `PodExecOptions` and `PodAttachOptions`, as the kubelet's API has them. */
export function streamOptions(query: URLSearchParams, subresource: 'exec' | 'attach'): URLSearchParams {
  const out = new URLSearchParams()
  for (const flag of ['stdin', 'stdout', 'stderr', 'tty']) if (isTrue(query.get(flag))) out.set(flag, 'true')
  if (!out.has('stdin') && !out.has('stdout') && !out.has('stderr')) {
    throw errors.badRequest('you must specify at least 1 of stdin, stdout, stderr')
  }
  if (subresource === 'attach') return out
  const command = query.getAll('command')
  if (command.length === 0) throw errors.badRequest('you must specify at least one command for the container')
  if (command.length > MAX_ARGUMENTS) {
    throw errors.badRequest(`a command may have at most ${MAX_ARGUMENTS} arguments`)
  }
  for (const argument of command) out.append('command', argument)
  return out
}

/** `PodPortForwardOptions`: the ports that a WebSocket client names in its URL. */
export function portForwardOptions(query: URLSearchParams): URLSearchParams {
  const out = new URLSearchParams()
  for (const text of query.getAll('ports').flatMap((t) => t.split(','))) {
    if (text === '') continue
    const port = Number(text)
    if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
      throw errors.badRequest(`unable to parse ${JSON.stringify(text)} as a port`)
    }
    out.append('port', text)
  }
  return out
}
