// Under which identity and with which powers a container runs: the pod's and the container's security contexts, folded into CRI's form. Pure.

import type {
  LinuxContainerSecurityContext,
  LinuxSandboxSecurityContext,
  NamespaceMode,
  NamespaceOption,
  SecurityProfile,
} from '../cri/cri.ts'
import type { NodeContainer, NodePod } from './model.ts'

/** A container cannot be configured as its pod asks; reason `CreateContainerConfigError`. */
export class ContainerConfigError extends Error {
  override name = 'ContainerConfigError'
}

/** Hidden from containers whose procMount is Default (the runtime's common list). */
const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

export function namespacesOf(pod: NodePod, targetId?: string): NamespaceOption {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = pod.spec
  const pid: NamespaceMode =
    targetId !== undefined ? 'TARGET' : hostPID ? 'NODE' : shareProcessNamespace ? 'POD' : 'CONTAINER'
  return {
    network: hostNetwork ? 'NODE' : 'POD',
    pid,
    ipc: hostIPC ? 'NODE' : 'POD',
    ...(targetId === undefined ? {} : { targetId }),
  }
}

export function sandboxSecurity(pod: NodePod, seccompRoot: string): LinuxSandboxSecurityContext {
  const context = pod.spec.securityContext ?? {}
  const groups = [...(context.fsGroup === undefined ? [] : [context.fsGroup]), ...(context.supplementalGroups ?? [])]
  const { selinuxOptions } = selinux(context.seLinuxOptions)
  return {
    namespaceOptions: namespacesOf(pod),
    ...(context.runAsUser === undefined ? {} : { runAsUser: context.runAsUser }),
    // CRI takes a group only beside a user.
    ...(context.runAsUser === undefined || context.runAsGroup === undefined ? {} : { runAsGroup: context.runAsGroup }),
    supplementalGroups: groups,
    supplementalGroupsPolicy: context.supplementalGroupsPolicy ?? 'Merge',
    privileged: [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some((c) => c.securityContext?.privileged),
    seccomp: profile(context.seccompProfile, seccompRoot, { type: 'RuntimeDefault' }),
    ...(selinuxOptions === undefined ? {} : { selinuxOptions }),
  }
}

export interface ImageUser {
  /** Undefined: the image names a user instead, or none (`username` empty: root). */
  uid?: number | undefined
  username: string
}

export function containerSecurity(
  pod: NodePod,
  container: NodeContainer,
  options: { imageUser: ImageUser; seccompRoot: string; targetId?: string },
): LinuxContainerSecurityContext {
  const podContext = pod.spec.securityContext ?? {}
  const own = container.securityContext ?? {}
  const runAsUser = own.runAsUser ?? podContext.runAsUser
  const runAsGroup = own.runAsGroup ?? podContext.runAsGroup
  checkNonRoot(pod, container, runAsUser, options.imageUser)
  const { uid, username } = options.imageUser
  const user =
    runAsUser !== undefined ? { runAsUser } : uid !== undefined ? { runAsUser: uid } : { runAsUsername: username }
  const { selinuxOptions } = selinux(own.seLinuxOptions ?? podContext.seLinuxOptions)
  const unmasked = own.privileged === true || own.procMount === 'Unmasked'
  const groups = [
    ...(podContext.supplementalGroups ?? []),
    ...(podContext.fsGroup === undefined ? [] : [podContext.fsGroup]),
  ]
  return {
    ...user,
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    namespaceOptions: namespacesOf(pod, options.targetId),
    privileged: own.privileged === true,
    readonlyRootfs: own.readOnlyRootFilesystem === true,
    // A privileged process, or one with all of the administrator's powers, gains nothing by escalating: upstream then ignores the wish.
    noNewPrivs: own.allowPrivilegeEscalation === false,
    capabilities: {
      addCapabilities: [...(own.capabilities?.add ?? [])],
      dropCapabilities: [...(own.capabilities?.drop ?? [])],
    },
    supplementalGroups: groups,
    supplementalGroupsPolicy: podContext.supplementalGroupsPolicy ?? 'Merge',
    seccomp: profile(own.seccompProfile ?? podContext.seccompProfile, options.seccompRoot, { type: 'Unconfined' }),
    ...apparmor(own.appArmorProfile ?? podContext.appArmorProfile),
    maskedPaths: unmasked ? [] : MASKED_PATHS,
    readonlyPaths: unmasked ? [] : READONLY_PATHS,
    ...(selinuxOptions === undefined ? {} : { selinuxOptions }),
  }
}

function checkNonRoot(pod: NodePod, container: NodeContainer, runAsUser: number | undefined, image: ImageUser): void {
  const nonRoot = container.securityContext?.runAsNonRoot ?? pod.spec.securityContext?.runAsNonRoot
  if (nonRoot !== true) return
  const { name, namespace = '', uid = '' } = pod.metadata
  const where = `(pod: "${name}_${namespace}(${uid})", container: ${container.name})`
  if (runAsUser !== undefined) {
    if (runAsUser === 0) throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${where}`)
    return
  }
  if (image.uid === 0 || (image.uid === undefined && image.username === ''))
    throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`)
  if (image.uid === undefined)
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`,
    )
}

interface ProfileWish {
  readonly type: string
  readonly localhostProfile?: string
}

function profile(wish: ProfileWish | undefined, root: string, fallback: ProfileWish): SecurityProfile {
  const { type, localhostProfile = '' } = wish ?? fallback
  if (type === 'RuntimeDefault') return { profileType: 'RuntimeDefault' }
  if (type === 'Unconfined') return { profileType: 'Unconfined' }
  // An empty name must not silently become "unconfined".
  if (localhostProfile === '')
    throw new ContainerConfigError('localhostProfile must be set if seccompProfile type is Localhost.')
  if (localhostProfile.startsWith('/') || localhostProfile.split('/').includes('..'))
    throw new ContainerConfigError(`seccomp profile "${localhostProfile}" must be a relative path without ".."`)
  return { profileType: 'Localhost', localhostRef: `${root}/${localhostProfile}` }
}

/** Nothing wished: the runtime's choice, which is its default where AppArmor is there. A wish fails where it is not. */
function apparmor(wish: ProfileWish | undefined): { apparmor?: SecurityProfile } {
  if (wish === undefined) return {}
  if (wish.type === 'RuntimeDefault' || wish.type === 'Unconfined') return { apparmor: { profileType: wish.type } }
  const { localhostProfile = '' } = wish
  if (localhostProfile === '')
    throw new ContainerConfigError('localhostProfile must be set if appArmorProfile type is Localhost.')
  return { apparmor: { profileType: 'Localhost', localhostRef: localhostProfile } }
}

function selinux(options: { user?: string; role?: string; type?: string; level?: string } | undefined) {
  if (options === undefined) return {}
  const { user = '', role = '', type = '', level = '' } = options
  return { selinuxOptions: { user, role, type, level } }
}
