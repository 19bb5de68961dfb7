// `meta.k8s.io/v1 PartialObjectMetadata`: an object's metadata alone, for clients that need no more.

import type { AnyObject } from './metadata.ts'
import type { DeepReadonly } from './resource.ts'

export function partialMetadata({ metadata }: DeepReadonly<AnyObject>): object {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }
}
