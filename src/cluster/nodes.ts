// Takes one node out of a running cluster, for good or until it is started again.

import { UserError } from '../base/node/user-error.ts'
import { withLockFile } from '../base/node/lock-file.ts'
import { runCommand } from '../netlink/command.ts'
import { deleteNodeNamespace } from '../netlink/node-namespace.ts'
import { type Administrator, ask } from './api.ts'
import { removeNode } from './down.ts'
import type { Host } from './host.ts'
import { hostLockOf, type Places } from './places.ts'
import { requireRoot } from './preflight.ts'
import { type ClusterState, readState, writeState } from './state.ts'

/** The node's pods end, as when a machine loses its power; the cluster notices. It comes back with its data. */
export async function stopNode(host: Host, { places }: Pick<RunningCluster, 'places'>, name: string): Promise<void> {
  requireRoot(host.uid)
  await removeNode(host, places, { node: name, keepData: true })
}

interface RunningCluster {
  readonly places: Places
  readonly state: ClusterState
  readonly administrator: Administrator
}

export async function deleteNode(
  host: Host,
  { places, state, administrator }: RunningCluster,
  name: string,
): Promise<void> {
  const node = state.nodes.find((known) => known.name === name)
  if (node === undefined) return
  requireRoot(host.uid)
  await removeNode(host, places, { node: name, keepData: false })
  if (node.namespace) await deleteNodeNamespace(runCommand, { cluster: state.name, node: name })
  const path = `/api/v1/nodes/${encodeURIComponent(name)}`
  const answer = await ask(state, administrator, { method: 'DELETE', path, signal: host.signal })
  if (answer.status !== 200 && answer.status !== 404)
    throw new UserError(`The API server did not delete node "${name}": code ${answer.status}`, {
      remedy: `try again: drover node delete ${name} -n ${state.name}`,
    })
  await withLockFile(hostLockOf(host.roots), host, () => {
    const present = readState(places)
    if (present) writeState(places, { ...present, nodes: present.nodes.filter((known) => known.name !== name) })
  })
}
