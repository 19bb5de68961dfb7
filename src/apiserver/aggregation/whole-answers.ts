// Answers of backends for components of this process, which take objects and events, not bytes.

import type { IncomingMessage } from 'node:http'
import * as errors from '../../apimachinery/errors.ts'
import { isObject } from '../../apimachinery/objects.ts'
import type { ApiResponse, EventType, ResponseBody, WatchFrame } from '../../client/door.ts'
import { bodyOf } from './backend.ts'

const MAX_WHOLE_BYTES = 64 * 1024 * 1024
const MAX_EVENT_BYTES = 8 * 1024 * 1024
const TYPES: ReadonlySet<unknown> = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'])

/** Throws a StatusError for a refusal. */
export async function wholeAnswer(
  answer: IncomingMessage,
  headers: ApiResponse['headers'],
  watches: boolean,
): Promise<ApiResponse> {
  const status = answer.statusCode ?? 502
  if (watches && status === 200) return { status, headers, body: { kind: 'watch', events: eventsOf(answer) } }
  return { status, headers, body: await objectOf(answer, status) }
}

async function objectOf(answer: IncomingMessage, status: number): Promise<ResponseBody> {
  const bytes = await bodyOf(answer, MAX_WHOLE_BYTES)
  if (bytes === undefined) throw errors.serviceUnavailable(`the answer is larger than ${MAX_WHOLE_BYTES} bytes`)
  const object = parsed(bytes)
  if (status >= 400) throw errors.statusErrorFrom(object, status)
  return { kind: 'object', object, bytes }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown
  } catch {
    return { kind: 'Status', message: bytes.subarray(0, 2048).toString() }
  }
}

/** One line for each event. */
async function* eventsOf(answer: IncomingMessage): AsyncGenerator<readonly WatchFrame[]> {
  let rest = Buffer.alloc(0)
  for await (const part of answer as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, part])
    const frames: WatchFrame[] = []
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      frames.push(frameOf(rest.subarray(0, end + 1)))
      rest = rest.subarray(end + 1)
    }
    if (rest.length > MAX_EVENT_BYTES)
      throw new Error(`Cannot read a watch: an event is larger than ${MAX_EVENT_BYTES}`)
    if (frames.length > 0) yield frames
  }
}

function frameOf(line: Buffer): WatchFrame {
  const event: unknown = JSON.parse(line.toString())
  if (!isObject(event) || !TYPES.has(event['type'])) throw new Error('Cannot read a watch: a line is no event')
  return { type: event['type'] as EventType, line, object: event['object'] as object }
}
