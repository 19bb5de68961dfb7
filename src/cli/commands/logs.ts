// `drover logs`, `drover export logs`: what the processes of a cluster wrote.

import { resolve } from 'node:path'
import { UserError } from '../../base/node/user-error.ts'
import { type Command, NAME_OPTION } from '../command.ts'
import { wrong } from '../inputs.ts'
import { runInherited } from '../run-inherited.ts'

const PARTS = ['server', 'agent', 'containerd']

export const logs: Command = {
  use: 'logs [part]',
  short: 'Print the logs of the server, the agents or containerd',
  options: [
    NAME_OPTION,
    { flags: '-f, --follow', about: 'go on as more is written' },
    { flags: '--tail <lines>', about: 'how many of the last lines', default: '200' },
  ],
  async run(session, given) {
    const { findCluster } = await import('../clusters.ts')
    const { logFiles } = await import('../../cluster/bundle.ts')
    const [part] = given.args
    if (part !== undefined && !PARTS.includes(part))
      throw wrong(`"${part}" has no logs here`, `use one of: ${PARTS.join(', ')}; for a pod: drover kubectl logs POD`)
    const tail = given.text('tail') ?? '200'
    if (!/^\d+$/.test(tail)) throw wrong(`"${tail}" is not a number of lines`, 'use one like --tail 100')
    const { places, state } = findCluster(session, given)
    const files = logFiles(places, state, part)
    if (files.length === 0)
      throw new UserError('There are no logs yet', { remedy: `start the cluster: drover start ${state.name}` })
    const argv = ['tail', '-n', tail, ...(given.flag('follow') ? ['-F'] : []), ...files]
    return runInherited(session, argv)
  },
}

export const exportLogs: Command = {
  use: 'export logs [directory]',
  short: 'Copy the logs and the state of a cluster into a directory',
  options: [NAME_OPTION],
  async run(session, given) {
    const { findCluster } = await import('../clusters.ts')
    const { exportLogs } = await import('../../cluster/bundle.ts')
    const { places, state } = findCluster(session, given)
    const directory = resolve(session.cwd, given.args[0] ?? `drover-logs-${state.name}`)
    const failures = await exportLogs(places, state, directory)
    session.out(`${directory}\n`)
    if (failures.length > 0)
      throw new UserError(`Not everything could be exported: ${failures.join('; ')}`, { remedy: 'run drover doctor' })
  },
}
