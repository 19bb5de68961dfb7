// Where a cluster keeps what: data outlives a reboot, the run directory does not.

import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readJSONIfExists } from '../base/node/files.ts'
import { hasCode, UserError } from '../base/node/user-error.ts'

export interface Roots {
  /** `/var/lib/drover`: a directory per cluster, or a symbolic link to where it was put with --data-dir. */
  readonly data: string
  /** `/run/drover` */
  readonly run: string
  /** What all clusters of this machine share, wherever their directories are; `/run/drover-host` unless said. */
  readonly host?: string
}

export interface Places {
  readonly name: string
  readonly data: string
  readonly run: string
}

const NAME = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/

/** A cluster's name becomes part of paths, interfaces, tables and cgroups. */
export function checkClusterName(name: string): string {
  if (!NAME.test(name))
    throw new UserError(`"${name}" is not a name for a cluster`, {
      remedy: 'use at most 40 small letters, digits and "-", beginning and ending with a letter or digit',
      exitCode: 2,
    })
  return name
}

export function placesOf(roots: Roots, name: string): Places {
  checkClusterName(name)
  return { name, data: join(roots.data, name), run: join(roots.run, name) }
}

export const stateFileOf = (places: Places): string => join(places.data, 'cluster.json')
export const pkiOf = (places: Pick<Places, 'data'>): string => join(places.data, 'pki')
export const storeOf = (places: Places): string => join(places.data, 'store')
export const imagesOf = (places: Places): string => join(places.data, 'images')
export const logsOf = (places: Places): string => join(places.data, 'logs')
export const logFileOf = (places: Places, process: string): string => join(logsOf(places), `${process}.log`)
/** Written by its keeper (or, for a keeper, by who started it): which process it is. */
export const pidFileOf = (places: Places, process: string): string => join(places.run, `${process}.pid`)
export const keeperOf = (process: string): string => `${process}.keeper`
/** The agent's own credentials and everything else it is told. */
export const nodeDataOf = (places: Pick<Places, 'data'>, node: string): string => join(places.data, 'nodes', node)
/** Short: a socket's path has 107 bytes. */
export const nodeRunOf = (places: Places, node: string): string => join(places.run, node)
export const containerdPathsOf = (places: Places, node: string): { root: string; state: string } => ({
  root: join(nodeDataOf(places, node), 'containerd'),
  state: join(nodeRunOf(places, node), 'c'),
})
/** The cgroup of all pods of a node. */
export const cgroupOf = (cluster: string, node: string): string => `/drover-${cluster}.${node}`
export const hostLockOf = (roots: Roots): string => join(roots.run, 'lock')

/** What Drover keeps in a data directory, and removes from it. */
const ENTRIES = ['cluster.json', 'pki', 'store', 'control', 'images', 'logs', 'nodes']

/**
 * Whether the directory has this cluster's data in it already.
 * One of another cluster, or with somebody's files under our names, is refused: `down` would delete them.
 */
export function holdsCluster(directory: string, name: string): boolean {
  const path = resolve(directory)
  const state = readJSONIfExists(join(path, 'cluster.json'))
  if (typeof state === 'object' && state !== null && 'name' in state) {
    if (state.name === name) return true
    throw new UserError(`"${path}" holds the data of cluster "${String(state.name)}"`, {
      remedy: `start that one (drover up -n ${String(state.name)} --data-dir ${path}), or name an empty directory`,
    })
  }
  const foreign = ENTRIES.filter((entry) => existsSync(join(path, entry)))
  if (foreign.length > 0)
    throw new UserError(`"${path}" is in use: it has ${foreign.map((entry) => `"${entry}"`).join(', ')} in it`, {
      remedy: 'name an empty directory',
    })
  return false
}

/** Makes the data directory, elsewhere when `directory` says so; an existing cluster stays where it is. */
export function makeDataDirectory(roots: Roots, places: Places, directory: string | undefined): void {
  mkdirSync(roots.data, { recursive: true, mode: 0o755 })
  if (directory === undefined) {
    mkdirSync(places.data, { recursive: true, mode: 0o700 })
    return
  }
  const wanted = resolve(directory)
  mkdirSync(wanted, { recursive: true, mode: 0o700 })
  const present = linkTarget(places.data)
  if (present === undefined) symlinkSync(wanted, places.data)
  else if (realpathSync(places.data) !== realpathSync(wanted))
    throw new UserError(`Cluster "${places.name}" keeps its data in "${present}", not in "${wanted}"`, {
      remedy: `leave out --data-dir, or delete the cluster first: drover down -n ${places.name}`,
    })
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : path
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Removes what Drover put into the data directory, and the directory when nothing else is in it. */
export function removeData(places: Places): void {
  const target = linkTarget(places.data)
  if (target === undefined) return
  for (const entry of ENTRIES) rmSync(join(places.data, entry), { recursive: true, force: true })
  try {
    if (target !== places.data) rmSync(places.data)
    if (readdirSync(target).length === 0) rmSync(target, { recursive: true })
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

/** The names of all clusters that have data or run here, sorted. */
export function clusterNames(roots: Roots): string[] {
  const names = [roots.data, roots.run].flatMap((directory) => {
    try {
      return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
        (entry.isDirectory() || entry.isSymbolicLink()) && NAME.test(entry.name) && entry.name !== 'cache'
          ? [entry.name]
          : [],
      )
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return []
      throw error
    }
  })
  return [...new Set(names)].sort()
}

/** Nodes of clusters that are elsewhere: they have a directory here, and no state. */
export function joinedNodes(places: Places): string[] {
  try {
    return readdirSync(join(places.data, 'nodes'))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
    throw error
  }
}
