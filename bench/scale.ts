// Measures what many objects, large lists and many watchers cost `drover server`: time, memory, events a second, beside the targets.
// Usage: scripts/run bench/scale.ts [--maps 300000] [--large 1000] [--idle 4000] [--watchers 1000] [--pods 10000] [--store lmdb] [--only selector,stream,idle,events,creates]

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import { Agent, request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { systemClock } from '../src/base/clock.ts'
import { systemRandom } from '../src/base/random.ts'
import { ensureAdmin } from '../src/cluster/pki.ts'

const { values: flags } = parseArgs({
  options: {
    maps: { type: 'string', default: '300000' },
    large: { type: 'string', default: '1000' },
    idle: { type: 'string', default: '4000' },
    watchers: { type: 'string', default: '1000' },
    pods: { type: 'string', default: '10000' },
    store: { type: 'string', default: 'lmdb' },
    only: { type: 'string', default: 'stream,idle,events,creates,selector' },
    /** More arguments of Node for the server: a profile, a heap snapshot. */
    node: { type: 'string', multiple: true, default: [] },
  },
})
const PROJECT = join(import.meta.dirname, '..')
const CONNECTIONS = 16
const LARGE_BYTES = 256 * 1024
const MAP_BYTES = 1024
/** One map in so many is selected. */
const SHARDS = 100
const LISTS = 21
const CHANGES = 200
/** A slow reader takes this much at a time. */
const SIP_BYTES = 1024 * 1024
const SIP_MS = 5

interface Served {
  child: ChildProcess
  pid: number
  url: string
  tls: { ca: string; cert: string; key: string }
  call(method: string, path: string, body?: object): Promise<Buffer>
  open(path: string, headers?: Record<string, string>): Promise<IncomingMessage>
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
  const program = [join(PROJECT, 'src/cmd/drover.ts'), 'server', '--data-dir', directory, '--port', String(port)]
  const child = spawn(
    process.execPath,
    // As ./drover starts it.
    [
      '--max-semi-space-size=8',
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
  const send = (
    method: string,
    path: string,
    own: Agent,
    { body, more = {} }: { body?: object | undefined; more?: Record<string, string> },
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
      const headers = {
        accept: 'application/json',
        ...more,
        ...(bytes ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}),
      }
      const sent = request({ host: '127.0.0.1', port, method, path, agent: own, headers })
      sent.on('response', resolve).on('error', reject).end(bytes)
    })
  const call: Served['call'] = async (method, path, body) => {
    const response = await send(method, path, agent, { body })
    const bytes = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>))
    if ((response.statusCode ?? 0) >= 400)
      throw new Error(`${method} ${path}: ${response.statusCode} ${bytes.toString().slice(0, 300)}`)
    return bytes
  }
  while (!(await call('GET', '/readyz').catch(() => undefined))) {
    if (child.exitCode !== null) throw new Error(`The server ended with code ${child.exitCode}`)
    await pause(10)
  }
  return {
    child,
    pid: child.pid ?? 0,
    url: `https://127.0.0.1:${port}`,
    tls,
    call,
    async open(path, more = {}) {
      const response = await send('GET', path, new Agent(tls), { more })
      response.on('error', () => {})
      return response
    },
  }
}

