// Messages about images. Facts of CRI runtime/v1.

import {
  bool,
  type DecodedOf,
  type EncodableOf,
  field,
  map,
  message,
  repeated,
  string,
  uint64Rounded,
} from '../../base/protobuf/protobuf.ts'
import { imageSpec } from './common-messages.ts'
import { filesystemUsage } from './stats-messages.ts'
import { int64Value } from './values.ts'

export const image = message({
  id: field(1, string),
  repoTags: repeated(2, string),
  repoDigests: repeated(3, string),
  size: field(4, uint64Rounded),
  uid: field(5, int64Value),
  username: field(6, string),
  spec: field(7, imageSpec),
  pinned: field(8, bool),
})
export interface Image extends DecodedOf<typeof image> {}

export const imageFilter = message({
  image: field(1, imageSpec),
})
export interface ImageFilter extends EncodableOf<typeof imageFilter> {}

export const imageStatusResponse = message({
  image: field(1, image),
  info: map(2, string, string),
})
export interface ImageStatusResponse extends DecodedOf<typeof imageStatusResponse> {}

export const authConfig = message({
  username: field(1, string),
  password: field(2, string),
  auth: field(3, string),
  serverAddress: field(4, string),
  identityToken: field(5, string),
  registryToken: field(6, string),
})
export interface AuthConfig extends EncodableOf<typeof authConfig> {}

export const imageFsInfoResponse = message({
  imageFilesystems: repeated(1, filesystemUsage),
  containerFilesystems: repeated(2, filesystemUsage),
})
export interface ImageFsInfoResponse extends DecodedOf<typeof imageFsInfoResponse> {}
