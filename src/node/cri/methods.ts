// The methods of CRI runtime/v1 with their request and response messages: facts, no behaviour.

import { bool, field, int64, map, message, repeated, string } from '../../base/protobuf/protobuf.ts'
import { linuxContainerResources, imageSpec } from './common-messages.ts'
import { container, containerConfig, containerFilter, containerStatusResponse } from './container-messages.ts'
import { method } from './grpc-channel.ts'
import { authConfig, image, imageFilter, imageFsInfoResponse, imageStatusResponse } from './image-messages.ts'
import { runtimeConfig, statusResponse, versionResponse } from './runtime-messages.ts'
import { podSandbox, podSandboxConfig, podSandboxFilter, podSandboxStatusResponse } from './sandbox-messages.ts'
import { containerStats, containerStatsFilter, podSandboxStats } from './stats-messages.ts'
import { attachRequest, execRequest, execSyncResponse, portForwardRequest } from './stream-messages.ts'

const RUNTIME = 'runtime.v1.RuntimeService'
const IMAGES = 'runtime.v1.ImageService'

const empty = message({})
/** Requests that name one sandbox or container, and answers that name one: the name is field 1. */
const byId = message({ id: field(1, string) })
const byIdVerbose = message({ id: field(1, string), verbose: field(2, bool) })
const url = message({ url: field(1, string) })

export const version = method(RUNTIME, 'Version', message({ version: field(1, string) }), versionResponse)
export const status = method(RUNTIME, 'Status', message({ verbose: field(1, bool) }), statusResponse)
export const updateRuntimeConfig = method(
  RUNTIME,
  'UpdateRuntimeConfig',
  message({ runtimeConfig: field(1, runtimeConfig) }),
  empty,
)

export const runPodSandbox = method(
  RUNTIME,
  'RunPodSandbox',
  message({ config: field(1, podSandboxConfig), runtimeHandler: field(2, string) }),
  byId,
)
export const stopPodSandbox = method(RUNTIME, 'StopPodSandbox', byId, empty)
export const removePodSandbox = method(RUNTIME, 'RemovePodSandbox', byId, empty)
export const sandboxStatus = method(RUNTIME, 'PodSandboxStatus', byIdVerbose, podSandboxStatusResponse)
export const listPodSandbox = method(
  RUNTIME,
  'ListPodSandbox',
  message({ filter: field(1, podSandboxFilter) }),
  message({ items: repeated(1, podSandbox) }),
)

export const createContainer = method(
  RUNTIME,
  'CreateContainer',
  message({
    podSandboxId: field(1, string),
    config: field(2, containerConfig),
    sandboxConfig: field(3, podSandboxConfig),
  }),
  byId,
)
export const startContainer = method(RUNTIME, 'StartContainer', byId, empty)
export const stopContainer = method(
  RUNTIME,
  'StopContainer',
  message({ id: field(1, string), timeout: field(2, int64) }),
  empty,
)
export const removeContainer = method(RUNTIME, 'RemoveContainer', byId, empty)
export const listContainers = method(
  RUNTIME,
  'ListContainers',
  message({ filter: field(1, containerFilter) }),
  message({ containers: repeated(1, container) }),
)
export const statusOfContainer = method(RUNTIME, 'ContainerStatus', byIdVerbose, containerStatusResponse)
export const updateContainerResources = method(
  RUNTIME,
  'UpdateContainerResources',
  message({ id: field(1, string), linux: field(2, linuxContainerResources), annotations: map(4, string, string) }),
  empty,
)
export const reopenContainerLog = method(RUNTIME, 'ReopenContainerLog', byId, empty)

export const execSync = method(
  RUNTIME,
  'ExecSync',
  message({ id: field(1, string), command: repeated(2, string), timeout: field(3, int64) }),
  execSyncResponse,
)
export const exec = method(RUNTIME, 'Exec', execRequest, url)
export const attach = method(RUNTIME, 'Attach', attachRequest, url)
export const portForward = method(RUNTIME, 'PortForward', portForwardRequest, url)

export const statsOfContainer = method(RUNTIME, 'ContainerStats', byId, message({ stats: field(1, containerStats) }))
export const listContainerStats = method(
  RUNTIME,
  'ListContainerStats',
  message({ filter: field(1, containerStatsFilter) }),
  message({ stats: repeated(1, containerStats) }),
)
export const statsOfSandbox = method(RUNTIME, 'PodSandboxStats', byId, message({ stats: field(1, podSandboxStats) }))

export const imageStatus = method(
  IMAGES,
  'ImageStatus',
  message({ image: field(1, imageSpec), verbose: field(2, bool) }),
  imageStatusResponse,
)
export const listImages = method(
  IMAGES,
  'ListImages',
  message({ filter: field(1, imageFilter) }),
  message({ images: repeated(1, image) }),
)
export const pullImage = method(
  IMAGES,
  'PullImage',
  message({ image: field(1, imageSpec), auth: field(2, authConfig), sandboxConfig: field(3, podSandboxConfig) }),
  message({ imageRef: field(1, string) }),
)
export const removeImage = method(IMAGES, 'RemoveImage', message({ image: field(1, imageSpec) }), empty)
export const imageFsInfo = method(IMAGES, 'ImageFsInfo', empty, imageFsInfoResponse)
