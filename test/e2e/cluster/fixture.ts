// Runs the drover command in directories of the test's own, and takes every cluster down at the end, whatever happened.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const DROVER = fileURLToPath(new URL('../../../drover', import.meta.url))

export interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Place extends Disposable {
  readonly data: string
  readonly run: string
  readonly kubeconfig: string
  drover(...args: string[]): Outcome
  /** Fails the test when the command fails. */
  must(...args: string[]): string
}

/** `enter`: a command before the command, such as nsenter. */
export function makePlace({ enter = [] }: { enter?: readonly string[] } = {}): Place {
  const data = mkdtempSync(join(tmpdir(), 'drover-e2e-'))
  // Sockets need short paths.
  const run = mkdtempSync('/run/drover-')
  const kubeconfig = join(data, 'kubeconfig')
  const env = { ...process.env, DROVER_DATA: join(data, 'd'), DROVER_RUN: run, KUBECONFIG: kubeconfig }
  const drover = (...args: string[]): Outcome => {
    const [program = DROVER, ...rest] = [...enter, DROVER, ...args]
    const { status, stdout, stderr } = spawnSync(program, rest, { env, encoding: 'utf8', timeout: 180_000 })
    return { code: status, out: stdout, err: stderr }
  }
  return {
    data: join(data, 'd'),
    run,
    kubeconfig,
    drover,
    must(...args) {
      const { code, out, err } = drover(...args)
      if (code !== 0) throw new Error(`drover ${args.join(' ')} ended with ${code}:\n${err}${out}`)
      return out
    },
    [Symbol.dispose]() {
      drover('down', '--all')
      rmSync(data, { recursive: true, force: true })
      rmSync(run, { recursive: true, force: true })
    },
  }
}

export async function freePort(): Promise<string> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, () => {
      const address = probe.address()
      const port = address !== null && typeof address === 'object' ? address.port : 0
      probe.close(() => resolve(String(port)))
    })
  })
}

export interface Status {
  readonly ready: boolean
  readonly processes: readonly Shown[]
  readonly nodes: readonly { readonly name: string; readonly address: string; readonly ready: boolean }[]
}

interface Shown {
  readonly name: string
  readonly pid: number
  readonly rssBytes: number
  readonly restarts?: number
}

export const statusOf = (place: Place, name: string): Status =>
  JSON.parse(place.drover('status', '-n', name, '-o', 'json').out) as Status

const DEADLINE_MS = 60_000

/** Looks again and again until it is so; the deadline is for what never comes. */
export async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const found = look()
    if (found) return found
    if (performance.now() > deadline) throw new Error(`It did not come to this: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
