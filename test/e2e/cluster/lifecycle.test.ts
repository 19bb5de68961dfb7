// Clusters come and go as the command line says, and leave the machine as it was.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { linkName } from '../../../src/netlink/names.ts'
import { freePort, makePlace, type Place, statusOf, until } from './fixture.ts'
import { forwarding, NOTHING, traces } from './host-traces.ts'

/** By these, what belongs to the cluster is known. */
const marksOf = (place: Place, name: string): string[] => [
  place.data,
  place.run,
  `drover-${name}`,
  linkName('nodes', { cluster: name }),
  linkName('pods', { cluster: name, node: 'node-1' }),
]

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

const containerOf = (place: Place, name: string): string =>
  place.must(
    ...['kubectl', '--cluster', name, 'get', 'pod', 'a', '-o'],
    'jsonpath={.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount} {.status.phase}',
  )

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

test('after kill -9 of everything, keepers included, up brings it back and down leaves the machine as it was', async () => {
  using place = makePlace()
  const name = 'e2e-kill'
  const marks = marksOf(place, name)
  const killAll = (): void => {
    const { processes } = statusOf(place, name)
    assert.equal(processes.filter((process) => process.name === 'keeper').length, 2)
    // Keepers first: they would start what was killed before them again.
    for (const { pid } of processes.toSorted((a) => (a.name === 'keeper' ? -1 : 1))) process.kill(pid, 'SIGKILL')
  }
  place.must('up', '-n', name, '-p', await freePort())
  startPod(place, name)
  killAll()
  place.must('up', '-n', name)
  place.must('kubectl', '--cluster', name, 'wait', '--for=condition=Ready', 'pod/a', '--timeout=60s')
  killAll()
  place.must('down', '-n', name)
  assert.deepEqual(traces({ marks }), NOTHING)
})

test('up after kill -9 of the keepers alone keeps containers and starts what they kept anew', async () => {
  using place = makePlace()
  const name = 'e2e-r'
  place.must('up', '-n', name, '-p', await freePort())
  startPod(place, name)
  const before = containerOf(place, name)
  for (const { pid } of statusOf(place, name).processes.filter((process) => process.name === 'keeper'))
    process.kill(pid, 'SIGKILL')
  place.must('up', '-n', name)
  assert.deepEqual(
    statusOf(place, name)
      .processes.map((process) => process.name)
      .slice(0, 4),
    ['server', 'keeper', 'agent', 'keeper'],
  )
  place.must('kubectl', '--cluster', name, 'wait', '--for=condition=Ready', 'pod/a', '--timeout=60s')
  assert.equal(containerOf(place, name), before)
})

test('the last cluster puts back what the first changed of the kernel', async () => {
  const namespace = `drover-e2e-${process.pid}`
  execFileSync('ip', ['netns', 'add', namespace])
  try {
    const enter = ['nsenter', `--net=/run/netns/${namespace}`]
    const inside = (...argv: string[]): void => void execFileSync(enter[0] ?? '', [...enter.slice(1), ...argv])
    inside('ip', 'link', 'set', 'lo', 'up')
    inside('sysctl', '-q', '-w', 'net.ipv4.ip_forward=0')
    using place = makePlace({ enter })
    place.must('up', '-n', 'e2e-s', '-p', await freePort())
    place.must('up', '-n', 'e2e-t', '-p', await freePort())
    assert.equal(forwarding(namespace), '1')
    place.must('down', '-n', 'e2e-s')
    assert.equal(forwarding(namespace), '1')
    place.must('down', '-n', 'e2e-t')
    assert.equal(forwarding(namespace), '0')
  } finally {
    execFileSync('ip', ['netns', 'del', namespace])
  }
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

test('kill -9 of server, agent, containerd or all three: each is back by itself, and no container was restarted', async () => {
  using place = makePlace()
  const name = 'e2e-c'
  place.must('up', '-n', name, '-p', await freePort())
  startPod(place, name)
  const before = containerOf(place, name)
  assert.match(before, /^containerd:\/\/\w+ 0 Running$/)
  for (const victims of [['server'], ['agent'], ['containerd'], ['server', 'agent', 'containerd']]) {
    const killed = statusOf(place, name).processes.filter((process) => victims.includes(process.name))
    for (const { pid } of killed) process.kill(pid, 'SIGKILL')
    await until(`${victims.join(', ')} run again`, () => {
      const { ready, processes } = statusOf(place, name)
      const back = processes.filter((process) => victims.includes(process.name))
      return ready && back.length === victims.length && back.every(({ pid }) => killed.every((old) => old.pid !== pid))
    })
    await until('commands run in the pod', () => {
      const { code, out } = place.drover('kubectl', '--cluster', name, 'exec', 'a', '--', 'echo', 'alive')
      return code === 0 && out === 'alive\n'
    })
    assert.equal(containerOf(place, name), before, `after kill -9 of ${victims.join(' and ')}`)
  }
  const restarts = statusOf(place, name).processes.flatMap((process) => process.restarts ?? [])
  assert.deepEqual(restarts, [2, 2])
  place.must('down', '-n', name)
  assert.deepEqual(traces({ marks: marksOf(place, name) }), NOTHING)
})
