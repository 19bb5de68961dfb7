// A cluster from kind's own file; nodes come, stop, start and go; the status tells it, also to who watches; logs are taken out.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { DROVER, freePort, makePlace, type Place, type Status, statusOf } from './fixture.ts'

const readiness = ({ nodes }: Status): Record<string, boolean> =>
  Object.fromEntries(nodes.map(({ name, ready }) => [name, ready]))

/** What `status --watch` prints, until it is so. */
async function watchUntil(
  place: Place,
  name: string,
  isSo: (status: Status) => boolean,
  act: () => void,
): Promise<void> {
  const env = { ...process.env, DROVER_DATA: place.data, DROVER_RUN: place.run }
  const watcher = spawn(DROVER, ['status', '-n', name, '-o', 'json', '--watch'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let acted = false
  for await (const line of createInterface({ input: watcher.stdout })) {
    if (acted && isSo(JSON.parse(line) as Status)) break
    if (!acted) act()
    acted = true
  }
  watcher.kill('SIGINT')
  const [code] = (await once(watcher, 'exit')) as [number | null]
  assert.equal(code, 0)
}

test('a file of kind, nodes that stop, start, are deleted and added', async () => {
  using place = makePlace()
  const file = join(place.data, '..', 'kind.yaml')
  mkdirSync(place.data, { recursive: true })
  writeFileSync(
    file,
    'apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nname: e2e-n\nnodes:\n- role: control-plane\n  image: kindest/node:v1.36.0\n- role: worker\n',
  )
  const created = place.drover('create', 'cluster', '--config', file, '-p', await freePort())
  assert.equal(created.code, 0, created.err)
  assert.match(created.err, /^drover: warning: nodes\[0\].image is left out: .*\n/)
  assert.deepEqual(readiness(statusOf(place, 'e2e-n')), { 'node-1': true, 'node-2': true })

  await watchUntil(
    place,
    'e2e-n',
    (status) => readiness(status)['node-2'] === false,
    () => place.must('node', 'stop', 'node-2', '-n', 'e2e-n'),
  )
  assert.deepEqual(
    statusOf(place, 'e2e-n').processes.map(({ name }) => name),
    ['server', 'keeper', 'agent', 'keeper', 'containerd'],
  )
  place.must('node', 'start', 'node-2', '-n', 'e2e-n')
  assert.equal(statusOf(place, 'e2e-n').ready, true)

  assert.equal(place.drover('node', 'delete', 'node-2', 'node-9', '-n', 'e2e-n').code, 1)
  assert.deepEqual(place.must('get', 'nodes', '-n', 'e2e-n'), 'node-1\nnode-2\n')
  place.must('node', 'delete', 'node-2', '-n', 'e2e-n')
  assert.equal(place.must('node', 'add', '-n', 'e2e-n'), 'node-2\n')
  assert.deepEqual(readiness(statusOf(place, 'e2e-n')), { 'node-1': true, 'node-2': true })

  const logs = join(place.data, '..', 'logs')
  assert.equal(place.must('export', 'logs', logs, '-n', 'e2e-n'), `${logs}\n`)
  assert.deepEqual(
    readdirSync(join(logs, 'processes')).filter((name) => /^(server|agent-node-2)\.log$/.test(name)),
    ['agent-node-2.log', 'server.log'],
  )
  for (const path of ['cluster.json', 'network/nft.txt', 'nodes/node-1/containerd.log', 'host/processes.txt'])
    assert.ok(existsSync(join(logs, path)), path)

  place.must('reset')
  assert.deepEqual([existsSync(place.data), existsSync(place.run)], [false, false])
})
