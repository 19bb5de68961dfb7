// The messages of etcd's API that the engine speaks. Facts of etcd 3.4 to 3.6: mvccpb and etcdserverpb.

import {
  bigInt64,
  bool,
  bytes,
  type DecodedOf,
  type EncodableOf,
  enumeration,
  field,
  int64,
  message,
  optional,
  repeated,
  string,
} from '../../base/protobuf/protobuf.ts'

const keyValue = message({
  key: field(1, bytes),
  createRevision: field(2, int64),
  modRevision: field(3, int64),
  version: field(4, int64),
  value: field(5, bytes),
  lease: field(6, bigInt64),
})
export interface KeyValue extends DecodedOf<typeof keyValue> {}

const event = message({
  type: field(1, enumeration({ PUT: 0, DELETE: 1 })),
  kv: field(2, keyValue),
  prevKv: field(3, keyValue),
})
export interface Event extends DecodedOf<typeof event> {}

/** Ids of the cluster and the member are of no use here. */
const header = message({ revision: field(3, int64) })

export const rangeRequest = message({
  key: field(1, bytes),
  rangeEnd: field(2, bytes),
  limit: field(3, int64),
  revision: field(4, int64),
  sortOrder: field(5, enumeration({ NONE: 0, ASCEND: 1, DESCEND: 2 })),
  sortTarget: field(6, enumeration({ KEY: 0, VERSION: 1, CREATE: 2, MOD: 3, VALUE: 4 })),
  keysOnly: field(8, bool),
  countOnly: field(9, bool),
  maxModRevision: field(11, int64),
})
export interface RangeRequest extends EncodableOf<typeof rangeRequest> {}

export const rangeResponse = message({
  header: field(1, header),
  kvs: repeated(2, keyValue),
  more: field(3, bool),
})
export interface RangeResponse extends DecodedOf<typeof rangeResponse> {}

const putRequest = message({
  key: field(1, bytes),
  value: field(2, bytes),
  lease: field(3, bigInt64),
})

const deleteRangeRequest = message({ key: field(1, bytes) })

const requestOp = message({
  range: field(1, rangeRequest),
  put: field(2, putRequest),
  deleteRange: field(3, deleteRangeRequest),
})

/** Answers to puts and deletes say nothing that is needed. */
const responseOp = message({ range: field(1, rangeResponse) })

const compare = message({
  result: field(1, enumeration({ EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 })),
  target: field(2, enumeration({ VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 })),
  key: field(3, bytes),
  // Of these two exactly one is given, also when it is 0.
  version: optional(4, int64),
  modRevision: optional(6, int64),
})

export const txnRequest = message({
  compare: repeated(1, compare),
  success: repeated(2, requestOp),
  failure: repeated(3, requestOp),
})
export interface TxnRequest extends EncodableOf<typeof txnRequest> {}

export const txnResponse = message({
  header: field(1, header),
  succeeded: field(2, bool),
  responses: repeated(3, responseOp),
})
export interface TxnResponse extends DecodedOf<typeof txnResponse> {}

export const compactionRequest = message({ revision: field(1, int64), physical: field(2, bool) })
export const compactionResponse = message({ header: field(1, header) })

const watchCreateRequest = message({
  key: field(1, bytes),
  rangeEnd: field(2, bytes),
  startRevision: field(3, int64),
  progressNotify: field(4, bool),
  prevKv: field(6, bool),
  fragment: field(8, bool),
})

export const watchRequest = message({ createRequest: field(1, watchCreateRequest) })
export interface WatchRequest extends EncodableOf<typeof watchRequest> {}

export const watchResponse = message({
  header: field(1, header),
  created: field(3, bool),
  canceled: field(4, bool),
  compactRevision: field(5, int64),
  cancelReason: field(6, string),
  fragment: field(7, bool),
  events: repeated(11, event),
})
export interface WatchResponse extends DecodedOf<typeof watchResponse> {}

export const leaseGrantRequest = message({ ttl: field(1, int64), id: field(2, bigInt64) })
export const leaseGrantResponse = message({ id: field(2, bigInt64), ttl: field(3, int64) })
export const leaseRevokeRequest = message({ id: field(1, bigInt64) })
export const leaseRevokeResponse = message({ header: field(1, header) })
export const leaseKeepAliveRequest = message({ id: field(1, bigInt64) })
/** A time to live of 0: the lease is gone. */
export const leaseKeepAliveResponse = message({ id: field(2, bigInt64), ttl: field(3, int64) })
