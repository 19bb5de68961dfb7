// Where the files of pods are. Names come from the API, which allows no slashes in them; they are checked once more all the same.

import { join } from 'node:path'
import type { NodeDirectories } from '../context.ts'

const SAFE_NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/

/** `name` as one element of a path; throws on what could lead elsewhere. */
export function pathElement(name: string): string {
  if (!SAFE_NAME.test(name) || name.length > 253) throw new Error(`Cannot use ${JSON.stringify(name)} in a path`)
  return name
}

export function podDirectory(directories: NodeDirectories, uid: string): string {
  return join(directories.pods, pathElement(uid))
}

export interface PodName {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

export function podLogDirectory(directories: NodeDirectories, { namespace, name, uid }: PodName): string {
  return join(directories.logs, `${pathElement(namespace)}_${pathElement(name)}_${pathElement(uid)}`)
}

/** Relative to the pod's log directory. */
export function containerLogPath(container: string, attempt: number): string {
  return `${pathElement(container)}/${attempt}.log`
}
