// How containerd (1.6 and later) is told to ask our registry first: the one place for these file names and settings.

/** `hosts.toml` lies here, below the registry plugin's `config_path`; containerd reads it for every registry without a directory of its own. */
export const DEFAULT_HOSTS_FILE = '_default/hosts.toml'

/** The content of `_default/hosts.toml`. What our registry lacks (404) containerd goes on to ask of the image's own registry. */
export function containerdHostsToml({ host, port }: { host: string; port: number }): string {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return `# Written by Drover: images loaded with "drover image load" come from here.\n[host."http://${address}"]\n  capabilities = ["pull", "resolve"]\n`
}

/** The part of containerd's config.toml (version 2) that points at the directory of host files. */
export function containerdRegistryToml(configPath: string): string {
  return `[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = ${JSON.stringify(configPath)}\n`
}
