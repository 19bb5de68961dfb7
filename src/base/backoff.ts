// Exponential back-off by key.

export interface BackoffOptions {
  minMs: number
  maxMs: number
}

export class Backoff {
  readonly #options: BackoffOptions
  readonly #failures = new Map<string, number>()

  constructor(options: BackoffOptions) {
    this.#options = options
  }

  /** How long to wait this time: the least at first, twice as long with every further failure in a row, up to the most. */
  next(key: string): number {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    return Math.min(this.#options.minMs * 2 ** Math.min(failures, 40), this.#options.maxMs)
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  reset(key: string): void {
    this.#failures.delete(key)
  }
}