/** The server's own, unless `RssFile` is asked for: pages of the store's file that happen to be mapped, and of the program, are the kernel's to take back. */
function memoryMiB(pid: number, kind: 'RssAnon' | 'RssFile' = 'RssAnon'): number {
  const line = new RegExp(`${kind}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1]) / 1024
}

async function times(count: number, run: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (next < count) await run(next++)
    }),
  )
}

const MAPS = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`

async function makeMaps(
  { call }: Served,
  namespace: string,
  { count, bytes }: { count: number; bytes: number },
): Promise<void> {
  await call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  const data = { text: 'x'.repeat(bytes) }
  await times(count, (i) => {
    const metadata = { name: `m-${String(i).padStart(7, '0')}`, labels: { shard: String(i % SHARDS) } }
    return call('POST', MAPS(namespace), { apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
  })
}

const row = (what: string, figure: string, target: string): void =>
  console.log(`${what.padEnd(58)} ${figure.padStart(14)}   ${target}`)

/** The forms of a list, as clients ask for them. */
const FORMS: Readonly<Record<string, Record<string, string>>> = {
  JSON: {},
  'zipped JSON': { 'accept-encoding': 'gzip' },
  protobuf: { accept: 'application/vnd.kubernetes.protobuf' },
  'a table with objects': { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  metadata: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' },
  YAML: { accept: 'application/yaml' },
}

/** A list of large objects, taken slowly. */
async function stream(served: Served): Promise<void> {
  const count = Number(flags.large)
  await makeMaps(served, 'large', { count, bytes: LARGE_BYTES })
  for (const [form, headers] of Object.entries(FORMS)) {
    await settle(served)
    const before = memoryMiB(served.pid)
    const opened = served.open(`${MAPS('large')}?resourceVersion=0&includeObject=Object`, headers)
    let [taken, most, sip, listed] = [0, before, 0, false]
    const watched = (async () => {
      while (!listed) {
        most = Math.max(most, memoryMiB(served.pid))
        await pause(SIP_MS)
      }
    })()
    const response = await opened
    response.pause()
    for await (const chunk of response as AsyncIterable<Buffer>) {
      taken += chunk.length
      sip += chunk.length
      if (sip < SIP_BYTES) continue
      sip = 0
      await pause(SIP_MS)
    }
    listed = true
    await watched
    const what = `a list of ${(taken / 1024 / 1024).toFixed(0)} MiB (${form}), read slowly, adds`
    row(what, `${(most - before).toFixed(0)} MiB`, 'at most 64 MiB')
  }
}

/** Rests until its memory has stayed where it is. */
async function settle({ pid }: Served): Promise<void> {
  let last = 0
  for (let calm = 0; calm < 5; ) {
    const now = memoryMiB(pid)
    calm = Math.abs(now - last) < 2 ? calm + 1 : 0
    last = now
    await pause(500)
  }
}

/** Streams that one connection carries at most. */
const STREAMS = 250
const LONELY = 100

/** Watches over a few HTTP/2 connections, against the connections alone; and what a watch costs that has a connection of its own. */
async function idle(served: Served): Promise<void> {
  const count = Number(flags.idle)
  const path = `${MAPS('default')}?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Dnone`
  const sessions: ClientHttp2Session[] = []
  while (sessions.length * STREAMS < count) sessions.push(connect(served.url, served.tls))
  const streams = await Promise.all(sessions.map((session) => openStream(session, path)))
  await settle(served)
  const before = memoryMiB(served.pid)
  for (const session of sessions) {
    const more = Math.min(STREAMS - 1, count + sessions.length - streams.length)
    streams.push(...(await Promise.all(Array.from({ length: more }, () => openStream(session, path)))))
  }
  await settle(served)
  const opened = streams.length - sessions.length
  const each = ((memoryMiB(served.pid) - before) * 1024) / opened
  row(
    `an idle watch (${opened} of them on ${sessions.length} HTTP/2 connections)`,
    `${each.toFixed(1)} KiB`,
    'at most 12 KiB',
  )
  const between = memoryMiB(served.pid)
  const more = Array.from({ length: LONELY }, () => connect(served.url, served.tls))
  streams.push(...(await Promise.all(more.map((session) => openStream(session, path)))))
  await settle(served)
  const lone = ((memoryMiB(served.pid) - between) * 1024) / LONELY
  row(`the same on a connection of its own, HTTP/2 (${LONELY})`, `${lone.toFixed(1)} KiB`, '')
  const beforePlain = memoryMiB(served.pid)
  const plain = await Promise.all(Array.from({ length: LONELY }, () => served.open(path)))
  await settle(served)
  const each1 = ((memoryMiB(served.pid) - beforePlain) * 1024) / LONELY
  row(`the same, HTTP/1.1 (${LONELY})`, `${each1.toFixed(1)} KiB`, '')
  for (const watch of plain) watch.destroy()
  for (const session of [...sessions, ...more]) session.destroy()
}

async function openStream(session: ClientHttp2Session, path: string): Promise<ClientHttp2Stream> {
  const stream = session.request({ ':path': path, accept: 'application/json' })
  stream.on('error', () => {})
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  if (headers[':status'] !== 200) throw new Error(`A watch was answered with ${String(headers[':status'])}`)
  stream.resume()
  return stream
}

async function events(served: Served): Promise<void> {
  const count = Number(flags.watchers)
  const { call, open } = served
  await call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'events' } })
  const { metadata } = JSON.parse((await call('GET', MAPS('events'))).toString()) as {
    metadata: { resourceVersion: string }
  }
  const wanted = count * CHANGES
  const all = Promise.withResolvers<void>()
  let told = 0
  const watches: IncomingMessage[] = []
  while (watches.length < count) {
    const some = Array.from({ length: Math.min(50, count - watches.length) }, () =>
      open(`${MAPS('events')}?watch=1&resourceVersion=${metadata.resourceVersion}`),
    )
    for (const response of await Promise.all(some)) {
      watches.push(response)
      response.on('data', (bytes: Buffer) => {
        for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) told++
        if (told >= wanted) all.resolve()
      })
    }
  }
  const begin = performance.now()
  const cpu = cpuMs(served.pid)
  await times(CHANGES, (i) =>
    call('POST', MAPS('events'), {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `e-${i}` },
      data: { a: 'b' },
    }),
  )
  await all.promise
  const seconds = (performance.now() - begin) / 1000
  row(`events a second to ${count} watchers, none lost`, `${Math.round(wanted / seconds)}`, 'at least 100000')
  row('the same by the CPU time of the server', `${Math.round(wanted / ((cpuMs(served.pid) - cpu) / 1000))}`, '')
  for (const watch of watches) watch.destroy()
}

