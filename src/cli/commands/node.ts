// `drover node …`: nodes come to a running cluster and go from it.

import { UserError } from '../../base/node/user-error.ts'
import { type Command, type Given, NAME_OPTION } from '../command.ts'
import type { Found } from '../clusters.ts'
import { durationMs } from '../inputs.ts'
import { hostOf, type Session } from '../session.ts'

const TIMEOUT = { flags: '--timeout <duration>', about: 'how long to wait', default: '120s' }
const timeoutOf = (given: Given): number => durationMs(given.text('timeout') ?? '120s', 'timeout')

/** The cluster and its nodes that were named; one that it does not have is said before anything is done. */
async function nodesOf(session: Session, given: Given): Promise<{ found: Found; names: readonly string[] }> {
  const { findCluster } = await import('../clusters.ts')
  const found = findCluster(session, given)
  const { name, nodes } = found.state
  const unknown = given.args.find((wanted) => !nodes.some((node) => node.name === wanted))
  if (unknown !== undefined)
    throw new UserError(`Cluster "${name}" has no node "${unknown}"`, {
      remedy: `it has: ${nodes.map((node) => node.name).join(', ') || 'none'}`,
    })
  return { found, names: given.args }
}

export const nodeAdd: Command = {
  use: 'node add',
  short: 'Add a node to a cluster',
  options: [NAME_OPTION, TIMEOUT],
  async run(session, given) {
    const { findCluster } = await import('../clusters.ts')
    const { bringUp } = await import('../../cluster/up.ts')
    const { state } = findCluster(session, given)
    const nodes = state.nodes.length + 1
    const wanted = { name: state.name, nodes, wait: true, timeoutMs: timeoutOf(given) }
    const { state: after } = await bringUp(hostOf(session), wanted)
    const known = new Set(state.nodes.map(({ name }) => name))
    for (const { name } of after.nodes) if (!known.has(name)) session.out(`${name}\n`)
  },
}

export const nodeDelete: Command = {
  use: 'node delete <nodes...>',
  short: 'Delete nodes with everything that runs on them',
  options: [NAME_OPTION],
  async run(session, given) {
    const { found, names } = await nodesOf(session, given)
    const { administratorOf } = await import('../clusters.ts')
    const { deleteNode } = await import('../../cluster/nodes.ts')
    const host = hostOf(session)
    const cluster = { ...found, administrator: administratorOf(session, found) }
    for (const name of names) await host.step(`Deleting node ${name}`, () => deleteNode(host, cluster, name))
  },
}

export const nodeStop: Command = {
  use: 'node stop <nodes...>',
  short: 'Stop nodes as if they had lost their power',
  options: [NAME_OPTION],
  async run(session, given) {
    const { found, names } = await nodesOf(session, given)
    const { stopNode } = await import('../../cluster/nodes.ts')
    const host = hostOf(session)
    for (const name of names) await host.step(`Stopping node ${name}`, () => stopNode(host, found, name))
  },
}

export const nodeStart: Command = {
  use: 'node start <nodes...>',
  short: 'Start stopped nodes again',
  options: [NAME_OPTION, TIMEOUT],
  async run(session, given) {
    const { found, names } = await nodesOf(session, given)
    const { administratorOf } = await import('../clusters.ts')
    const { startStoppedNode } = await import('../../cluster/up.ts')
    const cluster = { ...found, administrator: administratorOf(session, found) }
    for (const name of names) await startStoppedNode(hostOf(session), cluster, { name, timeoutMs: timeoutOf(given) })
  },
}
