// What `/version` says: which Kubernetes this server behaves like, and what it is made with.

import { arch, platform, version as nodeVersion } from 'node:process'

/** The Kubernetes whose behaviour is the specification. */
export const KUBERNETES_VERSION = 'v1.36.0'

/** `version.Info` of upstream; the field of the Go version says the Node version. */
export interface VersionInfo {
  major: string
  minor: string
  emulationMajor: string
  emulationMinor: string
  minCompatibilityMajor: string
  minCompatibilityMinor: string
  gitVersion: string
  gitCommit: string
  gitTreeState: string
  buildDate: string
  goVersion: string
  compiler: string
  platform: string
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64' }

/** A build that was stamped says its commit and date. */
export function versionInfo(stamp: Partial<Pick<VersionInfo, 'gitCommit' | 'buildDate'>> = {}): VersionInfo {
  const [major = '', minor = ''] = KUBERNETES_VERSION.slice(1).split('.')
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: `${KUBERNETES_VERSION}+drover`,
    gitCommit: stamp.gitCommit ?? '',
    gitTreeState: 'clean',
    buildDate: stamp.buildDate ?? '1970-01-01T00:00:00Z',
    goVersion: `node${nodeVersion}`,
    compiler: 'node',
    platform: `${platform}/${ARCHITECTURES[arch] ?? arch}`,
  }
}
