// Picks one key, field or figure out of another object.

import type { TypeOf } from '../../../apimachinery/schema.ts'
import { bool, int32, quantity, ref, required, string, struct } from '../../../apimachinery/schema.ts'

export const objectFieldSelector = struct(
  'io.k8s.api.core.v1.ObjectFieldSelector',
  {
    apiVersion: string(1, { default: 'v1' }),
    fieldPath: required(string(2)),
  },
  { atomic: true },
)
export interface ObjectFieldSelector extends TypeOf<typeof objectFieldSelector> {}

export const resourceFieldSelector = struct(
  'io.k8s.api.core.v1.ResourceFieldSelector',
  {
    containerName: string(1),
    resource: required(string(2)),
    divisor: quantity(3),
  },
  { atomic: true },
)
export interface ResourceFieldSelector extends TypeOf<typeof resourceFieldSelector> {}

export const configMapKeySelector = struct(
  'io.k8s.api.core.v1.ConfigMapKeySelector',
  {
    name: string(1),
    key: required(string(2)),
    optional: bool(3),
  },
  { atomic: true },
)
export interface ConfigMapKeySelector extends TypeOf<typeof configMapKeySelector> {}

export const secretKeySelector = struct(
  'io.k8s.api.core.v1.SecretKeySelector',
  {
    name: string(1),
    key: required(string(2)),
    optional: bool(3),
  },
  { atomic: true },
)
export interface SecretKeySelector extends TypeOf<typeof secretKeySelector> {}

export const fileKeySelector = struct(
  'io.k8s.api.core.v1.FileKeySelector',
  {
    volumeName: required(string(1)),
    path: required(string(2)),
    key: required(string(3)),
    optional: bool(4),
  },
  { atomic: true },
)
export interface FileKeySelector extends TypeOf<typeof fileKeySelector> {}

export const keyToPath = struct('io.k8s.api.core.v1.KeyToPath', {
  key: required(string(1)),
  path: required(string(2)),
  mode: int32(3),
})
export interface KeyToPath extends TypeOf<typeof keyToPath> {}

export const downwardAPIVolumeFile = struct('io.k8s.api.core.v1.DownwardAPIVolumeFile', {
  path: required(string(1)),
  fieldRef: ref(2, objectFieldSelector),
  resourceFieldRef: ref(3, resourceFieldSelector),
  mode: int32(4),
})
export interface DownwardAPIVolumeFile extends TypeOf<typeof downwardAPIVolumeFile> {}
