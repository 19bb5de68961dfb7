// Makes sure that a container's image is there: looks, pulls, waits after failures, and says so in events.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Secret } from '../../api/core/secret.ts'
import {
  type AuthConfig,
  type Image,
  isCriError,
  type PodSandboxConfig,
  rpcErrorText,
  type CriError,
} from '../cri/cri.ts'
import type { NodeContext } from '../context.ts'
import { durationText } from './back-off.ts'
import type { BackOff } from './back-off.ts'
import { containerReference, type NodeContainer, type NodePod, uidOf } from './model.ts'

/** Why a container does not run, in the words of its waiting state. */
export class WaitingError extends Error {
  override name = 'WaitingError'
  readonly reason: string
  /** Try again after so long; absent: at the next occasion. */
  readonly afterMs?: number

  constructor(reason: string, message: string, afterMs?: number) {
    super(message)
    this.reason = reason
    if (afterMs !== undefined) this.afterMs = afterMs
  }
}

/** A name that a registry could have: host and port, path, tag, digest. */
const REFERENCE =
  /^(?:(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$/

export interface ImagePullContext {
  readonly context: NodeContext
  readonly backOff: BackOff
  /** One pull of an image at a time serves all who wait for it. */
  readonly pulling: Map<string, Promise<string>>
}

export async function ensureImage(
  { context, backOff, pulling }: ImagePullContext,
  pod: NodePod,
  container: NodeContainer,
  options: { secrets: readonly DeepReadonly<Secret>[]; sandbox: PodSandboxConfig; signal: AbortSignal },
): Promise<Image> {
  const { runtime, events } = context
  const { image: name = '' } = container
  const about = containerReference(pod, container.name)
  const policy = container.imagePullPolicy ?? 'IfNotPresent'
  if (!REFERENCE.test(name)) {
    const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": invalid reference format`
    events.event(about, 'Warning', 'InspectFailed', message)
    throw new WaitingError('InvalidImageName', message)
  }
  const spec = { image: withTag(name) }
  const present = await runtime.imageStatus(spec, { signal: options.signal })
  if (present !== undefined && policy !== 'Always') {
    events.event(
      about,
      'Normal',
      'Pulled',
      `Container image "${name}" already present on machine and can be accessed by the pod`,
    )
    return present
  }
  if (policy === 'Never') {
    const message = `Container image "${name}" is not present with pull policy of Never`
    events.event(about, 'Warning', 'ErrImageNeverPull', message)
    throw new WaitingError('ErrImageNeverPull', message)
  }
  const key = `${uidOf(pod)}_${name}`
  const wait = backOff.remaining(key)
  if (wait > 0) {
    const message = `Back-off pulling image "${name}"`
    events.event(about, 'Normal', 'BackOff', message)
    const last = backOff.reason(key)
    throw new WaitingError('ImagePullBackOff', last === '' ? message : `${message}: ${last}`, wait)
  }
  return await pull(context, pod, container, { ...options, key, backOff, pulling })
}

interface PullOptions {
  secrets: readonly DeepReadonly<Secret>[]
  sandbox: PodSandboxConfig
  signal: AbortSignal
  key: string
  backOff: BackOff
  pulling: Map<string, Promise<string>>
}

async function pull(
  context: NodeContext,
  pod: NodePod,
  container: NodeContainer,
  options: PullOptions,
): Promise<Image> {
  const { runtime, events, clock } = context
  const { image: name = '' } = container
  const about = containerReference(pod, container.name)
  events.event(about, 'Normal', 'Pulling', `Pulling image "${name}"`)
  const began = clock.monotonic()
  try {
    await pullOnce(context, name, options)
    const image = await runtime.imageStatus({ image: withTag(name) }, { signal: options.signal })
    if (image === undefined) throw new Error(`image "${name}" is gone after it was pulled`)
    const took = durationText(clock.monotonic() - began)
    events.event(
      about,
      'Normal',
      'Pulled',
      `Successfully pulled image "${name}" in ${took} (${took} including waiting). Image size: ${image.size} bytes.`,
    )
    options.backOff.reset(options.key)
    return image
  } catch (error) {
    if (options.signal.aborted) throw error
    const text = isCriErrorLike(error) ? rpcErrorText(error) : String(error)
    events.event(about, 'Warning', 'Failed', `Failed to pull image "${name}": ${text}`)
    options.backOff.fail(options.key, `ErrImagePull: ${text}`)
    throw new WaitingError('ErrImagePull', text, options.backOff.remaining(options.key))
  }
}

const isCriErrorLike = (error: unknown): error is CriError =>
  error instanceof Error && error.name === 'CriError' && !isCriError(error, 'OK')

async function pullOnce(context: NodeContext, name: string, options: PullOptions): Promise<void> {
  const credentials = credentialsFor(name, options.secrets)
  // Who has credentials of their own must show them; others may share a pull.
  const key = credentials.length === 0 ? name : undefined
  const shared = key === undefined ? undefined : options.pulling.get(key)
  if (shared !== undefined) return void (await shared)
  const pulled = tryEach(context, name, credentials, options)
  if (key === undefined) return void (await pulled)
  options.pulling.set(key, pulled)
  try {
    await pulled
  } finally {
    options.pulling.delete(key)
  }
}

async function tryEach(
  { runtime }: NodeContext,
  name: string,
  credentials: readonly AuthConfig[],
  { sandbox, signal }: PullOptions,
): Promise<string> {
  let failure: unknown
  for (const auth of credentials.length === 0 ? [undefined] : credentials) {
    try {
      return await runtime.pullImage({ image: withTag(name) }, { auth, sandboxConfig: sandbox, signal })
    } catch (error) {
      failure = error
      if (signal.aborted) break
    }
  }
  throw failure
}

/** A name without tag and digest means `latest`. */
export function withTag(name: string): string {
  const last = name.slice(name.lastIndexOf('/') + 1)
  return last.includes(':') || last.includes('@') ? name : `${name}:latest`
}

/** The registry that a name leads to, as the keys of a docker configuration spell it. */
function registryOf(name: string): string {
  const [first = '', ...rest] = name.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return isHost ? first : 'docker.io'
}

export function credentialsFor(name: string, secrets: readonly DeepReadonly<Secret>[]): AuthConfig[] {
  const registry = registryOf(name)
  const full = registry === 'docker.io' ? `docker.io/${name}` : name
  const found: { length: number; auth: AuthConfig }[] = []
  for (const secret of secrets)
    for (const [key, entry] of Object.entries(dockerAuths(secret))) {
      const place = key
        .replace(/^https?:\/\//, '')
        .replace(/\/v[12]\/?$/, '')
        .replace(/\/$/, '')
        .replace(/^index\.docker\.io/, 'docker.io')
      if (place !== registry && full !== place && !full.startsWith(`${place}/`)) continue
      found.push({ length: place.length, auth: authOf(entry, place) })
    }
  // The most specific first.
  return found.sort((a, b) => b.length - a.length).map(({ auth }) => auth)
}

interface DockerAuth {
  username?: unknown
  password?: unknown
  auth?: unknown
  identitytoken?: unknown
}

function dockerAuths({ type, data = {} }: DeepReadonly<Secret>): Record<string, DockerAuth> {
  const text = type === 'kubernetes.io/dockercfg' ? data['.dockercfg'] : data['.dockerconfigjson']
  if (text === undefined) return {}
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'))
    const auths = type === 'kubernetes.io/dockercfg' ? parsed : (parsed as { auths?: unknown })?.auths
    return typeof auths === 'object' && auths !== null ? (auths as Record<string, DockerAuth>) : {}
  } catch {
    // Not JSON: it opens no registry.
    return {}
  }
}

function authOf({ username, password, auth, identitytoken }: DockerAuth, serverAddress: string): AuthConfig {
  const [user, ...secret] = typeof auth === 'string' ? Buffer.from(auth, 'base64').toString('utf8').split(':') : []
  return {
    username: typeof username === 'string' ? username : (user ?? ''),
    password: typeof password === 'string' ? password : secret.join(':'),
    identityToken: typeof identitytoken === 'string' ? identitytoken : '',
    serverAddress,
  }
}
