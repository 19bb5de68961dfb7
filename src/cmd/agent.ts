// The program `drover agent`: one node with its containerd, its pods, their network and the services they reach.

import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { systemClock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { writeFileAtomic } from '../base/node/files.ts'
import { UserError } from '../base/node/user-error.ts'
import { systemRandom } from '../base/random.ts'
import { endpointSlices } from '../api/discovery/endpoint-slice.ts'
import { type Node, nodes as nodeResource } from '../api/core/node/node.ts'
import { pods as podResource } from '../api/core/pod/pod.ts'
import { services } from '../api/core/service/service.ts'
import { type HttpClient, httpClient } from '../client/http.ts'
import { type Informer, startInformer } from '../client/informer.ts'
import { readNodePki } from '../cluster/pki.ts'
import { cniDirectory } from '../cluster/preflight.ts'
import { KUBERNETES_VERSION } from '../cluster/version.ts'
import { runCommand } from '../netlink/command.ts'
import { checkNetwork } from '../netlink/preflight.ts'
import { startAgent } from '../node/agent.ts'
import { Cgroups } from '../node/cgroup/cgroups.ts'
import { type Hierarchy, parseHierarchy } from '../node/cgroup/hierarchy.ts'
import { socketOf } from '../node/containerd/config.ts'
import { type ContainerdOptions, findContainerd, startContainerd } from '../node/containerd/containerd.ts'
import { CriClient } from '../node/cri/cri-client.ts'
import { startPodNetwork } from '../pod-network/pod-network.ts'
import { startServiceProxy } from '../proxy/service-proxy.ts'
import { openLog, parseFlags, untilStopped } from './process.ts'

const HELP = `Usage: drover agent --server URL --cluster NAME --node-name NAME --node-ip IP --data-dir DIR --run-dir DIR [flags]
Runs one node in the foreground. Its certificates are in DIR/pki of the data directory.

  --server URL               the API server
  --cluster NAME             the cluster, by which the node's traces on this machine are named
  --node-name NAME           the node's name
  --node-ip IP               the address under which other nodes and the server reach it
  --data-dir DIR             what outlives a reboot: certificates, containerd's images, pods' volumes and logs
  --run-dir DIR              what does not: sockets and pid files; a short path
  --cgroup-root PATH         cgroup of all pods (default /drover-CLUSTER.NODE)
  --cluster-cidr CIDR        network of the pods (default 10.244.0.0/16)
  --service-cidr CIDR        network of the services (default 10.96.0.0/16)
  --images DIR               image store to serve to this node's containerd
  --log-file FILE            write the log there instead of to standard error
  --log-level LEVEL          error, warn, info, debug or trace (default info)
`

const FLAGS = {
  server: { type: 'string' },
  cluster: { type: 'string' },
  'node-name': { type: 'string' },
  'node-ip': { type: 'string' },
  'data-dir': { type: 'string' },
  'run-dir': { type: 'string' },
  'cgroup-root': { type: 'string' },
  'cluster-cidr': { type: 'string', default: '10.244.0.0/16' },
  'service-cidr': { type: 'string', default: '10.96.0.0/16' },
  images: { type: 'string' },
  'log-file': { type: 'string' },
  'log-level': { type: 'string', default: 'info' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

interface AgentSettings {
  readonly server: string
  readonly cluster: string
  readonly node: string
  readonly address: string
  readonly data: string
  readonly run: string
  readonly cgroupRoot: string
  readonly clusterCIDR: string
  readonly images: string | undefined
}

/** containerd is looked at this often; when it died it is started again. */
const CONTAINERD_LOOK_MS = 500

export async function runAgent(args: readonly string[]): Promise<void> {
  const flags = parseFlags(args, FLAGS, 'agent')
  if (flags.help) {
    process.stdout.write(HELP)
    return
  }
  const log = openLog({ file: flags['log-file'], level: flags['log-level'] })
  const settings = settingsOf(flags)
  const stop = new AbortController()
  const stopped = untilStopped()
  stopped.then(
    () => stop.abort(new Error('The agent is stopping')),
    () => {},
  )
  await using stack = new AsyncDisposableStack()
  await startNode(settings, { log, stack, signal: stop.signal })
  log.info('Running', { node: settings.node, milliseconds: Math.round(performance.now()) })
  log.info('Stopping', { signal: await stopped })
}

function settingsOf(flags: { readonly [flag: string]: string | boolean | undefined }): AgentSettings {
  const text = (flag: string): string => {
    const value = flags[flag]
    if (typeof value === 'string' && value !== '') return value
    throw new UserError(`drover agent needs --${flag}`, { remedy: 'see: drover agent --help', exitCode: 2 })
  }
  const cluster = text('cluster')
  const node = text('node-name')
  const root = flags['cgroup-root']
  const images = flags['images']
  return {
    server: text('server'),
    cluster,
    node,
    address: text('node-ip'),
    data: resolve(text('data-dir')),
    run: resolve(text('run-dir')),
    cgroupRoot: typeof root === 'string' ? root : `/drover-${cluster}.${node}`,
    clusterCIDR: text('cluster-cidr'),
    images: typeof images === 'string' ? resolve(images) : undefined,
  }
}

interface Running {
  readonly log: Logger
  /** What is started is ended in reverse. */
  readonly stack: AsyncDisposableStack
  readonly signal: AbortSignal
}

async function startNode(settings: AgentSettings, running: Running): Promise<void> {
  const { log, stack, signal } = running
  const { node, data } = settings
  const pki = readNodePki(join(data, 'pki'))
  if (!pki)
    throw new UserError(`The node has no certificates in "${join(data, 'pki')}"`, {
      remedy: `start it with: drover up -n ${settings.cluster}`,
    })
  const containerd = containerdOptions(settings)
  if (settings.images !== undefined) await serveImages(settings.images, containerd.registryConfigDir, running)
  const [{ socket }, network] = await Promise.all([
    startContainerd(containerd, { clock: systemClock, log, signal }),
    checkNetwork(runCommand),
  ])
  const [problem] = network.problems
  if (problem) throw new UserError(`The node cannot have a network: ${problem.what}`, { remedy: problem.remedy })
  for (const { what, remedy } of network.warnings) log.warn('Found a limit of this machine', { what, remedy })
  keepContainerd(containerd, running)

  const { certificate, key } = pki.client
  const { caCertificate: ca } = pki
  const client = stack.use(httpClient({ server: settings.server, ca, certificate, key, userAgent: 'kubelet' }))
  const runtime = stack.use(new CriClient({ socket, clock: systemClock, log }))
  const hierarchy: Hierarchy = parseHierarchy(readFileSync('/proc/self/mountinfo', 'utf8'))
  stack.use(
    await startAgent({
      client,
      runtime,
      cgroups: new Cgroups({ hierarchy, root: settings.cgroupRoot, clock: systemClock }),
      nodeName: node,
      nodeIPs: [settings.address],
      clock: systemClock,
      random: systemRandom,
      log: log.child({ component: 'kubelet' }),
      dataDir: data,
      dns: { servers: [], domain: 'cluster.local' },
      version: KUBERNETES_VERSION,
      pid: process.pid,
      server: {
        host: settings.address,
        port: 10250,
        certificate: pki.serving.certificate,
        key: pki.serving.key,
        clientCA: pki.caCertificate,
        authorize: ({ commonName }) => commonName === 'kube-apiserver-kubelet-client',
      },
    }),
  )
  startNetwork(settings, { ...running, client, bridgeNetfilter: network.bridgeNetfilter })
}

function containerdOptions({ data, run }: AgentSettings): ContainerdOptions {
  const cniBinDir = cniDirectory()
  if (cniBinDir === undefined)
    throw new UserError('The CNI plugins are missing', { remedy: 'apt-get install containernetworking-plugins' })
  const environment: Record<string, string> = { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin' }
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']) {
    const value = process.env[name]
    if (value) environment[name] = value
  }
  return {
    paths: { root: join(data, 'containerd'), state: join(run, 'c') },
    cniBinDir,
    cniConfDir: join(data, 'cni'),
    registryConfigDir: join(data, 'registry'),
    environment,
  }
}

/** The cluster's image store as a registry on this node's loopback, and containerd pointed at it. */
async function serveImages(directory: string, configDirectory: string, { log, stack }: Running): Promise<void> {
  const { openImageStore } = await import('../oci/store.ts')
  const { startRegistry } = await import('../oci/registry.ts')
  const { containerdHostsToml, DEFAULT_HOSTS_FILE } = await import('../oci/containerd-hosts.ts')
  const store = await openImageStore({ directory, clock: systemClock, random: systemRandom })
  const host = '127.0.0.1'
  const registry = stack.use(await startRegistry({ store, host, port: 0, log: log.child({ component: 'registry' }) }))
  const file = join(configDirectory, DEFAULT_HOSTS_FILE)
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o755 })
  writeFileAtomic(file, containerdHostsToml({ host, port: registry.port }), { mode: 0o644 })
}

/** Starts containerd again when it died; its containers live on meanwhile. */
function keepContainerd(options: ContainerdOptions, { log, signal }: Running): void {
  const look = async (): Promise<void> => {
    if (signal.aborted) return
    try {
      if (!findContainerd(options.paths)) {
        log.warn('Found containerd dead', { socket: socketOf(options.paths) })
        await startContainerd(options, { clock: systemClock, log, signal })
      }
    } catch (error) {
      if (!signal.aborted) log.error('Could not start containerd', { error })
    }
    later()
  }
  const later = (): void => {
    systemClock.after(CONTAINERD_LOOK_MS, () => void look())
  }
  later()
}

interface Networking extends Running {
  readonly client: HttpClient
  readonly bridgeNetfilter: boolean
}

function startNetwork(settings: AgentSettings, { client, bridgeNetfilter, ...running }: Networking): void {
  const { stack } = running
  const { cluster, node, data, clusterCIDR, address } = settings
  const network = { clock: systemClock, log: running.log.child({ component: 'network' }) }
  const proxy = { clock: systemClock, log: running.log.child({ component: 'proxy' }) }
  const nodes = stack.use(startInformer({ ...network, client, resource: nodeResource }))
  const place = { cluster, node, clusterCIDR, ipamDir: join(data, 'ipam'), cniConfDir: join(data, 'cni') }
  stack.use(startPodNetwork({ ...network, ...place, nodes, bridgeNetfilter, run: runCommand }))

  const fieldSelector = `spec.nodeName=${node}`
  const serviceProxy = stack.use(
    startServiceProxy({
      ...proxy,
      services: stack.use(startInformer({ ...proxy, client, resource: services })),
      endpointSlices: stack.use(startInformer({ ...proxy, client, resource: endpointSlices })),
      pods: stack.use(startInformer({ ...proxy, client, resource: podResource, fieldSelector })),
      node: () => {
        const podCIDR = podCIDROf(nodes, node)
        return {
          cluster,
          name: node,
          addresses: [address],
          clusterCIDR,
          ...(podCIDR === undefined ? {} : { podCIDR }),
          bridgeNetfilter,
        }
      },
      run: runCommand,
    }),
  )
  let known: string | undefined
  nodes.onChange(() => {
    const podCIDR = podCIDROf(nodes, node)
    if (podCIDR === known) return
    known = podCIDR
    serviceProxy.nodeChanged()
  })
}

function podCIDROf(nodes: Informer<Node>, name: string): string | undefined {
  return nodes.get({ name })?.spec?.podCIDR
}
