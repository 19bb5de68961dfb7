// Assembles an image from a spec without a daemon: Debian packages, files and accounts become one layer; the same input gives the same digest.

import { createReadStream } from 'node:fs'
import { mkdir, readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { rfc3339 } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { type BaseImage, listBaseFiles, readBaseImage } from './base-image.ts'
import { commandText, runCommand } from './command.ts'
import { fetchPackages, type Package } from './debian.ts'
import { FileTree, Spool } from './file-tree.ts'
import { putManifest } from './image.ts'
import { MEDIA, type RunConfig } from './manifest.ts'
import type { ImageSpec, SpecFile } from './spec.ts'
import type { ImageStore } from './store.ts'
import { cleanPath, readAll, readTar, type TarEntry } from './tar.ts'
import { writeTar } from './tar-writer.ts'

export interface BuildContext {
  store: ImageStore
  /** What the spec's sources are relative to; nothing outside it is read. */
  directory: string
  /** Downloaded packages stay here, and the build's scratch file while it runs. */
  cacheDirectory: string
  random: Random
  /** The image's, in the words of OCI and Debian: `amd64`, `arm64`. Packages must be available for it. */
  architecture: string
  signal: AbortSignal
  progress?(step: string): void
}

export interface BuiltImage {
  readonly reference: string
  readonly digest: string
  readonly sizeBytes: number
  /** `name=version` of each package in it. */
  readonly packages: readonly string[]
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const MAX_ACCOUNT_FILE_BYTES = 1024 * 1024
/** What packages carry for people at a terminal. Copyright notices stay: images are passed on. */
const UNNEEDED_PATHS = [
  'doc-base',
  'man',
  'info',
  'lintian',
  'locale',
  'bug',
  'bash-completion',
  'zsh',
  'apport',
  'menu',
  'pixmaps',
].map((name) => `usr/share/${name}`)

/** Builds the image, stores it and names it. */
export async function buildImage(spec: ImageSpec, context: BuildContext): Promise<BuiltImage> {
  const { store, architecture, cacheDirectory } = context
  const progress = context.progress?.bind(context) ?? (() => {})
  await mkdir(cacheDirectory, { recursive: true })
  await using spool = await Spool.open(join(cacheDirectory, `build-${context.random.uuid()}`))
  const build: Build = { spec, context, spool, tree: new FileTree(), progress }

  const base = spec.from === 'scratch' ? undefined : await readBaseImage(store, spec.from, architecture)
  if (base) await listBaseFiles(base, store, build.tree, spool)
  const packages = await addPackages(build)
  for (const path of spec.remove)
    if (!build.tree.remove(path)) throw new Error(`Cannot remove "/${path}" from image: it is not there`)
  for (const { path, mode, uid, gid } of spec.directories)
    build.tree.set(path, { type: 'directory', mode: mode ?? 0o755, uid, gid })
  for (const file of spec.files) await addFile(build, file)
  for (const { path, target } of spec.symlinks) build.tree.set(path, { type: 'symlink', target, uid: 0, gid: 0 })
  await addAccounts(build)

  progress('Writing the layer')
  const layer = await store.putBlob(writeTar(build.tree.items(spool, spec.epochSeconds)))
  const versions = packages.map(({ name, version }) => `${name}=${version}`)
  const layers = [...(base?.layers ?? []), { mediaType: MEDIA.ociLayer, ...layer }]
  const history = {
    created: rfc3339(spec.epochSeconds * 1000),
    created_by: 'drover image build',
    ...(versions.length > 0 ? { comment: versions.join(' ') } : {}),
  }
  const manifest = await putManifest(store, {
    architecture,
    epochSeconds: spec.epochSeconds,
    config: runConfig(spec, base),
    layers,
    diffIDs: [...(base?.config.diffIDs ?? []), layer.digest],
    history: [...(base?.config.history ?? []), history],
  })
  await store.put(spec.name, manifest)
  return {
    reference: spec.name,
    digest: manifest.digest,
    sizeBytes: layers.reduce((sum, { size }) => sum + size, manifest.size),
    packages: versions,
  }
}

interface Build {
  readonly spec: ImageSpec
  readonly context: BuildContext
  readonly spool: Spool
  readonly tree: FileTree
  progress(step: string): void
}

async function addPackages(build: Build): Promise<Package[]> {
  const { spec, context, tree, spool, progress } = build
  if (spec.packages.length === 0) return []
  const { cacheDirectory, random, signal, architecture } = context
  // Debian's file system is merged: these names are links, and what packages put below them lands in /usr.
  for (const name of ['bin', 'sbin', 'lib', ...(architecture === 'amd64' ? ['lib64'] : [])]) {
    if (tree.get(name) === undefined) tree.set(name, { type: 'symlink', target: `usr/${name}`, uid: 0, gid: 0 })
  }
  const wanted = { packages: spec.packages, exclude: spec.excludePackages }
  const found = await fetchPackages(wanted, { cacheDirectory, random, signal, progress })
  for (const {
    package: { name, architecture: made },
    path,
  } of found) {
    if (made !== 'all' && made !== architecture)
      throw new Error(`Cannot put package "${name}" into the image: it is for ${made}, the image for ${architecture}`)
    progress(`Unpacking ${name}`)
    await addPackage(build, name, path)
    // Where scanners look for the packages of images that have no package manager.
    const control = Buffer.from(await commandText(['dpkg-deb', '--field', path], { signal }))
    tree.set(`var/lib/dpkg/status.d/${name}`, {
      type: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      content: await spool.add([control]),
    })
  }
  return found.map((file) => file.package)
}

/** Puts the files of one package file into the tree. Its maintainer scripts are not run. */
async function addPackage(build: Build, name: string, path: string): Promise<void> {
  const isExcluded = exclusion(build.spec.excludePaths)
  await runCommand(['dpkg-deb', '--fsys-tarfile', path], { signal: build.context.signal }, async (stdout) => {
    for await (const entry of readTar(stdout)) {
      const at = cleanPath(entry.header.name, `package ${name}`)
      if (at === '' || isExcluded(at) || isExcluded(build.tree.resolve(at))) continue
      await addPackageEntry(build, { name, at, entry })
    }
    // The padding after the end of the archive; dpkg-deb must be able to finish writing it.
    stdout.resume()
  })
}

async function addPackageEntry(
  { tree, spool }: Build,
  { name, at, entry: { header, content } }: { name: string; at: string; entry: TarEntry },
): Promise<void> {
  const { uid, gid } = header
  const mode = header.mode & 0o7777
  if (header.type === 'directory') tree.set(at, { type: 'directory', mode, uid, gid })
  else if (header.type === 'symlink') tree.set(at, { type: 'symlink', target: header.linkname, uid, gid })
  else if (header.type === 'file' || header.type === 'contiguous-file')
    tree.set(at, { type: 'file', mode, uid, gid, content: await spool.add(content) })
  else if (header.type === 'link') {
    const target = tree.get(cleanPath(header.linkname, `package ${name}`))
    if (target?.type !== 'file')
      throw new Error(
        `Cannot unpack package ${name}: "${at}" is a hard link to "${header.linkname}", which is not a file of it`,
      )
    tree.set(at, target)
  } else
    throw new Error(
      `Cannot unpack package ${name}: "${at}" is a ${header.type}, images hold files, directories and links`,
    )
}

/** Pure: whether a path of a package stays out of the image. */
export function exclusion(excludePaths: readonly string[]): (path: string) => boolean {
  const patterns = [...UNNEEDED_PATHS, ...excludePaths].map((glob) => {
    const text = glob
      .split('*')
      .map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
      .join('[^/]*')
    return new RegExp(`^${text}(?:/|$)`)
  })
  return (path) => {
    if (patterns.some((pattern) => pattern.test(path))) return true
    return path.startsWith('usr/share/doc/') && !/^usr\/share\/doc\/[^/]+(?:\/copyright)?$/.test(path)
  }
}

async function addFile(build: Build, file: SpecFile): Promise<void> {
  const { tree, spool, context } = build
  const { uid, gid, path } = file
  if ('content' in file.from) {
    tree.set(path, {
      type: 'file',
      mode: file.mode ?? 0o644,
      uid,
      gid,
      content: await spool.add([Buffer.from(file.from.content)]),
    })
    return
  }
  const { source } = file.from
  const root = await realpath(context.directory)
  const real = await realpath(join(root, source)).catch((cause) => {
    throw new Error(`Cannot add "${source}" to image: it cannot be read`, { cause })
  })
  if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep))
    throw new Error(`Cannot add "${source}" to image: it leads out of the spec's directory`)
  const found = await stat(real)
  if (found.isDirectory()) {
    tree.set(path, { type: 'directory', mode: 0o755, uid, gid })
    for (const name of (await readdir(real)).sort())
      await addFile(build, { ...file, path: `${path}/${name}`, from: { source: join(source, name) } })
    return
  }
  if (!found.isFile()) throw new Error(`Cannot add "${source}" to image: it is neither a file nor a directory`)
  // A checkout's umask must not reach the digest; only whether the file can be run is taken from it.
  const mode = file.mode ?? ((found.mode & 0o100) === 0 ? 0o644 : 0o755)
  tree.set(path, { type: 'file', mode, uid, gid, content: await spool.add(createReadStream(real)) })
}

