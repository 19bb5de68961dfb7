// What the flags of `drover agent` say, and what stands for those that were left out on a machine that joins a cluster elsewhere.

import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { UserError } from '../base/node/user-error.ts'
import { parseToken } from '../api/core/bootstrap-token.ts'
import { cgroupOf, nodeDataOf, nodeRunOf, placesOf } from '../cluster/places.ts'
import { parseThresholds, type Threshold, THRESHOLDS } from '../node/eviction/decide.ts'
import { IMAGE_GARBAGE_POLICY, type ImageGarbagePolicy } from '../node/images/garbage.ts'

export const HELP = `Usage: drover agent --server URL [--token TOKEN (--ca-hash HASH | --ca-file FILE)] [flags]
Runs one node in the foreground. The first time, a machine joins with a token (drover token create); from then on it has certificates of its own and renews them.

  --server URL               the API server
  --token TOKEN              a bootstrap token
  --ca-hash sha256:HASH      the cluster's authority, by the hash of its public key
  --ca-file FILE             the cluster's authority, in PEM
  --cluster NAME             by this the node's traces on this machine are named (default joined)
  --node-name NAME           the node's name (default: the host's)
  --node-ip IP               the address under which other nodes and the server reach it (default: the one that the way to the server begins with)
  --data-dir DIR             what outlives a reboot: certificates, images, volumes, logs (default /var/lib/drover/CLUSTER/nodes/NODE)
  --run-dir DIR              what does not: sockets and pid files; a short path (default /run/drover/CLUSTER/NODE)
  --cgroup-root PATH         cgroup of all pods (default /drover-CLUSTER.NODE)
  --cluster-cidr CIDR        network of the pods (default: as the cluster says, else 10.244.0.0/16)
  --service-cidr CIDR        network of the services (default 10.96.0.0/16)
  --images DIR               image store to serve to this node's containerd (default DATA-DIR/images)
  --eviction-hard LIST       when pods have to go (default memory.available<100Mi,nodefs.available<10%,…, as a kubelet's)
  --image-gc-high-threshold PERCENT
                             of the disk in use from which unused images are removed; 100: never (default 85)
  --image-gc-low-threshold PERCENT
                             of the disk in use down to which they are (default 80)
  --log-file FILE            write the log there instead of to standard error
  --log-level LEVEL          error, warn, info, debug or trace (default info)

To take the node off this machine again: kubectl delete node NODE; drover down -n CLUSTER
`

