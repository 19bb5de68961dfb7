// `drover down`, `drover stop`, `drover reset`: a cluster is taken off the machine, with or without its data.

import type { EtcdAccess } from '../../cluster/state.ts'
import { type Command, type Given, NAME_OPTION, nameOf } from '../command.ts'
import { hostOf, type Session } from '../session.ts'

const KUBECONFIG = { flags: '--kubeconfig <file>', about: 'remove the entries from this file instead of the usual one' }

export const down: Command = {
  use: 'down [names...]',
  short: 'Delete a cluster and all it has on this machine',
  aliases: ['delete cluster', 'delete clusters'],
  options: [
    NAME_OPTION,
    { flags: '-A, --all', about: 'every cluster' },
    { flags: '--keep-data', about: 'keep objects, images and certificates for the next start' },
    KUBECONFIG,
  ],
  async run(session, given) {
    const { takeDown } = await import('../../cluster/down.ts')
    const { forgetKubeconfig } = await import('../kubeconfig-files.ts')
    const keepData = given.flag('keepData')
    for (const name of await namesOf(session, given)) {
      const etcd = await etcdOf(session, name)
      await hostOf(session).step(keepData ? `Stopping cluster "${name}"` : `Deleting cluster "${name}"`, () =>
        takeDown(hostOf(session), { name, keepData }),
      )
      if (keepData) continue
      await forgetKubeconfig(session, given, name)
      // Others may have their objects there.
      if (etcd !== undefined)
        session.err(`The objects of "${name}" are still in etcd; delete them: etcdctl del --prefix ${etcd.prefix}/\n`)
    }
  },
}

/** Also of a cluster of which not all can be read any more. */
async function etcdOf({ roots }: Session, name: string): Promise<EtcdAccess | undefined> {
  const { placesOf } = await import('../../cluster/places.ts')
  const { readState } = await import('../../cluster/state.ts')
  try {
    return readState(placesOf(roots, name))?.etcd
  } catch {
    return undefined
  }
}

export const stop: Command = {
  use: 'stop [names...]',
  short: 'Stop a cluster and keep its data',
  options: [NAME_OPTION, { flags: '-A, --all', about: 'every cluster' }],
  async run(session, given) {
    const { stopCluster } = await import('../../cluster/down.ts')
    for (const name of await namesOf(session, given))
      await hostOf(session).step(`Stopping cluster "${name}"`, () => stopCluster(hostOf(session), name))
  },
}

export const reset: Command = {
  use: 'reset',
  short: 'Delete every cluster and everything else that Drover keeps on this machine',
  options: [KUBECONFIG],
  async run(session, given) {
    const { takeDown } = await import('../../cluster/down.ts')
    const { clusterNames } = await import('../../cluster/places.ts')
    const { forgetKubeconfig } = await import('../kubeconfig-files.ts')
    const { rmSync } = await import('node:fs')
    for (const name of clusterNames(session.roots)) {
      await hostOf(session).step(`Deleting cluster "${name}"`, () =>
        takeDown(hostOf(session), { name, keepData: false }),
      )
      await forgetKubeconfig(session, given, name)
    }
    for (const directory of [session.roots.data, session.roots.run]) rmSync(directory, { recursive: true, force: true })
  },
}

/** What is wrong with the names or the user is said before anything begins. */
async function namesOf(session: Session, given: Given): Promise<readonly string[]> {
  const { clusterNames, checkClusterName } = await import('../../cluster/places.ts')
  const { requireRoot } = await import('../../cluster/preflight.ts')
  const listed = given.args.length > 0 ? given.args : [nameOf(session, given)]
  const names = given.flag('all') ? clusterNames(session.roots) : listed.map(checkClusterName)
  requireRoot(session.uid)
  return names
}
