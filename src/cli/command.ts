// How a command is declared: its words, its flags and what it does. The heavy parts are imported when it runs.

import type { Session } from './session.ts'

export interface Option {
  /** commander's notation: `-n, --name NAME`. */
  readonly flags: string
  readonly about: string
  readonly default?: string | boolean
  /** May be given several times. */
  readonly many?: boolean
}

/** What was typed: flags by their long name in camelCase. */
export class Given {
  readonly #values: Readonly<Record<string, unknown>>
  readonly args: readonly string[]

  constructor(values: Readonly<Record<string, unknown>>, args: readonly string[]) {
    this.#values = values
    this.args = args
  }

  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  flag(name: string): boolean {
    return this.#values[name] === true
  }

  list(name: string): string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value.map(String) : []
  }
}

export interface Command {
  /** `image load`, with arguments as commander writes them: `<file>`, `[name]`, `[names...]`. */
  readonly use: string
  readonly short: string
  readonly options?: readonly Option[]
  /** Arguments belong to another program and are passed on as they are. */
  readonly passThrough?: boolean
  /** Other ways to call it, as kind does: `create cluster`. */
  readonly aliases?: readonly string[]
  /** A number it resolves to is the exit code. */
  run(session: Session, given: Given): Promise<unknown>
}

export const NAME_OPTION: Option = { flags: '-n, --name <name>', about: 'name of the cluster (default: "default")' }
export const OUTPUT_OPTION: Option = { flags: '-o, --output <format>', about: 'json for programs' }

/** The cluster's name: from -n, from the environment, else `default`. */
export function nameOf(session: Session, given: Given): string {
  return given.text('name') ?? session.variables['DROVER_CLUSTER_NAME'] ?? 'default'
}
