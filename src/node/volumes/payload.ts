// Which files a configMap, secret, downward API or projected volume holds. Pure but for tokens, which come from `token`.

import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { ConfigMap } from '../../api/core/config-map.ts'
import type { DownwardAPIVolumeFile, KeyToPath } from '../../api/core/pod/key-selectors.ts'
import type { ServiceAccountTokenProjection, Volume, VolumeProjection } from '../../api/core/pod/volumes.ts'
import type { Secret } from '../../api/core/secret.ts'
import { fieldValue, type PodPlace, resourceValue } from '../pods/downward.ts'
import type { ConfigObjects } from '../pods/environment.ts'
import type { NodePod } from '../pods/model.ts'
import type { Payload, VolumeFile } from './atomic-writer.ts'

export interface PayloadInput {
  readonly pod: NodePod
  readonly objects: ConfigObjects
  readonly place: PodPlace
  token(projection: DeepReadonly<ServiceAccountTokenProjection>): Promise<string>
}

const DEFAULT_MODE = 0o644

export async function volumePayload(volume: DeepReadonly<Volume>, input: PayloadInput): Promise<Payload> {
  const files = new Map<string, VolumeFile>()
  const { pod, objects } = input
  if (volume.configMap !== undefined) {
    const { name = '', defaultMode = DEFAULT_MODE } = volume.configMap
    addConfigMap(
      files,
      objects.configMap(name),
      { ...volume.configMap, namespace: pod.metadata.namespace ?? '' },
      defaultMode,
    )
  } else if (volume.secret !== undefined) {
    const { secretName = '', defaultMode = DEFAULT_MODE } = volume.secret
    const source = { ...volume.secret, name: secretName, namespace: pod.metadata.namespace ?? '' }
    addSecret(files, objects.secret(secretName), source, defaultMode)
  } else if (volume.downwardAPI !== undefined) {
    const { items = [], defaultMode = DEFAULT_MODE } = volume.downwardAPI
    addDownward(files, items, input, defaultMode)
  } else if (volume.projected !== undefined) {
    const { sources = [], defaultMode = DEFAULT_MODE } = volume.projected
    for (const source of sources) await addProjection(files, source, input, defaultMode)
  }
  return files
}

async function addProjection(
  files: Map<string, VolumeFile>,
  source: DeepReadonly<VolumeProjection>,
  input: PayloadInput,
  mode: number,
): Promise<void> {
  const namespace = input.pod.metadata.namespace ?? ''
  if (source.configMap !== undefined)
    addConfigMap(files, input.objects.configMap(source.configMap.name ?? ''), { ...source.configMap, namespace }, mode)
  if (source.secret !== undefined)
    addSecret(files, input.objects.secret(source.secret.name ?? ''), { ...source.secret, namespace }, mode)
  if (source.downwardAPI !== undefined) addDownward(files, source.downwardAPI.items ?? [], input, mode)
  if (source.serviceAccountToken !== undefined) {
    const data = Buffer.from(await input.token(source.serviceAccountToken))
    files.set(source.serviceAccountToken.path, { data, ...tokenAccess(input.pod, mode) })
  }
  if (source.clusterTrustBundle !== undefined || source.podCertificate !== undefined)
    throw new Error('clusterTrustBundle and podCertificate projections are not supported on this node')
}

/** A token is for the pod's own user alone, where the pod names one. */
function tokenAccess(pod: NodePod, mode: number): { mode: number; uid?: number } {
  const { runAsUser, fsGroup } = pod.spec.securityContext ?? {}
  const users = new Set(
    [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map((c) => c.securityContext?.runAsUser ?? runAsUser),
  )
  const [only] = users
  if (users.size === 1 && only !== undefined) return { mode: 0o600, uid: only }
  return fsGroup === undefined ? { mode } : { mode: 0o600 }
}

interface KeyedSource {
  readonly name?: string
  readonly namespace: string
  readonly items?: readonly DeepReadonly<KeyToPath>[]
  readonly optional?: boolean
}

function addConfigMap(
  files: Map<string, VolumeFile>,
  object: DeepReadonly<ConfigMap> | undefined,
  source: KeyedSource,
  mode: number,
): void {
  if (object === undefined) {
    if (source.optional) return
    throw new Error(`configmap "${source.name ?? ''}" not found`)
  }
  const entries = new Map<string, Buffer>()
  for (const [key, text] of Object.entries(object.data ?? {})) entries.set(key, Buffer.from(text))
  for (const [key, base64] of Object.entries(object.binaryData ?? {})) entries.set(key, Buffer.from(base64, 'base64'))
  addKeys(files, entries, source, mode, 'configmap references non-existent config key')
}

function addSecret(
  files: Map<string, VolumeFile>,
  object: DeepReadonly<Secret> | undefined,
  source: KeyedSource,
  mode: number,
): void {
  if (object === undefined) {
    if (source.optional) return
    throw new Error(`secret "${source.name ?? ''}" not found`)
  }
  const entries = new Map(Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]))
  addKeys(files, entries, source, mode, 'references non-existent secret key')
}

function addKeys(
  files: Map<string, VolumeFile>,
  entries: ReadonlyMap<string, Buffer>,
  { items, optional }: KeyedSource,
  mode: number,
  complaint: string,
): void {
  if (items === undefined || items.length === 0) {
    for (const [key, data] of entries) files.set(key, { data, mode })
    return
  }
  for (const { key, path, mode: own } of items) {
    const data = entries.get(key)
    if (data !== undefined) files.set(path, { data, mode: own ?? mode })
    else if (!optional) throw new Error(`${complaint}: ${key}`)
  }
}

function addDownward(
  files: Map<string, VolumeFile>,
  items: readonly DeepReadonly<DownwardAPIVolumeFile>[],
  { pod, place }: PayloadInput,
  mode: number,
): void {
  for (const { path, fieldRef, resourceFieldRef, mode: own } of items) {
    const text =
      fieldRef !== undefined
        ? fieldValue(pod, fieldRef, place)
        : resourceFieldRef !== undefined
          ? resourceValue(pod, undefined, resourceFieldRef, place)
          : ''
    files.set(path, { data: Buffer.from(text), mode: own ?? mode })
  }
}
