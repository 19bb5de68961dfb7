// Debian packages for images: which ones (the closure of what is asked for), fetched once into a cache, verified, never installed here.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Random } from '../base/random.ts'
import { CommandError, commandText } from './command.ts'

/** Packages that closures reach but an image whose maintainer scripts never run has no use for. */
const UNNEEDED = [
  'debconf',
  'debconf-2.0',
  'cdebconf',
  'dpkg',
  'install-info',
  'gcc-*-base',
  'libc-bin',
  'perl-base',
  'init-system-helpers',
  'lsb-base',
  'sysvinit-utils',
  'adduser',
  'tzdata',
  'ucf',
]
const MAX_PACKAGES = 500

export interface Package {
  readonly name: string
  readonly version: string
  readonly architecture: string
  readonly sha256: string
  readonly depends: readonly (readonly string[])[]
}

export interface DebianOptions {
  cacheDirectory: string
  random: Random
  signal: AbortSignal
  progress(step: string): void
}

export interface Wanted {
  packages: readonly string[]
  exclude: readonly string[]
}

/** The package files of a closure, verified, sorted by name. The package lists are fetched once if they are missing or too old to download by. */
export async function fetchPackages(
  wanted: Wanted,
  options: DebianOptions,
): Promise<{ package: Package; path: string }[]> {
  const attempt = async (): Promise<{ package: Package; path: string }[]> => {
    const files = []
    for (const found of await closure(wanted, options))
      files.push({ package: found, path: await fetchPackage(found, options) })
    return files
  }
  try {
    return await attempt()
  } catch (error) {
    if (!(error instanceof CommandError || error instanceof UnknownPackage)) throw error
    options.progress('Fetching Debian package lists')
    await commandText(['apt-get', 'update', '-qq'], options).catch((cause) => {
      throw new Error('Cannot fetch Debian package lists; check the network and /etc/apt/sources.list', { cause })
    })
    return await attempt()
  }
}

class UnknownPackage extends Error {}

/** Breadth first from what is asked for. Of alternatives the first that exists is taken, unless one is in already. */
async function closure({ packages, exclude }: Wanted, options: DebianOptions): Promise<Package[]> {
  const excluded = [...UNNEEDED, ...exclude].map(globToRegExp)
  const isExcluded = (name: string): boolean =>
    !packages.includes(name) && excluded.some((pattern) => pattern.test(name))
  const chosen = new Map<string, Package>()
  let wanted: (readonly string[])[] = packages.map((name) => [name])
  while (wanted.length > 0) {
    const open = wanted.filter((names) => !names.some((name) => chosen.has(name) || isExcluded(name)))
    const known = await describe([...new Set(open.flat())], options)
    wanted = []
    for (const names of open) {
      if (names.some((name) => chosen.has(name))) continue
      const found = names.map((name) => known.get(name)).find((candidate) => candidate !== undefined)
      if (!found)
        throw new UnknownPackage(
          `Cannot find Debian package ${names.map((name) => `"${name}"`).join(' or ')}; name a real package in "packages", or leave it out with "excludePackages"`,
        )
      chosen.set(found.name, found)
      if (chosen.size > MAX_PACKAGES)
        throw new Error(`Cannot build image: its packages need more than ${MAX_PACKAGES} others`)
      wanted.push(...found.depends)
    }
  }
  return [...chosen.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function describe(
  names: readonly string[],
  { cacheDirectory, signal }: DebianOptions,
): Promise<Map<string, Package>> {
  if (names.length === 0) return new Map()
  // Container images of Debian switch apt's own index of the lists off; with one here each look-up takes a third of the time.
  const index = ['-o', `Dir::Cache::pkgcache=${join(resolve(cacheDirectory), 'pkgcache.bin')}`]
  const text = await commandText(['apt-cache', ...index, 'show', '--no-all-versions', ...names], { signal }).catch(
    (error) => {
      // One name that is only virtual makes apt-cache fail when it is the only one; the caller says which is missing.
      if (error instanceof CommandError) return ''
      throw error
    },
  )
  return new Map(parsePackages(text).map((found) => [found.name, found]))
}

/** Pure: stanzas of package lists. */
export function parsePackages(text: string): Package[] {
  const found: Package[] = []
  for (const stanza of text.split(/\n{2,}/)) {
    const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1]?.trim() ?? ''
    const [name, sha256] = [field('Package'), field('SHA256')]
    if (name === '' || !/^[0-9a-f]{64}$/.test(sha256)) continue
    const depends = [field('Pre-Depends'), field('Depends')].filter((line) => line !== '').join(', ')
    found.push({
      name,
      version: field('Version'),
      architecture: field('Architecture'),
      sha256,
      depends: parseDepends(depends),
    })
  }
  return found
}

/** Pure: `a (>= 1) | b, c:any` is [[a, b], [c]]. */
export function parseDepends(text: string): string[][] {
  return text
    .split(',')
    .map((clause) => clause.split('|').map((part) => part.trim().replace(/[\s(:[].*$/, '')))
    .map((names) => names.filter((name) => name !== ''))
    .filter((names) => names.length > 0)
}

/** Pure: `*` matches any characters, everything else itself. */
export function globToRegExp(glob: string): RegExp {
  return new RegExp(
    `^${glob
      .split('*')
      .map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
      .join('.*')}$`,
  )
}

/** The path of the package file in the cache. Files are named by their content, so a cached one needs no network. */
async function fetchPackage(
  wanted: Package,
  { cacheDirectory, random, signal, progress }: DebianOptions,
): Promise<string> {
  const path = join(cacheDirectory, `${wanted.sha256}.deb`)
  if ((await sha256Of(path)) === wanted.sha256) return path
  progress(`Downloading ${wanted.name} ${wanted.version}`)
  const scratch = join(cacheDirectory, `download-${random.uuid()}`)
  await mkdir(scratch, { recursive: true })
  try {
    // The sandbox user may not write here; the download is verified below either way.
    await commandText(
      ['apt-get', '-qq', '-o', 'APT::Sandbox::User=root', 'download', `${wanted.name}=${wanted.version}`],
      { cwd: scratch, signal },
    )
    const [file] = await readdir(scratch)
    const sum = file === undefined ? 'nothing' : await sha256Of(join(scratch, file))
    if (file === undefined || sum !== wanted.sha256)
      throw new Error(
        `Cannot use package ${wanted.name} ${wanted.version}: its SHA-256 is ${sum}, the package list says ${wanted.sha256}`,
      )
    await rename(join(scratch, file), path)
    return path
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function sha256Of(path: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk)
    return hash.digest('hex')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
