// The program `drover COMMAND`: the environment, the terminal and the clock as the command line gets them.

import { dirname, join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { createLogger } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import type { Session } from '../cli/session.ts'
import { runProgram } from '../cli/program.ts'

/** Variables that long-running processes get from whoever starts them; all others are of no meaning to them. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'NODE_COMPILE_CACHE', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** @param program The file that this process runs, and that those it starts will run. */
export async function runCommandLine(argv: readonly string[], program: string): Promise<number> {
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort(new Error('Interrupted')))
  process.once('SIGTERM', () => interrupted.abort(new Error('Interrupted')))
  // A reader that goes away (`drover ls | head -1`) is no failure.
  process.stdout.on('error', () => process.exit(0))
  return runProgram(argv, session(program, interrupted.signal))
}

function session(program: string, signal: AbortSignal): Session {
  const { env } = process
  const environment: Record<string, string> = { PATH: DEFAULT_PATH }
  for (const name of [...PASSED_ON, ...PASSED_ON.map((name) => name.toLowerCase())]) {
    const value = env[name]
    if (value !== undefined && value !== '') environment[name] = value
  }
  // /usr/sbin holds nft and conntrack, and is missing from many a PATH.
  environment['PATH'] = [...new Set([...(environment['PATH'] ?? '').split(':'), ...DEFAULT_PATH.split(':')])].join(':')
  return {
    clock: systemClock,
    random: systemRandom,
    log: createLogger({
      clock: systemClock,
      level: env['DROVER_DEBUG'] ? 'debug' : 'error',
      write: (line) => void process.stderr.write(line),
    }),
    roots: { data: env['DROVER_DATA'] ?? '/var/lib/drover', run: env['DROVER_RUN'] ?? '/run/drover' },
    // What this process was started with of Node's options holds for those that it starts.
    program: [process.execPath, ...process.execArgv, program],
    projectDirectory: join(dirname(program), '..', '..'),
    nodeVersion: process.version,
    environment,
    variables: env,
    uid: process.getuid?.() ?? 0,
    cwd: process.cwd(),
    signal,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    terminal: Boolean(process.stderr.isTTY) && env['TERM'] !== 'dumb' && !env['NO_COLOR'],
  }
}
