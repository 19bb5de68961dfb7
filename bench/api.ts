// Measures what API requests cost the server: CPU time of the `drover server` process per operation, and its memory, beside the targets.
// Usage: scripts/run bench/api.ts [--pods 2000] [--watchers 100] [--store lmdb] [--profile DIR] [--only create,get,…] [--node OPTION]…

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/base/clock.ts'
import { systemRandom } from '../src/base/random.ts'
import { ensureAdmin } from '../src/cluster/pki.ts'

const { values: flags } = parseArgs({
  options: {
    pods: { type: 'string', default: '2000' },
    watchers: { type: 'string', default: '100' },
    store: { type: 'string', default: 'lmdb' },
    profile: { type: 'string' },
    only: { type: 'string', default: '' },
    /** Further options for the server's Node.js, to compare them. */
    node: { type: 'string', multiple: true, default: [] },
  },
})
const PODS = Number(flags.pods)
const WATCHERS = Number(flags.watchers)
const ONLY = flags.only.split(',').filter((name) => name !== '')
const NAMESPACE = 'bench'
const PROJECT = join(import.meta.dirname, '..')
const CONNECTIONS = 16
const WATCHED_CHANGES = 500
/** Of one clock tick in /proc/PID/stat. */
const TICK_MS = 10

interface Limits {
  /** What DESIGN.md allows, in milliseconds of CPU, and what kube-apiserver v1.20.2 with etcd 3.4.23 took on the machine it was written on. */
  target: number
  upstream: number
}

const LIMITS: Readonly<Record<string, Limits>> = {
  create: { target: 0.3, upstream: 1.2 },
  get: { target: 0.07, upstream: 0.39 },
  list: { target: 7, upstream: 68 },
  listConsistent: { target: 7, upstream: 104 },
  listByLabel: { target: 1.2, upstream: 4.8 },
  patchStatus: { target: 0.35, upstream: 1.59 },
  watchEvent: { target: 0.01, upstream: 0.047 },
  delete: { target: 0.35, upstream: 1.9 },
}

