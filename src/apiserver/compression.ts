// gzip for large answers, as upstream: only where the client asks for it, and only when it pays.

import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'

/** Smaller answers are sent as they are (upstream defaultGzipThresholdBytes). */
export const THRESHOLD_BYTES = 128 * 1024

/** What the head of a zipped answer says. */
export const ZIPPED = { 'content-encoding': 'gzip', vary: 'Accept-Encoding' } as const

const gzipAsync = promisify(gzip)

export function wantsGzip(acceptEncoding: string | string[] | undefined): boolean {
  return /(^|,)\s*gzip\s*(,|;(?!\s*q=0(\.0*)?\s*(,|$))|$)/.test(String(acceptEncoding ?? ''))
}

export async function compress(
  bytes: Buffer,
  wanted: boolean,
): Promise<{ bytes: Buffer; headers: Record<string, string> }> {
  if (!wanted || bytes.length < THRESHOLD_BYTES) return { bytes, headers: {} }
  const zipped = await gzipAsync(bytes, { level: constants.Z_BEST_SPEED })
  return { bytes: zipped, headers: ZIPPED }
}
