// `drover start`: a stopped cluster runs again, as it was.

import { type Command, NAME_OPTION, nameOf } from '../command.ts'
import { durationMs } from '../inputs.ts'
import { hostOf } from '../session.ts'

export const start: Command = {
  use: 'start [names...]',
  short: 'Start a stopped cluster again',
  options: [
    NAME_OPTION,
    { flags: '-A, --all', about: 'every cluster' },
    { flags: '--timeout <duration>', about: 'how long to wait', default: '120s' },
  ],
  async run(session, given) {
    const { bringUp } = await import('../../cluster/up.ts')
    const { clusterNames } = await import('../../cluster/places.ts')
    const { findNamed } = await import('../clusters.ts')
    const timeoutMs = durationMs(given.text('timeout') ?? '120s', 'timeout')
    const listed = given.args.length > 0 ? given.args : [nameOf(session, given)]
    for (const name of given.flag('all') ? clusterNames(session.roots) : listed) {
      const { state } = findNamed(session, name)
      await bringUp(hostOf(session), { name: state.name, nodes: state.nodes.length, wait: true, timeoutMs })
      session.err(`Cluster "${name}" is ready.\n`)
    }
  },
}