async function addAccounts({ spec, tree, spool }: Build): Promise<void> {
  if (spec.users.length === 0 && spec.groups.length === 0) return
  const named = new Set(spec.groups.map(({ gid }) => gid))
  const own = spec.users.filter(({ gid }) => !named.has(gid)).map(({ name, gid }) => ({ name, gid }))
  const passwd = spec.users.map(({ name, uid, gid, home, shell }) => `${name}:x:${uid}:${gid}::${home}:${shell}\n`)
  const group = [...spec.groups, ...own].map(({ name, gid }) => `${name}:x:${gid}:\n`)
  for (const [path, lines, root] of [
    ['etc/passwd', passwd, 'root:x:0:0:root:/root:/bin/sh\n'],
    ['etc/group', group, 'root:x:0:\n'],
  ] as const) {
    const old = tree.get(path)
    const before =
      old?.type === 'file'
        ? (await readAll(spool.read(old.content), MAX_ACCOUNT_FILE_BYTES, `/${path}`)).toString('utf8')
        : root
    const taken = new Set(before.split('\n').map((line) => line.split(':')[0]))
    const fresh = lines.filter((line) => !taken.has(line.split(':')[0]))
    tree.set(path, {
      type: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      content: await spool.add([Buffer.from(before + fresh.join(''))]),
    })
  }
}