export const FLAGS = {
  server: { type: 'string' },
  token: { type: 'string' },
  'ca-hash': { type: 'string' },
  'ca-file': { type: 'string' },
  cluster: { type: 'string' },
  'node-name': { type: 'string' },
  'node-ip': { type: 'string' },
  'data-dir': { type: 'string' },
  'run-dir': { type: 'string' },
  'cgroup-root': { type: 'string' },
  'cluster-cidr': { type: 'string' },
  'service-cidr': { type: 'string', default: '10.96.0.0/16' },
  images: { type: 'string' },
  'eviction-hard': { type: 'string' },
  'image-gc-high-threshold': { type: 'string', default: '85' },
  'image-gc-low-threshold': { type: 'string', default: '80' },
  'log-file': { type: 'string' },
  'log-level': { type: 'string', default: 'info' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** How a machine that has no certificates yet meets the cluster. */
export interface Admission {
  readonly token: string
  readonly caCertificate?: string
  readonly caHash?: string
}

export interface AgentSettings {
  readonly server: string
  readonly cluster: string
  readonly node: string
  /** Undefined: to be found out. */
  readonly address: string | undefined
  readonly data: string
  readonly run: string
  readonly cgroupRoot: string
  /** Undefined: as the cluster says. */
  readonly clusterCIDR: string | undefined
  readonly images: string
  readonly admission: Admission | undefined
  readonly evictionThresholds: readonly Threshold[]
  readonly imageGarbage: ImageGarbagePolicy
  /** Where the agent says that it runs, when nobody else does. */
  readonly pidFile: string | undefined
}

const DEFAULT_CLUSTER = 'joined'

export function settingsOf(
  flags: { readonly [flag: string]: string | boolean | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): AgentSettings {
  const given = (flag: string): string | undefined => {
    const value = flags[flag]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const server = given('server')
  if (server === undefined) throw wrong('drover agent needs --server', 'see: drover agent --help')
  if (!URL.canParse(server) || new URL(server).protocol !== 'https:')
    throw wrong(`"${server}" is not the URL of an API server`, 'use one like https://10.0.0.1:6443')
  const cluster = given('cluster') ?? DEFAULT_CLUSTER
  const node = given('node-name') ?? hostname().toLowerCase()
  if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(node))
    throw wrong(`"${node}" is not a name for a node`, 'name one: --node-name NAME (small letters, digits, "-" and ".")')
  const roots = {
    data: environment['DROVER_DATA'] ?? '/var/lib/drover',
    run: environment['DROVER_RUN'] ?? '/run/drover',
  }
  const places = placesOf(roots, cluster)
  const data = resolve(given('data-dir') ?? nodeDataOf(places, node))
  return {
    server,
    cluster,
    node,
    address: given('node-ip'),
    data,
    run: resolve(given('run-dir') ?? nodeRunOf(places, node)),
    cgroupRoot: given('cgroup-root') ?? cgroupOf(cluster, node),
    clusterCIDR: given('cluster-cidr'),
    images: resolve(given('images') ?? join(data, 'images')),
    admission: admissionOf(given('token'), given('ca-hash'), given('ca-file')),
    evictionThresholds: thresholdsOf(given('eviction-hard')),
    imageGarbage: garbageOf(given('image-gc-high-threshold'), given('image-gc-low-threshold')),
    pidFile: given('run-dir') === undefined ? join(places.run, `agent-${node}.pid`) : undefined,
  }
}

function thresholdsOf(text: string | undefined): readonly Threshold[] {
  if (text === undefined) return THRESHOLDS
  const thresholds = parseThresholds(text)
  if (thresholds !== undefined) return thresholds
  throw wrong(`"${text}" is no list for --eviction-hard`, 'use one like memory.available<100Mi,nodefs.available<10%')
}

function garbageOf(high = '', low = ''): ImageGarbagePolicy {
  const [highPercent, lowPercent] = [Number(high), Number(low)]
  const share = (percent: number): boolean => Number.isInteger(percent) && percent >= 0 && percent <= 100
  if (share(highPercent) && share(lowPercent) && lowPercent < highPercent)
    return { ...IMAGE_GARBAGE_POLICY, highPercent, lowPercent }
  throw wrong(
    `${high} and ${low} are no thresholds for removing images`,
    'use whole percents, the low one below the high one',
  )
}

function admissionOf(
  token: string | undefined,
  caHash: string | undefined,
  caFile: string | undefined,
): Admission | undefined {
  if (token === undefined) return undefined
  if (parseToken(token) === undefined)
    throw wrong('The value of --token is not a bootstrap token', 'make one where the cluster runs: drover token create')
  if (caFile !== undefined) return { token, caCertificate: readAuthority(caFile) }
  if (caHash === undefined)
    throw wrong(
      'A token alone does not tell the cluster from somebody in between',
      'give --ca-hash or --ca-file too: drover token create prints both',
    )
  if (!/^sha256:[0-9a-fA-F]{64}$/.test(caHash))
    throw wrong(`"${caHash}" is not a hash for --ca-hash`, 'use what drover token create printed: sha256:…')
  return { token, caHash }
}

function readAuthority(file: string): string {
  try {
    const text = readFileSync(file, 'utf8')
    if (/-----BEGIN CERTIFICATE-----/.test(text)) return text
  } catch {
    // Said below.
  }
  throw wrong(`"${file}" holds no certificate for --ca-file`, "use the cluster's pki/ca.crt")
}

const wrong = (message: string, remedy: string): UserError => new UserError(message, { remedy, exitCode: 2 })
