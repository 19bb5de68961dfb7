// Calls a webhook over HTTPS: a URL, or a service of the cluster whose endpoints the server knows. No redirects, no proxies, bounded answers.

import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { WebhookClientConfig } from '../../api/apiextensions/fields.ts'
import { serviceTarget } from '../node-proxy/targets.ts'
import type { Registry } from '../registry/registry.ts'
import { ConversionError } from './conversion-review.ts'

/** The largest answer that is read. */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024

export interface WebhookCall {
  config: DeepReadonly<WebhookClientConfig>
  body: Buffer
  timeoutMs: number
  signal: AbortSignal
}

/** Resolves to the body of a 2xx answer; anything else is a ConversionError in the words of the client's error. */
export type CallWebhook = (call: WebhookCall) => Promise<Buffer>

export function webhookCaller(options: { registry: Registry; random: Random; clock: Clock }): CallWebhook {
  const { registry, random, clock } = options
  return async (call) => {
    const late = new AbortController()
    const timer = clock.after(call.timeoutMs, () => late.abort())
    try {
      return await post(placeOf(call, registry, random), call, late.signal)
    } finally {
      timer.cancel()
    }
  }
}

interface Place {
  /** As errors show it. */
  url: URL
  host: string
  port: number
  /** Whose certificate is wanted. */
  serverName: string
}

function placeOf({ config, timeoutMs }: WebhookCall, registry: Registry, random: Random): Place {
  const { service, url: text } = config
  const url = service
    ? new URL(`https://${service.name}.${service.namespace}.svc:${service.port ?? 443}${rooted(service.path)}`)
    : new URL(text ?? '')
  url.searchParams.set('timeout', `${timeoutMs / 1000}s`)
  if (!service) {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    return { url, host, port: Number(url.port || 443), serverName: host }
  }
  const { name, namespace, port = 443 } = service
  const { host, port: targetPort } = serviceTarget(registry, namespace, `https:${name}:${port}`, random)
  return { url, host, port: targetPort, serverName: `${name}.${namespace}.svc` }
}

function rooted(path: string | undefined): string {
  return path === undefined || path === '' ? '' : path.startsWith('/') ? path : `/${path}`
}

function post(
  { url, host, port, serverName }: Place,
  { config, body, signal }: WebhookCall,
  late: AbortSignal,
): Promise<Buffer> {
  const shown = `Post ${JSON.stringify(url.toString())}`
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const fail = (reason: string): void => reject(new ConversionError(`${shown}: ${reason}`))
  const request = httpsRequest(
    {
      method: 'POST',
      host,
      port,
      path: url.pathname + url.search,
      // An address has no name to ask for; the certificate must then be for the address.
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      agent: false,
      ...(config.caBundle ? { ca: Buffer.from(config.caBundle, 'base64') } : {}),
      headers: {
        host: url.host,
        'content-type': 'application/json',
        accept: 'application/json',
        'content-length': body.length,
        'user-agent': 'kube-apiserver-admission',
      },
      signal: AbortSignal.any([signal, late]),
    },
    (response) => {
      const parts: Buffer[] = []
      let length = 0
      response.on('data', (part: Buffer) => {
        length += part.length
        if (length > MAX_ANSWER_BYTES) response.destroy(new Error(`answer is larger than ${MAX_ANSWER_BYTES} bytes`))
        else parts.push(part)
      })
      response.on('error', (error) => fail(error.message))
      response.on('end', () => {
        const { statusCode = 0 } = response
        const answer = Buffer.concat(parts)
        if (statusCode >= 200 && statusCode < 300) resolve(answer)
        else {
          const text = JSON.stringify(answer.subarray(0, 2048).toString().trim())
          reject(
            new ConversionError(
              statusCode >= 500
                ? `an error on the server (${text}) has prevented the request from succeeding`
                : `the server rejected our request for an unknown reason (status ${statusCode}: ${text})`,
            ),
          )
        }
      })
    },
  )
  request.on('error', (error) => fail(late.aborted ? 'context deadline exceeded' : error.message))
  request.end(body)
  return promise
}
