// Points from one object to another: by name, by kind and name, or in full.

import type { TypeOf } from '../../apimachinery/schema.ts'
import { required, string, struct } from '../../apimachinery/schema.ts'

export const localObjectReference = struct(
  'io.k8s.api.core.v1.LocalObjectReference',
  {
    name: string(1),
  },
  { atomic: true },
)
export interface LocalObjectReference extends TypeOf<typeof localObjectReference> {}

export const typedLocalObjectReference = struct(
  'io.k8s.api.core.v1.TypedLocalObjectReference',
  {
    apiGroup: string(1),
    kind: required(string(2)),
    name: required(string(3)),
  },
  { atomic: true },
)
export interface TypedLocalObjectReference extends TypeOf<typeof typedLocalObjectReference> {}

export const typedObjectReference = struct('io.k8s.api.core.v1.TypedObjectReference', {
  apiGroup: string(1),
  kind: required(string(2)),
  name: required(string(3)),
  namespace: string(4),
})
export interface TypedObjectReference extends TypeOf<typeof typedObjectReference> {}

export const objectReference = struct(
  'io.k8s.api.core.v1.ObjectReference',
  {
    kind: string(1),
    namespace: string(2),
    name: string(3),
    uid: string(4),
    apiVersion: string(5),
    resourceVersion: string(6),
    fieldPath: string(7),
  },
  { atomic: true },
)
export interface ObjectReference extends TypeOf<typeof objectReference> {}
