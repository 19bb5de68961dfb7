// What is mounted into one container: its volumes (or a part of them), the pod's hosts file, and the file for its last words.

import { mkdir, open, stat, writeFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { Mount, MountPropagation } from '../cri/cri.ts'
import type { NodeContext } from '../context.ts'
import { hostsFile } from '../pods/dns.ts'
import { expand } from '../pods/expansion.ts'
import { type NodeContainer, type NodePod, uidOf } from '../pods/model.ts'
import { pathElement, podDirectory } from '../pods/paths.ts'
import { ContainerConfigError } from '../pods/security.ts'
import { holdSubPath } from './sub-path.ts'

const PROPAGATION: Readonly<Record<string, MountPropagation>> = {
  None: 'PROPAGATION_PRIVATE',
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
}

export interface ContainerMountsInput {
  readonly pod: NodePod
  readonly container: NodeContainer
  readonly attempt: number
  readonly volumes: ReadonlyMap<string, string>
  readonly environment: ReadonlyMap<string, string>
  readonly podIPs: readonly string[]
  /** The agent's process id, through which paths that it holds open are named. */
  readonly pid: number
}

export async function containerMounts(context: NodeContext, input: ContainerMountsInput): Promise<Mount[]> {
  const { pod, container, volumes } = input
  const mounts: Mount[] = []
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const volume = volumes.get(mount.name)
    if (volume === undefined)
      throw new ContainerConfigError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`)
    const hostPath = await subPathOf(context, input, index, volume)
    // Files of the API are never writable, whatever the mount says.
    const source = pod.spec.volumes?.find(({ name }) => name === mount.name)
    const fixed = source?.configMap ?? source?.secret ?? source?.projected ?? source?.downwardAPI
    mounts.push({
      containerPath: isAbsolute(mount.mountPath) ? mount.mountPath : join('/', mount.mountPath),
      hostPath,
      readonly: mount.readOnly === true || fixed !== undefined,
      propagation: PROPAGATION[mount.mountPropagation ?? 'None'] ?? 'PROPAGATION_PRIVATE',
    })
  }
  const taken = new Set(mounts.map(({ containerPath }) => containerPath))
  if (!taken.has('/etc/hosts')) mounts.push(await hostsMount(context, input))
  const last = container.terminationMessagePath ?? ''
  if (last !== '') mounts.push(await lastWordsMount(context, input, last))
  return mounts
}

async function subPathOf(
  context: NodeContext,
  { pod, container, environment, pid }: ContainerMountsInput,
  index: number,
  volume: string,
): Promise<string> {
  const mount = container.volumeMounts?.[index]
  const subPath = subPathText(mount?.subPath, mount?.subPathExpr, environment)
  if (mount === undefined || subPath === '') return volume
  const directory = join(
    podDirectory(context.directories, uidOf(pod)),
    'volume-subpaths',
    pathElement(mount.name),
    pathElement(container.name),
  )
  const target = join(directory, String(index))
  if (context.mounter.below(target).includes(target)) await context.mounter.unmount(target)
  try {
    await using held = await holdSubPath(volume, subPath, pid)
    await mkdir(directory, { recursive: true, mode: 0o750 })
    if (held.isDirectory) await mkdir(target, { recursive: true, mode: 0o750 })
    else await (await open(target, 'a', 0o640)).close()
    await context.mounter.bind(held.path, target)
  } catch (error) {
    throw new ContainerConfigError(
      `failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}"`,
      { cause: error },
    )
  }
  return target
}

function subPathText(subPath = '', expression = '', environment: ReadonlyMap<string, string>): string {
  if (expression === '') return subPath
  let unknown: string | undefined
  const text = expand(expression, (name) => {
    const value = environment.get(name)
    if (value === undefined) unknown ??= name
    return value
  })
  if (unknown !== undefined) throw new ContainerConfigError(`missing value for "${unknown}"`)
  return text
}

async function hostsMount(context: NodeContext, { pod, container, podIPs }: ContainerMountsInput): Promise<Mount> {
  const path = join(podDirectory(context.directories, uidOf(pod)), 'etc-hosts')
  const text = hostsFile(pod, podIPs, context.dns.domain, pod.spec.hostNetwork ? context.hostFiles.hosts : undefined)
  await mkdir(podDirectory(context.directories, uidOf(pod)), { recursive: true, mode: 0o750 })
  // Written in place: running containers have this very file mounted.
  await writeFile(path, text, { mode: 0o644 })
  return {
    containerPath: '/etc/hosts',
    hostPath: path,
    readonly: container.securityContext?.readOnlyRootFilesystem === true,
  }
}

async function lastWordsMount(
  context: NodeContext,
  { pod, container, attempt }: ContainerMountsInput,
  containerPath: string,
): Promise<Mount> {
  const path = terminationMessageFile(context, uidOf(pod), container.name, attempt)
  await mkdir(join(path, '..'), { recursive: true, mode: 0o750 })
  const there = await stat(path).catch(() => undefined)
  if (there === undefined) {
    const file = await open(path, 'w', 0o666)
    // Whoever the container runs as must be able to write it.
    await file.chmod(0o666)
    await file.close()
  }
  return { containerPath, hostPath: path, readonly: false }
}

/** Where a container's last words are, on the host. */
export function terminationMessageFile(
  { directories }: Pick<NodeContext, 'directories'>,
  uid: string,
  container: string,
  attempt: number,
): string {
  return join(podDirectory(directories, uid), 'containers', pathElement(container), `termination-${attempt}`)
}
