// gRPC's health check (grpc.health.v1.Health/Check), as a probe.

import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { enumeration, field, message, string } from '../../base/protobuf/protobuf.ts'
import type { ProbeOutcome } from './prober.ts'

const checkRequest = message({ service: field(1, string) })
const servingStatus = enumeration({ UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 })
const checkResponse = message({ status: field(1, servingStatus) })

export interface GrpcHealthOptions {
  readonly host: string
  readonly port: number
  readonly service: string
  readonly timeoutMs: number
  readonly version: string
  readonly signal: AbortSignal
}

export function grpcHealth({
  host,
  port,
  service,
  timeoutMs,
  version,
  signal,
}: GrpcHealthOptions): Promise<ProbeOutcome> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.enable_retries': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.primary_user_agent': `kube-probe/${version}`,
  })
  return new Promise<ProbeOutcome>((resolve) => {
    const timedOut = {
      ok: false,
      output: `timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: context deadline exceeded`,
    }
    const call = client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (value: { service: string }) => checkRequest.encode(value),
      (bytes: Buffer) => checkResponse.decode(bytes),
      { service },
      new Metadata(),
      (error, answer) => {
        signal.removeEventListener('abort', abort)
        if (signal.aborted) resolve(timedOut)
        else if (error !== null) resolve({ ok: false, output: `error: health rpc probe failed: ${error.message}` })
        else if (answer?.status === 'SERVING') resolve({ ok: true, output: `service healthy` })
        else resolve({ ok: false, output: `service unhealthy (responded with "${answer?.status ?? 'UNKNOWN'}")` })
      },
    )
    const abort = (): void => call.cancel()
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  }).finally(() => client.close())
}
