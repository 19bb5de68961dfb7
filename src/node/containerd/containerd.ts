// A containerd of the agent's own: found and reused, or started so that it outlives the agent, and ready when this resolves.

import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { isUnavailable } from '../cri/cri.ts'
import { CriClient } from '../cri/cri-client.ts'
import {
  type ContainerdConfig,
  type ContainerdPaths,
  configFileOf,
  configToml,
  logFileOf,
  pidFileOf,
  socketOf,
} from './config.ts'
import { claimDirectory } from './directories.ts'
import { hostAbilities } from './host-abilities.ts'
import { ended, isRunning, listProcesses, type ProcessInfo, readProcess, signalProcess } from '../cgroup/processes.ts'

export interface ContainerdOptions extends ContainerdConfig {
  /** The environment of containerd and all it starts; must have a PATH with containerd, its shim, runc and mount in it. */
  readonly environment: Readonly<Record<string, string>>
  /** The name of a network namespace (in /run/netns) to run in: pods with the host's network are then in that one. */
  readonly networkNamespace?: string | undefined
}

export interface ContainerdContext {
  readonly clock: Clock
  readonly log: Logger
  readonly signal: AbortSignal
}

/** A containerd that answers. It goes on without the agent; `stopContainerd` ends it. When its socket falls silent, start it again. */
export interface RunningContainerd {
  readonly socket: string
  readonly pid: number
  /** Whether it ran already. */
  readonly reused: boolean
}

/** Collecting garbage twice as often costs no measurable time here and saves a tenth of containerd's memory. */
const GO_ENVIRONMENT = { GOGC: '50' }

const READY_TIMEOUT_MS = 30_000
const TERM_TIMEOUT_MS = 10_000
/** containerd accepts connections shortly before its CRI service is loaded; until then ask this often. */
const ASK_INTERVAL_MS = 5
/** A log beyond this size is set aside at the next start, the one set aside before is dropped. */
const MAX_LOG_BYTES = 16 * 1024 * 1024
/** The kernel's limit on the path of a unix socket. */
const MAX_SOCKET_PATH_BYTES = 107
/** Paths go into mount options, TOML and arguments: plain characters only, and no way up. */
const PATH_PATTERN = /^(\/[A-Za-z0-9_@%+=.-]*[A-Za-z0-9_@%+=-][A-Za-z0-9_@%+=.-]*)+$/
const NETWORK_NAMESPACE_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/

/** Idempotent: a containerd with the same configuration is reused; one with another is replaced while its containers run on. */
export async function startContainerd(
  options: ContainerdOptions,
  context: ContainerdContext,
): Promise<RunningContainerd> {
  const { paths } = options
  const { log, clock } = context
  const signal = AbortSignal.any([context.signal, timeout(clock, READY_TIMEOUT_MS)])
  checkPaths(paths)
  claimDirectory(paths.root)
  claimDirectory(paths.state)
  for (const directory of [options.cniConfDir, options.registryConfigDir])
    mkdirSync(directory, { recursive: true, mode: 0o755 })
  const config = configToml(options, await hostAbilities(paths, options.environment, signal, options.snapshotter))
  const print = fingerprint(options, config)

  const running = findContainerd(paths)
  if (running !== undefined && readFingerprint(paths) === print) {
    await untilReady(paths, running, context, signal)
    writePidFile(paths, running, print)
    log.info('Reused containerd', { pid: running.pid })
    return { socket: socketOf(paths), pid: running.pid, reused: true }
  }
  if (running !== undefined) {
    log.info('Stopped containerd for a change of its configuration', { pid: running.pid })
    await terminateContainerd(running, clock, signal)
  }
  rmSync(socketOf(paths), { force: true })
  writeFileSync(configFileOf(paths), config)
  const begin = clock.monotonic()
  const started = await launch(options, print)
  await untilReady(paths, started, context, signal)
  log.info('Started containerd', { pid: started.pid, milliseconds: Math.round(clock.monotonic() - begin) })
  return { socket: socketOf(paths), pid: started.pid, reused: false }
}

/** The running containerd of these paths: by its pid file, or by its arguments when the agent died before it wrote one. */
export function findContainerd(paths: ContainerdPaths): ProcessInfo | undefined {
  const isOurs = ({ argv }: ProcessInfo): boolean =>
    basename(argv[0] ?? '') === 'containerd' && argv[1] === '--config' && argv[2] === configFileOf(paths)
  const recorded = readPidFile(paths)
  const info = recorded === undefined ? undefined : readProcess(recorded.pid)
  if (info !== undefined && info.startTime === recorded?.startTime && isOurs(info)) return info
  return listProcesses().find(isOurs)
}

/** Asks containerd to end, and makes it when it does not. Containers run on. */
export async function terminateContainerd(running: ProcessInfo, clock: Clock, signal?: AbortSignal): Promise<void> {
  signalProcess(running, 'SIGTERM')
  if (await ended([running], TERM_TIMEOUT_MS, clock, signal)) return
  signalProcess(running, 'SIGKILL')
  if (!(await ended([running], TERM_TIMEOUT_MS, clock, signal)))
    throw new Error(`Cannot stop containerd: process ${running.pid} does not end`)
}

export function checkPaths(paths: ContainerdPaths): void {
  for (const path of [paths.root, paths.state])
    if (!PATH_PATTERN.test(path))
      throw new Error(`Cannot use "${path}" for containerd: it must be an absolute path of plain characters`)
  if (
    paths.root === paths.state ||
    paths.root.startsWith(`${paths.state}/`) ||
    paths.state.startsWith(`${paths.root}/`)
  )
    throw new Error(`Cannot use "${paths.root}" and "${paths.state}" for containerd: one lies in the other`)
  if (Buffer.byteLength(socketOf(paths)) > MAX_SOCKET_PATH_BYTES)
    throw new Error(
      `Cannot use "${paths.state}" for containerd: the path of its socket would be longer than ${MAX_SOCKET_PATH_BYTES} bytes`,
    )
}