interface Served {
  child: ChildProcess
  pid: number
  call(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Buffer>
  watch(path: string, onEvents: (count: number) => void): Promise<IncomingMessage>
  readyMs: number
  /** What the process runs: the bundle or the sources. */
  file: string
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  if (typeof address !== 'object' || address === null) throw new Error('No port is free')
  return address.port
}

async function serve(directory: string): Promise<Served> {
  const port = await freePort()
  const admin = ensureAdmin(join(directory, 'pki'), { clock: systemClock, random: systemRandom })
  const file = execFileSync(join(PROJECT, 'scripts/program'), { encoding: 'utf8' }).trim()
  const program = [file, 'server', '--data-dir', directory, '--port', String(port)]
  const profiling = flags.profile ? ['--cpu-prof', `--cpu-prof-dir=${flags.profile}`] : []
  const started = performance.now()
  const child = spawn(
    join(PROJECT, 'scripts/run'),
    // As ./drover starts it.
    [
      '--max-semi-space-size=8',
      ...profiling,
      ...flags.node,
      ...program,
      '--bind-address',
      '127.0.0.1',
      '--store',
      flags.store,
      '--log-level',
      'error',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const tls = { ca: admin.caCertificate, cert: admin.certificate, key: admin.key }
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ...tls })
  const send = (method: string, path: string, own: Agent, body?: object, headers = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
      const sent = request({
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: own,
        headers: {
          accept: 'application/json',
          ...(bytes ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}),
          ...headers,
        },
      })
      sent.on('response', resolve).on('error', reject).end(bytes)
    })
  const call: Served['call'] = async (method, path, body, headers) => {
    const response = await send(method, path, agent, body, headers)
    const bytes = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>))
    if ((response.statusCode ?? 0) >= 400)
      throw new Error(`${method} ${path}: ${response.statusCode} ${bytes.toString().slice(0, 300)}`)
    return bytes
  }
  while (!(await call('GET', '/readyz').catch(() => undefined))) {
    if (child.exitCode !== null) throw new Error(`The server ended with code ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return {
    child,
    file,
    pid: child.pid ?? 0,
    call,
    async watch(path, onEvents) {
      const response = await send('GET', path, new Agent(tls))
      response.on('data', (bytes: Buffer) => {
        let lines = 0
        for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) lines++
        if (lines > 0) onEvents(lines)
      })
      response.on('error', () => {})
      return response
    },
    readyMs: performance.now() - started,
  }
}

/** CPU time of the process and its children so far. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const own = (Number(fields[11]) + Number(fields[12])) * TICK_MS
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return children.reduce((sum, child) => sum + cpuMs(child), own)
}

function memoryMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

async function times(count: number, atOnce: number, run: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) await run(next++)
    }),
  )
}

const nameOf = (i: number): string => `pod-${String(i % PODS).padStart(6, '0')}`
const PATH = `/api/v1/namespaces/${NAMESPACE}/pods`

function podOf(i: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: nameOf(i),
      namespace: NAMESPACE,
      labels: { app: 'bench', shard: String(i % 10), tier: 'web', 'pod-template-hash': '5d4f8c7b9' },
      annotations: { note: 'x'.repeat(120) },
    },
    spec: {
      // Nobody schedules these: the API alone is measured.
      schedulerName: 'nobody',
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'nginx',
          image: 'nginx:1.27',
          ports: [{ containerPort: 80 }],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
          ],
          resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } },
          readinessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 5 },
        },
      ],
    },
  }
}

const MERGE = { 'content-type': 'application/merge-patch+json' }

async function prepare({ call }: Served): Promise<void> {
  await call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }
  // Its controller may have been faster.
  await call('POST', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, account).catch(() => undefined)
  const warm = (i: number): object => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `warm-${i}` },
    data: { a: 'b' },
  })
  await times(200, CONNECTIONS, (i) => call('POST', `/api/v1/namespaces/${NAMESPACE}/configmaps`, warm(i)))
}

interface Step {
  name: string
  operations: number
  run(served: Served): Promise<unknown>
}

const STEPS: readonly Step[] = [
  {
    name: 'create',
    operations: PODS,
    run: ({ call }) => times(PODS, CONNECTIONS, (i) => call('POST', PATH, podOf(i))),
  },
  {
    name: 'get',
    operations: 5000,
    run: ({ call }) => times(5000, CONNECTIONS, (i) => call('GET', `${PATH}/${nameOf(i)}`)),
  },
  { name: 'list', operations: 40, run: ({ call }) => times(40, 4, () => call('GET', `${PATH}?resourceVersion=0`)) },
  { name: 'listConsistent', operations: 40, run: ({ call }) => times(40, 4, () => call('GET', PATH)) },
  {
    name: 'listByLabel',
    operations: 40,
    run: ({ call }) => times(40, 4, () => call('GET', `${PATH}?labelSelector=shard%3D3&resourceVersion=0`)),
  },
  {
    name: 'patchStatus',
    operations: PODS,
    run: ({ call }) =>
      times(PODS, CONNECTIONS, (i) => call('PATCH', `${PATH}/${nameOf(i)}/status`, statusPatch(), MERGE)),
  },
  { name: 'watchEvent', operations: WATCHERS * WATCHED_CHANGES, run: fanOut },
  {
    name: 'delete',
    operations: PODS,
    run: ({ call }) => times(PODS, CONNECTIONS, (i) => call('DELETE', `${PATH}/${nameOf(i)}?gracePeriodSeconds=0`)),
  },
]

function statusPatch(): object {
  return { status: { phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] } }
}

/** Every change is told to every watcher; the cost of making the changes is in the figure. */
async function fanOut({ call, watch }: Served): Promise<void> {
  const wanted = WATCHERS * WATCHED_CHANGES
  const { metadata } = JSON.parse((await call('GET', `${PATH}?limit=1`)).toString()) as {
    metadata: { resourceVersion: string }
  }
  const { promise: all, resolve } = Promise.withResolvers<void>()
  let told = 0
  const watches = await Promise.all(
    Array.from({ length: WATCHERS }, () =>
      watch(`${PATH}?watch=1&resourceVersion=${metadata.resourceVersion}`, (count) => {
        told += count
        if (told >= wanted) resolve()
      }),
    ),
  )
  await times(WATCHED_CHANGES, CONNECTIONS, (i) =>
    call('PATCH', `${PATH}/${nameOf(i)}`, { metadata: { annotations: { tick: String(i) } } }, MERGE),
  )
  await all
  for (const response of watches) response.destroy()
}

const cell = (text: string | number, width: number): string => String(text).padStart(width)

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'))
  const served = await serve(directory)
  try {
    const { pid } = served
    console.log(
      `${basename(served.file)}: ready after ${served.readyMs.toFixed(0)} ms, ${memoryMiB(pid).toFixed(0)} MiB resident (at most 110)`,
    )
    await prepare(served)
    console.log('operation        CPU ms/op   at most  upstream    ops/s   MiB')
    for (const { name, operations, run } of STEPS) {
      if (ONLY.length > 0 && !ONLY.includes(name)) continue
      const cpu = cpuMs(pid)
      const start = performance.now()
      await run(served)
      const perSecond = (operations / (performance.now() - start)) * 1000
      const spent = (cpuMs(pid) - cpu) / operations
      const { target, upstream } = LIMITS[name] ?? { target: 0, upstream: 0 }
      const figures = [cell(spent.toFixed(3), 10), cell(target, 9), cell(upstream, 9), cell(perSecond.toFixed(0), 8)]
      console.log(`${name.padEnd(15)} ${figures.join(' ')} ${cell(memoryMiB(pid).toFixed(0), 5)}`)
    }
  } finally {
    served.child.kill('SIGTERM')
    if (served.child.exitCode === null) await once(served.child, 'exit')
    rmSync(directory, { recursive: true, force: true })
  }
}

await main()
process.exit()
