// A second machine, which here is a network namespace with directories of its own, joins with a bootstrap token and becomes a Ready node.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { linkName } from '../../../src/netlink/names.ts'
import { DROVER, freePort, makePlace, type Place, until } from './fixture.ts'
import { NOTHING, traces } from './host-traces.ts'

const NAME = 'e2e-j'
const NAMESPACE = `drover-e2e-far-${process.pid}`
const CABLE = 'e2e-far'

/** The other machine: a cable into the nodes' bridge, an address that the cluster did not give it. */
function connect(network: string): void {
  const prefix = network.split('.').slice(0, 3).join('.')
  const ip = (...argv: string[]): void => void execFileSync('ip', argv)
  ip('netns', 'add', NAMESPACE)
  ip('link', 'add', CABLE, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', NAMESPACE)
  ip('link', 'set', CABLE, 'master', linkName('nodes', { cluster: NAME }), 'up')
  ip('-n', NAMESPACE, 'link', 'set', 'lo', 'up')
  ip('-n', NAMESPACE, 'addr', 'add', `${prefix}.200/24`, 'dev', 'eth0')
  ip('-n', NAMESPACE, 'link', 'set', 'eth0', 'up')
  ip('-n', NAMESPACE, 'route', 'add', 'default', 'via', `${prefix}.1`)
}

interface Created {
  readonly token: string
  readonly caHash: string
}

/** The agent in the foreground of nobody; `down` finds it by the file that it wrote. */
function startFarAgent(far: Place, argv: readonly string[]): void {
  const log = openSync(join(far.data, '..', 'agent.log'), 'a')
  const env = { ...process.env, DROVER_DATA: far.data, DROVER_RUN: far.run }
  const enter = [`--net=/run/netns/${NAMESPACE}`, DROVER, 'agent', ...argv]
  spawn('nsenter', enter, { env, detached: true, stdio: ['ignore', log, log] }).unref()
  closeSync(log)
}

test('a machine joins with a token and the hash of the authority, comes back without a token, and leaves nothing', async () => {
  using place = makePlace()
  const port = await freePort()
  place.must('up', '-n', NAME, '-p', port)
  const { networks } = JSON.parse(place.must('status', '-n', NAME, '-o', 'json')) as { networks: { nodes: string } }
  try {
    connect(networks.nodes)
    using far = makePlace({ enter: ['nsenter', `--net=/run/netns/${NAMESPACE}`] })
    const server = `https://${networks.nodes.split('/')[0] ?? ''}:${port}`
    const { token, caHash } = JSON.parse(place.must('token', 'create', '-n', NAME, '-o', 'json')) as Created
    const base = ['agent', '--server', server, '--node-name', 'far']
    const refusals: [argv: string[], err: RegExp][] = [
      [[...base], /^drover: The node has no certificates in ".*" yet\n {8}join with .*drover token create\n$/],
      [
        [...base, '--token', token, '--ca-hash', `sha256:${'0'.repeat(64)}`],
        /has another authority than the one that was named\n/,
      ],
      [
        [...base, '--token', 'aaaaaa.bbbbbbbbbbbbbbbb', '--ca-hash', caHash],
        /^drover: The server does not know the token, or its time is over/,
      ],
      [
        ['agent', '--server', server, '--node-name', 'node-1', '--token', token, '--ca-hash', caHash],
        /node "node-1" is there already; delete it first/,
      ],
      [
        ['agent', '--server', 'https://127.0.0.1:1', '--token', token, '--ca-hash', caHash],
        /^drover: Cannot reach the API server at https:\/\/127.0.0.1:1: .*ECONNREFUSED/,
      ],
    ]
    for (const [argv, err] of refusals) {
      const outcome = far.drover(...argv)
      assert.match(outcome.err, err)
      assert.equal(outcome.code, 1)
      assert.doesNotMatch(outcome.err, /\n\s+at /)
    }

    const ready = ['wait', '--for=condition=Ready', 'node/far', '--timeout=1s']
    const nodeIsReady = (): boolean => place.drover('kubectl', '--cluster', NAME, ...ready).code === 0
    startFarAgent(far, [...base.slice(1), '--token', token, '--ca-hash', caHash])
    await until('the node far is Ready', nodeIsReady)
    assert.equal(place.must('kubectl', '--cluster', NAME, 'get', '--raw', '/api/v1/nodes/far/proxy/healthz'), 'ok')
    assert.match(far.must('ls'), /^joined +joined/m)

    // A token that was deleted lets nobody in, and a node does not need it any more.
    place.must('token', 'delete', token, '-n', NAME)
    const again = far.drover('agent', '--server', server, '--node-name', 'other', '--token', token, '--ca-hash', caHash)
    assert.match(again.err, /does not know the token/)
    const pidFile = join(far.run, 'joined', 'agent-far.pid')
    const pid = (): number => (JSON.parse(readFileSync(pidFile, 'utf8')) as { pid: number }).pid
    const first = pid()
    process.kill(first, 'SIGKILL')
    startFarAgent(far, base.slice(1))
    await until('another agent runs', () => pid() !== first)
    await until('the node far is Ready', nodeIsReady)

    far.must('down', '-n', 'joined')
    assert.equal(existsSync(join(far.data, 'joined')), false)
    assert.deepEqual(traces({ marks: [far.data, far.run, '/drover-joined.far'] }), NOTHING)
  } finally {
    execFileSync('ip', ['netns', 'del', NAMESPACE])
  }
})
