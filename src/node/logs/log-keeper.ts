// Looks after the logs of all running containers, every few seconds.

import { join } from 'node:path'
import { sleep } from '../../base/clock.ts'
import type { NodeContext } from '../context.ts'
import { LABELS } from '../pods/model.ts'
import { containerLogPath, podLogDirectory } from '../pods/paths.ts'
import { MAX_LOG_BYTES, MAX_LOG_FILES, type RotationLimits, rotateLog } from './rotation.ts'

export interface LogKeeping extends RotationLimits {
  readonly intervalMs: number
}

/** The kubelet's: containerLogMaxSize, containerLogMaxFiles, containerLogMonitorInterval. */
export const LOG_KEEPING: LogKeeping = { maxBytes: MAX_LOG_BYTES, maxFiles: MAX_LOG_FILES, intervalMs: 10_000 }

/** Until the signal is aborted. */
export async function keepLogs(
  context: NodeContext,
  keeping: LogKeeping,
  isOurs: (podUid: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await rotateAll(context, keeping, isOurs, signal).catch((error: unknown) => {
      if (!signal.aborted) context.log.warn('Failed to look after the logs of containers', { error })
    })
    await sleep(context.clock, keeping.intervalMs, signal).catch(() => {})
  }
}

async function rotateAll(
  { runtime, directories, clock, log }: NodeContext,
  keeping: LogKeeping,
  isOurs: (podUid: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const running = await runtime.listContainers({ state: { state: 'CONTAINER_RUNNING' } }, { signal })
  for (const { id, labels, metadata } of running) {
    const uid = labels[LABELS.podUid]
    if (uid === undefined || !isOurs(uid)) continue
    const pod = { uid, name: labels[LABELS.podName] ?? '', namespace: labels[LABELS.podNamespace] ?? '' }
    const own = containerLogPath(labels[LABELS.containerName] ?? '', metadata?.attempt ?? 0)
    const logPath = join(podLogDirectory(directories, pod), own)
    await rotateLog(runtime, { id, logPath }, clock.now(), keeping).catch((error: unknown) =>
      log.warn('Failed to rotate a log', { logPath, error }),
    )
  }
}
