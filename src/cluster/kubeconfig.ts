// Kubeconfig files: a cluster's entries are merged into the user's file, made current, and taken out again; nothing else in it changes.

import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Document } from 'yaml'
import type { Clock } from '../base/clock.ts'
import { makeParent, readTextIfExists, writeFileAtomic } from '../base/node/files.ts'
import { withLockFile } from '../base/node/lock-file.ts'
import { UserError } from '../base/node/user-error.ts'

export interface KubeconfigEntry {
  /** Of the context, the cluster and the user: `drover-NAME`. */
  readonly name: string
  readonly server: string
  /** PEM. */
  readonly caCertificate: string
  readonly certificate: string
  readonly key: string
}

export const contextName = (cluster: string): string => `drover-${cluster}`

/** The files that kubectl would read, first to last. */
export function kubeconfigFiles(environment: { KUBECONFIG?: string | undefined; HOME?: string | undefined }): string[] {
  const listed = (environment.KUBECONFIG ?? '').split(':').filter((path) => path !== '')
  return listed.length > 0 ? [...new Set(listed)] : [join(environment.HOME ?? '/root', '.kube', 'config')]
}

const SECTIONS = ['contexts', 'clusters', 'users'] as const

/** One cluster's kubeconfig by itself. */
export async function kubeconfigText(entry: KubeconfigEntry): Promise<string> {
  const { stringify } = await import('yaml')
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': entry.name,
    clusters: [clusterOf(entry)],
    contexts: [contextOf(entry)],
    users: [userOf(entry)],
  })
}

/**
 * Puts the entry into the file that has it already, else into the first file that exists, else into the last.
 * `keepCurrent` leaves the current context as it is. Returns the file.
 */
export async function mergeKubeconfig(
  files: readonly string[],
  entry: KubeconfigEntry,
  options: { clock: Clock; keepCurrent?: boolean },
): Promise<string> {
  const holder = await findAsync(files, async (file) => hasEntry(await parse(file), entry.name))
  const path = holder ?? files.find((file) => existsSync(file)) ?? files.at(-1) ?? ''
  await edit(path, options.clock, (document) => {
    upsert(document, 'clusters', clusterOf(entry))
    upsert(document, 'contexts', contextOf(entry))
    upsert(document, 'users', userOf(entry))
  })
  // The first file that says which context is current wins, so it must be said there.
  if (!options.keepCurrent) {
    const says = await findAsync(files, async (file) => Boolean((await parse(file)).get('current-context')))
    await edit(says ?? path, options.clock, (document) => document.set('current-context', entry.name))
  }
  return path
}

/** Removes the entries of this name from every file; a file that becomes empty by it stays, as with kubectl. */
export async function removeFromKubeconfig(
  files: readonly string[],
  name: string,
  { clock }: { clock: Clock },
): Promise<void> {
  for (const file of files) {
    const document = await parse(file)
    if (!hasEntry(document, name) && document.get('current-context') !== name) continue
    await edit(file, clock, (edited) => {
      for (const section of SECTIONS) {
        const index = indexOf(edited, section, name)
        if (index >= 0) edited.deleteIn([section, index])
      }
      if (edited.get('current-context') === name) edited.set('current-context', '')
    })
  }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

const clusterOf = ({ name, server, caCertificate }: KubeconfigEntry) => ({
  name,
  cluster: { server, 'certificate-authority-data': base64(caCertificate) },
})
const contextOf = ({ name }: KubeconfigEntry) => ({ name, context: { cluster: name, user: name } })
const userOf = ({ name, certificate, key }: KubeconfigEntry) => ({
  name,
  user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) },
})

async function findAsync<T>(items: readonly T[], is: (item: T) => Promise<boolean>): Promise<T | undefined> {
  for (const item of items) if (await is(item)) return item
  return undefined
}

async function parse(file: string): Promise<Document> {
  const { parseDocument } = await import('yaml')
  const document = parseDocument(readTextIfExists(file) ?? '', { strict: true })
  const [error] = document.errors
  if (error)
    throw new UserError(`Cannot read kubeconfig "${file}": ${error.message.split('\n')[0] ?? ''}`, {
      remedy: 'mend it, or name another file: --kubeconfig FILE',
    })
  const value: unknown = document.toJS()
  if (value !== null && (typeof value !== 'object' || Array.isArray(value)))
    throw new UserError(`Cannot use kubeconfig "${file}": it does not hold a mapping`, {
      remedy: 'mend it, or name another file: --kubeconfig FILE',
    })
  return document
}

/** The document keeps comments, order and unknown fields of what is not ours. */
async function edit(file: string, clock: Clock, change: (document: Document) => void): Promise<void> {
  makeParent(file)
  // A link stays a link; what it points at is replaced.
  const path = existsSync(file) ? realpathSync(file) : file
  await withLockFile(`${file}.lock`, { clock }, async () => {
    const document = await parse(path)
    if (document.contents === null) {
      document.contents = document.createNode({ apiVersion: 'v1', kind: 'Config', preferences: {} })
    }
    change(document)
    writeFileAtomic(path, document.toString({ lineWidth: 0 }))
  })
}

function items(document: Document, section: string): { name?: unknown }[] {
  const value: unknown = (document.toJS() as Record<string, unknown> | null)?.[section]
  return Array.isArray(value) ? (value as { name?: unknown }[]) : []
}

const indexOf = (document: Document, section: string, name: string): number =>
  items(document, section).findIndex((item) => item?.name === name)

const hasEntry = (document: Document, name: string): boolean =>
  SECTIONS.some((section) => indexOf(document, section, name) >= 0)

function upsert(document: Document, section: string, item: { name: string }): void {
  const index = indexOf(document, section, item.name)
  if (index >= 0) document.setIn([section, index], document.createNode(item))
  else if (items(document, section).length > 0) document.addIn([section], document.createNode(item))
  else document.set(section, document.createNode([item]))
}
