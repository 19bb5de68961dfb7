// Runs the write hooks of a resource and gathers what they have to undo or to keep.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { Core, Served } from './served.ts'

/** Reserves what the write needs; the returned function must be called with the outcome. */
export function reserve(
  core: Core,
  served: Served,
  next: AnyObject | undefined,
  previous: DeepReadonly<AnyObject> | undefined,
): (committed: boolean) => void {
  const settle: ((committed: boolean) => void)[] = []
  try {
    for (const hook of core.hooks) {
      if (hook.resource !== served.resource.groupResource) continue
      const done = hook.reserve(next, previous)
      if (done) settle.push(done)
    }
  } catch (error) {
    for (const done of settle) done(false)
    throw error
  }
  return (committed) => {
    for (const done of settle) done(committed)
  }
}
