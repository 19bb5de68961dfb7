// `drover server` and `drover agent` as processes of their own: started, killed, started again.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/base/clock.ts'
import { systemRandom } from '../../src/base/random.ts'
import { type HttpClient, httpClient } from '../../src/client/http.ts'
import { ensureAdmin } from '../../src/cluster/pki.ts'

const program = fileURLToPath(new URL('../../src/cmd/drover.ts', import.meta.url))
/** Lines of a program's log that are kept, to be shown when it ends by itself. */
const KEPT_LINES = 50

export interface Program extends AsyncDisposable {
  readonly pid: number
  /** Resolves when it says that it serves or runs; rejects with what it said when it ended instead. */
  readonly ready: Promise<void>
  /** How the process ended. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** What it wrote to standard error, its last lines. */
  readonly said: readonly string[]
  signal(signal: NodeJS.Signals): void
}

export interface ServerPlace {
  directory: string
  port: number
}

/** On LMDB in a directory and on loopback. */
export function spawnServer({ directory, port }: ServerPlace): Program {
  return spawnProgram(['server', '--data-dir', directory, '--port', String(port), '--bind-address', '127.0.0.1'])
}

/** `drover` with these arguments, of which the first is `server` or `agent`. */
export function spawnProgram(args: readonly string[]): Program {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'inherit', 'pipe'] })
  const said: string[] = []
  const exited = ended(child)
  const ready = new Promise<void>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      said.push(line)
      if (said.length > KEPT_LINES) said.shift()
      if (line.includes('"msg":"Serving"') || line.includes('"msg":"Running"')) resolve()
    })
    exited.then(
      ({ code, signal }) => reject(new Error(`The ${args[0]} ended with ${code ?? signal}:\n${said.join('\n')}`)),
      reject,
    )
  })
  // Whoever kills it before it is ready does not wait for that.
  ready.catch(() => undefined)
  return {
    pid: child.pid ?? 0,
    ready,
    exited,
    said,
    signal: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  // 'close' and not 'exit': everything it said has been read by then.
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal }
}

/** A port that nobody had a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || !address) throw new Error('Cannot find a free port: the listener has no address')
  return address.port
}

/** An administrator's client; the server has made its certificates once it was ready. */
export function adminClient({ directory, port }: ServerPlace, maxConnections = 32): HttpClient {
  const admin = ensureAdmin(join(directory, 'pki'), { clock: systemClock, random: systemRandom })
  return httpClient({
    server: `https://127.0.0.1:${port}`,
    ca: admin.caCertificate,
    certificate: admin.certificate,
    key: admin.key,
    userAgent: 'robustness',
    maxConnections,
  })
}