/** Pure: what the spec says over what the base image says. A new entrypoint drops the base's command, which was made for the old one. */
export function runConfig(spec: ImageSpec, base: BaseImage | undefined): RunConfig {
  const old = base?.config.config ?? {}
  const env = new Map((old.Env ?? [`PATH=${DEFAULT_PATH}`]).map((pair) => [pair.split('=', 1)[0] ?? '', pair]))
  for (const [key, value] of Object.entries(spec.env)) env.set(key, `${key}=${value}`)
  const ports = [...new Set([...Object.keys(old.ExposedPorts ?? {}), ...spec.exposedPorts])].sort()
  const labels = Object.entries({ ...old.Labels, ...spec.labels }).sort(([a], [b]) => (a < b ? -1 : 1))
  const entrypoint = spec.entrypoint ?? old.Entrypoint
  const cmd = spec.cmd ?? (spec.entrypoint === undefined ? old.Cmd : undefined)
  const [user, stopSignal] = [spec.user ?? old.User, spec.stopSignal ?? old.StopSignal]
  return {
    ...(user === undefined ? {} : { User: user }),
    ...(ports.length === 0 ? {} : { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) }),
    Env: [...env.values()],
    ...(entrypoint === undefined ? {} : { Entrypoint: [...entrypoint] }),
    ...(cmd === undefined ? {} : { Cmd: [...cmd] }),
    WorkingDir: spec.workingDir ?? old.WorkingDir ?? '/',
    ...(labels.length === 0 ? {} : { Labels: Object.fromEntries(labels) }),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
  }
}
