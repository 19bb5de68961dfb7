// What is known of one container of a pod.

import type { TypeOf } from '../../../apimachinery/schema.ts'
import {
  bool,
  int32,
  int64,
  list,
  mapOf,
  oneOf,
  quantity,
  ref,
  required,
  string,
  struct,
  time,
} from '../../../apimachinery/schema.ts'
import { STOP_SIGNALS } from './signals.ts'
import { resourceRequirements } from '../resource-requirements.ts'

export const containerStateWaiting = struct('io.k8s.api.core.v1.ContainerStateWaiting', {
  reason: string(1),
  message: string(2),
})
export interface ContainerStateWaiting extends TypeOf<typeof containerStateWaiting> {}

export const containerStateRunning = struct('io.k8s.api.core.v1.ContainerStateRunning', {
  startedAt: time(1),
})
export interface ContainerStateRunning extends TypeOf<typeof containerStateRunning> {}

export const containerStateTerminated = struct('io.k8s.api.core.v1.ContainerStateTerminated', {
  exitCode: required(int32(1, { default: 0 })),
  signal: int32(2),
  reason: string(3),
  message: string(4),
  startedAt: time(5),
  finishedAt: time(6),
  containerID: string(7),
})
export interface ContainerStateTerminated extends TypeOf<typeof containerStateTerminated> {}

export const containerState = struct('io.k8s.api.core.v1.ContainerState', {
  waiting: ref(1, containerStateWaiting),
  running: ref(2, containerStateRunning),
  terminated: ref(3, containerStateTerminated),
})
export interface ContainerState extends TypeOf<typeof containerState> {}

export const imageVolumeStatus = struct('io.k8s.api.core.v1.ImageVolumeStatus', {
  imageRef: string(1),
})
export interface ImageVolumeStatus extends TypeOf<typeof imageVolumeStatus> {}

export const volumeStatus = struct('io.k8s.api.core.v1.VolumeStatus', {})
export interface VolumeStatus extends TypeOf<typeof volumeStatus> {}

export const volumeMountStatus = struct('io.k8s.api.core.v1.VolumeMountStatus', {
  name: required(string(1, { default: '' })),
  mountPath: required(string(2, { default: '' })),
  readOnly: bool(3),
  recursiveReadOnly: string(4),
  volumeStatus: ref(5, volumeStatus),
})
export interface VolumeMountStatus extends TypeOf<typeof volumeMountStatus> {}

export const linuxContainerUser = struct('io.k8s.api.core.v1.LinuxContainerUser', {
  uid: required(int64(1, { default: 0 })),
  gid: required(int64(2, { default: 0 })),
  supplementalGroups: list(3, int64(), { list: 'atomic' }),
})
export interface LinuxContainerUser extends TypeOf<typeof linuxContainerUser> {}

export const containerUser = struct('io.k8s.api.core.v1.ContainerUser', {
  linux: ref(1, linuxContainerUser),
})
export interface ContainerUser extends TypeOf<typeof containerUser> {}

export const resourceHealth = struct('io.k8s.api.core.v1.ResourceHealth', {
  resourceID: required(string(1, { default: '' })),
  health: string(2),
  message: string(6),
})
export interface ResourceHealth extends TypeOf<typeof resourceHealth> {}

export const resourceStatus = struct('io.k8s.api.core.v1.ResourceStatus', {
  name: required(string(1, { default: '' })),
  resources: list(2, resourceHealth, { list: 'map', keys: ['resourceID'] }),
})
export interface ResourceStatus extends TypeOf<typeof resourceStatus> {}

export const containerStatus = struct('io.k8s.api.core.v1.ContainerStatus', {
  name: required(string(1, { default: '' })),
  state: ref(2, containerState, { default: {} }),
  lastState: ref(3, containerState, { default: {} }),
  ready: required(bool(4)),
  restartCount: required(int32(5, { default: 0 })),
  image: required(string(6, { default: '' })),
  imageID: required(string(7, { default: '' })),
  containerID: string(8),
  started: bool(9),
  allocatedResources: mapOf(10, quantity()),
  resources: ref(11, resourceRequirements),
  volumeMounts: list(12, volumeMountStatus, {
    list: 'map',
    keys: ['mountPath'],
    mergeKey: 'mountPath',
    strategy: 'merge',
  }),
  user: ref(13, containerUser),
  allocatedResourcesStatus: list(14, resourceStatus, {
    list: 'map',
    keys: ['name'],
    mergeKey: 'name',
    strategy: 'merge',
  }),
  stopSignal: oneOf(15, STOP_SIGNALS),
})
export interface ContainerStatus extends TypeOf<typeof containerStatus> {}
