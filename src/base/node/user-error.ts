// The error that a person at the command line caused or can mend: shown as one line with its remedy, never with a stack.

export class UserError extends Error {
  /** What to do about it, as a sentence or a command. */
  readonly remedy: string | undefined
  /** 1: could not be done. 2: was asked wrongly. */
  readonly exitCode: 1 | 2

  constructor(message: string, options: { remedy?: string; exitCode?: 1 | 2; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.remedy = options.remedy
    this.exitCode = options.exitCode ?? 1
  }
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}
