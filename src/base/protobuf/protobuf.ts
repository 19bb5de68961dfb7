// The protobuf codec's face: what other rooms import.

export { ProtobufError } from './error.ts'
export {
  type Decoded,
  type DecodedOf,
  type Encodable,
  type EncodableOf,
  type Field,
  field,
  type Message,
  map,
  message,
  optional,
  repeated,
} from './message.ts'
export { MAX_DEPTH, MAX_ITEMS, Reader, WIRE } from './reader.ts'
export {
  bigInt64,
  bigUint64,
  bool,
  bytes,
  converted,
  double,
  enumeration,
  fixed32,
  fixed64,
  int32,
  int64,
  int64Rounded,
  lazy,
  type Scalar,
  string,
  type Type,
  uint32,
  uint64,
  uint64Rounded,
} from './types.ts'
export { Writer } from './writer.ts'
