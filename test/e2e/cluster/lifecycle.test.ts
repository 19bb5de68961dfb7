// Clusters come and go as the command line says, and leave the machine as it was.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { linkName } from '../../../src/netlink/names.ts'
import { freePort, makePlace, type Place } from './fixture.ts'
import { NOTHING, traces } from './host-traces.ts'

/** By these, what belongs to the cluster is known. */
const marksOf = (place: Place, name: string): string[] => [
  place.data,
  place.run,
  `drover-${name}`,
  linkName('nodes', { cluster: name }),
  linkName('pods', { cluster: name, node: 'node-1' }),
]

interface Status {
  ready: boolean
  processes: { name: string; pid: number; rssBytes: number; cpuSeconds: number }[]
}

const statusOf = (place: Place, name: string): Status =>
  JSON.parse(place.drover('status', '-n', name, '-o', 'json').out) as Status

const pidsOf = (place: Place, name: string): string[] =>
  statusOf(place, name).processes.map((process) => `${process.name} ${process.pid}`)

function startPod(place: Place, name: string): void {
  const spec = join(place.data, 'busybox.yaml')
  writeFileSync(
    spec,
    'name: busybox\nfrom: scratch\npackages: [busybox-static]\nsymlinks:\n  - { path: /usr/bin/sleep, target: /bin/busybox }\n  - { path: /usr/bin/echo, target: /bin/busybox }\n',
  )
  place.must('image', 'build', spec, '-n', name)
  const manifest = join(place.data, 'pod.yaml')
  writeFileSync(
    manifest,
    'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: busybox, imagePullPolicy: IfNotPresent, command: [sleep, "1000"]}]\n',
  )
  place.must('kubectl', '--cluster', name, 'apply', '-f', manifest)
  place.must('kubectl', '--cluster', name, 'wait', '--for=condition=Ready', 'pod/a', '--timeout=60s')
}

test('up twice changes nothing the second time, stop and start keep objects, down leaves the machine as it was', async () => {
  using place = makePlace()
  const name = 'e2e-a'
  const marks = marksOf(place, name)
  assert.deepEqual(traces({ marks }), NOTHING)
  place.must('up', '-n', name, '-p', await freePort())
  startPod(place, name)
  const before = pidsOf(place, name)
  assert.match(place.drover('up', '-n', name).err, /runs already; nothing had to be changed/)
  assert.deepEqual(pidsOf(place, name), before)

  place.must('kubectl', '--cluster', name, 'create', 'configmap', 'kept', '--from-literal=a=b')
  place.must('stop', '-n', name)
  assert.deepEqual(traces({ marks }), NOTHING)
  place.must('start', '-n', name)
  assert.equal(place.must('kubectl', '--cluster', name, 'get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'), 'b')
  assert.equal(statusOf(place, name).ready, true)

  place.must('down', '-n', name)
  assert.deepEqual(traces({ marks }), NOTHING)
  assert.equal(existsSync(join(place.data, name)), false)
  assert.equal(place.must('ls', '-o', 'json').includes(name), false)
  assert.doesNotMatch(readFileSync(place.kubeconfig, 'utf8'), /drover-e2e-a/)
  place.must('down', '-n', name)
})

test('down leaves the machine as it was after everything was killed', async () => {
  using place = makePlace()
  const name = 'e2e-k'
  const marks = marksOf(place, name)
  place.must('up', '-n', name, '-p', await freePort())
  startPod(place, name)
  for (const { pid } of statusOf(place, name).processes) process.kill(pid, 'SIGKILL')
  place.must('down', '-n', name)
  assert.deepEqual(traces({ marks }), NOTHING)
})

test('two clusters live side by side, and one goes without the other noticing', async () => {
  using place = makePlace()
  place.must('up', '-n', 'e2e-x', '-p', await freePort())
  place.must('up', '-n', 'e2e-y', '-p', await freePort())
  const { clusters } = JSON.parse(place.must('ls', '-o', 'json')) as { clusters: { name: string; status: string }[] }
  assert.deepEqual(
    clusters.map(({ name, status }) => [name, status]),
    [
      ['e2e-x', 'running'],
      ['e2e-y', 'running'],
    ],
  )
  place.must('down', '-n', 'e2e-x')
  assert.equal(statusOf(place, 'e2e-y').ready, true)
  const context = execFileSync('grep', ['current-context', place.kubeconfig], { encoding: 'utf8' })
  assert.match(context, /drover-e2e-y/)
})

test('up says in one line what is wrong, and what to do', async () => {
  using place = makePlace()
  const taken = createServer().listen(0)
  await once(taken, 'listening')
  const address = taken.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const portTaken = place.drover('up', '-n', 'e2e-p', '-p', String(port))
  taken.close()
  assert.equal(portTaken.code, 1)
  assert.equal(
    portTaken.err,
    `drover: Port ${port} is taken by another process\n        choose another: -p ${port + 1}\n`,
  )
  assert.equal(existsSync(join(place.data, 'e2e-p')), false)

  place.must('up', '-n', 'e2e-v', '--no-node', '-p', await freePort(), '--store', 'memory')
  place.must('stop', '-n', 'e2e-v')
  const file = join(place.data, 'e2e-v', 'cluster.json')
  writeFileSync(file, readFileSync(file, 'utf8').replace('"format": 1', '"format": 99'))
  const otherVersion = place.drover('up', '-n', 'e2e-v')
  assert.equal(otherVersion.code, 1)
  assert.match(
    otherVersion.err,
    /^drover: Cannot use ".*e2e-v": Drover 0\.1\.0 wrote it in form 99.*\n.*down -n e2e-v\n$/,
  )
  const usage = place.drover('up', '--port', 'x')
  assert.equal(usage.code, 2)
})

test('kill -9 of the server, of the agent and of both restarts no container', async () => {
  using place = makePlace()
  const name = 'e2e-c'
  place.must('up', '-n', name, '-p', await freePort())
  startPod(place, name)
  const container = (): string =>
    place.must(
      ...['kubectl', '--cluster', name, 'get', 'pod', 'a', '-o'],
      'jsonpath={.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount} {.status.phase}',
    )
  const before = container()
  assert.match(before, /^containerd:\/\/\w+ 0 Running$/)
  for (const victims of [['server'], ['agent'], ['server', 'agent']]) {
    for (const { name: program, pid } of statusOf(place, name).processes) {
      if (victims.includes(program)) process.kill(pid, 'SIGKILL')
    }
    place.must('up', '-n', name)
    place.must('kubectl', '--cluster', name, 'wait', '--for=condition=Ready', 'pod/a', '--timeout=60s')
    assert.equal(container(), before, `after kill -9 of ${victims.join(' and ')}`)
    assert.equal(place.must('kubectl', '--cluster', name, 'exec', 'a', '--', 'echo', 'alive'), 'alive\n')
  }
  place.must('down', '-n', name)
  assert.deepEqual(traces({ marks: marksOf(place, name) }), NOTHING)
})
