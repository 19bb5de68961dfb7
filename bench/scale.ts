// Measures what many objects, large lists and many watchers cost `drover server`: time, memory, events a second, beside the targets.
// Usage: scripts/run bench/scale.ts [--maps 300000] [--large 1000] [--idle 1000] [--watchers 1000] [--store lmdb] [--only selector,stream,idle,events]

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/base/clock.ts'
import { systemRandom } from '../src/base/random.ts'
import { ensureAdmin } from '../src/cluster/pki.ts'

const { values: flags } = parseArgs({
  options: {
    maps: { type: 'string', default: '300000' },
    large: { type: 'string', default: '1000' },
    idle: { type: 'string', default: '1000' },
    watchers: { type: 'string', default: '1000' },
    store: { type: 'string', default: 'lmdb' },
    only: { type: 'string', default: 'stream,idle,events,selector' },
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
  call(method: string, path: string, body?: object): Promise<Buffer>
  open(path: string): Promise<IncomingMessage>
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
    [...program, '--bind-address', '127.0.0.1', '--store', flags.store, '--log-level', 'error'],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const tls = { ca: admin.caCertificate, cert: admin.certificate, key: admin.key }
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ...tls })
  const send = (method: string, path: string, own: Agent, body?: object): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
      const headers = {
        accept: 'application/json',
        ...(bytes ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}),
      }
      const sent = request({ host: '127.0.0.1', port, method, path, agent: own, headers })
      sent.on('response', resolve).on('error', reject).end(bytes)
    })
  const call: Served['call'] = async (method, path, body) => {
    const response = await send(method, path, agent, body)
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
    call,
    async open(path) {
      const response = await send('GET', path, new Agent(tls))
      response.on('error', () => {})
      return response
    },
  }
}

/** The server's own; pages of the store's file that happen to be mapped are the kernel's to take back. */
function memoryMiB(pid: number): number {
  return Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
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

/** A list of large objects, taken slowly. */
async function stream(served: Served): Promise<void> {
  const count = Number(flags.large)
  await makeMaps(served, 'large', { count, bytes: LARGE_BYTES })
  await settle(served)
  const before = memoryMiB(served.pid)
  const response = await served.open(`${MAPS('large')}?resourceVersion=0`)
  response.pause()
  let [taken, most, sip] = [0, before, 0]
  for await (const chunk of response as AsyncIterable<Buffer>) {
    taken += chunk.length
    sip += chunk.length
    if (sip < SIP_BYTES) continue
    sip = 0
    most = Math.max(most, memoryMiB(served.pid))
    await pause(SIP_MS)
  }
  const mib = taken / 1024 / 1024
  row(`a list of ${mib.toFixed(0)} MiB, read slowly, adds`, `${(most - before).toFixed(0)} MiB`, 'at most 64 MiB')
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

async function idle(served: Served): Promise<void> {
  const count = Number(flags.idle)
  const path = `${MAPS('default')}?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Dnone`
  const warm = await Promise.all(Array.from({ length: 50 }, () => served.open(path)))
  await settle(served)
  const before = memoryMiB(served.pid)
  const watches: IncomingMessage[] = []
  while (watches.length < count) {
    const more = Math.min(50, count - watches.length)
    watches.push(...(await Promise.all(Array.from({ length: more }, () => served.open(path)))))
  }
  await settle(served)
  const each = ((memoryMiB(served.pid) - before) * 1024) / count
  row(
    `an idle watch, on a TLS connection of its own (${count} of them)`,
    `${each.toFixed(1)} KiB`,
    'at most 12 KiB (the watch)',
  )
  for (const watch of [...warm, ...watches]) watch.destroy()
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

const PARTS: Readonly<Record<string, (served: Served) => Promise<void>>> = { stream, idle, events, selector }

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
