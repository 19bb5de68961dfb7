// The calls of etcd's API: path and codecs of each.

import type { Message } from '../../base/protobuf/protobuf.ts'
import * as m from './messages.ts'

export interface Method<In, Out> {
  readonly path: string
  encode(value: In): Buffer
  decode(bytes: Buffer): Out
}

function method<ReqOut, In, Out, ResIn>(
  path: string,
  request: Message<ReqOut, In>,
  response: Message<Out, ResIn>,
): Method<In, Out> {
  return {
    path: `/etcdserverpb.${path}`,
    encode: (value) => request.encode(value),
    decode: (bytes) => response.decode(bytes),
  }
}

export const RANGE = method('KV/Range', m.rangeRequest, m.rangeResponse)
export const TXN = method('KV/Txn', m.txnRequest, m.txnResponse)
export const COMPACT = method('KV/Compact', m.compactionRequest, m.compactionResponse)
export const WATCH = method('Watch/Watch', m.watchRequest, m.watchResponse)
export const LEASE_GRANT = method('Lease/LeaseGrant', m.leaseGrantRequest, m.leaseGrantResponse)
export const LEASE_REVOKE = method('Lease/LeaseRevoke', m.leaseRevokeRequest, m.leaseRevokeResponse)
export const LEASE_KEEP_ALIVE = method('Lease/LeaseKeepAlive', m.leaseKeepAliveRequest, m.leaseKeepAliveResponse)
