// What is fuzzed: something that reads bytes nobody vouches for, and what of it would be a bug.

import { AssertionError } from 'node:assert'

export interface Target {
  name: string
  /** Valid inputs to begin with. */
  seeds: readonly Buffer[]
  /** Reads the bytes. To throw is to refuse them, unless what is thrown is of `BUGS`. */
  run(bytes: Buffer): unknown
}

/** What Node throws at a program that did not think of something; a refusal is an error of the program's own. */
const BUGS = [TypeError, RangeError, ReferenceError, SyntaxError, URIError, AssertionError]

/** Throws when the target does anything but read or refuse. */
export async function attempt({ run }: Target, bytes: Buffer): Promise<void> {
  try {
    await run(bytes)
  } catch (error) {
    if (!(error instanceof Error) || BUGS.some((bug) => error instanceof bug)) throw error
  }
  // Whatever its keys were called, what was read is data.
  for (const key in {}) throw new TypeError(`every object has ${JSON.stringify(key)} now`)
}

export function texts(...of: string[]): Buffer[] {
  return of.map((text) => Buffer.from(text))
}
