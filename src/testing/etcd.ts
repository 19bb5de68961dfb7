// A real etcd for tests: one member on loopback ports of its own, its data in a directory that goes with it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { debianProgram } from './debian-program.ts'

export interface TestEtcd extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, or `https://…` with certificates. */
  readonly endpoint: string
  /** Ends the process without a word, and starts it again on the same data. */
  kill(): Promise<void>
  start(): Promise<void>
}

export interface TestEtcdOptions {
  /** Paths of PEM files; with them it speaks TLS and asks for certificates of that authority. */
  tls?: { ca: string; certificate: string; key: string }
  flags?: readonly string[]
}

/** Values of 3 MiB and more, as the store's contract allows. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024

export async function startEtcd({ tls, flags = [] }: TestEtcdOptions = {}): Promise<TestEtcd> {
  const program = await debianProgram({ name: 'etcd', package: 'etcd-server', path: 'usr/bin/etcd' })
  // Tests do not lose power: memory is as durable as they need.
  const data = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'drover-etcd-'))
  const [clientPort, peerPort] = await freePorts()
  const endpoint = `${tls ? 'https' : 'http'}://127.0.0.1:${clientPort}`
  const peer = `http://127.0.0.1:${peerPort}`
  const args = [
    ...['--name', 'test', '--data-dir', data, '--log-level', 'error', '--logger', 'zap'],
    ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `test=${peer}`],
    ...['--max-request-bytes', String(MAX_REQUEST_BYTES)],
    ...(tls
      ? ['--cert-file', tls.certificate, '--key-file', tls.key, '--trusted-ca-file', tls.ca, '--client-cert-auth']
      : []),
    ...flags,
  ]
  let child: ChildProcess | undefined
  const etcd: TestEtcd = {
    endpoint,
    async start() {
      child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
      await once(child, 'spawn')
    },
    async kill() {
      if (child === undefined) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      child = undefined
      await ended
    },
    async [Symbol.asyncDispose]() {
      await etcd.kill()
      await rm(data, { recursive: true, force: true })
    },
  }
  await etcd.start()
  return etcd
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()]
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      return address !== null && typeof address === 'object' ? address.port : 0
    }),
  )
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return [ports[0] ?? 0, ports[1] ?? 0]
}