async function launch(options: ContainerdOptions, print: string): Promise<ProcessInfo> {
  const { paths, environment, networkNamespace } = options
  const command = ['containerd', '--config', configFileOf(paths)]
  // Not `ip netns exec`: that also replaces /sys, and the cgroups with it.
  const argv =
    networkNamespace === undefined ? command : ['nsenter', `--net=${namespacePath(networkNamespace)}`, ...command]
  const log = openLog(paths)
  try {
    const child = spawn(argv[0] ?? '', argv.slice(1), {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...GO_ENVIRONMENT, ...environment },
      cwd: '/',
    })
    await spawned(child)
    child.unref()
    const info = child.pid === undefined ? undefined : readProcess(child.pid)
    if (info === undefined) throw new Error(`Cannot start containerd: it ended at once: ${lastLogLine(paths)}`)
    writePidFile(paths, info, print)
    return info
  } finally {
    closeSync(log)
  }
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => reject(new Error('Cannot start containerd: is it installed?', { cause })))
  })
}

/** Resolves when CRI answers. The socket's file is waited for, not polled; throws when the process ends first. */
async function untilReady(
  paths: ContainerdPaths,
  running: ProcessInfo,
  { clock, log }: ContainerdContext,
  signal: AbortSignal,
): Promise<void> {
  const failed = (cause?: unknown): Error =>
    new Error(`Cannot start containerd: ${lastLogLine(paths)}`, cause === undefined ? {} : { cause })
  try {
    await socketExists(paths, running, clock, signal)
    await using client = new CriClient({ socket: socketOf(paths), clock, log })
    for (;;) {
      if (!isRunning(running)) throw failed()
      try {
        await client.status({ signal })
        return
      } catch (error) {
        if (!isUnavailable(error) && !notInitialized(error)) throw signal.aborted ? error : failed(error)
      }
      await sleep(clock, ASK_INTERVAL_MS, signal)
    }
  } catch (error) {
    if (signal.aborted) throw failed(error)
    throw error
  }
}

function notInitialized(error: unknown): boolean {
  return error instanceof Error && error.message.includes('not initialized')
}

/** Looks for the end of the process at this interval while its socket is awaited. */
const ALIVE_INTERVAL_MS = 50

async function socketExists(
  paths: ContainerdPaths,
  running: ProcessInfo,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const found = new AbortController()
  const look = (): void => {
    if (existsSync(socketOf(paths))) found.abort()
  }
  const watcher = watch(paths.state, look)
  try {
    look()
    const either = AbortSignal.any([found.signal, signal])
    while (!found.signal.aborted) {
      signal.throwIfAborted()
      if (!isRunning(running)) throw new Error(`Cannot start containerd: ${lastLogLine(paths)}`)
      await sleep(clock, ALIVE_INTERVAL_MS, either).catch(() => undefined)
    }
  } finally {
    watcher.close()
  }
}

/** Changes with everything that would make the running containerd the wrong one. */
function fingerprint(options: ContainerdOptions, config: string): string {
  const { environment, networkNamespace } = options
  const namespace = networkNamespace === undefined ? '' : String(statSync(namespacePath(networkNamespace)).ino)
  const binary = (environment['PATH'] ?? '')
    .split(':')
    .map((directory) => join(directory, 'containerd'))
    .find(existsSync)
  const version = binary === undefined ? '' : String(statSync(binary).mtimeMs)
  return createHash('sha256')
    .update(JSON.stringify([config, environment, namespace, version]))
    .digest('hex')
}

function namespacePath(name: string): string {
  if (!NETWORK_NAMESPACE_PATTERN.test(name))
    throw new Error(`Cannot use network namespace "${name}": it is not a valid name`)
  return `/run/netns/${name}`
}

interface PidFile {
  readonly pid: number
  readonly startTime: string
  readonly fingerprint: string
}

function readPidFile(paths: ContainerdPaths): PidFile | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(pidFileOf(paths), 'utf8'))
    return isPidFile(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isPidFile(value: unknown): value is PidFile {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'startTime' in value &&
    typeof value.startTime === 'string' &&
    'fingerprint' in value &&
    typeof value.fingerprint === 'string'
  )
}

function readFingerprint(paths: ContainerdPaths): string | undefined {
  return readPidFile(paths)?.fingerprint
}

function writePidFile(paths: ContainerdPaths, { pid, startTime }: ProcessInfo, print: string): void {
  const file: PidFile = { pid, startTime, fingerprint: print }
  const temporary = `${pidFileOf(paths)}.new`
  writeFileSync(temporary, JSON.stringify(file))
  renameSync(temporary, pidFileOf(paths))
}

function openLog(paths: ContainerdPaths): number {
  const path = logFileOf(paths)
  if (existsSync(path) && statSync(path).size > MAX_LOG_BYTES) renameSync(path, `${path}.1`)
  return openSync(path, 'a', 0o600)
}

function lastLogLine(paths: ContainerdPaths): string {
  try {
    return readFileSync(logFileOf(paths), 'utf8').trimEnd().split('\n').at(-1) || 'it said nothing'
  } catch {
    return 'it said nothing'
  }
}

function timeout(clock: Clock, ms: number): AbortSignal {
  const controller = new AbortController()
  clock.after(ms, () => controller.abort(new Error(`Cannot start containerd: it was not ready within ${ms / 1000} s`)))
  return controller.signal
}
