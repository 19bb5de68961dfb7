// The documents an image is made of: descriptors, manifests, indexes and configs, read from bytes that nobody vouches for.

import { createHash } from 'node:crypto'
import { isDigest } from './reference.ts'

export const MEDIA = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
} as const

/** A manifest, an index or a config larger than this is refused (registries commonly stop at 4 MiB). */
export const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly platform?: Platform
  readonly annotations?: Readonly<Record<string, string>>
}

export interface Manifest {
  readonly kind: 'manifest'
  readonly mediaType: string
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

export interface Index {
  readonly kind: 'index'
  readonly mediaType: string
  readonly manifests: readonly Descriptor[]
}

/** What a container is started with, as the image says it. */
export interface RunConfig {
  User?: string
  ExposedPorts?: Record<string, Record<string, never>>
  Env?: string[]
  Entrypoint?: string[]
  Cmd?: string[]
  WorkingDir?: string
  Labels?: Record<string, string>
  StopSignal?: string
}

export interface ImageConfig {
  readonly created?: string
  readonly architecture: string
  readonly os: string
  readonly config: RunConfig
  readonly diffIDs: readonly string[]
  readonly history: readonly unknown[]
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** The bytes of a JSON document as this room writes them: the digest depends on every one. */
export function encodeDocument(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA.ociIndex || mediaType === MEDIA.dockerIndex
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === MEDIA.ociManifest || mediaType === MEDIA.dockerManifest
}

type Fields = Readonly<Record<string, unknown>>

/** An own-property view of a JSON object; anything else is refused by name. */
export function asObject(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`Cannot read ${what}: it is not an object`)
  return value as Fields
}

export function asArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`Cannot read ${what}: it is not a list`)
  return value
}

export function asString(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Error(`Cannot read ${what}: it is not a string`)
  return value
}

export function parseJSON(bytes: Uint8Array, what: string): unknown {
  if (bytes.byteLength > MAX_DOCUMENT_BYTES)
    throw new Error(`Cannot read ${what}: it is larger than ${MAX_DOCUMENT_BYTES} bytes`)
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (cause) {
    throw new Error(`Cannot read ${what}: it is not JSON`, { cause })
  }
}

export function parseDescriptor(value: unknown, what: string): Descriptor {
  const fields = asObject(value, what)
  const digest = asString(fields['digest'], `digest of ${what}`)
  const size = fields['size']
  if (!isDigest(digest)) throw new Error(`Cannot read ${what}: "${digest.slice(0, 100)}" is not a sha256 digest`)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw new Error(`Cannot read ${what}: its size is not a count of bytes`)
  return {
    mediaType: asString(fields['mediaType'], `mediaType of ${what}`),
    digest,
    size,
    ...(fields['platform'] === undefined ? {} : { platform: parsePlatform(fields['platform'], what) }),
    ...(fields['annotations'] == null
      ? {}
      : { annotations: parseStrings(fields['annotations'], `annotations of ${what}`) }),
  }
}

function parsePlatform(value: unknown, what: string): Platform {
  const fields = asObject(value, `platform of ${what}`)
  return {
    os: asString(fields['os'], `os of ${what}`),
    architecture: asString(fields['architecture'], `architecture of ${what}`),
    ...(typeof fields['variant'] === 'string' && fields['variant'] !== '' ? { variant: fields['variant'] } : {}),
  }
}

export function parseStrings(value: unknown, what: string): Record<string, string> {
  const strings: Record<string, string> = Object.create(null)
  for (const [key, text] of Object.entries(asObject(value, what))) strings[key] = asString(text, `"${key}" of ${what}`)
  return strings
}

/** A manifest or an index. The media type may be missing inside (the OCI specification allows that); the shape then decides. */
export function parseManifest(bytes: Uint8Array, what: string): Manifest | Index {
  const fields = asObject(parseJSON(bytes, what), what)
  const said = fields['mediaType']
  const looksLikeIndex = 'manifests' in fields
  // A document that is both could mean one thing to us and another to containerd (CVE-2021-41190).
  if (looksLikeIndex && ('layers' in fields || 'config' in fields))
    throw new Error(`Cannot read ${what}: it is both a manifest and an index`)
  const mediaType = typeof said === 'string' && said !== '' ? said : looksLikeIndex ? MEDIA.ociIndex : MEDIA.ociManifest
  if (isIndexType(mediaType) && looksLikeIndex) {
    const manifests = asArray(fields['manifests'], `manifests of ${what}`)
    return {
      kind: 'index',
      mediaType,
      manifests: manifests.map((m, i) => parseDescriptor(m, `manifest ${i} of ${what}`)),
    }
  }
  if (!isManifestType(mediaType) || looksLikeIndex)
    throw new Error(`Cannot read ${what}: "${mediaType}" is not an image manifest or index`)
  return {
    kind: 'manifest',
    mediaType,
    config: parseDescriptor(fields['config'], `config of ${what}`),
    layers: asArray(fields['layers'] ?? [], `layers of ${what}`).map((l, i) =>
      parseDescriptor(l, `layer ${i} of ${what}`),
    ),
  }
}

export function parseConfig(bytes: Uint8Array, what: string): ImageConfig {
  const fields = asObject(parseJSON(bytes, what), what)
  const rootfs = asObject(fields['rootfs'], `rootfs of ${what}`)
  return {
    ...(typeof fields['created'] === 'string' ? { created: fields['created'] } : {}),
    architecture: asString(fields['architecture'], `architecture of ${what}`),
    os: asString(fields['os'], `os of ${what}`),
    config: parseRunConfig(fields['config'] ?? {}, what),
    diffIDs: asArray(rootfs['diff_ids'] ?? [], `diff_ids of ${what}`).map((d) => asString(d, `diff_id of ${what}`)),
    history: Array.isArray(fields['history']) ? fields['history'] : [],
  }
}

function parseRunConfig(value: unknown, what: string): RunConfig {
  const fields = asObject(value, `config of ${what}`)
  const text = (key: string): string | undefined =>
    fields[key] == null ? undefined : asString(fields[key], `${key} of ${what}`)
  const list = (key: string): string[] | undefined =>
    fields[key] == null
      ? undefined
      : asArray(fields[key], `${key} of ${what}`).map((item) => asString(item, `${key} of ${what}`))
  const [user, workingDir, stopSignal] = [text('User'), text('WorkingDir'), text('StopSignal')]
  const [env, entrypoint, cmd] = [list('Env'), list('Entrypoint'), list('Cmd')]
  const ports =
    fields['ExposedPorts'] == null
      ? undefined
      : Object.keys(asObject(fields['ExposedPorts'], `ExposedPorts of ${what}`))
  return {
    ...(user === undefined ? {} : { User: user }),
    ...(ports === undefined ? {} : { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) }),
    ...(env === undefined ? {} : { Env: env }),
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
    ...(cmd === undefined ? {} : { Cmd: cmd }),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
    ...(fields['Labels'] == null ? {} : { Labels: { ...parseStrings(fields['Labels'], `Labels of ${what}`) } }),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
  }
}
