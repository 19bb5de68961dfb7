// The pods that topics are made of.

import type { KubernetesObject } from './session.ts'

export interface ContainerFields {
  readonly name?: string
  readonly image?: string
  readonly [field: string]: unknown
}

/** Containers of BusyBox unless said otherwise; a grace period of one second, since `sh` as process 1 ignores SIGTERM. */
export function pod(name: string, containers: readonly ContainerFields[], spec: object = {}, metadata: object = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: {
      terminationGracePeriodSeconds: 1,
      ...spec,
      containers: containers.map((fields, index) => ({ name: `c${index + 1}`, image: 'busybox', ...fields })),
    },
  }
}

export const shell = (script: string): string[] => ['sh', '-c', script]
/** Runs until it is told to end. */
export const IDLE = shell('trap exit TERM; while :; do sleep 1000 & wait $!; done')

export const isReady = ({ status, metadata }: KubernetesObject): boolean =>
  metadata.deletionTimestamp === undefined &&
  (status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')

export const allReady = (objects: readonly KubernetesObject[]): boolean => objects.every(isReady)
