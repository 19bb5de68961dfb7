// Messages about commands in containers and connections into pods. Facts of CRI runtime/v1.

import {
  bool,
  bytes,
  type DecodedOf,
  type EncodableOf,
  field,
  int32,
  message,
  repeated,
  string,
} from '../../base/protobuf/protobuf.ts'

export const execSyncResponse = message({
  stdout: field(1, bytes),
  stderr: field(2, bytes),
  exitCode: field(3, int32),
})
export interface ExecSyncResponse extends DecodedOf<typeof execSyncResponse> {}

export const execRequest = message({
  containerId: field(1, string),
  cmd: repeated(2, string),
  tty: field(3, bool),
  stdin: field(4, bool),
  stdout: field(5, bool),
  stderr: field(6, bool),
})
export interface ExecRequest extends EncodableOf<typeof execRequest> {}

export const attachRequest = message({
  containerId: field(1, string),
  stdin: field(2, bool),
  tty: field(3, bool),
  stdout: field(4, bool),
  stderr: field(5, bool),
})
export interface AttachRequest extends EncodableOf<typeof attachRequest> {}

export const portForwardRequest = message({
  podSandboxId: field(1, string),
  port: repeated(2, int32),
})
export interface PortForwardRequest extends EncodableOf<typeof portForwardRequest> {}
