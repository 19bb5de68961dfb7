// The environment variables of a container.

import type { TypeOf } from '../../../apimachinery/schema.ts'
import { bool, ref, required, string, struct } from '../../../apimachinery/schema.ts'
import {
  configMapKeySelector,
  fileKeySelector,
  objectFieldSelector,
  resourceFieldSelector,
  secretKeySelector,
} from './key-selectors.ts'

export const configMapEnvSource = struct('io.k8s.api.core.v1.ConfigMapEnvSource', {
  name: string(1),
  optional: bool(2),
})
export interface ConfigMapEnvSource extends TypeOf<typeof configMapEnvSource> {}

export const secretEnvSource = struct('io.k8s.api.core.v1.SecretEnvSource', {
  name: string(1),
  optional: bool(2),
})
export interface SecretEnvSource extends TypeOf<typeof secretEnvSource> {}

export const envFromSource = struct('io.k8s.api.core.v1.EnvFromSource', {
  prefix: string(1),
  configMapRef: ref(2, configMapEnvSource),
  secretRef: ref(3, secretEnvSource),
})
export interface EnvFromSource extends TypeOf<typeof envFromSource> {}

export const envVarSource = struct('io.k8s.api.core.v1.EnvVarSource', {
  fieldRef: ref(1, objectFieldSelector),
  resourceFieldRef: ref(2, resourceFieldSelector),
  configMapKeyRef: ref(3, configMapKeySelector),
  secretKeyRef: ref(4, secretKeySelector),
  fileKeyRef: ref(5, fileKeySelector),
})
export interface EnvVarSource extends TypeOf<typeof envVarSource> {}

export const envVar = struct('io.k8s.api.core.v1.EnvVar', {
  name: required(string(1)),
  value: string(2),
  valueFrom: ref(3, envVarSource),
})
export interface EnvVar extends TypeOf<typeof envVar> {}
