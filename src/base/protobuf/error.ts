// The one error of the protobuf codec: bytes that are not a message, or a value that no message can hold.

/** Malformed input or an unencodable value; never a bug of the codec, so a boundary may answer with it. */
export class ProtobufError extends Error {
  override name = 'ProtobufError'
}
