// `drover up`: a whole cluster on this machine, ready when the command returns.

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { errorText } from '../../base/log.ts'
import { hasCode, UserError } from '../../base/node/user-error.ts'
import type { ClusterConfig } from '../../cluster/config.ts'
import { type Command, type Given, NAME_OPTION } from '../command.ts'
import { durationMs, numberOf, wrong } from '../inputs.ts'
import { hostOf, type Session } from '../session.ts'
import { chosenStore, ETCD_FILE_OPTIONS } from '../store-options.ts'

export const up: Command = {
  use: 'up',
  short: 'Start a cluster on this machine',
  aliases: ['create cluster'],
  options: [
    NAME_OPTION,
    { flags: '-p, --port <port>', about: 'port of the API server (default: 6443)' },
    { flags: '--nodes <count>', about: 'number of nodes (default: 1)' },
    { flags: '--no-node', about: 'only the control plane' },
    { flags: '-c, --config <file>', about: 'a Cluster in YAML; "-" reads standard input' },
    { flags: '--data-dir <directory>', about: 'where the cluster keeps its data' },
    { flags: '--store <store>', about: 'lmdb, memory or etcd=URL,… (default: lmdb)' },
    ...ETCD_FILE_OPTIONS,
    { flags: '--etcd-prefix <prefix>', about: 'below which keys in etcd (default: /drover-NAME)' },
    { flags: '--kubeconfig <file>', about: 'write this file only, instead of merging into the usual one' },
    { flags: '--keep-context', about: 'leave the current context as it is' },
    { flags: '--wait', about: 'return when everything is ready (default)', default: true },
    { flags: '--no-wait', about: 'return as soon as the API server is ready' },
    { flags: '--timeout <duration>', about: 'how long to wait (default: 120s)' },
    { flags: '--retain', about: 'keep what there is of a new cluster that did not start' },
    { flags: '-q, --quiet', about: 'no progress' },
    { flags: '-v, --verbose', about: 'print what took how long' },
  ],
  async run(session, given) {
    const { bringUp } = await import('../../cluster/up.ts')
    const { loadClusterConfig } = await import('../../cluster/config.ts')
    const file = given.text('config')
    const config: ClusterConfig =
      file === undefined ? { warnings: [] } : await loadClusterConfig(readConfig(session, file))
    for (const warning of config.warnings) session.err(`drover: warning: ${warning}\n`)
    const name = given.text('name') ?? session.variables['DROVER_CLUSTER_NAME'] ?? config.name ?? 'default'
    const host = hostOf(session, { quiet: given.flag('quiet') })
    const result = await bringUp(host, {
      name,
      port: numberOf(given, 'port', { min: 1, max: 65535 }) ?? config.port,
      nodes: nodesOf(given) ?? config.nodes,
      ...(await chosenStore(session, given, { name, configured: config.store })),
      dataDirectory: given.text('dataDir') ?? config.dataDirectory,
      networks: { clusterCIDR: config.clusterCIDR, serviceCIDR: config.serviceCIDR },
      wait: given.flag('wait') && config.wait !== false,
      retain: given.flag('retain'),
      timeoutMs: durationMs(given.text('timeout') ?? config.timeout ?? '120s', 'timeout'),
    })
    const { state, administrator, milestones, changed } = result
    const { writeKubeconfig } = await import('../kubeconfig-files.ts')
    const context = await writeKubeconfig(session, given, { state, administrator }, config)
    if (given.flag('verbose')) {
      let before = 0
      for (const { what, atMs } of milestones) {
        session.err(`   ${String(atMs).padStart(6)} ms  ${`+${atMs - before}`.padStart(6)}  ${what}\n`)
        before = atMs
      }
    }
    if (given.flag('quiet')) return
    session.err(
      changed ? `Cluster "${name}" is ready.\n` : `Cluster "${name}" runs already; nothing had to be changed.\n`,
    )
    session.err(`Try: kubectl cluster-info --context ${context}\n`)
  },
}

function nodesOf(given: Given): number | undefined {
  // commander: --no-node makes `node` false.
  if (!given.flag('node')) {
    if (given.text('nodes') !== undefined)
      throw wrong('--no-node and --nodes contradict each other', 'give one of them')
    return 0
  }
  return numberOf(given, 'nodes', { min: 0, max: 50 })
}

function readConfig(session: Session, file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : resolve(session.cwd, file), 'utf8')
  } catch (error) {
    const why = hasCode(error, 'ENOENT') ? 'there is no such file' : errorText(error)
    throw new UserError(`Cannot read the configuration "${file}": ${why}`, {
      remedy: 'name a file that is there',
      cause: error,
    })
  }
}
