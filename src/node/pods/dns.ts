// Where a pod looks up names: the cluster's resolver, the node's, or what the pod says. Pure.

import type { DNSConfig } from '../cri/cri.ts'
import type { NodePod } from './model.ts'

export interface ClusterDns {
  /** Addresses of the cluster's resolvers; empty: pods use the node's. */
  readonly servers: readonly string[]
  /** As `cluster.local`. */
  readonly domain: string
}

/** The limits of upstream: what is beyond them is left out. */
const MAX_SERVERS = 3
const MAX_SEARCHES = 32
const MAX_SEARCH_CHARACTERS = 2048

export function parseResolvConf(text: string): Required<{ [K in keyof DNSConfig]: string[] }> {
  const result = { servers: [] as string[], searches: [] as string[], options: [] as string[] }
  for (const line of text.split('\n')) {
    const [word, ...rest] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    if (word === 'nameserver' && rest[0] !== undefined) result.servers.push(rest[0])
    // The last of these lines counts.
    if (word === 'search' || word === 'domain')
      result.searches = rest.map((d) => (d === '.' ? d : d.replace(/\.$/, '')))
    if (word === 'options') result.options = rest
  }
  return result
}

export function podDns(pod: NodePod, cluster: ClusterDns, hostResolvConf: string): DNSConfig {
  const { dnsPolicy = 'ClusterFirst', hostNetwork = false, dnsConfig = {} } = pod.spec
  const host = parseResolvConf(hostResolvConf)
  const wantsCluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork)
  let base = host
  if (dnsPolicy === 'None') base = { servers: [], searches: [], options: [] }
  else if (wantsCluster && cluster.servers.length > 0)
    base = {
      servers: [...cluster.servers],
      searches: [...clusterSearches(pod.metadata.namespace ?? '', cluster.domain), ...host.searches],
      options: ['ndots:5'],
    }
  const options = new Map(base.options.map((option) => [option.split(':')[0] ?? option, option]))
  for (const { name = '', value } of dnsConfig.options ?? [])
    options.set(name, value === undefined || value === '' ? name : `${name}:${value}`)
  return {
    servers: [...new Set([...base.servers, ...(dnsConfig.nameservers ?? [])])].slice(0, MAX_SERVERS),
    searches: withinLimits([...new Set([...base.searches, ...(dnsConfig.searches ?? [])])]),
    options: [...options.values()],
  }
}

function clusterSearches(namespace: string, domain: string): string[] {
  return [`${namespace}.svc.${domain}`, `svc.${domain}`, domain]
}

function withinLimits(searches: readonly string[]): string[] {
  const kept: string[] = []
  let length = 0
  for (const search of searches.slice(0, MAX_SEARCHES)) {
    length += search.length + 1
    if (length > MAX_SEARCH_CHARACTERS + 1) break
    kept.push(search)
  }
  return kept
}

const MAX_HOSTNAME = 63

/** The pod's own name for itself, and its full name where it has a subdomain. */
export function podHostname(pod: NodePod, domain: string): { hostname: string; fqdn?: string } {
  const { hostname, subdomain, hostnameOverride } = pod.spec
  if (hostnameOverride !== undefined && hostnameOverride !== '') return { hostname: hostnameOverride }
  const name = (hostname || pod.metadata.name).slice(0, MAX_HOSTNAME).replace(/[-.]+$/, '')
  if (subdomain === undefined || subdomain === '') return { hostname: name }
  return { hostname: name, fqdn: `${name}.${subdomain}.${pod.metadata.namespace ?? ''}.svc.${domain}` }
}

/** The pod's /etc/hosts. `hostFile`: the node's own, for pods on the host's network. */
export function hostsFile(pod: NodePod, ips: readonly string[], domain: string, hostFile: string | undefined): string {
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`)
  const extra = aliases.length === 0 ? [] : ['', '# Entries added by HostAliases.', ...aliases]
  if (hostFile !== undefined)
    return ['# Kubernetes-managed hosts file (host network).', hostFile.trimEnd(), ...extra, ''].join('\n')
  const { hostname, fqdn } = podHostname(pod, domain)
  const names = fqdn === undefined ? hostname : `${fqdn}\t${hostname}`
  return [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::\tip6-localnet',
    'fe00::\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...ips.map((ip) => `${ip}\t${names}`),
    ...extra,
    '',
  ].join('\n')
}
