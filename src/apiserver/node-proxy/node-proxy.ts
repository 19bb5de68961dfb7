// Logs, exec, attach, port-forward and the proxy subresources: what is asked of the API server and answered by a kubelet, a pod or a service.

import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import * as errors from '../../apimachinery/errors.ts'
import type { ApiRequest, ApiResponse } from '../../client/door.ts'
import { proxyUpgrade, type UpgradeTarget } from '../../streams/upgrade/proxy.ts'
import type { UpgradeHandler } from '../https.ts'
import type { RequestContext } from '../registry/context.ts'
import type { Registry } from '../registry/registry.ts'
import { parseRequest, type RequestInfo } from '../request-info.ts'
import type { SubresourceHandler } from '../server.ts'
import { refuseOnSocket } from '../socket-answer.ts'
import { ask, checkAnswer, type KubeletCredentials, tlsOf } from './backend.ts'
import { chooseContainer, hostOf } from './container-choice.ts'
import { explainUpgrade } from './failed-upgrade.ts'
import { pathBehindProxy, proxyRequest } from './http-proxy.ts'
import { logOptions, portForwardOptions, streamOptions } from './options.ts'
import { kubeletOf, nodeTarget, originOf, podOf, podTarget, serviceTarget, type Target } from './targets.ts'

export interface NodeProxyOptions {
  registry: Registry
  log: Logger
  /** Chooses among the endpoints of a service. */
  random?: Random
  /** Without them, kubelets cannot be reached. */
  kubelet?: KubeletCredentials
}

export interface NodeProxyUpgradeOptions extends NodeProxyOptions {
  clock: Clock
  /** Who asks, and may they: the pipeline's own answer. Throws a StatusError. */
  authorizeRequest(request: ApiRequest): Promise<RequestContext>
}

const STREAMS = ['exec', 'attach', 'portforward'] as const
type Stream = (typeof STREAMS)[number]
const isStream = (text: string): text is Stream => STREAMS.some((s) => s === text)

/** By `plural/subresource`, for the pipeline. */
export function nodeProxy(options: NodeProxyOptions): Readonly<Record<string, SubresourceHandler>> {
  const proxy: SubresourceHandler = ({ request, context }) =>
    proxyRequest(request, context.info, proxyTarget(options, context.info), options.kubelet)
  return {
    'pods/log': ({ request, context }) => log(options, request, context),
    'pods/exec': upgradeRequired,
    'pods/attach': upgradeRequired,
    'pods/portforward': upgradeRequired,
    'pods/proxy': proxy,
    'nodes/proxy': proxy,
    'services/proxy': proxy,
  }
}

function upgradeRequired(): Promise<never> {
  return Promise.reject(errors.badRequest('Upgrade request required'))
}

async function log(
  options: NodeProxyOptions,
  request: ApiRequest,
  { info, requestID }: RequestContext,
): Promise<ApiResponse> {
  const { namespace, name } = info
  if (info.verb !== 'get') throw errors.methodNotSupported(PODS, info.verb)
  const pod = podOf(options.registry, namespace, name)
  const asked = logOptions(request.query, name)
  const container = chooseContainer(pod, asked.container)
  // Nothing has been said where nothing has run yet.
  if (!pod.spec.nodeName) return { status: 204, headers: { 'audit-id': requestID }, body: { kind: 'empty' } }
  const target = kubeletOf(options.registry, pod.spec.nodeName)
  const search = asked.query.size > 0 ? `?${asked.query.toString()}` : ''
  const answer = await ask(
    target,
    {
      method: 'GET',
      path: `/containerLogs/${segments(namespace, name, container)}${search}`,
      signal: request.signal,
      insecure: asked.insecureSkipTLSVerifyBackend,
    },
    options.kubelet,
  )
  await checkAnswer(answer, PODS, name)
  const headers = { 'content-type': 'text/plain', 'cache-control': 'no-cache, private', 'audit-id': requestID }
  return { status: 200, headers, body: { kind: 'stream', chunks: answer } }
}

const PODS: errors.ResourceRef = { group: '', plural: 'pods', kind: 'Pod', groupResource: 'pods' }

function segments(...parts: string[]): string {
  return parts.map(encodeURIComponent).join('/')
}

