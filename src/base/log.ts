// Structured logging: constant messages, values in fields, one line of JSON or text per record, written to a sink that is handed in.

import type { Clock } from './clock.ts'

export type Fields = Readonly<Record<string, unknown>>
export const LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const
export type Level = (typeof LEVELS)[number]

/** What components log through. Messages are constant, past tense, capitalised, without a period. */
export interface Logger {
  error(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  debug(message: string, fields?: Fields): void
  trace(message: string, fields?: Fields): void
  /** A logger that adds `fields` to every record. */
  child(fields: Fields): Logger
}

export interface LogOptions {
  clock: Clock
  /** The least important level that is written. */
  level: Level
  write(line: string): void
}

export function createLogger({ clock, level, write }: LogOptions, bound: Fields = {}): Logger {
  const limit = LEVELS.indexOf(level)
  const emit = (at: Level, message: string, fields: Fields | undefined): void => {
    if (LEVELS.indexOf(at) > limit) return
    const record = { time: new Date(clock.now()).toISOString(), level: at, msg: message, ...bound, ...fields }
    write(`${JSON.stringify(record, plainError)}\n`)
  }
  return {
    error: (m, f) => emit('error', m, f),
    warn: (m, f) => emit('warn', m, f),
    info: (m, f) => emit('info', m, f),
    debug: (m, f) => emit('debug', m, f),
    trace: (m, f) => emit('trace', m, f),
    child: (fields) => createLogger({ clock, level, write }, { ...bound, ...fields }),
  }
}

/** Swallows everything. */
export const silentLogger: Logger = {
  error() {},
  warn() {},
  info() {},
  debug() {},
  trace() {},
  child: () => silentLogger,
}

/** Errors do not survive JSON.stringify by themselves: keep message, stack and the chain of causes; bigints become text. */
function plainError(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (!(value instanceof Error)) return value
  const code = 'code' in value ? { code: value.code } : {}
  return {
    message: value.message,
    ...code,
    stack: value.stack,
    ...(value.cause === undefined ? {} : { cause: value.cause }),
  }
}

/** The text of an error and of its causes, outermost first: `Cannot open store: EACCES: permission denied`. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${errorText(error.cause)}`
}
