// The image spec: the short YAML page that says what goes into an image, checked field by field.

import { parseDocument } from 'yaml'
import { asArray, asObject, asString, parseStrings } from './manifest.ts'
import { normalizeReference } from './reference.ts'
import { cleanPath } from './tar.ts'

/** A spec is a page, not a file system. */
const MAX_SPEC_BYTES = 1024 * 1024
const MAX_ID = 2 ** 32 - 2

export interface Owned {
  readonly mode: number | undefined
  readonly uid: number
  readonly gid: number
}

export interface SpecFile extends Owned {
  /** Without a leading slash, like every path here. */
  readonly path: string
  readonly from: { readonly source: string } | { readonly content: string }
}

export interface SpecUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
}

export interface ImageSpec {
  readonly name: string
  /** `scratch`, or an image of the store. */
  readonly from: string
  readonly packages: readonly string[]
  /** Packages of the closure that stay out; `*` stands for any characters. */
  readonly excludePackages: readonly string[]
  /** Files of packages that stay out: paths, each with all below it; `*` stands for characters other than a slash. */
  readonly excludePaths: readonly string[]
  readonly directories: readonly (Owned & { readonly path: string })[]
  readonly files: readonly SpecFile[]
  readonly symlinks: readonly { readonly path: string; readonly target: string }[]
  /** What of the base image is to be gone. */
  readonly remove: readonly string[]
  readonly users: readonly SpecUser[]
  readonly groups: readonly { readonly name: string; readonly gid: number }[]
  readonly env: Readonly<Record<string, string>>
  readonly user: string | undefined
  readonly workingDir: string | undefined
  readonly entrypoint: readonly string[] | undefined
  readonly cmd: readonly string[] | undefined
  readonly exposedPorts: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly stopSignal: string | undefined
  /** Seconds since 1970 that the image and every file in it are dated with (SOURCE_DATE_EPOCH). */
  readonly epochSeconds: number
}

const FIELDS = new Set(
  'name from packages excludePackages excludePaths directories files symlinks remove users groups env user workingDir entrypoint cmd exposedPorts labels stopSignal epochSeconds'.split(
    ' ',
  ),
)
const PACKAGE = /^[a-z0-9][a-z0-9.+-]+$/
const ACCOUNT = /^[a-z_][a-z0-9_-]{0,31}$/

/** Reads a spec; throws one line that names the field. */
export function parseImageSpec(text: string): ImageSpec {
  if (text.length > MAX_SPEC_BYTES) throw new Error(`Cannot read image spec: it is larger than ${MAX_SPEC_BYTES} bytes`)
  const document = parseDocument(text)
  const [mistake] = document.errors
  if (mistake) throw new Error(`Cannot read image spec: ${mistake.message.split('\n')[0]}`)
  const fields = asObject(document.toJS({ maxAliasCount: 0 }), 'image spec')
  for (const key of Object.keys(fields))
    if (!FIELDS.has(key)) throw new Error(`Cannot read image spec: unknown field "${key}"`)
  const list = (key: string): readonly unknown[] => (fields[key] == null ? [] : asArray(fields[key], key))
  const strings = (key: string): string[] => list(key).map((item, i) => asString(item, `${key}[${i}]`))
  const text1 = (key: string): string | undefined => (fields[key] == null ? undefined : asString(fields[key], key))
  const from = text1('from') ?? 'scratch'
  const epochSeconds = fields['epochSeconds'] ?? 0
  if (
    typeof epochSeconds !== 'number' ||
    !Number.isSafeInteger(epochSeconds) ||
    epochSeconds < 0 ||
    epochSeconds > 0o77777777777
  )
    throw new Error('Cannot read epochSeconds: it is not a count of seconds')
  return {
    name: normalizeReference(asString(fields['name'], 'name')),
    from: from === 'scratch' ? from : normalizeReference(from),
    packages: strings('packages').map((name) => matching(PACKAGE, name, 'packages')),
    excludePackages: strings('excludePackages'),
    excludePaths: strings('excludePaths').map((path) => absolute(path, 'excludePaths')),
    directories: list('directories').map((item, i) => parseDirectory(item, `directories[${i}]`)),
    files: list('files').map((item, i) => parseFile(item, `files[${i}]`)),
    symlinks: list('symlinks').flatMap((item, i) => parseSymlinks(item, `symlinks[${i}]`)),
    remove: strings('remove').map((path) => absolute(path, 'remove')),
    users: list('users').map((item, i) => parseUser(item, `users[${i}]`)),
    groups: list('groups').map((item, i) => parseGroup(item, `groups[${i}]`)),
    env: parseStrings(fields['env'] ?? {}, 'env'),
    user: text1('user'),
    workingDir: text1('workingDir'),
    entrypoint: fields['entrypoint'] == null ? undefined : strings('entrypoint'),
    cmd: fields['cmd'] == null ? undefined : strings('cmd'),
    exposedPorts: list('exposedPorts').map((port) => parsePort(port)),
    labels: parseStrings(fields['labels'] ?? {}, 'labels'),
    stopSignal: text1('stopSignal'),
    epochSeconds,
  }
}

