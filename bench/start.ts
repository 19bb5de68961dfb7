// Measures what a user waits for and what an idle cluster takes: `drover up` to /readyz, to a Ready node, to the first Running pod; then CPU and memory at rest.
// Usage, as root: scripts/run bench/start.ts [--runs 5] [--idle 30]. The cluster is its own, and gone at the end.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values: flags } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, idle: { type: 'string', default: '30' } },
})
const RUNS = Number(flags.runs)
const IDLE_MS = Number(flags.idle) * 1000
const NAME = 'bench'
const PORT = '16643'
const PROJECT = join(import.meta.dirname, '..')
const directory = mkdtempSync(join(tmpdir(), 'drover-bench-'))
const environment = { ...process.env, KUBECONFIG: join(directory, 'kubeconfig') }

function drover(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(join(PROJECT, 'drover'), args, { env: environment, encoding: 'utf8' })
  if (status !== 0) throw new Error(`Cannot run drover ${args.join(' ')}: ${stderr}`)
  return stdout + stderr
}

const kubectl = (...args: string[]): string => drover('kubectl', '--cluster', NAME, ...args)

interface Run {
  readyz: number
  node: number
  pod: number
}

const POD = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'first' },
  spec: { containers: [{ name: 'c', image: 'busybox', imagePullPolicy: 'IfNotPresent', command: ['sleep', '3600'] }] },
})

/** One start of a machine that is set up: images are there, the cluster was stopped. */
function start(): Run {
  const began = performance.now()
  const said = drover('up', '-n', NAME, '-v')
  const at = (what: string): number => Number(new RegExp(`(\\d+) ms +\\+\\d+ +${what}`).exec(said)?.[1])
  kubectl('apply', '-f', join(directory, 'pod.json'))
  kubectl('wait', '--for=jsonpath={.status.phase}=Running', 'pod/first', '--timeout=60s')
  const pod = performance.now() - began
  kubectl('delete', 'pod', 'first', '--now')
  return { readyz: at('/readyz answers'), node: at('nodes ready'), pod }
}

interface Process {
  name: string
  pid: number
  rssBytes: number
}

const processes = (): Process[] =>
  (JSON.parse(drover('status', '-n', NAME, '-o', 'json')) as { processes: Process[] }).processes

/** Milliseconds of CPU that a process has taken; /proc counts hundredths of a second. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const spread = (values: number[]): string =>
  `${Math.round(median(values))} ms (${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))})`

try {
  writeFileSync(join(directory, 'pod.json'), POD)
  drover('up', '-n', NAME, '-p', PORT)
  drover('image', 'build', join(PROJECT, 'examples/images/busybox.yaml'), '-n', NAME)
  const runs: Run[] = []
  for (let i = 0; i < RUNS; i++) {
    drover('stop', '-n', NAME)
    runs.push(start())
  }
  const before = processes().map(({ pid, name }) => ({ pid, name, cpu: cpuMs(pid) }))
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  const memory = new Map(processes().map((p) => [p.pid, p.rssBytes / 2 ** 20]))
  const rows: Record<string, string> = {
    'up → /readyz': spread(runs.map((r) => r.readyz)),
    'up → node Ready': spread(runs.map((r) => r.node)),
    'up → first pod Running (image present)': spread(runs.map((r) => r.pod)),
  }
  for (const { pid, name, cpu } of before) {
    const share = ((cpuMs(pid) - cpu) / IDLE_MS) * 100
    rows[`idle ${name}`] = `${share.toFixed(2)} % of a core, ${Math.round(memory.get(pid) ?? 0)} MiB`
  }
  for (const [what, value] of Object.entries(rows)) process.stdout.write(`${what.padEnd(42)}${value}\n`)
} finally {
  drover('down', '-n', NAME)
  rmSync(directory, { recursive: true, force: true })
}
