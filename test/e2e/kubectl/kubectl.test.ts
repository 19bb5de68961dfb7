// What kubectl does with running containers, by unmodified kubectls of two ages, on one real cluster.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { linkName } from '../../../src/netlink/names.ts'
import { KUBECTL_VERSIONS, type KubectlVersion } from '../../../src/testing/kubectl.ts'
import { NOTHING, traces } from '../cluster/host-traces.ts'
import * as badLuck from './bad-luck.ts'
import * as commands from './commands.ts'
import * as logs from './logs.ts'
import { portForward } from './port-forward.ts'
import * as verbs from './verbs.ts'
import * as workloads from './workloads.ts'
import { type Session, type SharedCluster, startCluster } from './session.ts'

const NAME = 'e2e-kubectl'
/** Topics mostly wait for containers to start and to end: many can do so together. */
const TOGETHER = 6
/** A topic that takes this long hangs. */
const LIMIT_MS = 300_000

type Topic = (session: Session) => Promise<void>
const BOTH = KUBECTL_VERSIONS
const NEW: readonly KubectlVersion[] = ['1.35']

const TOPICS: Readonly<Record<string, readonly [Topic, readonly KubectlVersion[]]>> = {
  'logs of containers': [logs.logsOfContainers, BOTH],
  'logs of earlier runs': [logs.logsOfEarlierRuns, BOTH],
  'logs of a workload': [logs.logsOfAWorkload, NEW],
  exec: [commands.exec, BOTH],
  'exec on a terminal': [commands.execOnATerminal, BOTH],
  attach: [commands.attach, BOTH],
  run: [commands.run, BOTH],
  cp: [commands.copy, BOTH],
  'port-forward': [portForward, BOTH],
  'the first pod': [workloads.firstPod, NEW],
  replication: [workloads.replication, NEW],
  services: [workloads.services, NEW],
  'the API from within pods': [workloads.apiFromPods, NEW],
  rollouts: [verbs.rollouts, NEW],
  patches: [verbs.patches, NEW],
  ends: [verbs.ends, BOTH],
  views: [verbs.views, BOTH],
  'an image that is not there': [badLuck.noImage, NEW],
  'a program that is not there': [badLuck.noProgram, NEW],
  'a container that crashes again and again': [badLuck.crashLoop, NEW],
  'configuration that is not there': [badLuck.badConfiguration, NEW],
}

describe('kubectl and running containers', { concurrency: TOGETHER }, () => {
  let cluster: SharedCluster
  before(async () => {
    cluster = await startCluster(NAME)
  })
  after(() => {
    const { data, run } = cluster.place
    const links = [linkName('nodes', { cluster: NAME }), linkName('pods', { cluster: NAME, node: 'node-1' })]
    const marks = [data, run, `drover-${NAME}`, ...links]
    cluster[Symbol.dispose]()
    assert.deepEqual(traces({ marks }), NOTHING)
  })
  for (const [name, [topic, versions]] of Object.entries(TOPICS)) {
    for (const version of versions) {
      test(`${name} (kubectl ${version})`, { timeout: LIMIT_MS }, async () => {
        await topic(await cluster.session(version))
      })
    }
  }
})