/** How long the server's first thread was ready to run and did not, because others had the CPU. */
function waitedMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6
}

/** Of one clock tick in /proc/PID/stat. */
const TICK_MS = 10

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

async function selector(served: Served): Promise<void> {
  const count = Number(flags.maps)
  await makeMaps(served, 'many', { count, bytes: MAP_BYTES })
  await settle(served)
  row(`memory with ${count} ConfigMaps of 1 KiB`, `${memoryMiB(served.pid).toFixed(0)} MiB`, 'under 1536 MiB')
  row('pages of files besides', `${memoryMiB(served.pid, 'RssFile').toFixed(0)} MiB`, '')
  const took: number[] = []
  const cpu = cpuMs(served.pid)
  for (let i = 0; i < LISTS; i++) {
    const begin = performance.now()
    await served.call('GET', `${MAPS('many')}?labelSelector=shard%3D${i}&resourceVersion=0`)
    took.push(performance.now() - begin)
  }
  const median = took.sort((a, b) => a - b)[Math.floor(LISTS / 2)] ?? 0
  row(`a list of them by selector (one in ${SHARDS}), median`, `${median.toFixed(0)} ms`, 'at most 250 ms')
  row('the same in CPU time of the server', `${((cpuMs(served.pid) - cpu) / LISTS).toFixed(0)} ms`, '')
}

const PODS = '/api/v1/namespaces/pods/pods'
const TIMED_CREATES = 1000
const CREATE_EVERY_MS = 10

/** The latency of creates, one after the other, while another client lists many pods in a loop. */
async function creates(served: Served): Promise<void> {
  const count = Number(flags.pods)
  const { call } = served
  await call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'pods' } })
  const container = { name: 'web', image: 'nginx', resources: { requests: { cpu: '10m', memory: '16Mi' } } }
  const pod = (name: string): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'web' } },
    // Nobody schedules them: what is measured is the API alone.
    spec: { schedulerName: 'nobody', automountServiceAccountToken: false, containers: [container] },
  })
  await times(count, (i) => call('POST', PODS, pod(`p-${i}`)))
  await settle(served)
  const timed = async (prefix: string): Promise<number[]> => {
    const took: number[] = []
    for (let i = 0; i < TIMED_CREATES; i++) {
      const begin = performance.now()
      await call('POST', PODS, pod(`${prefix}-${i}`))
      took.push(performance.now() - begin)
      await pause(CREATE_EVERY_MS)
    }
    return took.sort((a, b) => a - b)
  }
  const at = (took: readonly number[], share: number): string =>
    `${(took[Math.floor(took.length * share)] ?? 0).toFixed(1)} ms`
  const quiet = await timed('quiet')
  row(`p99 of a create beside ${count} pods`, at(quiet, 0.99), '')
  for (const [how, query] of [
    ['lists them from the cache', '?resourceVersion=0'],
    ['lists them', ''],
  ] as const) {
    // In a thread of its own: the time of the creates is the server's.
    const lister = new Worker(join(import.meta.dirname, 'lister.ts'), {
      workerData: { url: served.url + PODS + query, tls: served.tls },
    })
    let last = { lists: 0, bytes: 0 }
    lister.on('message', (message: typeof last) => {
      last = message
    })
    const begin = performance.now()
    const waited = waitedMs(served.pid)
    const took = await timed(query === '' ? 'exact' : 'cached')
    const passed = performance.now() - begin
    const rate = last.lists / (passed / 1000)
    const share = (waitedMs(served.pid) - waited) / passed
    await lister.terminate()
    row(`p99 of a create while a client ${how} in a loop`, at(took, 0.99), 'at most 25 ms')
    const detail = `${rate.toFixed(1)} lists a second of ${(last.bytes / 1024 / 1024).toFixed(0)} MiB; median, longest`
    row(detail, `${at(took, 0.5)}, ${at(took, 0.9999)}`, '')
    row('the server waited for a CPU of this machine', `${(share * 100).toFixed(0)} % of it`, '')
  }
}

const PARTS: Readonly<Record<string, (served: Served) => Promise<void>>> = { stream, idle, events, creates, selector }

for (const name of flags.only.split(',')) {
  const run = PARTS[name]
  if (!run) throw new Error(`Cannot measure "${name}": ${Object.keys(PARTS).join(', ')} are known`)
  const directory = mkdtempSync(join(tmpdir(), 'drover-scale-'))
  const served = await serve(directory)
  try {
    await run(served)
  } finally {
    served.child.kill('SIGTERM')
    if (served.child.exitCode === null) await once(served.child, 'exit')
    rmSync(directory, { recursive: true, force: true })
  }
}
process.exit()
