// What a container said when it ended: its termination message, or the end of its log.

import { open } from 'node:fs/promises'
import { lastLines } from '../logs/tail.ts'
import type { NodeContext } from '../context.ts'
import { terminationMessageFile } from '../volumes/container-mounts.ts'
import type { ContainerView, NodePod } from './model.ts'
import { findContainer, uidOf } from './model.ts'

const MAX_MESSAGE_BYTES = 4096
const MAX_FALLBACK_BYTES = 2048
const MAX_FALLBACK_LINES = 80

export async function lastWords(context: NodeContext, pod: NodePod, view: ContainerView): Promise<string> {
  const container = findContainer(pod, view.name)
  if (container === undefined) return ''
  const said = await readStart(terminationMessageFile(context, uidOf(pod), view.name, view.attempt))
  if (said !== '' || view.exitCode === 0 || container.terminationMessagePolicy !== 'FallbackToLogsOnError') return said
  const text = await lastLines(view.logPath, MAX_FALLBACK_LINES).catch(() => '')
  return text.slice(-MAX_FALLBACK_BYTES)
}

/** A container may have put anything there: a pipe or a link is not followed, and no more than a little is read. */
async function readStart(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r')
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_MESSAGE_BYTES), 0, MAX_MESSAGE_BYTES, 0)
    return buffer.subarray(0, bytesRead).toString('utf8')
  } catch {
    return ''
  }
}
