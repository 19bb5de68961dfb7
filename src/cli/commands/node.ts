// `drover node …`: nodes come to a running cluster and go from it.

import { UserError } from '../../base/node/user-error.ts'
import { type Command, NAME_OPTION } from '../command.ts'
import { durationMs } from '../inputs.ts'
import { hostOf } from '../session.ts'

export const nodeAdd: Command = {
  use: 'node add',
  short: 'Add a node to a cluster',
  options: [NAME_OPTION, { flags: '--timeout <duration>', about: 'how long to wait', default: '120s' }],
  async run(session, given) {
    const { findCluster } = await import('../clusters.ts')
    const { bringUp } = await import('../../cluster/up.ts')
    const { state } = findCluster(session, given)
    const timeoutMs = durationMs(given.text('timeout') ?? '120s', 'timeout')
    const nodes = state.nodes.length + 1
    const { state: after } = await bringUp(hostOf(session), { name: state.name, nodes, wait: true, timeoutMs })
    const known = new Set(state.nodes.map(({ name }) => name))
    for (const { name } of after.nodes) if (!known.has(name)) session.out(`${name}\n`)
  },
}

export const nodeDelete: Command = {
  use: 'node delete <node>',
  short: 'Delete a node with everything that runs on it',
  options: [NAME_OPTION],
  async run(session, given) {
    const { findCluster, administratorOf } = await import('../clusters.ts')
    const { deleteNode } = await import('../../cluster/nodes.ts')
    const found = findCluster(session, given)
    const [name = ''] = given.args
    if (!found.state.nodes.some((node) => node.name === name))
      throw new UserError(`Cluster "${found.state.name}" has no node "${name}"`, {
        remedy: `it has: ${found.state.nodes.map((node) => node.name).join(', ') || 'none'}`,
      })
    const host = hostOf(session)
    await host.step(`Deleting node ${name}`, () =>
      deleteNode(host, { ...found, administrator: administratorOf(session, found) }, name),
    )
  },
}