function proxyTarget({ registry, random }: NodeProxyOptions, { resource, namespace, name }: RequestInfo): Target {
  if (resource === 'nodes') return nodeTarget(registry, name)
  if (resource === 'pods') return podTarget(registry, namespace, name)
  return serviceTarget(registry, namespace, name, random)
}

/** Does this request's upgrade mean something here? All others are answered as if they had not asked for one. */
export function takesUpgrade(message: IncomingMessage): boolean {
  const info = infoOf(message.method ?? 'GET', message.url ?? '/')
  return info !== undefined && upgrades(info)
}

function infoOf(method: string, url: string): RequestInfo | undefined {
  try {
    return parseRequest(method, url.split('?', 1)[0] ?? '/', new URLSearchParams())
  } catch {
    return undefined
  }
}

function upgrades({ group, version, resource, subresource }: RequestInfo): boolean {
  if (group !== '' || version !== 'v1') return false
  if (resource === 'pods' && isStream(subresource)) return true
  return subresource === 'proxy' && ['nodes', 'pods', 'services'].includes(resource)
}

/** Passes upgrades on after the same checks as any other request. What is refused is refused as ordinary HTTP. */
export function nodeProxyUpgrade(options: NodeProxyUpgradeOptions): UpgradeHandler {
  return async (request, message, socket, head) => {
    let found: FoundTarget
    try {
      found = await upgradeTarget(options, request)
    } catch (error) {
      if (!(error instanceof errors.StatusError))
        options.log.error('Failed to answer an upgrade', { path: request.path, error })
      refuseOnSocket(socket, error)
      return
    }
    const { clock } = options
    const { signal } = request
    const { target, command, upgrade } = found
    const failed = { message, socket, target, url: upgrade.url, command, clock, signal }
    await proxyUpgrade(message, socket, head, upgrade, {
      clock,
      signal,
      explain: (failure) => explainUpgrade({ ...failed, refuse: (error) => refuseOnSocket(socket, error) }, failure),
    })
  }
}

interface FoundTarget {
  target: Target
  upgrade: UpgradeTarget
  command: boolean
}

async function upgradeTarget(options: NodeProxyUpgradeOptions, request: ApiRequest): Promise<FoundTarget> {
  const info = infoOf(request.method, request.path)
  const streams = info !== undefined && upgrades(info) && isStream(info.subresource)
  // Running something in a pod is never mere reading, though WebSockets can only be opened with GET (KEP-4006). A kubelet's own API, behind
  // nodes/proxy, runs things as well; upstream takes `get` for enough there.
  const creates = streams || info?.resource === 'nodes'
  const context = await options.authorizeRequest(creates ? { ...request, method: 'POST' } : request)
  if (!upgrades(context.info)) throw errors.badRequest('this path cannot be upgraded')
  if (streams && request.method !== 'GET' && request.method !== 'POST') {
    throw errors.methodNotSupported(PODS, request.method.toLowerCase())
  }
  const { target, path } = isStream(context.info.subresource)
    ? streamTarget(options, request, context.info, context.info.subresource)
    : {
        target: proxyTarget(options, context.info),
        path: `${pathBehindProxy(request.path, context.info) || '/'}?${request.query.toString()}`,
      }
  const url = new URL(originOf(target) + path)
  const command = context.info.subresource === 'exec' || context.info.subresource === 'attach'
  if (target.protocol === 'http:') return { target, command, upgrade: { url } }
  const tls = tlsOf(target, options.kubelet) as NonNullable<UpgradeTarget['tls']>
  return { target, command, upgrade: { url, tls } }
}

function streamTarget(
  { registry }: NodeProxyOptions,
  { query }: ApiRequest,
  { namespace, name }: RequestInfo,
  stream: Stream,
): { target: Target; path: string } {
  const pod = podOf(registry, namespace, name)
  if (stream === 'portforward') {
    const target = kubeletOf(registry, hostOf(pod))
    return { target, path: `/portForward/${segments(namespace, name)}?${portForwardOptions(query).toString()}` }
  }
  const container = chooseContainer(pod, query.get('container') ?? '')
  const target = kubeletOf(registry, hostOf(pod))
  return {
    target,
    path: `/${stream}/${segments(namespace, name, container)}?${streamOptions(query, stream).toString()}`,
  }
}