function only(value: unknown, what: string, keys: string): Readonly<Record<string, unknown>> {
  const fields = asObject(value, what)
  for (const key of Object.keys(fields))
    if (!keys.split(' ').includes(key)) throw new Error(`Cannot read ${what}: unknown field "${key}"`)
  return fields
}

function matching(pattern: RegExp, text: string, what: string): string {
  if (!pattern.test(text)) throw new Error(`Cannot read ${what}: ${JSON.stringify(text)} is not a valid name`)
  return text
}

function absolute(value: unknown, what: string): string {
  const path = asString(value, what)
  if (!path.startsWith('/')) throw new Error(`Cannot read ${what}: ${JSON.stringify(path)} is not an absolute path`)
  const clean = cleanPath(path, what)
  if (clean === '') throw new Error(`Cannot read ${what}: the root directory cannot be named`)
  return clean
}

/** Numbers are refused: `0755` is 755 to YAML 1.2, which is not what anyone means. */
function parseMode(value: unknown, what: string): number | undefined {
  if (value == null) return undefined
  if (typeof value !== 'string' || !/^[0-7]{3,4}$/.test(value))
    throw new Error(`Cannot read mode of ${what}: it must be a quoted octal number such as '0644'`)
  return Number.parseInt(value, 8)
}

function parseID(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_ID)
    throw new Error(`Cannot read ${what}: it is not a user or group number`)
  return value
}

function parseOwned(fields: Readonly<Record<string, unknown>>, what: string): Owned {
  return {
    mode: parseMode(fields['mode'], what),
    uid: parseID(fields['uid'] ?? 0, `uid of ${what}`),
    gid: parseID(fields['gid'] ?? 0, `gid of ${what}`),
  }
}

function parseDirectory(value: unknown, what: string): Owned & { path: string } {
  if (typeof value === 'string') return { path: absolute(value, what), mode: undefined, uid: 0, gid: 0 }
  const fields = only(value, what, 'path mode uid gid')
  return { path: absolute(fields['path'], `path of ${what}`), ...parseOwned(fields, what) }
}

function parseFile(value: unknown, what: string): SpecFile {
  const fields = only(value, what, 'path source content mode uid gid')
  const [source, content] = [fields['source'], fields['content']]
  if ((source == null) === (content == null))
    throw new Error(`Cannot read ${what}: it needs one of "source" and "content"`)
  const from =
    source == null ? { content: asString(content, `content of ${what}`) } : { source: parseSource(source, what) }
  return { path: absolute(fields['path'], `path of ${what}`), from, ...parseOwned(fields, what) }
}

function parseSource(value: unknown, what: string): string {
  const source = asString(value, `source of ${what}`)
  if (source.startsWith('/'))
    throw new Error(`Cannot read source of ${what}: it must be relative to the spec's directory`)
  return cleanPath(source, what)
}

function parseSymlinks(value: unknown, what: string): { path: string; target: string }[] {
  const fields = only(value, what, 'path paths target')
  const target = asString(fields['target'], `target of ${what}`)
  if (target === '' || target.includes('\0')) throw new Error(`Cannot read target of ${what}: it is not a path`)
  const paths = fields['paths'] == null ? [fields['path']] : asArray(fields['paths'], `paths of ${what}`)
  return paths.map((path) => ({ path: absolute(path, `path of ${what}`), target }))
}

function parseUser(value: unknown, what: string): SpecUser {
  const fields = only(value, what, 'name uid gid home shell')
  const uid = parseID(fields['uid'], `uid of ${what}`)
  return {
    name: matching(ACCOUNT, asString(fields['name'], `name of ${what}`), what),
    uid,
    gid: parseID(fields['gid'] ?? uid, `gid of ${what}`),
    home: matching(/^\/[^:\n]*$/, asString(fields['home'] ?? '/nonexistent', `home of ${what}`), what),
    shell: matching(/^\/[^:\n]*$/, asString(fields['shell'] ?? '/bin/false', `shell of ${what}`), what),
  }
}

function parseGroup(value: unknown, what: string): { name: string; gid: number } {
  const fields = only(value, what, 'name gid')
  return {
    name: matching(ACCOUNT, asString(fields['name'], `name of ${what}`), what),
    gid: parseID(fields['gid'], `gid of ${what}`),
  }
}

function parsePort(value: unknown): string {
  const [, number = '', protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(String(value)) ?? []
  if (number === '' || Number(number) < 1 || Number(number) > 65535)
    throw new Error(`Cannot read exposedPorts: ${JSON.stringify(value)} is not a port such as 80 or 53/udp`)
  return `${Number(number)}/${protocol}`
}
