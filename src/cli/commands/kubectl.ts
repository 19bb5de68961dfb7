// `drover kubectl …`: kubectl with this cluster's context, the one on PATH or the one that `make setup` unpacked.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../base/node/user-error.ts'
import { findProgram } from '../../cluster/preflight.ts'
import type { Command } from '../command.ts'
import { runInherited } from '../run-inherited.ts'
import type { Session } from '../session.ts'

export const kubectl: Command = {
  use: 'kubectl [args...]',
  short: 'Run kubectl in a cluster: drover kubectl [--cluster NAME] get pods',
  passThrough: true,
  async run(session, given) {
    const { findNamed, administratorOf } = await import('../clusters.ts')
    const { entryOf } = await import('../kubeconfig-files.ts')
    const { kubeconfigText } = await import('../../cluster/kubeconfig.ts')
    const { writeFileAtomic } = await import('../../base/node/files.ts')
    const { name, args } = clusterOf(session, given.args)
    const found = findNamed(session, name)
    const file = join(found.places.data, 'pki', 'admin.kubeconfig')
    const administrator = administratorOf(session, found)
    writeFileAtomic(file, await kubeconfigText(entryOf({ ...found, administrator })))
    return runInherited(session, [findKubectl(session), ...args], { KUBECONFIG: file })
  },
}

/** `--cluster NAME` in front is ours; everything after is kubectl's. */
function clusterOf(session: Session, given: readonly string[]): { name: string; args: readonly string[] } {
  const fallback = session.variables['DROVER_CLUSTER_NAME'] ?? 'default'
  const [first, second, ...rest] = given
  if (first === '--cluster' && second !== undefined) return { name: second, args: rest }
  return { name: fallback, args: first === '--' ? given.slice(1) : given }
}

export function findKubectl(session: Session): string {
  const bundled = join(session.projectDirectory, '.cache', 'clients', 'kubectl')
  const found = findProgram('kubectl', session.environment['PATH'] ?? '') ?? (existsSync(bundled) ? bundled : undefined)
  if (found) return found
  throw new UserError('There is no kubectl on this machine', {
    remedy: `install it, or unpack the bundled one: make -C ${session.projectDirectory} setup`,
  })
}
