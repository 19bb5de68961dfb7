// Runs the distribution's network tools by argument vector, never through a shell, with bounded output.

import { spawn } from 'node:child_process'

export interface CommandOptions {
  /** Written to the tool's standard input. */
  readonly input?: string
  readonly signal?: AbortSignal | undefined
  /** Variables besides the inherited ones. */
  readonly env?: Readonly<Record<string, string>>
}

export interface CommandResult {
  /** The exit code; for a process ended by a signal, 128. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `argv[0]` with the rest as its arguments. Rejects only when it cannot be run at all. */
export type RunCommand = (argv: readonly string[], options?: CommandOptions) => Promise<CommandResult>

/** A ruleset of ten thousand services lists as about 10 MiB of JSON. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024
const KILLED = 128

export const runCommand: RunCommand = (argv, options = {}) =>
  new Promise((resolve, reject) => {
    const [program = '', ...rest] = argv
    const variables = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`)
    // `env` adds the variables to the inherited ones without this code having to see the environment.
    const [file, args] = variables.length > 0 ? ['env', [...variables, program, ...rest]] : [program, rest]
    const child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.signal ? { signal: options.signal } : {}),
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    let size = 0
    const keep = (into: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_OUTPUT_BYTES) into.push(chunk)
      else child.kill('SIGKILL')
    }
    child.stdout.on('data', keep(out))
    child.stderr.on('data', keep(err))
    // A tool that fails before it has read everything closes the pipe; its exit code tells the story.
    child.stdin.on('error', () => {})
    child.on('error', (cause) => reject(new Error(`Cannot run "${program}": is it installed?`, { cause })))
    child.on('close', (code) => {
      if (size > MAX_OUTPUT_BYTES)
        return reject(new Error(`Cannot run "${program}": it wrote more than ${MAX_OUTPUT_BYTES} bytes`))
      resolve({ code: code ?? KILLED, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() })
    })
    child.stdin.end(options.input ?? '')
  })

/** Runs everything inside a named network namespace. */
export function inNamespace(run: RunCommand, namespace: string): RunCommand {
  return (argv, options) => run(['ip', 'netns', 'exec', namespace, ...argv], options)
}

/** Standard output of a command that has to succeed. */
export async function succeed(run: RunCommand, argv: readonly string[], options?: CommandOptions): Promise<string> {
  const result = await run(argv, options)
  if (result.code !== 0) throw new CommandError(argv, result)
  return result.stdout
}

export class CommandError extends Error {
  readonly code: number
  readonly stderr: string
  constructor(argv: readonly string[], result: CommandResult) {
    super(`Cannot run "${argv.join(' ')}": exit code ${result.code}: ${result.stderr.trim().slice(0, 2000)}`)
    this.code = result.code
    this.stderr = result.stderr
  }
}
