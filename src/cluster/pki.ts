// The certificates of a cluster, as files in its data directory; whatever is missing, wrong or near its end is issued anew.

import { mkdirSync } from 'node:fs'
import type { NetworkInterfaceInfo } from 'node:os'
import { join } from 'node:path'
import {
  type CertificateSources,
  createAuthority,
  createSigningKey,
  type Credentials,
  isCurrent,
  issueCertificate,
  type LeafRequest,
} from '../base/node/certificates.ts'
import { readTextIfExists, writeFileAtomic } from '../base/node/files.ts'
import { UserError } from '../base/node/user-error.ts'

export interface ServerPki {
  /** PEM. */
  readonly caCertificate: string
  readonly serving: Credentials
  /** With which the server calls the nodes. */
  readonly kubeletClient: Credentials
  /** With which it passes requests on to aggregated API servers, and the authority that vouches for that alone. */
  readonly frontProxy: Credentials & { readonly ca: string }
  /** PEM of the key that service account tokens are signed with. */
  readonly serviceAccountKey: string
}

export interface NodePki {
  readonly caCertificate: string
  /** As which the agent calls the server. */
  readonly client: Credentials
  /** With which it answers the server. */
  readonly serving: Credentials
}

/** Opens the authority, or makes one. */
export function ensureAuthority(directory: string, sources: CertificateSources): Credentials {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const present = read(directory, 'ca')
  if (present !== undefined) return present
  if (readTextIfExists(join(directory, 'ca.crt')) !== undefined)
    throw new UserError(`Cannot use "${directory}": the key of the authority is missing`, {
      remedy: 'put "ca.key" back, or delete the cluster with its data: drover down',
    })
  const authority = createAuthority('kubernetes-ca', sources)
  write(directory, 'ca', authority)
  return authority
}

/** `addresses`: under what the server is reached besides the names that it always has. */
export function ensureServerPki(
  directory: string,
  addresses: readonly string[],
  sources: CertificateSources,
): ServerPki {
  const authority = ensureAuthority(directory, sources)
  const keyFile = join(directory, 'sa.key')
  let serviceAccountKey = readTextIfExists(keyFile)
  if (serviceAccountKey === undefined) {
    serviceAccountKey = createSigningKey()
    writeFileAtomic(keyFile, serviceAccountKey)
  }
  const serving: LeafRequest = {
    commonName: 'kube-apiserver',
    usages: ['server'],
    names: [
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
      'localhost',
      '127.0.0.1',
      '::1',
      ...addresses,
    ],
  }
  const kubeletClient: LeafRequest = {
    commonName: 'kube-apiserver-kubelet-client',
    organizations: ['system:masters'],
    usages: ['client'],
  }
  return {
    caCertificate: authority.certificate,
    serving: ensure(directory, 'apiserver', { authority, request: serving, sources }),
    kubeletClient: ensure(directory, 'apiserver-kubelet-client', { authority, request: kubeletClient, sources }),
    frontProxy: ensureFrontProxy(directory, sources),
    serviceAccountKey,
  }
}

/** An authority of its own: whoever has a certificate of it may speak for anybody. */
function ensureFrontProxy(directory: string, sources: CertificateSources): ServerPki['frontProxy'] {
  let authority = read(directory, 'front-proxy-ca')
  if (authority === undefined) {
    authority = createAuthority('front-proxy-ca', sources)
    write(directory, 'front-proxy-ca', authority)
  }
  const request: LeafRequest = { commonName: 'front-proxy-client', usages: ['client'] }
  return { ...ensure(directory, 'front-proxy-client', { authority, request, sources }), ca: authority.certificate }
}

/** Under what machines reach a server here besides its names: the addresses of this machine, those of clusters' own networks left out. */
export function reachableNames(interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>, host: string): string[] {
  const addresses = Object.entries(interfaces).flatMap(([link, infos]) =>
    /^(dr[bnu]-|veth)/.test(link)
      ? []
      : (infos ?? []).flatMap(({ address, internal, scopeid }) => (internal || scopeid ? [] : [address])),
  )
  return [...new Set([...addresses, ...(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host) ? [host] : [])])]
}

/** The administrator's certificate, for the kubeconfig. */
export function ensureAdmin(directory: string, sources: CertificateSources): Credentials & { caCertificate: string } {
  const authority = ensureAuthority(directory, sources)
  const request: LeafRequest = {
    commonName: 'kubernetes-admin',
    organizations: ['system:masters'],
    usages: ['client'],
  }
  return { ...ensure(directory, 'admin', { authority, request, sources }), caCertificate: authority.certificate }
}

/** A node's certificates, in a directory of the node's own. */
export function ensureNodePki(
  { authority, directory }: { authority: Credentials; directory: string },
  { name, addresses }: { name: string; addresses: readonly string[] },
  sources: CertificateSources,
): NodePki {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  writeFileAtomic(join(directory, 'ca.crt'), authority.certificate)
  const organizations = ['system:nodes']
  const commonName = `system:node:${name}`
  return {
    caCertificate: authority.certificate,
    client: ensure(directory, 'kubelet-client', {
      authority,
      request: { commonName, organizations, usages: ['client'] },
      sources,
    }),
    serving: ensure(directory, 'kubelet', {
      authority,
      request: { commonName, organizations, usages: ['server'], names: [name, '127.0.0.1', ...addresses] },
      sources,
    }),
  }
}

/** The certificates of a node as `ensureNodePki` left them. */
export function readNodePki(directory: string): NodePki | undefined {
  const caCertificate = readTextIfExists(join(directory, 'ca.crt'))
  const client = read(directory, 'kubelet-client')
  const serving = read(directory, 'kubelet')
  return caCertificate && client && serving ? { caCertificate, client, serving } : undefined
}

export function writeNodePki(directory: string, { caCertificate, client, serving }: NodePki): void {
  writeFileAtomic(join(directory, 'ca.crt'), caCertificate)
  write(directory, 'kubelet-client', client)
  write(directory, 'kubelet', serving)
}

interface Wanted {
  readonly authority: Credentials
  readonly request: LeafRequest
  readonly sources: CertificateSources
}

function ensure(directory: string, name: string, { authority, request, sources }: Wanted): Credentials {
  const present = read(directory, name)
  if (present && isCurrent(present, { authority, request, clock: sources.clock })) return present
  const issued = issueCertificate(authority, request, sources)
  write(directory, name, issued)
  return issued
}

function read(directory: string, name: string): Credentials | undefined {
  const certificate = readTextIfExists(join(directory, `${name}.crt`))
  const key = readTextIfExists(join(directory, `${name}.key`))
  return certificate === undefined || key === undefined ? undefined : { certificate, key }
}

/** The key first: a certificate without its key is of no use, a key without its certificate is replaced. */
function write(directory: string, name: string, { certificate, key }: Credentials): void {
  writeFileAtomic(join(directory, `${name}.key`), key)
  writeFileAtomic(join(directory, `${name}.crt`), certificate, { mode: 0o644 })
}
