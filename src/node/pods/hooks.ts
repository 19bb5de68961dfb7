// Runs what a container wants done right after its start and right before its end.

import { sleep } from '../../base/clock.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { LifecycleHandler } from '../../api/core/pod/probe.ts'
import type { NodeContext } from '../context.ts'
import type { Prober } from '../probes/prober.ts'
import type { NodeContainer } from './model.ts'

/** A hook without a limit of its own may take this long. */
export const POST_START_LIMIT_MS = 15 * 60_000

export async function runHook(
  { clock }: Pick<NodeContext, 'clock'>,
  prober: Prober,
  handler: DeepReadonly<LifecycleHandler>,
  target: { container: NodeContainer; containerId: string; podIP: string },
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (handler.sleep !== undefined) {
    await sleep(clock, Math.min(handler.sleep.seconds * 1000, timeoutMs), signal)
    return
  }
  const { ok, output } = await prober.run(handler, target, timeoutMs, signal)
  signal.throwIfAborted()
  if (!ok) throw new Error(output === '' ? 'the hook ended with an error' : output)
}
