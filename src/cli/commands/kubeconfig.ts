// `drover kubeconfig`: print a cluster's kubeconfig, or merge it into the user's.

import { type Command, NAME_OPTION } from '../command.ts'

const INTERNAL = { flags: '--internal', about: "with the address that the cluster's nodes and pods use" }

export const kubeconfig: Command = {
  use: 'kubeconfig',
  short: 'Print the kubeconfig of a cluster',
  aliases: ['get kubeconfig'],
  options: [NAME_OPTION, INTERNAL],
  async run(session, given) {
    const { findCluster, administratorOf } = await import('../clusters.ts')
    const { entryOf } = await import('../kubeconfig-files.ts')
    const { kubeconfigText } = await import('../../cluster/kubeconfig.ts')
    const found = findCluster(session, given)
    const administrator = administratorOf(session, found)
    session.out(await kubeconfigText(entryOf({ ...found, administrator }, { internal: given.flag('internal') })))
  },
}

export const exportKubeconfig: Command = {
  use: 'export kubeconfig',
  short: "Merge a cluster's context into the kubeconfig and make it current",
  options: [
    NAME_OPTION,
    { flags: '--kubeconfig <file>', about: 'write this file only' },
    { flags: '--keep-context', about: 'leave the current context as it is' },
  ],
  async run(session, given) {
    const { findCluster, administratorOf } = await import('../clusters.ts')
    const { writeKubeconfig } = await import('../kubeconfig-files.ts')
    const found = findCluster(session, given)
    const context = await writeKubeconfig(session, given, { ...found, administrator: administratorOf(session, found) })
    session.err(`Wrote context "${context}".\n`)
  },
}
