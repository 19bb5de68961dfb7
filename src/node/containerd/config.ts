// The private containerd's config.toml: pure, from what the agent wants and what the host can do.

import { join } from 'node:path'

/** Where a private containerd keeps everything; no two may share one of these. */
export interface ContainerdPaths {
  /** Images, snapshots and metadata: outlives reboots. */
  readonly root: string
  /** Socket, pid file, log, running containers' bundles: short-lived, and short, since a socket's path has 107 bytes. */
  readonly state: string
}

export interface ContainerdConfig {
  readonly paths: ContainerdPaths
  readonly cniBinDir: string
  readonly cniConfDir: string
  /** The directory of `HOST/hosts.toml` files that say how to reach registries. */
  readonly registryConfigDir: string
  readonly sandboxImage?: string | undefined
  /** The longest line of a container's log before it is split, in bytes. */
  readonly maxLogLineBytes?: number | undefined
  /** Let systemd make the containers' cgroups (pod cgroups are then slices); otherwise runc makes them itself. */
  readonly systemdCgroup?: boolean | undefined
  /** Default: overlayfs where it works, else native. */
  readonly snapshotter?: HostAbilities['snapshotter'] | undefined
}

/** What this host allows. */
export interface HostAbilities {
  readonly snapshotter: 'overlayfs' | 'native'
  readonly apparmor: boolean
  /** Whether processes may lower their OOM score (CAP_SYS_RESOURCE). */
  readonly oomScore: boolean
}

export const DEFAULT_SANDBOX_IMAGE = 'drover.internal/pause:1'
const DEFAULT_MAX_LOG_LINE_BYTES = 16_384

/** Plugins that nothing here uses: each costs start-up time, memory or a directory outside of ours (`opt` makes /opt/containerd). */
const DISABLED_PLUGINS = [
  'io.containerd.internal.v1.opt',
  'io.containerd.internal.v1.restart',
  'io.containerd.internal.v1.tracing',
  'io.containerd.tracing.processor.v1.otlp',
  'io.containerd.monitor.v1.cgroups',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
]

export const socketOf = (paths: ContainerdPaths): string => join(paths.state, 'containerd.sock')
export const configFileOf = (paths: ContainerdPaths): string => join(paths.state, 'config.toml')
export const logFileOf = (paths: ContainerdPaths): string => join(paths.state, 'containerd.log')
export const pidFileOf = (paths: ContainerdPaths): string => join(paths.state, 'containerd.pid')
/** Where containerd makes the bundle of each task of CRI's namespace. */
export const bundlesOf = (paths: ContainerdPaths): string =>
  join(paths.state, 'run', 'io.containerd.runtime.v2.task', 'k8s.io')

/** The text of config.toml. Equal inputs give equal text, which is how a running containerd is known to be the right one. */
export function configToml(config: ContainerdConfig, host: HostAbilities): string {
  const { paths } = config
  const unused = host.snapshotter === 'overlayfs' ? 'native' : 'overlayfs'
  const disabled = [...DISABLED_PLUGINS, `io.containerd.snapshotter.v1.${unused}`]
  const cri = 'plugins."io.containerd.grpc.v1.cri"'
  return [
    'version = 2',
    entry('root', paths.root),
    entry('state', join(paths.state, 'run')),
    `disabled_plugins = [${disabled.map((name) => JSON.stringify(name)).join(', ')}]`,
    table('grpc', { address: socketOf(paths) }),
    table('debug', { level: 'warn' }),
    // Image pulls and snapshot commits reach the collector's thresholds anyway; a delay keeps it out of a pod's start.
    table('plugins."io.containerd.gc.v1.scheduler"', { startup_delay: '10s', schedule_delay: '1s' }),
    table(cri, {
      sandbox_image: config.sandboxImage ?? DEFAULT_SANDBOX_IMAGE,
      stream_server_address: '127.0.0.1',
      stream_server_port: '0',
      disable_tcp_service: true,
      disable_apparmor: !host.apparmor,
      restrict_oom_score_adj: !host.oomScore,
      max_container_log_line_size: config.maxLogLineBytes ?? DEFAULT_MAX_LOG_LINE_BYTES,
      // Else network namespaces would appear among everybody's in /run/netns.
      netns_mounts_under_state_dir: true,
      enable_unprivileged_ports: true,
      enable_unprivileged_icmp: true,
      tolerate_missing_hugetlb_controller: true,
    }),
    table(`${cri}.containerd`, { snapshotter: host.snapshotter, default_runtime_name: 'runc' }),
    table(`${cri}.containerd.runtimes.runc`, { runtime_type: 'io.containerd.runc.v2' }),
    table(`${cri}.containerd.runtimes.runc.options`, {
      SystemdCgroup: config.systemdCgroup ?? false,
      Root: join(paths.state, 'runc'),
    }),
    table(`${cri}.cni`, { bin_dir: config.cniBinDir, conf_dir: config.cniConfDir, max_conf_num: 1 }),
    table(`${cri}.registry`, { config_path: config.registryConfigDir }),
    '',
  ].join('\n')
}

function table(name: string, entries: Readonly<Record<string, string | number | boolean>>): string {
  return `\n[${name}]\n${Object.entries(entries)
    .map(([key, value]) => entry(key, value))
    .join('\n')}`
}

/** JSON's strings, numbers and booleans are TOML's, too. */
function entry(key: string, value: string | number | boolean): string {
  return `${key} = ${JSON.stringify(value)}`
}
