// Which kubeconfig files a command means, and what is written into them.

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { writeFileAtomic } from '../base/node/files.ts'
import type { Administrator } from '../cluster/api.ts'
import {
  contextName,
  type KubeconfigEntry,
  kubeconfigFiles,
  kubeconfigText,
  mergeKubeconfig,
  removeFromKubeconfig,
} from '../cluster/kubeconfig.ts'
import { type ClusterState, machineAddressOf, serverURLOf } from '../cluster/state.ts'
import type { Given } from './command.ts'
import type { Session } from './session.ts'

interface Cluster {
  readonly state: ClusterState
  readonly administrator: Administrator
}

export function entryOf({ state, administrator }: Cluster, { internal = false } = {}): KubeconfigEntry {
  const server = internal ? `https://${machineAddressOf(state)}:${state.port}` : serverURLOf(state)
  return { name: contextName(state.name), server, ...administrator }
}

function filesOf(session: Session): string[] {
  const { KUBECONFIG, HOME } = session.variables
  return kubeconfigFiles({ KUBECONFIG, HOME }).map((file) => resolve(session.cwd, file))
}

/** Writes the file of --kubeconfig, or merges into the usual one. Returns the context's name. */
export async function writeKubeconfig(
  session: Session,
  given: Given,
  cluster: Cluster,
  config: { readonly keepContext?: boolean | undefined } = {},
): Promise<string> {
  const entry = entryOf(cluster)
  const file = given.text('kubeconfig')
  const keepCurrent = given.flag('keepContext') || config.keepContext === true
  const files = file === undefined ? filesOf(session) : [resolve(session.cwd, file)]
  if (file !== undefined && !existsSync(files[0] ?? '')) writeFileAtomic(files[0] ?? '', await kubeconfigText(entry))
  else await mergeKubeconfig(files, entry, { clock: session.clock, keepCurrent })
  return entry.name
}

export async function forgetKubeconfig(session: Session, given: Given, name: string): Promise<void> {
  const file = given.text('kubeconfig')
  const files = file === undefined ? filesOf(session) : [resolve(session.cwd, file)]
  await removeFromKubeconfig(files, contextName(name), { clock: session.clock })
}
