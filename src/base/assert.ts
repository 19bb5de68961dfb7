// Assertions for bugs: what they throw is never an answer to bad input.

/** Throws when `condition` does not hold; the message names the invariant that was broken. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Bug: ${message}`)
}

/** For the branch that types say cannot be reached. */
export function unreachable(value: never): never {
  throw new Error(`Bug: unexpected value ${JSON.stringify(value)}`)
}
