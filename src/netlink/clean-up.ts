// Finds and removes whatever a cluster left in the kernel's network, by name alone, so that it works after everything was killed.

import type { RunCommand } from './command.ts'
import { succeed } from './command.ts'
import { deleteLink, listLinks } from './links.ts'
import { isLinkOf, isNamespaceOf, isTableOf, tableName } from './names.ts'
import { deleteNamespace, listNamespaces } from './namespaces.ts'
import { listTables } from './nft/tables.ts'
import { tableText } from './nft/serialize.ts'

export interface NetworkTraces {
  readonly tables: readonly string[]
  readonly links: readonly string[]
  readonly namespaces: readonly string[]
}

export async function findNetwork(run: RunCommand, cluster: string): Promise<NetworkTraces> {
  const tables = (await listTables(run, 'ip', tableName(cluster))).filter((name) => isTableOf(cluster, name))
  const links = (await listLinks(run)).map((link) => link.name).filter((name) => isLinkOf(cluster, name))
  const namespaces = (await listNamespaces(run)).filter((name) => isNamespaceOf(cluster, name))
  return { tables, links, namespaces }
}

/** Removes it all and returns what there was. Processes inside the namespaces must be gone already. */
export async function removeNetwork(run: RunCommand, cluster: string): Promise<NetworkTraces> {
  const traces = await findNetwork(run, cluster)
  const commands = traces.tables.map((name) => `delete table ${tableText({ family: 'ip', name })}`)
  if (commands.length > 0) await succeed(run, ['nft', '-f', '-'], { input: `${commands.join('\n')}\n` })
  for (const name of traces.links) await deleteLink(run, name)
  for (const name of traces.namespaces) await deleteNamespace(run, name)
  return traces
}
